"""What names and comments say: for each column, the tables whose keys it may hold. An index by joined words keeps this linear in the schema."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from privacy.discovery.relations.candidate import Candidate, suggest
from privacy.discovery.relations.groups import GroupRules
from privacy.discovery.relations.naming import Naming
from privacy.discovery.relations.reading import ColumnReader, Form
from privacy.discovery.relations.scenes import Part, Scene
from privacy.discovery.relations.types import compatible, is_text
from privacy.discovery.relations.words import RelationWords

_WORD_IN_COMMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,63}(?:\.[A-Za-z_][A-Za-z0-9_]{0,63})?")
_SPOKEN = re.compile(r"关联|参考|外键|引用|对应|参照|refer|foreign|fk\b|see |link|join", re.IGNORECASE)
_NAMESAKES = 12  # a name that more tables share means none of them
_BEFORE, _WITHIN = "named with a word before", "named, within its own table, like"
_LOGINS = frozenset({"login", "loginname", "loginid", "username", "userlogin", "登录名", "用户名", "登录账号"})
_ANYBODY = "人者员方"  # what a Chinese word for a part ends with while it says nobody's kind
# between people of one table, whoever else there is
_AMONG_EQUALS = frozenset(
    {"referrer", "referredby", "referral", "recommender", "inviter", "invitedby", "spouse", "推荐人", "介绍人", "邀请人", "配偶", "tuijianren", "tjr"}
)


class NameRules:
    """Suggests references of one schema by names."""

    def __init__(self, scenes: Sequence[Scene], naming: Naming, words: RelationWords) -> None:
        self._scenes, self._naming, self._words = scenes, naming, words
        self._by_alias: dict[str, list[tuple[Scene, float]]] = defaultdict(list)
        self._by_key_name: dict[str, list[tuple[Scene, str]]] = defaultdict(list)
        self._people = [scene for scene in scenes if scene.person and scene.lone_key]
        self._by_table = {scene.table.name.lower(): scene for scene in scenes}
        self._by_table |= {scene.table.name.rpartition(".")[2].lower(): scene for scene in scenes}
        self._short: dict[str, list[tuple[Scene, float]]] = {}
        for scene in scenes:
            for alias in scene.aliases:
                self._by_alias[alias.text].append((scene, alias.weight))
        self._by_alias = defaultdict(list, {text: found for text, found in self._by_alias.items() if len(found) <= _NAMESAKES})
        for scene in scenes:
            for column in _nameable(scene):
                self._by_key_name[scene.parts[column].name.joined].append((scene, column))
        self._reader = ColumnReader(naming, words, self._by_alias)
        self._groups = GroupRules(scenes, naming, words, self._reader, self._by_alias, self._of_column)

    def of(self, scene: Scene) -> list[Candidate]:
        """Return the suggestions of one table, the best of each pair of ends."""
        best: dict[object, Candidate] = {}
        for candidate in [*self._lone(scene), *self._groups.of(scene)]:
            if candidate.ends not in best or best[candidate.ends].score < candidate.score:
                best[candidate.ends] = candidate
        return list(best.values())

    # -- one column --------------------------------------------------------------------------------------------------------------------

    def _lone(self, scene: Scene) -> Iterator[Candidate]:
        typed = self._groups.typed_pairs(scene)
        for part in scene.parts.values():
            if part.holds_keys and part.column.name not in typed:
                for candidate in self._of_column(scene, part):
                    if compatible(part, candidate.parent.parts[candidate.parent_columns[0]]) and not self._own_key(candidate) and not _copied(candidate):
                        yield candidate

    def _of_column(self, scene: Scene, part: Part) -> Iterator[Candidate]:
        forms = list(self._reader.forms(scene, part))
        yield from self._same_key_name(scene, part)
        yield from self._told_by_comment(scene, part)
        for form in forms:
            yield from self._self(scene, part, form)
            yield from self._named_like_a_table(scene, part, form)
            yield from self._role_word(scene, part, form)

    def _own_key(self, candidate: Candidate) -> bool:
        """Is the child column its table's own key? Only a row that extends another one shares its key."""
        if candidate.child.lone_key != candidate.child_columns[0]:
            return False
        if candidate.parent is candidate.child or candidate.rule not in ("same key", "table", "comment"):
            return True
        mine, theirs = (
            scene.parts[columns[0]] for scene, columns in ((candidate.child, candidate.child_columns), (candidate.parent, candidate.parent_columns))
        )
        bare = self._reader.bare(mine)
        # `customer_id` as the key of `customer_profile` is the customer's; `meta_id` as the key of two tables is each one's own
        shared = theirs.name == mine.name or bool(self._reader.mark(theirs.name.joined))
        return not shared or candidate.child.goes_by(bare) > 0.7 or candidate.parent.goes_by(bare) < 0.9

    # -- rules -------------------------------------------------------------------------------------------------------------------------

    def _same_key_name(self, scene: Scene, part: Part) -> Iterator[Candidate]:
        """`order_no` here and as a key there."""
        yield from self._same_login(scene, part)
        found = [(parent, column) for parent, column in self._by_key_name.get(part.name.joined, ()) if parent is not scene]
        for parent, column in found:
            key = parent.lone_key == column
            named = parent.goes_by(self._reader.bare(parent.parts[column]))
            score = (0.95 if key else 0.86) if named > 0.7 else (0.85 if key and len(found) == 1 else 0.62 if key else 0.5)
            detail = f"{part.column.name} is the name of {'the key' if key else 'a key-like column'} of {parent.table.name}"
            yield suggest(scene, part, parent, column, score, detail, "same key", needs_values=not key and named <= 0.7)

    def _same_login(self, scene: Scene, part: Part) -> Iterator[Candidate]:
        """A login log holds the login of somebody, under the same name."""
        if scene.person or not is_text(part) or part.short.joined not in _LOGINS:
            return
        for person in self._people:
            for column in self._logins(person):
                if person.parts[column].short.joined == part.short.joined:
                    detail = f"{part.column.name} is called as in {person.table.name}"
                    yield suggest(scene, part, person, column, 0.6, detail, "attribute")

    def _told_by_comment(self, scene: Scene, part: Part) -> Iterator[Candidate]:
        """A comment that spells a table: 关联 t_customer.id, references customers."""
        text = part.column.comment
        if not text or not _SPOKEN.search(text):
            return
        for word in _WORD_IN_COMMENT.findall(text):
            table, _, column = word.partition(".")
            parent = self._by_table.get(table.lower())
            if parent is None:
                continue
            target = next((name for name in parent.parts if name.lower() == column.lower()), parent.lone_key)
            if target:
                yield suggest(scene, part, parent, target, 0.97, f"the comment names {parent.table.name}", "comment", kind="comment")

    def _self(self, scene: Scene, part: Part, form: Form) -> Iterator[Candidate]:
        if not scene.lone_key or scene.lone_key == part.column.name:
            return
        peer = scene.person and form.joined in self._words["roles.peer"]
        word = self._self_word(scene, form)
        if not (word or peer) or not (form.mark or word == "whole" or not is_text(part) or is_text(scene.parts[scene.lone_key])):
            return
        # a customer's manager is one of the staff where there are any
        score = 0.88 if word or scene.staff or not any(person.staff for person in self._people) or form.joined in _AMONG_EQUALS else 0.6
        score *= form.weight * (1.0 if form.mark else 0.92)
        yield suggest(scene, part, scene, scene.lone_key, score, f"{part.column.name} names another row of the same table", "self", role="self")

    def _self_word(self, scene: Scene, form: Form) -> str:
        """`parent`, `parent_category` in categories, 上级部门 in 部门: which of them, or nothing."""
        words = self._words["roles.self"]
        if form.joined in words and not (form.mark and self._groups.plainly_a_table(form.words)):
            return form.joined
        among = words | self._words["roles.peer"] if scene.person else words
        for size in range(len(form.words) - 1, 0, -1):
            if "".join(form.words[:size]) in among and scene.goes_by("".join(form.words[size:])) > 0.7:
                return "whole"
        for size in range(1, len(form.words)):  # comment_parent in comments
            if scene.goes_by("".join(form.words[:size])) > 0.7 and "".join(form.words[size:]) in among:
                return "whole"
        first = form.words[0]
        if not first.isascii():
            ends = (first.removeprefix(word) for word in among if not word.isascii() and first.startswith(word))
            return "whole" if any(scene.goes_by(end) > 0.7 for end in ends if end) else ""
        if len(form.words) > 1 and form.words[-1] == "of":  # reversal_of, copy_of
            return form.joined
        # `pid`: the mark is part of the word
        return "pid" if form.mark == "key" and form.joined == "p" else ""

    def _named_like_a_table(self, scene: Scene, part: Part, form: Form) -> Iterator[Candidate]:
        if not form.mark:
            yield from self._attribute(scene, part, form)
            # a text called city holds its name
            if is_text(part) and self._says_no(form.words[-1]):
                return
        # a number called order is a rank, unless its values say more
        rank = not form.mark and form.words[-1] in self._words["keys.ordinals"] and (len(form.words) == 1 or not self._groups.plainly_a_table(form.words))
        vague = not form.mark and self._says_no(form.words[-1])
        for parent, weight, how in self._tables(scene, form):
            if vague and how != _WITHIN and parent.goes_by(form.joined) < 0.9:
                continue  # a `level` is no `member_level`
            if parent is scene and (how != _BEFORE or form.mark != "key"):
                continue  # order_no in orders is its own
            score = weight * form.weight * (1.0 if form.mark == "key" else 0.93 if form.mark == "code" else 0.86)
            for column, factor, needs in self._targets(part, parent, form):
                # a text named like a table may just as well hold its name
                bare_text = is_text(part) and not form.mark
                score_here = score * factor * (0.8 if bare_text else 1.0)
                detail = f"{part.column.name} is {how} {parent.table.name}"
                yield suggest(
                    scene,
                    part,
                    parent,
                    column,
                    score_here,
                    detail,
                    "table",
                    kind=form.source,
                    needs_values=needs or rank or (bare_text and how != "named like"),
                )

    def _says_no(self, word: str) -> bool:
        never = self._words["keys.never"]
        return word in never or (not word.isascii() and word.endswith(tuple(end for end in never if not end.isascii())))

    def _tables(self, scene: Scene, form: Form) -> Iterator[tuple[Scene, float, str]]:
        """Yield the tables that a reading may mean, how clearly, and in which way."""
        spelled = [(form.words, 1.0)]
        common = self._naming.concepts(form.words)
        spelled += [(common, 0.95)] if common != form.words else []
        for words, weight in spelled:
            for start in range(len(words)):
                text = "".join(words[start:])
                for parent, known in self._by_alias.get(text, ()):
                    whole = start == 0
                    yield parent, 0.95 * weight * known * (1.0 if whole else 0.9), "named like" if whole else _BEFORE
            for text in _han_ends(words[-1]):
                for parent, known in self._by_alias.get(text, ()):
                    yield parent, 0.86 * weight * known, _BEFORE
            for parent, known in self._within(scene, words):
                yield parent, 0.9 * weight * known, _WITHIN
            for parent, known in self._with_rest(words):
                yield parent, 0.8 * weight * known, "named with a word behind"
        known_end = any(self._by_alias.get("".join(words[start:])) for words, _ in spelled for start in range(len(words)))
        if form.mark == "key" and form.source == "name" and not known_end:
            for parent, known in self._abbreviated(form):
                yield parent, known, "a short form of"
            for parent, known in self._before_a_rest(form.words):
                yield parent, 0.62 * known, "named with a word behind"

    def _within(self, scene: Scene, words: tuple[str, ...]) -> Iterator[tuple[Scene, float]]:
        """`status_id` in orders may mean order_status."""
        fronts = {alias.text: alias.weight for alias in scene.aliases if alias.weight > 0.85} | {scene.name.words[0]: 1.0}
        for front, weight in fronts.items():
            for parent, known in self._by_alias.get(front + "".join(words), ()):
                if known > 0.85:
                    yield parent, known * weight * 1.06

    def _with_rest(self, words: tuple[str, ...]) -> Iterator[tuple[Scene, float]]:
        if len(words) > 1 and words[-1] in self._words["keys.still"]:
            yield from self._by_alias.get("".join(words[:-1]), ())

    def _before_a_rest(self, words: tuple[str, ...]) -> Iterator[tuple[Scene, float]]:
        """`partner_shipping_id` is a partner's, where nothing is called shipping; `product_sku_id` is not a product's."""
        if words[-1] not in self._words["keys.qualifiers"]:
            return
        for size in range(len(words) - 1, 0, -1):
            if found := [(scene, known) for scene, known in self._by_alias.get("".join(words[:size]), ()) if known > 0.75]:
                yield from found
                return

    def _abbreviated(self, form: Form) -> list[tuple[Scene, float]]:
        """Tables whose name begins with the reading, or whose letters it picks in order (`mgr`, `dept`, `acct`); only where one alone does."""
        text = form.joined
        if text not in self._short:
            self._short[text] = self._all_abbreviated(text) if text.isascii() and 2 < len(text) < 16 else []
        return self._short[text]

    def _all_abbreviated(self, text: str) -> list[tuple[Scene, float]]:
        begins = [(scene, 0.66) for scene in self._scenes if any(a.weight > 0.9 and a.text.startswith(text) for a in scene.aliases)]
        if begins:
            return begins if len(begins) == 1 else self._shortest(begins)
        picks = [(scene, 0.55) for scene in self._scenes if any(a.weight > 0.9 and _picks(text, a.text) for a in scene.aliases)]
        return picks if len(picks) == 1 else []

    def _shortest(self, found: list[tuple[Scene, float]]) -> list[tuple[Scene, float]]:
        """Of `customer` and `customer_note`, `cust` means the first."""
        ordered = sorted(found, key=lambda item: len(item[0].name.words))
        return [(ordered[0][0], 0.6)] if len(ordered[0][0].name.words) < len(ordered[1][0].name.words) else []

    def _targets(self, part: Part, parent: Scene, form: Form) -> Iterator[tuple[str, float, bool]]:
        """Yield the columns of the parent that may be meant, a factor, and whether only values could tell."""
        lone = parent.lone_key
        if form.mark == "code":
            own = [column for column in parent.parts if column != lone and self._is_code_of(parent, parent.parts[column], part)]
            for column in own:
                yield column, 0.97, False
            if lone:
                same = self._is_code_of(parent, parent.parts[lone], part) or not part.name.words[-1].isascii()
                text = is_text(parent.parts[lone]) and is_text(part)
                yield lone, (0.97 if same else 0.9 if text else 0.75) * (0.7 if own else 1.0), not same and not text
        elif lone:
            yield lone, 1.0, False

    def _is_code_of(self, parent: Scene, target: Part, part: Part) -> bool:
        """Is `target` the number or code that `part` ends with (`no` in orders for `order_no`)?"""
        if target.name.joined == part.name.joined or target.short.joined == part.short.joined:
            return True
        end = part.short.words[-1]
        return target.short.words[-1:] == (end,) and (len(target.short.words) == 1 or parent.goes_by("".join(target.short.words[:-1])) > 0.7)

    def _attribute(self, scene: Scene, part: Part, form: Form) -> Iterator[Candidate]:
        """`user_login` for user.login: the table's name, then a column of it that tells rows apart."""
        words = form.words
        for parent, known in self._by_alias.get(form.joined, ()):
            same = next((column for column, target in parent.parts.items() if target.name == part.name and is_text(target)), "")
            if same and known > 0.9 and parent is not scene and is_text(part):
                detail = f"{part.column.name} is named like {parent.table.name} and its column {same}"
                yield suggest(scene, part, parent, same, 0.72 * known, detail, "attribute", kind=form.source)
        for cut in range(1, len(words)):
            attribute = "".join(words[cut:])
            if attribute not in self._words["keys.attributes"]:
                continue
            for start in range(cut):
                for parent, known in self._by_alias.get("".join(words[start:cut]), ()):
                    for column, target in parent.parts.items():
                        if target.short.joined == attribute and parent is not scene:
                            score = 0.78 * known * (1.0 if start == 0 else 0.9) * form.weight
                            detail = f"{part.column.name} is named like {parent.table.name} and its column {column}"
                            yield suggest(scene, part, parent, column, score, detail, "attribute", needs_values=attribute in ("email", "mail", "nickname"))

    def _role_word(self, scene: Scene, part: Part, form: Form) -> Iterator[Candidate]:
        kind, rest = self._role_of(form)
        if not kind or any(parent for parent in self._by_alias.get(form.joined, ()) if form.mark):
            return
        for person in self._people:
            if (fits := self._fit(kind, rest, person)) <= 0.0:
                continue
            detail = f"{part.column.name} names somebody's part in the row; {person.table.name} holds people"
            if person is scene and kind != "handler":
                continue
            yield suggest(scene, part, person, person.lone_key, fits * form.weight * (1.0 if form.mark else 0.95), detail, "role", kind=form.source, role=kind)
            for column in self._logins(person) if is_text(part) else ():
                # `comment_author` may just as well hold a name, and hardly anybody signs with an address
                doubtful = form.stripped or person.parts[column].short.words[-1] in ("email", "mail")
                score, told = fits * form.weight * 0.85, f"{detail}, told apart by {column}"
                yield suggest(scene, part, person, column, score, told, "role", kind=form.source, role=kind, needs_values=doubtful)

    def _role_of(self, form: Form) -> tuple[str, str]:
        """Return the kind of role a reading is (`handler`, `owner`, `receiver`), and the word for people behind it."""
        for kind in ("handler", "receiver", "owner"):
            words = self._words[f"roles.{kind}"]
            if form.joined in words:
                return kind, ""
            for size in range(len(form.words) - 1, 0, -1):
                rest = "".join(form.words[size:])
                if "".join(form.words[:size]) in words and (rest in self._words["roles.person"] or any(p.goes_by(rest) > 0.7 for p in self._people)):
                    return kind, rest
                # `primary_contact`, `last_modified_by`: a word before
                if "".join(form.words[size:]) in words and not self._by_alias.get(form.joined) and len(form.words[size:]) > 0 and form.mark:
                    return kind, ""
            first = form.words[0]
            if kind == "handler" and len(form.words) == 2 and form.words[1] == "by" and not self._listed(form.joined):
                return kind, ""
            if not first.isascii() and any(not word.isascii() and (first.startswith(word) or first.endswith(word)) for word in words):
                return kind, ""
            if kind != "handler" and (rest := self._people_behind(first, words)):
                return kind, rest
        return "", ""

    def _people_behind(self, text: str, words: frozenset[str]) -> str:
        """Return the people a Chinese column names in a part that is listed for anybody: 接收人 → 接收患者 → 患者, or nothing."""
        stems = {word[:-1] for word in words if not word.isascii() and len(word) > 2 and word[-1] in _ANYBODY}
        rests = (text[len(stem) :] for stem in stems if text.startswith(stem) and len(text) > len(stem))
        return next((rest for rest in rests if rest in self._words["roles.person"] or any(person.goes_by(rest) > 0.7 for person in self._people)), "")

    def _listed(self, text: str) -> bool:
        return text in self._words["roles.owner"] or text in self._words["roles.receiver"]

    def _fit(self, kind: str, rest: str, person: Scene) -> float:
        """Return how well a table of people suits a kind of role: staff work on rows, others own them."""
        if rest and person.goes_by(rest) > 0.7:
            return 0.85
        staff = [scene for scene in self._people if scene.staff]
        users = [scene for scene in self._people if scene.goes_by("user") > 0.7]
        if len(self._people) == 1:
            return 0.8
        if kind == "handler":
            preferred = staff or users
            return 0.78 if person in preferred and len(preferred) == 1 else 0.62 if person in preferred else 0.4
        preferred = [scene for scene in self._people if not scene.staff]
        return 0.74 if person in preferred and len(preferred) == 1 else 0.55 if person in preferred else 0.35

    def _logins(self, person: Scene) -> list[str]:
        wanted = self._words["keys.attributes"]
        return [name for name, part in person.parts.items() if name != person.lone_key and self._is_login(person, part, wanted)]

    def _is_login(self, person: Scene, part: Part, wanted: frozenset[str]) -> bool:
        if not is_text(part) or part.unique is False:
            return False
        words = part.short.words
        after_table = words[-1] in wanted and person.goes_by("".join(words[:-1])) > 0.7
        return part.short.joined in wanted or part.comment.joined in wanted or after_table

    def role_kind(self, scene: Scene, column: str) -> str:
        """Return the kind of part a column's name gives somebody in the row: `handler`, `receiver`, `owner`, or nothing."""
        for form in self._reader.forms(scene, scene.parts[column]):
            kind, _ = self._role_of(form)
            if kind:
                return kind
        return ""


