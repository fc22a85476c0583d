"""Whose the rows are: the ownership role of each reference, from tables about people, words for people's parts, and the shape of the schema.

Ownership is a property of an edge, and a key alone never implies it. Where this is in doubt the role is the one that destroys least.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from privacy.discovery.proposals import Evidence
from privacy.discovery.relations.candidate import Candidate
from privacy.discovery.relations.scenes import Scene
from privacy.discovery.relations.words import RelationWords
from privacy.inventory.relations import Ownership

_OF_NOBODY = frozenset({"organisation", "thing", "public_person"})
_CARRIED = frozenset({"address", "phone", "email", "name", "national_id", "bank_account", "bank_card", "precise_location"})
_MANY = 5


class Owners:
    """Assigns roles to the references of one schema. `kinds` gives the part that a column's name gives somebody (`handler`, `receiver`, `owner`)."""

    def __init__(self, edges: Sequence[Candidate], kinds: Mapping[tuple[str, str], str], about: Mapping[str, str], words: RelationWords) -> None:
        self._edges, self._kinds, self._about, self._words = edges, kinds, about, words
        self._from: dict[str, list[Candidate]] = defaultdict(list)
        for edge in edges:
            self._from[edge.child.table.name].append(edge)
        self._people = self._tables_of_people()
        self._direct = {edge.ends: self._to_people(edge) for edge in edges if self._is_person(edge.parent)}
        self._owned = self._closure()

    def role(self, edge: Candidate) -> tuple[Ownership, Evidence]:
        """Return the role of a reference, with the reason."""
        if edge.ends in self._direct:
            return self._direct[edge.ends]
        if edge.child is edge.parent:
            if self._is_owned(edge.child):
                return Ownership.ACCESSED_BY, _why("another row of the same table may be somebody else's")
            return Ownership.REF, _why("rows of this table belong to nobody")
        if edge.parent.table.name in self._owned:
            return self._to_owned(edge)
        return self._to_things(edge)

    def _tables_of_people(self) -> set[str]:
        """Return the tables whose rows are people: by their names, or by their columns where they refer to no others (an order holds a recipient's name)."""
        scenes = {scene.table.name: scene for edge in self._edges for scene in (edge.child, edge.parent) if scene.person}
        named = {name for name, scene in scenes.items() if scene.staff or self._about.get(name) == "person"}
        told = {name for name in scenes.keys() - named if not any(other.parent.table.name in named for other in self._from[name])}
        return named | told

    def _is_person(self, scene: Scene) -> bool:
        return scene.table.name in self._people

    # -- to people ---------------------------------------------------------------------------------------------------------------------

    def _to_people(self, edge: Candidate) -> tuple[Ownership, Evidence]:
        people = edge.parent.table.name
        kind = self._kind(edge)
        if edge.child is edge.parent:
            return Ownership.HANDLED_BY, _why(f"one of {people} refers to another: neither owns the other's row")
        if edge.parent.staff:
            if kind != "handler" and self._about_staff(edge):
                return Ownership.OWNED_BY, _why(f"{edge.child.table.name} holds rows about {people} themselves")
            return Ownership.HANDLED_BY, _why(f"{people} are staff: they work on rows of others")
        if self._about.get(edge.child.table.name) == "organisation" or self._is_reference(edge.child):
            return Ownership.HANDLED_BY, _why(f"{edge.child.table.name} is no row of one person: the reference names its contact")
        if kind == "handler":
            return Ownership.HANDLED_BY, _why("the column names who worked on the row")
        if kind == "receiver" and self._has_other_person(edge):
            return Ownership.ACCESSED_BY, _why("the column names who receives it, another one whose it is")
        if self._joins_to_others(edge):
            return Ownership.ACCESSED_BY, _why("a list of who takes part in something that is somebody's")
        return Ownership.OWNED_BY, _why(f"a reference to {people}, who are people")

    def _kind(self, edge: Candidate) -> str:
        return edge.role_word if edge.role_word in ("handler", "receiver", "owner") else self._kinds.get((edge.child.table.name, edge.child_columns[0]), "")

    def _about_staff(self, edge: Candidate) -> bool:
        """Does the child hold the employee's own rows: salaries, leave, or a table named after them?"""
        words = set(edge.child.name.words) | {word for alias in edge.child.aliases for word in (alias.text,)}
        others = (other for other in self._from[edge.child.table.name] if other.child_columns != edge.child_columns)
        if any(self._is_person(other.parent) and not other.parent.staff for other in others):
            return False
        told = any(not word.isascii() and word in alias.text for word in self._words["roles.employment"] for alias in edge.child.aliases)
        return told or bool(words & self._words["roles.employment"])

    def _has_other_person(self, edge: Candidate) -> bool:
        return any(
            other.ends != edge.ends and self._is_person(other.parent) and not other.parent.staff and self._kind(other) in ("", "owner")
            for other in self._from[edge.child.table.name]
        )

    def _joins_to_others(self, edge: Candidate) -> bool:
        """Is the child a bare list of pairs (who, what), where the other side belongs to people by a reference of its own?"""
        references = {column for other in self._from[edge.child.table.name] for column in other.child_columns}
        if len(references) < 2 or not set(edge.child.key) <= references or len(edge.child.key) < 2:
            return False
        others = [other.parent for other in self._from[edge.child.table.name] if other.ends != edge.ends and not self._is_person(other.parent)]
        return any(self._has_owner(other) for other in others)

    def _has_owner(self, scene: Scene) -> bool:
        return any(
            self._is_person(edge.parent) and edge.parent is not scene and not edge.parent.staff and self._kind(edge) != "handler"
            for edge in self._from[scene.table.name]
        )

    # -- to what people own ------------------------------------------------------------------------------------------------------------

    def _to_owned(self, edge: Candidate) -> tuple[Ownership, Evidence]:
        direct = [role for other in self._from[edge.child.table.name] if (role := self._direct.get(other.ends)) and role[0] is Ownership.OWNED_BY]
        if self._is_person(edge.child):
            return Ownership.ACCESSED_BY, _why("people refer to a row that may be somebody else's")
        if direct and self._answers(edge.child):
            return Ownership.ACCESSED_BY, _why("an answer to somebody's row belongs to whom wrote it")
        return Ownership.OWNED_BY, _why(f"part of a row of {edge.parent.table.name}, which belongs to people")

    def _answers(self, scene: Scene) -> bool:
        words = self._words["roles.answer"]
        han = [word for word in words if not word.isascii()]
        return bool(words & {scene.name.words[-1]}) or any(word in alias.text for alias in scene.aliases for word in han)

    # -- to things ---------------------------------------------------------------------------------------------------------------------

    def _to_things(self, edge: Candidate) -> tuple[Ownership, Evidence]:
        parent = edge.parent
        if not self._is_owned(edge.child) or self._is_reference(parent) or self._about.get(parent.table.name) in _OF_NOBODY:
            return Ownership.REF, _why(f"{parent.table.name} holds no rows of people")
        if parent.personal & _CARRIED:
            return Ownership.OWNS, _why(f"{parent.table.name} holds personal data of whom the row with the reference belongs to")
        return Ownership.REF, _why(f"{parent.table.name} holds no rows of people")

    def _is_reference(self, scene: Scene) -> bool:
        return bool(self._words["roles.reference"] & {scene.name.words[-1]}) or any(alias.text in self._words["roles.reference"] for alias in scene.aliases)

    # -- closure -----------------------------------------------------------------------------------------------------------------------

    def _is_owned(self, scene: Scene) -> bool:
        return self._is_person(scene) or scene.table.name in self._owned

    def _closure(self) -> set[str]:
        """Return the tables whose rows belong to people, directly or through other rows. Tables of people themselves are not in it."""
        owned = {
            edge.child.table.name for edge in self._edges if (role := self._direct.get(edge.ends)) and role[0] in _OWNING and not self._is_person(edge.child)
        }
        while True:
            more = {
                edge.child.table.name
                for edge in self._edges
                if edge.parent.table.name in owned and edge.child.table.name not in owned and not self._is_person(edge.child) and edge.child is not edge.parent
            }
            if not more:
                return owned
            owned |= more


_OWNING = (Ownership.OWNED_BY, Ownership.ACCESSED_BY)


def _why(detail: str) -> Evidence:
    return Evidence("role", detail, 0.0)
