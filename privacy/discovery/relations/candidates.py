"""What names and comments say: for each column, the tables whose keys it may hold. An index by joined words keeps this linear in the schema."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from privacy.discovery.proposals import Evidence
from privacy.discovery.relations.naming import Naming
from privacy.discovery.relations.scenes import Part, Scene
from privacy.discovery.relations.types import compatible
from privacy.discovery.relations.words import RelationWords

_WORD_IN_COMMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,63}(?:\.[A-Za-z_][A-Za-z0-9_]{0,63})?")
_CODE_IN_COMMENT = re.compile(r"(\d{1,3})\s*[-:：=、.]?\s*([A-Za-z_]+|[\u3400-\u9fff]+)")
_SPOKEN = re.compile(r"关联|参考|外键|引用|对应|参照|refer|foreign|fk\b|see |link|join", re.IGNORECASE)
_NAMESAKES = 12
_KINDS_AT_MOST = 24  # distinct values of a column that names tables
_BEFORE, _WITHIN = "named with a word before", "named, within its own table, like"
NOTHING: Mapping[str, str] = MappingProxyType({})
# between people of one table whoever else there is
_LOGINS = frozenset({"login", "loginname", "loginid", "username", "userlogin", "登录名", "用户名", "登录账号"})
_AMONG_EQUALS = frozenset(
    {"referrer", "referredby", "referral", "recommender", "inviter", "invitedby", "spouse", "推荐人", "介绍人", "邀请人", "配偶", "tuijianren", "tjr"}
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A reference that names suggest. `score` 0 to 1 is how clear the names are; `role_word` the kind of role the column is named by, if any."""

    child: Scene
    child_columns: tuple[str, ...]
    parent: Scene
    parent_columns: tuple[str, ...]
    score: float
    evidence: tuple[Evidence, ...]
    rule: str
    role_word: str = ""
    when: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    declared: bool = False
    needs_values: bool = False  # the name alone is too little
    weak: bool = False

    @property
    def ends(self) -> tuple[str, tuple[str, ...], str, tuple[str, ...], tuple[tuple[str, str], ...]]:
        return self.child.table.name, self.child_columns, self.parent.table.name, self.parent_columns, tuple(sorted(self.when.items()))


