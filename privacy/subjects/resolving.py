"""Identifiers in, subjects out: live, over every connected system, by strong identifiers alone.

1. Each identifier is looked for in the person's own fields of every dataset whose rows are people. It identifies only where it leads to one subject of a
   kind: a value that two customers share is a switchboard or a family phone, and then it is no identity in any system.
2. From what was found, further identifiers on file (e-mail, phone, resident number) lead into other systems, in bounded rounds, under the same rules and
   only where the other side does not contradict.
What fails a rule is a Doubt and never a match; a system that does not answer is a Doubt, never "not there". Nothing found is kept.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from privacy.inventory.model import Dataset
from privacy.kernel.errors import ConnectorUnavailable, InvalidInput
from privacy.kernel.ids import TenantId
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef
from privacy.subjects.fields import LINKING, SCOPED, IdentifierField, identifier_fields, is_organisation, keys_a_row
from privacy.subjects.model import Doubt, Identifier, IdentifierKind, Match, Reach, Resolution
from privacy.subjects.names import contradict
from privacy.subjects.normalising import Spellings
from privacy.subjects.ports import EncryptedField, EncryptedFields, Hits, PeopleSession, Probe

ROUNDS = 3
MOST_IDENTIFIERS = 20
_MOST_SUBJECTS = 50  # of one person, and named in one doubt
_MOST_NAMESAKES = 20


@dataclass(frozen=True, slots=True)
class Known:
    """What people decided about subjects before: who is one person, and who is not. Both answer for any subject."""

    person: Callable[[SubjectRef], str | None] = lambda subject: None
    subjects: Callable[[str], Sequence[SubjectRef]] = lambda person: ()
    apart: Callable[[SubjectRef, SubjectRef], bool] = lambda one, other: False


@dataclass(frozen=True, slots=True)
class Wanted:
    """One identifier to look for. `forms` are normalised; `scope` is empty for what is valid everywhere."""

    kind: IdentifierKind
    forms: frozenset[str]
    scope: str = ""

    def __repr__(self) -> str:
        return f"Wanted({self.kind.value})"


@dataclass(frozen=True, slots=True)
class Home:
    """A dataset whose rows are subjects, with the fields to look in."""

    dataset: Dataset
    fields: tuple[IdentifierField, ...]
    encrypted: Mapping[str, EncryptedField]
    weak: str = ""  # why no value of it identifies: `weak` (rows about people), `organisation`

    def subject(self, key: str) -> SubjectRef:
        return SubjectRef(self.dataset.system, self.dataset.subject_type or "", key)


@dataclass(frozen=True, slots=True)
class Sighting:
    """An identifier seen on a subject. `weak` says why it proves nothing; empty for the subject's own value."""

    subject: SubjectRef
    dataset: str
    field: str
    kind: IdentifierKind
    weak: str = ""

    def match(self, reach: Reach = Reach.GIVEN) -> Match:
        return Match(self.subject, self.dataset, self.field, self.kind, reach)


def check_identifiers(identifiers: Sequence[Identifier], spellings: Spellings) -> None:
    """Refuse what cannot be looked for: no identifier or too many, a value that is not of its kind, a login without scope.

    Raises InvalidInput with the place, never the value.
    """
    if not identifiers or len(identifiers) > MOST_IDENTIFIERS:
        raise InvalidInput(f"Give 1 to {MOST_IDENTIFIERS} identifiers.", pointer="/identifiers")
    for number, identifier in enumerate(identifiers):
        place = f"/identifiers/{number}"
        if identifier.kind is IdentifierKind.SUBJECT:
            SubjectRef.parse(identifier.value.reveal(), f"{place}/value")
        elif not spellings.forms(identifier.kind, identifier.value.reveal()) or len(identifier.value.reveal()) > 512:
            raise InvalidInput("This is no usable value of its kind: malformed, too short, or a filler such as 0000000.", pointer=f"{place}/value")
        if identifier.kind in SCOPED and not identifier.scope:
            raise InvalidInput(
                "A login or card counts only where it was issued: name the scope, `system`, `system.table` or `system.table.field`.", pointer=f"{place}/scope"
            )


