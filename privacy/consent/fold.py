"""From receipts to a state: the rule that says whether consent holds, as one pure function.

1. A withdrawal reaches everything it covers: without a recipient all recipients, without a channel all channels of the purpose.
2. A consent reaches only what was asked: its own recipient, or (where the purpose needs no separate consent) the recipients its notice names;
   all channels when it names none, else its own. A question without a channel is answered by consents to all channels only.
3. Of the receipts that reach the question the one with the latest time decides; at the same time a withdrawal wins.
4. A deciding consent that has run out, or whose notice has changed materially since, is `expired`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from privacy.consent.model import Act, ConsentStatus, State


class Receipt(Protocol):
    """What the rule needs of a receipt."""

    @property
    def id(self) -> str: ...

    @property
    def recipient(self) -> str: ...

    @property
    def channel(self) -> str: ...

    @property
    def act(self) -> Act: ...

    @property
    def at(self) -> datetime: ...

    @property
    def expires_at(self) -> datetime | None: ...

    @property
    def notice(self) -> str: ...

    @property
    def notice_version(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Notices:
    """What the rule needs of notices: which recipients a version names, and since which version nothing material changed."""

    recipients: Mapping[tuple[str, int], Collection[str]]
    material_since: Mapping[str, int]

    def names(self, receipt: Receipt, recipient: str) -> bool:
        return recipient in self.recipients.get((receipt.notice, receipt.notice_version), ())

    def outdated(self, receipt: Receipt) -> bool:
        return receipt.notice_version < self.material_since.get(receipt.notice, 0)


def fold(receipts: Iterable[Receipt], recipient: str, channel: str, now: datetime, notices: Notices, *, separate: bool) -> ConsentStatus:
    """Return the state of one subject's consent for one purpose, to `recipient` ("" internal) over `channel` ("" none in particular)."""
    receipts = list(receipts)
    reaching = [receipt for receipt in receipts if _reaches(receipt, recipient, channel, notices, separate)]
    if not reaching:
        other = recipient and any(receipt.act is Act.GIVEN and not receipt.recipient for receipt in receipts)
        return ConsentStatus(State.NEVER, reason="recipient_not_covered" if other else "never_asked")
    # the id is ordered by time of recording: it makes the answer the same every time
    last = max(reaching, key=lambda receipt: (receipt.at, receipt.act is Act.WITHDRAWN, receipt.id))
    if last.act is Act.WITHDRAWN:
        return _status(State.WITHDRAWN, last, last.at, "withdrawn")
    if last.expires_at is not None and last.expires_at <= now:
        return _status(State.EXPIRED, last, last.expires_at, "ran_out")
    if notices.outdated(last):
        return _status(State.EXPIRED, last, last.at, "notice_changed")
    return _status(State.GIVEN, last, last.at, "given")


def _reaches(receipt: Receipt, recipient: str, channel: str, notices: Notices, separate: bool) -> bool:
    if receipt.act is Act.WITHDRAWN:
        return receipt.recipient in ("", recipient) and receipt.channel in ("", channel)
    to_recipient = receipt.recipient == recipient or not receipt.recipient and not separate and notices.names(receipt, recipient)
    return to_recipient and receipt.channel in ("", channel)


def _status(state: State, receipt: Receipt, at: datetime, reason: str) -> ConsentStatus:
    return ConsentStatus(state, at, receipt.id, reason, receipt.notice, receipt.notice_version, receipt.expires_at)
