"""One line of `privacy bench`: ours beside a named peer, in the same run, by interleaved passes of which the fastest counts."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ratio:
    """`ours` and `peer` in `unit`; `ratio` is ours / peer, and `note` says what the peer is and which way is better."""

    name: str
    ours: float
    peer: float
    unit: str
    ratio: float
    note: str

    @classmethod
    def of_rates(cls, name: str, count: int, seconds: tuple[float, float], note: str, unit: str = "values/s") -> "Ratio":
        """Compare how many of `count` things each side did a second."""
        ours, peer = (count / each for each in seconds)
        return cls(name, ours, peer, unit, ours / peer, note)


def fastest(ours: Callable[[], object], peer: Callable[[], object], *, passes: int = 15) -> tuple[float, float]:
    """Return the least seconds of each side over alternating passes: the machine's other work only ever adds time."""
    best = [float("inf"), float("inf")]
    enabled = gc.isenabled()
    gc.disable()
    try:
        for _ in range(passes):
            for side, work in enumerate((ours, peer)):
                start = time.perf_counter()
                work()
                best[side] = min(best[side], time.perf_counter() - start)
    finally:
        if enabled:
            gc.enable()
    return best[0], best[1]