def _copied(candidate: Candidate) -> bool:
    """Do both tables have the same columns: a partition, an archive, a copy? Then the same name is the same column, and no reference."""
    mine, theirs = set(candidate.child.parts), set(candidate.parent.parts)
    same = candidate.child_columns == candidate.parent_columns and candidate.child is not candidate.parent
    return same and len(mine) > 2 and len(mine & theirs) >= 0.8 * max(len(mine), len(theirs))


def _nameable(scene: Scene) -> Iterator[str]:
    """Yield the columns by whose full name others may refer: the key, and codes that tell rows apart; never a bare `id`."""
    for column, part in scene.parts.items():
        telling = len(part.name.words) > 1 or not part.name.joined.isascii()
        if telling and (column == scene.lone_key or (part.column.family.value == "text" and part.unique and part.values > 2)):
            yield column


def _han_ends(word: str) -> Iterator[str]:
    """Yield what a Chinese word may end with, longest first: 主治医生 → 医生."""
    if not word.isascii():
        for cut in range(1, len(word) - 1):
            yield word[cut:]


def _picks(short: str, long: str) -> bool:
    """Does `short` pick letters of `long` in order, beginning with its first and ending with its last consonant or letter?"""
    if len(short) < 3 or short[0] != long[:1] or len(long) < len(short) + 2:
        return False
    rest = iter(long)
    return all(letter in rest for letter in short) and short[-1] in long[-4:]
