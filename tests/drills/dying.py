"""Processes that die by kill -9 at a chosen point: before or after the n-th commit of any database, or the n-th fsync of any file.

The product has no hooks for this. The driver's commit and `os.fsync` are counted from outside, in a forked child, so that every point at which
something becomes durable can be hit, on every kind of database.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine.default import DefaultDialect

_SECONDS = 120


@dataclass
class Points:
    """Counts durable moments; at the point `fatal` the process ends as if its power were cut."""

    fatal: int = -1
    count: int = 0

    def pass_by(self) -> None:
        self.count += 1
        if self.count == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)


def child(work: Callable[[], None], fatal: int = -1, counted: Path | None = None) -> bool:
    """Run `work` in a forked process that dies at point `fatal`; return whether it came to its end. `counted` gets the number of points.

    Raises AssertionError when it ended with an error of its own.
    """
    pid = os.fork()
    if pid == 0:
        _live(work, Points(fatal), counted)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, f"the process ended by signal {os.WTERMSIG(status)}"
        return False
    assert os.WEXITSTATUS(status) == 0, "the process ended with an error; see above"
    return True


def _live(work: Callable[[], None], points: Points, counted: Path | None) -> None:
    code = 1
    try:
        signal.alarm(_SECONDS)
        _count(points)
        work()
        if counted is not None:
            counted.write_text(str(points.count))
        code = 0
    except BaseException:  # the child must never return into the parent's tests
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _count(points: Points) -> None:
    commit: Any = DefaultDialect.do_commit
    sync: Any = os.fsync

    def do_commit(self: Any, opened: Any) -> None:
        points.pass_by()
        commit(self, opened)
        points.pass_by()

    def fsync(descriptor: Any) -> None:
        points.pass_by()
        sync(descriptor)
        points.pass_by()

    DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]
    os.fsync = fsync  # type: ignore[assignment]
