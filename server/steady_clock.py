"""The time of day for measuring how long something lasts: it does not follow a machine whose clock is set.

Rules: begun from the wall clock once, at the start of the process, and driven by the clock that nobody sets
(``elapsed``, ms). What a person reads carries the wall clock; how long an upload waits, or an original is kept, goes by
this one. What cannot be undone happens by the earlier of the two: a clock that jumps ahead deletes nothing.

>>> ticks = iter([5_000, 65_000])
>>> SteadyClock(lambda: 1_700_000_000_000, lambda: next(ticks))()
1700000060000
"""

from __future__ import annotations

from collections.abc import Callable


class SteadyClock:
    """Milliseconds UTC, as far as the wall clock was right at the start."""

    def __init__(self, now: Callable[[], int], elapsed: Callable[[], int]) -> None:
        self._now = now
        self._elapsed = elapsed
        self._began = now() - elapsed()

    def __call__(self) -> int:
        return self._began + self._elapsed()

    def cautious(self) -> int:
        """The earlier one of this clock and the wall clock."""
        return min(self(), self._now())
