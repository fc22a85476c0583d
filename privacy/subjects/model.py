"""Identifiers in, subjects out: what a resolution found, what was ambiguous, and who is one person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from privacy.kernel.ids import TenantId
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef


class IdentifierKind(StrEnum):
    """Strong identifiers. `subject` is a reference system:type:key itself; `name` is weak and only ever feeds the review list."""

    EMAIL = "email"
    PHONE = "phone"
    RESIDENT_ID = "resident_id"
    LOGIN = "login"
    MEMBER_CARD = "member_card"
    SUBJECT = "subject"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Identifier:
    """What a requester says about themselves. A login or a card is one only within its scope: `system`, or `system.table`."""

    kind: IdentifierKind
    value: Plaintext
    scope: str = ""


class Reach(StrEnum):
    """How a subject was reached. Only what was given, or what people linked, may be acted on without further proof."""

    GIVEN = "given"  # it holds an identifier of the question itself
    FOLLOWED = "followed"  # it holds one that another subject's record holds: whoever wrote that record may have invented it
    LINKED = "linked"  # people said that it is one person with another


@dataclass(frozen=True, slots=True)
class Match:
    """A subject that an identifier led to: by which dataset and field, never by which value. `person` is the id of whom people linked it to."""

    subject: SubjectRef
    dataset: str
    field: str
    kind: IdentifierKind
    reach: Reach = Reach.GIVEN
    person: str = ""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why something was not linked.

    shared         one value, several people of one kind: a switchboard, a household, a family phone. It is no identity anywhere.
    weak           a name, somebody else's field (an emergency contact), or a row about a person instead of the person's own
    organisation   the value is an organisation's: its contact person is none of its parts
    contradicting  the value agrees, but resident numbers differ (for a phone: names or e-mail addresses), or another subject of the same kind was found already
    unconfirmed    identifiers may lie there, but nobody has confirmed the field or whom the rows are about
    unreachable    the system did not answer, or not in time: nothing is known about it, least of all that there is nothing
    """

    reason: str
    dataset: str
    field: str
    kind: IdentifierKind
    subjects: tuple[SubjectRef, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolution:
    """Subjects found by strong keys, with what was doubtful. `several_people` when the identifiers contradict each other."""

    matches: tuple[Match, ...]
    doubts: tuple[Doubt, ...] = ()
    several_people: bool = False

    @property
    def subjects(self) -> Sequence[SubjectRef]:
        return tuple(dict.fromkeys(match.subject for match in self.matches))


class ReviewState(StrEnum):
    OPEN = "open"
    SAME = "same"  # decided: one person
    DIFFERENT = "different"  # decided: different people, never to be linked by machine
    DISMISSED = "dismissed"  # decided: nothing follows from it


@dataclass(frozen=True, slots=True)
class Review:
    """A doubt laid before a person. `anchors` were found by strong identifiers, `subjects` are in doubt; `count` is what there were when it was made.

    `reason` is a Doubt's; `note` why it was decided so.
    """

    id: str
    reason: str
    dataset: str
    field: str
    kind: IdentifierKind
    state: ReviewState
    count: int
    created_at: datetime
    anchors: tuple[SubjectRef, ...] = ()
    subjects: tuple[SubjectRef, ...] = ()
    decided_by: str = ""
    decided_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """A way to reach a subject that is on file, read live. `masked` may be shown: `j***@e…`, `…63`."""

    kind: IdentifierKind
    value: Plaintext
    masked: str
    dataset: str
    field: str


@dataclass(frozen=True, slots=True)
class Person:
    """Subjects of several systems that are one natural person."""

    id: str
    tenant: TenantId
    subjects: tuple[SubjectRef, ...]
    created_at: datetime