class Resolver:
    """One question, from identifiers to subjects. Make a new one for each: it remembers what it has read."""

    def __init__(
        self, tenant: TenantId, datasets: Sequence[Dataset], session: PeopleSession, encrypted: EncryptedFields, spellings: Spellings, known: Known
    ) -> None:
        self._tenant, self._session, self._encrypted, self._spellings, self._known = tenant, session, encrypted, spellings, known
        self._datasets = [dataset for dataset in datasets if not dataset.gone]
        self._homes_made: list[Home] | None = None
        self._doubts: dict[Doubt, None] = {}
        self._matches: dict[SubjectRef, Match] = {}
        self._files: dict[SubjectRef, _OnFile] = {}
        self._asked: set[Wanted] = set()
        self._several = False

    def resolve(self, identifiers: Sequence[Identifier]) -> Resolution:
        wanted = [self._wanted(identifier) for identifier in identifiers if identifier.kind not in (IdentifierKind.SUBJECT, IdentifierKind.NAME)]
        names = tuple(identifier.value.reveal() for identifier in identifiers if identifier.kind is IdentifierKind.NAME)
        direct = [match for one, seen in self._look(wanted).items() for match in self._judged(one, seen, names)]
        direct += [match for identifier in identifiers if identifier.kind is IdentifierKind.SUBJECT for match in self._named(identifier)]
        self._take(direct)
        self._several = self._contradict(self._matches, [one for one in wanted if one.kind is IdentifierKind.RESIDENT_ID])
        if not self._several:
            self._expand()
            self._add_linked()
        if not self._matches:
            self._namesakes([self._wanted(identifier) for identifier in identifiers if identifier.kind is IdentifierKind.NAME])
            # one pass more over tables nobody settled, where nothing else says yet that something may be held
            if all(doubt.kind is IdentifierKind.NAME for doubt in self._doubts):
                self._look_unsettled(wanted)
        self._say_unconfirmed({identifier.kind for identifier in identifiers})
        matches = (replace(match, person=self._known.person(match.subject) or "") for match in self._matches.values())
        return Resolution(tuple(matches), tuple(self._doubts), self._several)

    def on_file(self, subject: SubjectRef) -> Sequence[tuple[Sighting, Plaintext]]:
        """Return the own e-mail addresses, phones and resident numbers of a subject, as written. Raises ConnectorUnavailable."""
        values = (each for each in self._values(subject) if each[2] in LINKING)
        return [(Sighting(subject, home.dataset.name, name, kind), value) for home, name, kind, value in values]

    # --- where to look -------------------------------------------------------------------------------------------------------------------

    def _homes(self) -> list[Home]:
        if self._homes_made is None:
            self._homes_made = [home for dataset in self._datasets if dataset.subject_type and dataset.subject_field for home in self._home(dataset)]
        return self._homes_made

    def _home(self, dataset: Dataset) -> Iterable[Home]:
        encrypted = self._encrypted.of(self._tenant, dataset.id)
        fields = tuple(each for each in identifier_fields(dataset) if each.confirmed and (not dataset.fields[each.name].gone or each.name in encrypted))
        if not fields:
            return
        single = keys_a_row(dataset)
        if single is None:
            try:
                single = self._session.one_row_each(dataset)
            except ConnectorUnavailable:
                self._unreachable(dataset, fields)
                return
        yield Home(dataset, fields, encrypted, "organisation" if is_organisation(dataset) else "" if single else "weak")

    def _look(self, wanted: Collection[Wanted]) -> dict[Wanted, list[Sighting]]:
        """Look for everything at once: one pass over each dataset."""
        fresh = [one for one in dict.fromkeys(wanted) if one not in self._asked]
        self._asked.update(fresh)
        seen: dict[Wanted, list[Sighting]] = {one: [] for one in fresh}
        for home in self._homes():
            pairs = [
                (Probe(each.name, one.kind, tuple(map(Plaintext, sorted(one.forms)))), one, each)
                for one in fresh
                for each in home.fields
                if _fits(one, home, each)
            ]
            if not pairs:
                continue
            origin = {id(probe): (one, each) for probe, one, each in pairs}
            for hit in self._find(home, [probe for probe, _, _ in pairs]).found:
                one, each = origin[id(hit.probe)]
                seen[one].append(Sighting(home.subject(hit.key), home.dataset.name, each.name, one.kind, _weakness(one, home, each)))
        return seen

    def _find(self, home: Home, probes: Sequence[Probe]) -> Hits:
        try:
            hits = self._session.find(home.dataset, probes, home.encrypted)
        except ConnectorUnavailable:
            hits = Hits((), complete=False)
        if not hits.complete:
            self._unreachable(home.dataset, [each for each in home.fields if each.name in {probe.field for probe in probes}])
        return hits

    def _wanted(self, identifier: Identifier) -> Wanted:
        return Wanted(identifier.kind, self._spellings.forms(identifier.kind, identifier.value.reveal()), identifier.scope)

    # --- what a value proves -------------------------------------------------------------------------------------------------------------

    def _judged(self, wanted: Wanted, seen: Sequence[Sighting], names: Sequence[str]) -> list[Match]:
        """Return the matches of one identifier; what is shared or weak becomes a doubt, and a phone on file under another name than the one given."""
        proving = [sighting for sighting in seen if not sighting.weak]
        for reason in ("weak", "organisation"):
            known = {sighting.subject for sighting in proving}
            self._doubt(reason, [sighting for sighting in seen if sighting.weak == reason and sighting.subject not in known])
        subjects = {sighting.subject for sighting in proving}
        if self._shared(wanted.kind, subjects) or wanted.kind is IdentifierKind.PHONE and self._names_differ(subjects):
            self._doubt("shared", proving)
            return []
        strange = [sighting for sighting in proving if wanted.kind is IdentifierKind.PHONE and self._named_otherwise(sighting.subject, names)]
        self._doubt("contradicting", strange)
        return [sighting.match() for sighting in proving if sighting not in strange]

    def _shared(self, kind: IdentifierKind, subjects: Collection[SubjectRef]) -> bool:
        # an administrator and a customer may have one login: there the whole scope is one group
        groups: dict[tuple[str, ...], set[str]] = {}
        for subject in subjects:
            groups.setdefault(() if kind in SCOPED else (subject.system, subject.type), set()).add(self._person(subject))
        return any(len(people) > 1 for people in groups.values())

    def _contradict(self, subjects: Collection[SubjectRef], given: Sequence[Wanted] = ()) -> bool:
        """Tell whether these subjects cannot be one person: two of a kind, or different resident numbers on file or given."""
        kinds: dict[tuple[str, str], set[str]] = {}
        for subject in subjects:
            kinds.setdefault((subject.system, subject.type), set()).add(self._person(subject))
        if any(len(people) > 1 for people in kinds.values()):
            return True
        numbers = [forms for subject in subjects if (forms := self._file(subject).numbers)] + [one.forms for one in given]
        return any(first.isdisjoint(second) for at, first in enumerate(numbers) for second in numbers[at + 1 :])

    def _names_differ(self, subjects: Collection[SubjectRef]) -> bool:
        """Tell whether some of these bear names that are hardly one person's: a family has one phone in several systems."""
        told = [(self._person(subject), names) for subject in subjects if (names := self._file(subject).names)]
        return any(
            person != other and all(contradict(name, another) for name in names for another in others)
            for at, (person, names) in enumerate(told)
            for other, others in told[at + 1 :]
        )

    def _addresses_differ(self, subjects: Sequence[SubjectRef]) -> bool:
        """Tell whether the last of these has e-mail addresses on file, and others, but no common one."""
        *others, last = subjects
        mine = self._file(last).addresses
        theirs = frozenset[str]().union(*(self._file(other).addresses for other in others if self._person(other) != self._person(last)))
        return bool(mine and theirs) and mine.isdisjoint(theirs)

    def _named_otherwise(self, subject: SubjectRef, names: Sequence[str]) -> bool:
        known = self._file(subject).names
        return bool(known and names) and all(contradict(name, other) for name in names for other in known)

    def _person(self, subject: SubjectRef) -> str:
        return self._known.person(subject) or f"/{subject}"

    # --- further systems -----------------------------------------------------------------------------------------------------------------

    def _expand(self) -> None:
        frontier = list(self._matches)
        for _ in range(ROUNDS):
            wanted = [one for subject in frontier for one in self._file(subject).wanted]
            before = set(self._matches)
            for one, seen in self._look(wanted).items():
                self._take(self._linked(one, [sighting for sighting in seen if sighting.subject not in self._matches], seen))
            frontier = [subject for subject in self._matches if subject not in before]
            if not frontier or len(self._matches) >= _MOST_SUBJECTS:
                return

    def _linked(self, wanted: Wanted, fresh: Sequence[Sighting], seen: Sequence[Sighting]) -> list[Match]:
        """Return the fresh sightings that are the person already found."""
        if self._shared(wanted.kind, {sighting.subject for sighting in seen if not sighting.weak}):
            self._doubt("shared", [sighting for sighting in fresh if not sighting.weak and not self._told_apart(sighting.subject)])
            return []
        accepted: list[Match] = []
        for sighting in fresh:
            if sighting.weak or self._told_apart(sighting.subject):
                continue  # somebody else's field that holds this person's number is no news about this person
            known = [*self._matches, *(match.subject for match in accepted), sighting.subject]
            # anybody can register with somebody's phone: where more is on file, it has to agree
            phone = wanted.kind is IdentifierKind.PHONE
            if self._contradict(known) or phone and (self._names_differ(known) or self._addresses_differ(known)):
                self._doubt("contradicting", [sighting])
            else:
                accepted.append(sighting.match(Reach.FOLLOWED))
        return accepted

    def _told_apart(self, subject: SubjectRef) -> bool:
        return any(self._known.apart(subject, found) for found in self._matches)

    def _take(self, matches: Iterable[Match]) -> None:
        for match in matches:
            self._matches.setdefault(match.subject, match)

    def _add_linked(self) -> None:
        for subject in list(self._matches):
            person = self._known.person(subject)
            self._take(Match(other, "", "", IdentifierKind.SUBJECT, Reach.LINKED) for other in (self._known.subjects(person) if person else ()))

    def _file(self, subject: SubjectRef) -> "_OnFile":
        if subject not in self._files:
            try:
                values = list(self._values(subject))
            except ConnectorUnavailable:
                values = []
            forms = [(kind, self._spellings.forms(kind, value.reveal())) for _, _, kind, value in values if kind in LINKING]
            names: dict[str, list[str]] = {}  # a first and a last name stand in fields of their own
            for home, _, kind, value in values:
                if kind is IdentifierKind.NAME:
                    names.setdefault(home.dataset.name, []).append(value.reveal())
            self._files[subject] = _OnFile(tuple(Wanted(kind, each) for kind, each in forms if each), tuple(map(" ".join, names.values())))
        return self._files[subject]

    def _values(self, subject: SubjectRef) -> Iterable[tuple[Home, str, IdentifierKind, Plaintext]]:
        for home in self._homes():
            if home.weak or (home.dataset.system, home.dataset.subject_type) != (subject.system, subject.type):
                continue
            names = [each.name for each in home.fields if each.own and each.kinds[0] in (*LINKING, IdentifierKind.NAME)]
            row = self._session.read(home.dataset, names, [subject.key], home.encrypted).get(subject.key, {}) if names else {}
            yield from ((home, each.name, each.kinds[0], value) for each in home.fields for value in row.get(each.name, ()))

    # --- what is named, not found --------------------------------------------------------------------------------------------------------

    def _named(self, identifier: Identifier) -> Iterable[Match]:
        """Return the subject that a reference names, where there is one."""
        subject = SubjectRef.parse(identifier.value.reveal())
        for dataset in self._datasets:
            if (dataset.system, dataset.subject_type) != (subject.system, subject.type) or keys_a_row(dataset) is False:
                continue
            try:
                if self._session.read(dataset, [dataset.subject_field or ""], [subject.key], {}):
                    return [Match(subject, dataset.name, dataset.subject_field or "", IdentifierKind.SUBJECT)]
            except ConnectorUnavailable:
                self._doubts[Doubt("unreachable", dataset.name, dataset.subject_field or "", IdentifierKind.SUBJECT)] = None
        return []

    def _namesakes(self, names: Sequence[Wanted]) -> None:
        for seen in self._look(names).values():
            self._doubt("weak", [replace(sighting, weak="weak") for sighting in seen if sighting.weak != "organisation"][:_MOST_NAMESAKES])

    def _look_unsettled(self, wanted: Sequence[Wanted]) -> None:
        """Look where nobody has said whom the rows are about: an identifier that stands there is somebody's, and may be the person's."""
        for dataset in self._datasets:
            if dataset.subject_type and dataset.subject_field:
                continue
            encrypted = self._encrypted.of(self._tenant, dataset.id)
            for each in identifier_fields(dataset):
                # rows have no subject to be named by, so that the cell itself stands for one
                home = Home(replace(dataset, subject_field=each.name), (each,), {})
                probes = [Probe(each.name, one.kind, tuple(map(Plaintext, sorted(one.forms)))) for one in wanted if _fits(one, home, each)]
                hidden = each.name in encrypted  # opens under its row's subject alone
                if probes and not (dataset.fields[each.name].gone and not hidden) and (hidden or self._find(home, probes).found):
                    self._doubts[Doubt("unconfirmed", dataset.name, each.name, probes[0].kind)] = None

    # --- doubts --------------------------------------------------------------------------------------------------------------------------

    def _doubt(self, reason: str, sightings: Sequence[Sighting]) -> None:
        def place(sighting: Sighting) -> tuple[str, str, str]:
            return sighting.dataset, sighting.field, sighting.kind.value

        for (dataset, name, kind), group in groupby(sorted(sightings, key=place), key=place):
            subjects = tuple(dict.fromkeys(sighting.subject for sighting in group))[:_MOST_SUBJECTS]
            self._doubts[Doubt(reason, dataset, name, IdentifierKind(kind), subjects)] = None

    def _unreachable(self, dataset: Dataset, fields: Iterable[IdentifierField]) -> None:
        self._doubts |= dict.fromkeys(Doubt("unreachable", dataset.name, each.name, each.kinds[0]) for each in fields)

    def _say_unconfirmed(self, kinds: Collection[IdentifierKind]) -> None:
        for dataset in self._datasets:
            open_ = not (dataset.subject_type and dataset.subject_field)
            about_people = dataset.subject_type or dataset.proposed_subject_type
            for each in identifier_fields(dataset):
                asked = next((kind for kind in each.kinds if kind in kinds), None)
                if (
                    asked
                    and asked is not IdentifierKind.NAME
                    and each.own
                    and not dataset.fields[each.name].gone
                    and about_people
                    and (open_ or not each.confirmed)
                ):
                    self._doubts[Doubt("unconfirmed", dataset.name, each.name, asked)] = None


@dataclass(frozen=True, slots=True)
class _OnFile:
    """The own strong identifiers of a subject, normalised, and its names as written: they never print."""

    wanted: tuple[Wanted, ...] = ()
    names: tuple[str, ...] = field(default=(), repr=False)
    numbers: frozenset[str] = field(init=False, repr=False)
    addresses: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name, kind in (("numbers", IdentifierKind.RESIDENT_ID), ("addresses", IdentifierKind.EMAIL)):
            forms = [one.forms for one in self.wanted if one.kind is kind]
            object.__setattr__(self, name, frozenset().union(*forms))


def _weakness(wanted: Wanted, home: Home, each: IdentifierField) -> str:
    """Return why the field proves nothing; empty where it does."""
    name = home.dataset.name
    if home.weak == "weak" and (home.dataset.fields[each.name].key == "primary" or wanted.scope in (name, f"{name}.{each.name}")):
        return ""  # a table of cards or logins: each is issued to one subject, though a subject may have several
    return home.weak or ("" if each.own else "weak")


def _fits(wanted: Wanted, home: Home, each: IdentifierField) -> bool:
    name = home.dataset.name
    return wanted.kind in each.kinds and wanted.scope in ("", home.dataset.system, name, f"{name}.{each.name}")
