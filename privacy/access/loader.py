"""The strict reader of `policies/policy.csv`: our own, since the usual readers drop, merge or truncate rows in silence.

A line is empty, a comment (`#` first), `p` with twelve cells, or `g, role, group`. Everything else is refused with file, line, column and
remedy, all faults of a file at once, and nothing of what the file says is repeated: somebody may have named the wrong file.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from privacy.access.predicates import NOT_AVAILABLE, PREDICATES
from privacy.access.rows import (
    ACTIONS,
    ALLOW,
    ANY,
    CLEAR_TECHNIQUE,
    COLUMNS,
    DEFAULT_TECHNIQUE,
    DENY,
    EXTERNAL,
    INTERNAL,
    MAX_ROLE_DEPTH,
    Policy,
    Row,
    Vocabulary,
)
from privacy.kernel.errors import Flaw, Misconfigured

MAX_BYTES = 32 * 1024 * 1024
MAX_FLAWS = 50
MAX_PRIORITY = 1_000_000

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
_REGION = re.compile(r"[a-z]{2}")
_DATASET = re.compile(r"[^\s*,\"'#]{1,250}\*?")
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell with the place where it begins (1-based)."""

    text: str
    line: int
    column: int


class Refusals:
    """Collects what is wrong in one file, with places."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._flaws: list[Flaw] = []

    def add(self, line: int, column: int, detail: str) -> None:
        if len(self._flaws) < MAX_FLAWS:
            self._flaws.append(Flaw(f"{self._source}:{line}:{column}", detail))

    def __bool__(self) -> bool:
        return bool(self._flaws)

    def raise_any(self) -> None:
        if self._flaws:
            raise refusal(self._source, self._flaws)


def refusal(source: str, flaws: Sequence[Flaw]) -> Misconfigured:
    """Return the error for a file with these faults; each is told with its place, the error itself names the file."""
    count = f"{len(flaws)} faults" if len(flaws) > 1 else "one fault"
    return Misconfigured(f"{source} is refused for {count}; mend what is listed and try again.", code="policy_invalid", flaws=tuple(flaws))


def read_policy(data: bytes, source: str, words: Vocabulary) -> Policy:
    """Return the policy in `data`. Raises Misconfigured (`policy_invalid`) with every fault found, at most fifty."""
    refusals = Refusals(source)
    rows: list[Row] = []
    links: dict[str, set[str]] = {}
    checker = _Checker(words, refusals)
    for cells in read_cells(data, source, refusals):
        kind = cells[0].text
        if kind == "p" and _has_columns(cells, 1 + len(COLUMNS), refusals):
            rows.extend(filter(None, [checker.row(cells[1:])]))
        elif kind == "g" and _has_columns(cells, 3, refusals):
            links.setdefault(cells[1].text, set()).add(cells[2].text)
            checker.link(cells[1], cells[2])
        elif kind not in ("p", "g"):
            refusals.add(
                cells[0].line, cells[0].column, "A line begins with p (a rule) or g (a role in a group), in small letters; put # first to make it a comment."
            )
    _check_groups(links, refusals)
    checker.check_roles(frozenset(group for groups in links.values() for group in groups))
    _check_repeats(rows, refusals)
    if not rows and not refusals:
        refusals.add(1, 1, "There is no rule in this file. An empty policy is refused; restore the shipped one or write at least one p line.")
    refusals.raise_any()
    return Policy.of(rows, {role: frozenset(groups) for role, groups in links.items()})


def read_cells(data: bytes, source: str, refusals: Refusals) -> Iterable[list[Cell]]:
    """Yield the cells of every line that is neither empty nor a comment. Raises Misconfigured for what is no UTF-8 text."""
    text = _decode(data, source)
    if text.startswith(_BOM):
        refusals.add(1, 1, "The file begins with a byte order mark, which hides its first line from other readers; save it as UTF-8 without BOM.")
    for number, whole in enumerate(text.removeprefix(_BOM).split("\n"), 1):
        line = whole.removesuffix("\r")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if cells := _split(line, number, refusals):
            yield cells


def _decode(data: bytes, source: str) -> str:
    if len(data) > MAX_BYTES:
        raise _unreadable(source, 1, "The file is larger than 32 MiB; that is not a policy.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _unreadable(source, line, "The file is not UTF-8; save it as UTF-8 without a byte order mark.") from None
    return text


def _unreadable(source: str, line: int, detail: str) -> Misconfigured:
    return refusal(source, [Flaw(f"{source}:{line}:1", detail)])


def _split(line: str, number: int, refusals: Refusals) -> list[Cell]:
    for position, character in enumerate(line, 1):
        if character in "\"'":
            refusals.add(number, position, "Quotes are not used in this file: no cell holds a comma. Remove them.")
            return []
        if character == "#":
            refusals.add(number, position, "A comment stands on a line of its own; move it above the rule.")
            return []
        if character == "，" or character == _BOM or (not character.isprintable() and character != "\t"):
            refusals.add(number, position, "An invisible character or a full-width comma; cells are separated by plain commas.")
            return []
    cells, begin = [], 0
    for part in line.split(","):
        cells.append(Cell(part.strip(), number, begin + len(part) - len(part.lstrip()) + 1))
        begin += len(part) + 1
    return cells


def _has_columns(cells: list[Cell], wanted: int, refusals: Refusals) -> bool:
    first = cells[0]
    if len(cells) != wanted:
        names = "p, " + ", ".join(COLUMNS) if first.text == "p" else "g, role, group"
        refusals.add(first.line, cells[min(len(cells), wanted) - 1].column, f"The line has {len(cells)} cells, {wanted} are needed: {names}. Write * for any.")
        return False
    for cell, name in zip(cells[1:], COLUMNS if first.text == "p" else ("role", "group"), strict=True):
        if not cell.text:
            refusals.add(cell.line, cell.column, f"The cell {name} is empty; write * for any, true for no condition, none for no technique.")
            return False
    return True


class _Checker:
    """Checks cells against the vocabulary; roles last, since groups may be declared below their use."""

    def __init__(self, words: Vocabulary, refusals: Refusals) -> None:
        self._words = words
        self._refusals = refusals
        self._roles: list[tuple[Cell, frozenset[str]]] = []
        self._choices = {
            "purpose": words.purposes | {ANY},
            "class": words.classes | {ANY},
            "action": ACTIONS | {ANY},
            "condition": frozenset(PREDICATES),
            "technique": words.techniques | {DEFAULT_TECHNIQUE},
            "effect": frozenset({ALLOW, DENY}),
        }
        if words.recipients is not None:
            self._choices["recipient"] = words.recipients | {ANY, INTERNAL, EXTERNAL}

    def row(self, cells: list[Cell]) -> Row | None:
        """Return the row when every cell is right, else None with the reasons collected."""
        by_name = dict(zip(COLUMNS, cells, strict=True))
        self._roles.append((by_name["role"], frozenset({ANY})))
        checks = [self._shape(name, cell) and self._choice(name, cell) for name, cell in by_name.items()]
        if not all(checks) or not self._consistent(by_name):
            return None
        return _row([cell.text for cell in cells], cells[0].line)

    def link(self, role: Cell, group: Cell) -> None:
        self._roles.append((role, frozenset()))
        if not _ID.fullmatch(group.text):
            self._refuse(group, "A group is named by letters, digits, dot, dash and underscore.")
        elif group.text in self._words.roles:
            self._refuse(group, "This group has the name of a role; give the group a name of its own, so that a role never silently inherits another.")

    def check_roles(self, groups: frozenset[str]) -> None:
        for cell, also in self._roles:
            self._known(cell, "role", self._words.roles | groups | also)

    def _refuse(self, cell: Cell, detail: str) -> bool:
        self._refusals.add(cell.line, cell.column, detail)
        return False

    def _shape(self, name: str, cell: Cell) -> bool:
        text = cell.text
        if name == "id" and not _ID.fullmatch(text):
            return self._refuse(cell, "The id of a rule is 1 to 64 letters, digits, dots, dashes or underscores.")
        if name == "priority" and not (text.isascii() and text.isdigit() and str(int(text[:12])) == text and int(text) <= MAX_PRIORITY):
            return self._refuse(cell, "The priority is a whole number from 0 to 1000000 without leading zeros; the lowest decides first.")
        if name == "dataset" and text != ANY and not _DATASET.fullmatch(text):
            return self._refuse(cell, "The dataset is system.table, a beginning followed by one * (crm.*), or *; a * inside would be ignored by casbin.")
        if name == "region" and text != ANY and not _REGION.fullmatch(text):
            return self._refuse(cell, "The region is * or a country in two small letters, for example cn.")
        if name == "recipient" and text != ANY and not _WORD.fullmatch(text):
            return self._refuse(cell, "The recipient is *, internal, external or the id of a recipient.")
        return True

    def _choice(self, name: str, cell: Cell) -> bool:
        if name == "condition" and cell.text in NOT_AVAILABLE:
            return self._refuse(cell, "This condition is not available yet: the facts it asks for do not exist in this version. Remove the rule until they do.")
        return name not in self._choices or self._known(cell, name, self._choices[name])

    def _known(self, cell: Cell, name: str, known: frozenset[str]) -> bool:
        if cell.text in known:
            return True
        near = difflib.get_close_matches(cell.text.casefold(), sorted(known), 1, 0.6)
        hint = f" Is {near[0]} meant?" if near else f" Known are {_some(known)}."
        return self._refuse(cell, f"Unknown {name}.{hint}{_REMEDIES.get(name, '')}")

    def _consistent(self, cells: Mapping[str, Cell]) -> bool:
        if cells["effect"].text == DENY and cells["technique"].text != CLEAR_TECHNIQUE:
            return self._refuse(cells["technique"], "A rule that denies has the technique none: nothing is shown, so nothing is masked.")
        technique = cells["technique"].text
        if cells["effect"].text == ALLOW and cells["action"].text in ("protect", "index", "reveal") and technique != CLEAR_TECHNIQUE:
            return self._refuse(cells["technique"], "Only the action mask has techniques; for reveal, protect and index write none.")
        return True


def _row(texts: list[str], line: int) -> Row:
    id, priority, role, purpose, recipient, dataset, field_class, region, action, condition, technique, effect = texts
    return Row(id, int(priority), role, purpose, recipient, dataset, field_class, region, action, condition, technique, effect, line)


_REMEDIES = {
    "role": " Roles are declared in policies/roles.toml, groups by g lines.",
    "purpose": " Purposes are declared in policies/purposes.toml or with POST /api/v1/purposes.",
    "recipient": " Recipients are declared with POST /api/v1/recipients.",
    "class": " Classes and categories stand in policies/taxonomy.toml; a category is written category:phone.",
}


def _some(known: frozenset[str]) -> str:
    names = sorted(known)
    return ", ".join(names[:24]) + (", …" if len(names) > 24 else "")


def _check_groups(links: Mapping[str, set[str]], refusals: Refusals) -> None:
    for start in links:
        if (depth := _depth(start, links, ())) is None:
            refusals.add(1, 1, "The g lines form a circle: a group contains itself. Remove one of them.")
            return
        if depth > MAX_ROLE_DEPTH:
            refusals.add(1, 1, f"The g lines nest groups deeper than {MAX_ROLE_DEPTH}; casbin would stop following them. Flatten the groups.")
            return


def _depth(role: str, links: Mapping[str, set[str]], path: tuple[str, ...]) -> int | None:
    """Return the longest chain above `role`, None when it meets itself; chains are cut where they are refused anyway."""
    if role in path:
        return None
    if len(path) > MAX_ROLE_DEPTH + 1:
        return len(path)
    deepest = 0
    for group in links.get(role, ()):
        if (depth := _depth(group, links, (*path, role))) is None:
            return None
        deepest = max(deepest, depth + 1)
    return deepest


def _check_repeats(rows: list[Row], refusals: Refusals) -> None:
    ids: dict[str, int] = {}
    meanings: dict[tuple[str, ...], int] = {}
    for row in rows:
        if (earlier := ids.setdefault(row.id, row.line)) != row.line:
            refusals.add(row.line, 1, f"The id of this rule stands already on line {earlier}; every rule needs an id of its own.")
        elif (earlier := meanings.setdefault(row.meaning, row.line)) != row.line:
            refusals.add(row.line, 1, f"The rule repeats the one on line {earlier} (but for id and priority); remove one of them.")
