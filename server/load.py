"""When the server has more to do than it can, what it lets lie for a while: levels and their hysteresis, without clock,
socket or task.

Rules kept here:
- What is shed, and in which order, is the table of ``Level``; a level sheds all that stands above it. A message is
  refused at no level: only a full queue or a full disk does that, as ever.
- A level is reached when one measure has stood at its limit for ``Pace.rise`` seconds, one level at a time. What is
  measured is the least of what was seen since the last look: a queue that stands counts, a burst that is worked off
  does not (RFC 8289 section 3.1 argues why).
- A level is left when every measure has been below ``EASED`` of its limit for the hold time, one level at a time. What
  comes back soon after it was let go doubles the hold time, so that nobody watches a line that comes and goes.

>>> load = Load(Pace(rise=2.0, hold=5.0))
>>> load.look(Measures(lag=0.4), 0.0), load.look(Measures(lag=0.4), 2.0), load.look(Measures(lag=0.4), 4.0)
(False, True, True)
>>> load.level, load.sheds(Level.SEARCH)
(<Level.PREVIEWS: 2>, False)
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

EASED = 0.6
AGAIN_WITHIN = 60.0  # seconds after which a new overload has nothing to do with the last
LONGEST_HOLD = 80.0
COME_BACK, SPREAD = 10, 10  # seconds: a Retry-After lies between the first and the sum of both


class Level(enum.IntEnum):
    """What is shed from this level on."""

    NONE = 0
    MARKS = 1
    """read marks are gathered for seconds; what says who is there or writes (when it comes) is not told"""
    PREVIEWS = 2
    """no thumbnails are drawn and no pages compared; rows remember both"""
    SEARCH = 3
    """searches are refused, new messages are indexed later"""
    UPLOADS = 4
    """no new file is taken; one that was begun is gone on with"""


class Measures(NamedTuple):
    """What load is measured by. ``lag``: how late the event loop comes to a timer, seconds. ``oldest``: how long the
    oldest command has waited for its commit, seconds. ``buffered``: bytes that sockets have not taken, as a share of
    what all may hold. ``memory``: what the machine should have left, divided by what it has left."""

    lag: float = 0.0
    oldest: float = 0.0
    buffered: float = 0.0
    memory: float = 0.0


LIMITS: Mapping[str, tuple[float, float, float, float]] = {
    "lag": (0.15, 0.30, 0.60, 1.20),
    "oldest": (0.30, 0.60, 1.20, 2.40),
    "buffered": (0.50, 0.65, 0.80, 0.90),
    "memory": (1.00, 1.25, 1.60, 2.00),
}
"""Where each level begins: for people, from noticing to waiting for seconds."""


class Pace(NamedTuple):
    """Seconds: ``rise`` until the next level is reached, ``hold`` until one is left."""

    rise: float = 2.0
    hold: float = 5.0


class Load:
    """The level of one server. ``look`` moves it; everybody else asks ``sheds``. ``raised`` counts levels reached,
    ``refused`` what was refused because of them."""

    def __init__(self, pace: Pace | None = None) -> None:
        self.pace = pace or Pace()
        self.level = Level.NONE
        self.measures = Measures()
        self.raised = 0
        self.refused = 0
        self._hold = 0.0
        self._over: float | None = None
        self._eased: float | None = None
        self._left: float | None = None

    def sheds(self, what: Level) -> bool:
        return self.level >= what

    def come_back(self) -> int:
        """Something is refused: after how many seconds its caller may ask again; not all of them at once."""
        self.refused += 1
        return COME_BACK + self.refused % SPREAD

    def look(self, measures: Measures, now: float) -> bool:
        """Take in what was measured; whether the level is another. ``now``: seconds of a monotonic clock."""
        self.measures = measures
        if level_of(measures) > self.level:
            self._eased = None
            self._over = now if self._over is None else self._over
            return self._rise(now) if now - self._over >= self.pace.rise else False
        self._over = None
        if self.level and level_of(measures, EASED) < self.level:
            self._eased = now if self._eased is None else self._eased
            return self._fall(now) if now - self._eased >= max(self._hold, self.pace.hold) else False
        self._eased = None
        return False

    def _rise(self, now: float) -> bool:
        if self._left is not None:
            soon = now - self._left < AGAIN_WITHIN
            self._hold = min(2 * max(self._hold, self.pace.hold), LONGEST_HOLD) if soon else 0.0
        self._left = None
        self._over = now
        self.level = Level(self.level + 1)
        self.raised += 1
        return True

    def _fall(self, now: float) -> bool:
        self._left = self._eased = now
        self.level = Level(self.level - 1)
        return True


def level_of(measures: Measures, share: float = 1.0) -> Level:
    """The highest level at whose limit (or at ``share`` of it) one of the measures stands."""
    reached = (
        sum(value >= limit * share for limit in LIMITS[name])
        for name, value in zip(Measures._fields, measures, strict=True)
    )
    return Level(max(reached))


class Ages:
    """How long the oldest of what was accepted and is not finished has waited, from two counters that are looked at
    from time to time: whoever accepts and finishes pays nothing for it. At most one look too short.

    >>> ages = Ages()
    >>> ages.oldest(accepted=3, finished=0, now=10.0), ages.oldest(5, 2, 10.1), ages.oldest(5, 3, 10.4)
    (0.0, 0.1, 0.3)
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[int, float]] = deque()
        self._accepted = 0

    def oldest(self, accepted: int, finished: int, now: float) -> float:
        if accepted > self._accepted:
            self._accepted = accepted
            self._seen.append((accepted, now))
        while self._seen and self._seen[0][0] <= finished:
            self._seen.popleft()
        return round(now - self._seen[0][1], 6) if self._seen else 0.0
