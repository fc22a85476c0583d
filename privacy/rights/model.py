"""The words of a request: kinds, states, and what a clock says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class RequestKind(StrEnum):
    """What a person may ask for. Only access and erasure are carried out end to end by this version; the others are taken in, dated and answered by people."""

    ACCESS = "access"
    ERASURE = "erasure"
    RECTIFICATION = "rectification"
    RESTRICTION = "restriction"
    PORTABILITY = "portability"
    OBJECTION = "objection"
    MARKETING_OBJECTION = "marketing_objection"
    WITHDRAWAL = "withdrawal"
    AUTOMATED_DECISION = "automated_decision"
    OPT_OUT = "opt_out"
    COMPLAINT = "complaint"


class RequestState(StrEnum):
    RECEIVED = "received"
    IDENTITY_ASKED = "identity_asked"
    VERIFIED = "verified"
    PLANNED = "planned"
    APPROVED = "approved"
    RUNNING = "running"
    NEEDS_ATTENTION = "needs_attention"
    READY = "ready"  # the answer can be handed over
    DONE = "done"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Clock:
    """One deadline with everything that made it, so that it can be computed again years later.

    `due` is the reading of the law, `target` the more cautious one that alarms run on: a day in `zone`, or an instant for periods in hours.
    `provisional` when a calendar year was missing; `status` is the rule's (`in_force`, `to_verify`, `proposed`).
    """

    rule: str
    version: int
    regime: str
    calendar: str
    calendar_version: str
    zone: str
    inputs: Mapping[str, str | int | bool]
    due: date | datetime
    target: date | datetime
    provisional: bool = False
    status: str = "in_force"
    name: str = "answer"  # answer | confirm_receipt | extension_notice | …