@dataclass(frozen=True, slots=True)
class _Form:
    """One reading of a column: the words of what it refers to, and the kind of key behind them (`key`, `code`, nothing)."""

    words: tuple[str, ...]
    mark: str
    weight: float
    source: str = "name"
    stripped: bool = False  # without the own table's name in front

    @property
    def joined(self) -> str:
        return "".join(self.words)


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
        # what a dozen tables are called means none of them
        self._by_alias = defaultdict(list, {text: found for text, found in self._by_alias.items() if len(found) <= _NAMESAKES})
        for scene in scenes:
            for column in _nameable(scene):
                self._by_key_name[scene.parts[column].name.joined].append((scene, column))

    def of(self, scene: Scene) -> list[Candidate]:
        """Return the suggestions of one table, the best of each pair of ends."""
        best: dict[object, Candidate] = {}
        for candidate in [*self._lone(scene), *self._composite(scene), *self._polymorphic(scene)]:
            if candidate.ends not in best or best[candidate.ends].score < candidate.score:
                best[candidate.ends] = candidate
        return list(best.values())

    # -- one column --------------------------------------------------------------------------------------------------------------------

    def _lone(self, scene: Scene) -> Iterator[Candidate]:
        typed = self._typed_pairs(scene)
        for part in scene.parts.values():
            if part.holds_keys and part.column.name not in typed:
                for candidate in self._of_column(scene, part):
                    if compatible(part, candidate.parent.parts[candidate.parent_columns[0]]) and not self._own_key(candidate) and not _copied(candidate):
                        yield candidate

    def _of_column(self, scene: Scene, part: Part) -> Iterator[Candidate]:
        forms = list(self._forms(scene, part))
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
        bare = self._bare(mine)
        # `customer_id` as the key of `customer_profile` is the customer's; `meta_id` as the key of two tables is each one's own
        shared = theirs.name == mine.name or bool(self._mark(theirs.name.joined))
        return not shared or candidate.child.goes_by(bare) > 0.7 or candidate.parent.goes_by(bare) < 0.9

    def _bare(self, part: Part) -> str:
        forms = [form for form in self._cut(part.short.words, 1.0, "name") if form.mark]
        return forms[0].joined if forms else part.short.joined

    def _forms(self, scene: Scene, part: Part) -> Iterator[_Form]:
        seen: set[tuple[tuple[str, ...], str]] = set()
        spellings = [(part.name.words, 1.0, "name")]
        spellings += [(part.short.words, 0.98, "name")] if part.short != part.name else []
        spellings += [(words, 0.97, "own") for words in self._without_own(scene, part.short.words)]
        if self._naming.numbered:  # address_2_id is an address all the same
            spellings += [(tuple(word for word in words if not word.isdigit()), weight * 0.9, kind) for words, weight, kind in list(spellings)]
        spellings += [(part.comment.words, 0.93, "comment")] if 0 < len(part.comment.words) <= 6 else []
        for words, weight, source in spellings:
            for form in self._cut(words, weight, source):
                if form.words and (form.words, form.mark) not in seen:
                    seen.add((form.words, form.mark))
                    yield replace(form, source="name", stripped=True) if source == "own" else form

    def _without_own(self, scene: Scene, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """`post_author` in posts is the author."""
        for size in range(1, len(words)):
            if scene.goes_by("".join(words[:size])) > 0.7 and not self._mark("".join(words[size:])):
                yield words[size:]

    def _cut(self, words: tuple[str, ...], weight: float, source: str) -> Iterator[_Form]:
        """Take the key's word off the end and what changes nothing off the front."""
        front = self._words["keys.front"]
        while len(words) > 1 and words[0] in front:
            words = words[1:]
        if not words:
            return
        *rest, last = words
        mark = self._mark(last)
        if mark and rest:
            yield _Form(self._fronted(rest), mark, weight, source)
            if last == "uid":
                yield _Form((*rest, "user"), "key", weight * 0.9, source)
        elif last == "uid":
            yield _Form(("user",), "key", weight * 0.85, source)
        elif not last.isascii():
            stem, mark = self._han_stem(last)
            if stem and mark:
                yield _Form(self._fronted([*rest, stem]), mark, weight, source)
        elif glued := self._glued(last):
            yield _Form((*rest, glued[0]), glued[1], weight * 0.97, source)
        yield _Form(self._fronted(words), "", weight, source)

    def _fronted(self, words: Sequence[str]) -> tuple[str, ...]:
        """Take 所属 and its like off the front of a Chinese word."""
        first = words[0]
        if first.isascii():
            return tuple(words)
        mark = next((mark for mark in self._words["keys.front"] if not mark.isascii() and first.startswith(mark) and first != mark), "")
        return (first.removeprefix(mark), *words[1:])

    def _mark(self, word: str) -> str:
        return "key" if word in self._words["keys.words"] else "code" if word in self._words["keys.codes"] else ""

    def _han_stem(self, word: str) -> tuple[str, str]:
        for list_, mark in (("keys.words", "key"), ("keys.codes", "code")):
            for end in sorted((end for end in self._words[list_] if not end.isascii()), key=len, reverse=True):
                if word.endswith(end) and word != end:
                    return word.removesuffix(end), mark
        return "", ""

    def _glued(self, word: str) -> tuple[str, str] | None:
        """Cut `customerid` where no other name marks off its parts, if what is left is a table."""
        for list_, mark in (("keys.words", "key"), ("keys.codes", "code")):
            for end in self._words[list_]:
                if end.isascii() and len(end) > 1 and word.endswith(end) and word.removesuffix(end) in self._by_alias:
                    return word.removesuffix(end), mark
        return None

    # -- rules -------------------------------------------------------------------------------------------------------------------------

    def _same_key_name(self, scene: Scene, part: Part) -> Iterator[Candidate]:
        """`order_no` here and as a key there."""
        yield from self._same_login(scene, part)
        found = [(parent, column) for parent, column in self._by_key_name.get(part.name.joined, ()) if parent is not scene]
        for parent, column in found:
            key = parent.lone_key == column
            named = parent.goes_by(self._bare(parent.parts[column]))
            score = (0.95 if key else 0.86) if named > 0.7 else (0.85 if key and len(found) == 1 else 0.62 if key else 0.5)
            detail = f"{part.column.name} is the name of {'the key' if key else 'a key-like column'} of {parent.table.name}"
            yield self._candidate(scene, part, parent, column, score, detail, "same key", needs_values=not key and named <= 0.7)

    def _same_login(self, scene: Scene, part: Part) -> Iterator[Candidate]:
        """A login log holds the login of somebody, under the same name."""
        if scene.person or not self._is_text(part) or part.short.joined not in _LOGINS:
            return
        for person in self._people:
            for column in self._logins(person):
                if person.parts[column].short.joined == part.short.joined:
                    detail = f"{part.column.name} is called as in {person.table.name}"
                    yield self._candidate(scene, part, person, column, 0.6, detail, "attribute")

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
                yield self._candidate(scene, part, parent, target, 0.97, f"the comment names {parent.table.name}", "comment", kind="comment")

    def _self(self, scene: Scene, part: Part, form: _Form) -> Iterator[Candidate]:
        if not scene.lone_key or scene.lone_key == part.column.name:
            return
        peer = scene.person and form.joined in self._words["roles.peer"]
        word = self._self_word(scene, form)
        if not (word or peer) or not (form.mark or word == "whole" or not self._is_text(part) or self._is_text(scene.parts[scene.lone_key])):
            return
        # a customer's manager is one of the staff where there are any
        score = 0.88 if word or scene.staff or not any(person.staff for person in self._people) or form.joined in _AMONG_EQUALS else 0.6
        score *= form.weight * (1.0 if form.mark else 0.92)
        yield self._candidate(scene, part, scene, scene.lone_key, score, f"{part.column.name} names another row of the same table", "self", role="self")

    def _self_word(self, scene: Scene, form: _Form) -> str:
        """`parent`, `parent_category` in categories, 上级部门 in 部门: which of them, or nothing."""
        words = self._words["roles.self"]
        if form.joined in words and not (form.mark and self._plainly_a_table(form.words)):
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

    def _named_like_a_table(self, scene: Scene, part: Part, form: _Form) -> Iterator[Candidate]:
        if not form.mark:
            yield from self._attribute(scene, part, form)
            # a text called city holds its name
            if self._is_text(part) and self._says_no(form.words[-1]):
                return
        # a number called order is a rank, unless its values say more
        rank = not form.mark and form.words[-1] in self._words["keys.ordinals"] and (len(form.words) == 1 or not self._plainly_a_table(form.words))
        vague = not form.mark and self._says_no(form.words[-1])
        for parent, weight, how in self._tables(scene, form):
            if vague and how != _WITHIN and parent.goes_by(form.joined) < 0.9:
                continue  # a `level` is no `member_level`
            if parent is scene and (how != _BEFORE or form.mark != "key"):
                continue  # order_no in orders is its own
            score = weight * form.weight * (1.0 if form.mark == "key" else 0.93 if form.mark == "code" else 0.86)
            for column, factor, needs in self._targets(part, parent, form):
                # a text named like a table may just as well hold its name
                bare_text = self._is_text(part) and not form.mark
                score_here = score * factor * (0.8 if bare_text else 1.0)
                detail = f"{part.column.name} is {how} {parent.table.name}"
                yield self._candidate(
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

    def _tables(self, scene: Scene, form: _Form) -> Iterator[tuple[Scene, float, str]]:
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

    def _abbreviated(self, form: _Form) -> list[tuple[Scene, float]]:
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

    def _targets(self, part: Part, parent: Scene, form: _Form) -> Iterator[tuple[str, float, bool]]:
        """Yield the columns of the parent that may be meant, a factor, and whether only values could tell."""
        lone = parent.lone_key
        if form.mark == "code":
            own = [column for column in parent.parts if column != lone and self._is_code_of(parent, parent.parts[column], part)]
            for column in own:
                yield column, 0.97, False
            if lone:
                same = self._is_code_of(parent, parent.parts[lone], part) or not part.name.words[-1].isascii()
                text = self._is_text(parent.parts[lone]) and self._is_text(part)
                yield lone, (0.97 if same else 0.9 if text else 0.75) * (0.7 if own else 1.0), not same and not text
        elif lone:
            yield lone, 1.0, False

    def _is_code_of(self, parent: Scene, target: Part, part: Part) -> bool:
        """Is `target` the number or code that `part` ends with (`no` in orders for `order_no`)?"""
        if target.name.joined == part.name.joined or target.short.joined == part.short.joined:
            return True
        end = part.short.words[-1]
        return target.short.words[-1:] == (end,) and (len(target.short.words) == 1 or parent.goes_by("".join(target.short.words[:-1])) > 0.7)

    def _attribute(self, scene: Scene, part: Part, form: _Form) -> Iterator[Candidate]:
        """`user_login` for user.login: the table's name, then a column of it that tells rows apart."""
        words = form.words
        for parent, known in self._by_alias.get(form.joined, ()):
            same = next((column for column, target in parent.parts.items() if target.name == part.name and self._is_text(target)), "")
            if same and known > 0.9 and parent is not scene and self._is_text(part):
                detail = f"{part.column.name} is named like {parent.table.name} and its column {same}"
                yield self._candidate(scene, part, parent, same, 0.72 * known, detail, "attribute", kind=form.source)
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
                            yield self._candidate(
                                scene, part, parent, column, score, detail, "attribute", needs_values=attribute in ("email", "mail", "nickname")
                            )

    def _role_word(self, scene: Scene, part: Part, form: _Form) -> Iterator[Candidate]:
        kind, rest = self._role_of(form)
        if not kind or any(parent for parent in self._by_alias.get(form.joined, ()) if form.mark):
            return
        for person in self._people:
            if (fits := self._fit(kind, rest, person)) <= 0.0:
                continue
            detail = f"{part.column.name} names somebody's part in the row; {person.table.name} holds people"
            if person is scene and kind != "handler":
                continue
            yield self._candidate(
                scene, part, person, person.lone_key, fits * form.weight * (1.0 if form.mark else 0.95), detail, "role", kind=form.source, role=kind
            )
            for column in self._logins(person) if self._is_text(part) else ():
                # `comment_author` may just as well hold a name, and hardly anybody signs with an address
                doubtful = form.stripped or person.parts[column].short.words[-1] in ("email", "mail")
                score, told = fits * form.weight * 0.85, f"{detail}, told apart by {column}"
                yield self._candidate(scene, part, person, column, score, told, "role", kind=form.source, role=kind, needs_values=doubtful)

    def _role_of(self, form: _Form) -> tuple[str, str]:
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
        return "", ""

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
        if not self._is_text(part) or part.unique is False:
            return False
        words = part.short.words
        after_table = words[-1] in wanted and person.goes_by("".join(words[:-1])) > 0.7
        return part.short.joined in wanted or part.comment.joined in wanted or after_table

    def role_kind(self, scene: Scene, column: str) -> str:
        """Return the kind of part a column's name gives somebody in the row: `handler`, `receiver`, `owner`, or nothing."""
        for form in self._forms(scene, scene.parts[column]):
            kind, _ = self._role_of(form)
            if kind:
                return kind
        return ""

    # -- several columns ---------------------------------------------------------------------------------------------------------------

    def _composite(self, scene: Scene) -> Iterator[Candidate]:
        """A child that holds every column of another table's composite key."""
        for parent in self._composite_parents():
            if parent is scene:
                continue
            pairs = [(column, self._counterpart(scene, parent, column)) for column in parent.key]
            if any(not mine for _, mine in pairs) or not self._telling(scene, parent):
                continue
            mine = tuple(found for _, found in pairs)
            if len(set(mine)) < len(mine) or (set(mine) == set(scene.key) and set(parent.key) == set(mine) and scene.name.joined < parent.name.joined):
                continue
            if all(compatible(scene.parts[left], parent.parts[right]) for right, left in pairs):
                detail = f"{', '.join(mine)} are all columns of the key of {parent.table.name}"
                named = max((scene.goes_by(alias.text) for alias in parent.aliases), default=0.0)
                yield Candidate(scene, mine, parent, parent.key, 0.85 if not named else 0.9, (Evidence("name", detail, 0.85),), "composite")

    def _composite_parents(self) -> Sequence[Scene]:
        return [scene for scene in self._scenes if len(scene.key) > 1]

    def _counterpart(self, scene: Scene, parent: Scene, column: str) -> str:
        part = parent.parts[column]
        for name, mine in scene.parts.items():
            if mine.name.joined == part.name.joined and (len(part.name.words) > 1 or not self._mark(part.name.joined)):
                return name
        return next((name for name, mine in scene.parts.items() if parent.goes_by("".join(mine.short.words[: -len(part.short.words)])) > 0.7
                     and mine.short.words[-len(part.short.words) :] == part.short.words), "")  # fmt: skip

    def _telling(self, scene: Scene, parent: Scene) -> bool:
        """Does the key of the parent belong to it, or is it only a pair of references to others that two tables may well share?"""
        if any(parent.parts[column].column.family.value in ("date", "datetime", "time") for column in parent.key):
            return False
        own = [column for column in parent.key if not self._refers_elsewhere(parent, column)]
        named = any(alias.weight > 0.9 and alias.text in scene.name.joined for alias in parent.aliases)
        return bool(own) or named

    def _refers_elsewhere(self, parent: Scene, column: str) -> bool:
        if any(column in key.columns and len(key.columns) == 1 for key in parent.table.foreign_keys):
            return True
        part = parent.parts[column]
        return any(candidate.parent is not parent and candidate.score > 0.6 for candidate in self._of_column(parent, part))

    # -- pairs of type and key ---------------------------------------------------------------------------------------------------------

    def _typed_pairs(self, scene: Scene) -> Mapping[str, str]:
        """Return the columns that stand beside a column naming their table (`owner_id` and `owner_type`), with that column."""
        types = self._words["polymorphic.types"]
        kinds = [(other, part.short.words) for other, part in scene.parts.items() if not self._is_lookup(scene, other)]
        pairs = {}
        for name, part in scene.parts.items():
            stem = part.short.words[:-1]
            beside = [other for other, words in kinds if stem and words[: len(stem)] == stem and "".join(words[len(stem) :]) in types and other != name]
            for other in beside if part.holds_keys else ():
                marked = bool(self._mark(part.short.words[-1]))
                if self._kinds(scene, other) if not marked or self._plainly_a_table(stem) else True:
                    pairs[name] = other
        return pairs

    def _plainly_a_table(self, words: tuple[str, ...]) -> bool:
        return any(weight > 0.9 for _, weight in self._by_alias.get("".join(words), ()))

    def _is_lookup(self, scene: Scene, column: str) -> bool:
        return any(column in key.columns for key in scene.table.foreign_keys)

    def _polymorphic(self, scene: Scene) -> Iterator[Candidate]:
        for column, kind in self._typed_pairs(scene).items():
            part = scene.parts[column]
            for text, parent in self._kinds(scene, kind):
                # by the key, or by what both call the same (account_type beside account_name)
                same = next((name for name, theirs in parent.parts.items() if theirs.name == part.name), "")
                target = parent.lone_key if self._mark(part.short.words[-1]) else same
                if target and parent is not scene and compatible(part, parent.parts[target]):
                    detail = f"{column} stands beside {kind}, one of whose words names {parent.table.name}"
                    found = self._candidate(scene, part, parent, target, 0.86, detail, "polymorphic")
                    yield replace(found, when=MappingProxyType({kind: text}))

    def _kinds(self, scene: Scene, column: str) -> list[tuple[str, Scene]]:
        """Return the values of a type column that name a table, by themselves or by the column's comment (1客户 2供应商)."""
        sample = scene.samples.get(column)
        values = sample.values if sample is not None and 0 < len(sample.values) <= _KINDS_AT_MOST else ()
        told = dict(_CODE_IN_COMMENT.findall(scene.parts[column].column.comment))
        found = []
        for value in values:
            word = told.get(value, value) if value.isdigit() else value
            # `App\Models\Customer`, `shop.Customer`
            if len(word) <= 120 and (parent := self._table_called(re.split(r"[\\./:]", word)[-1])) is not None:
                found.append((value, parent))
        return found

    def _table_called(self, text: str) -> Scene | None:
        name = self._naming.name(text)
        for words in (name.words, self._naming.concepts(name.words)):
            known = sorted(self._by_alias.get("".join(words), ()), key=lambda item: -item[1])
            if known and known[0][1] > 0.85:
                return known[0][0]
        return None

    # -- inside ------------------------------------------------------------------------------------------------------------------------

    @staticmethod
    def _is_text(part: Part) -> bool:
        return part.column.family.value == "text"

    @staticmethod
    def _candidate(
        scene: Scene,
        part: Part,
        parent: Scene,
        column: str,
        score: float,
        detail: str,
        rule: str,
        *,
        kind: str = "name",
        role: str = "",
        needs_values: bool = False,
    ) -> Candidate:
        weight = round(min(score, 0.97), 3)
        return Candidate(scene, (part.column.name,), parent, (column,), weight, (Evidence(kind, detail, weight),), rule, role, needs_values=needs_values)


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
