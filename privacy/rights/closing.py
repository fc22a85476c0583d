"""What ends a request: its outcome, when that was, and when its own file is to go."""

from collections.abc import Callable
from dataclasses import replace

from privacy.kernel.store import Tx
from privacy.rights.cases import Cases
from privacy.rights.letters import Letters
from privacy.rights.model import Request


def closing(cases: Cases, letters: Letters, outcome: str) -> Callable[[Tx, Request], Request]:
    """Return the change that ends a request as `outcome`."""

    def change(_tx: Tx, before: Request) -> Request:
        now = cases.clock.now()
        purge_at = letters.purge_at(before.regimes, now, cases.controller(before).time_zone)
        return replace(before, outcome=outcome, closed_at=now, purge_at=purge_at, held_since=None)

    return change
