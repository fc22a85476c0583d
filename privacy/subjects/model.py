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


@dataclass(frozen=True, slots=True)
class Match:
    """A subject that an identifier led to. `evidence` names dataset and field, never the value."""

    subject: SubjectRef
    dataset: str
    field: str
    kind: IdentifierKind


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why something was not linked: `shared` (one value, several people of one dataset), `weak`, `unconfirmed`, `unreachable`."""

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


@dataclass(frozen=True, slots=True)
class Person:
    """Subjects of several systems that are one natural person."""

    id: str
    tenant: TenantId
    subjects: tuple[SubjectRef, ...]
    created_at: datetime
