"""Those who are not logged in: throttled per source, and on record without filling the disk.

Rules: one leaf per source, reason and minute, with a count; no name that was typed is kept; sources are bounded
(the oldest go first); failed logins of one source slow it down: 20 at once, then one every three seconds; logins that
are being checked are bounded per source and in all. Minutes are of the wall clock, waiting is not.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rooms.commands import Command, Origin
from rooms.commands.noting import NoteAct
from rooms.refusals import Refusal, refuse

BURST = 20
REFILL_MS = 3_000
CHECKED_AT_ONCE = 64  # logins of one source
MOST_CHECKED = 256
MOST_SOURCES = 10_000
MINUTE = 60_000


class _Key(NamedTuple):
    zone: str | None
    address: str | None
    forwarded: bool
    reason: str
    minute: int


class Strangers:
    """``submit`` hands the minute's counts to the writer; ``now`` is ms UTC, ``elapsed`` ms of a clock that nobody
    sets; ``limits`` off for load tests.
    """

    def __init__(
        self,
        submit: Callable[[Command], object],
        now: Callable[[], int],
        elapsed: Callable[[], int],
        *,
        limits: bool = True,
    ) -> None:
        self._submit = submit
        self._now = now
        self._elapsed = elapsed
        self._limits = limits
        self._counts: dict[_Key, int] = {}
        self._failures: OrderedDict[str, int] = OrderedDict()
        self._checked: Counter[str] = Counter()

    def must_wait(self, address: str) -> Refusal | None:
        """Whether the source has failed too often of late, or too many logins wait for their check. The bucket is kept
        as the time at which it is empty again.
        """
        if not self._limits:
            return None
        full = self._failures.get(address, 0) - self._elapsed()
        over = full - (BURST - 1) * REFILL_MS
        if over > 0:
            return refuse("rate_limited", over // 1000 + 1)
        if self._checked[address] >= CHECKED_AT_ONCE:
            return refuse("rate_limited", 3)
        return refuse("busy", 3) if self._checked.total() >= MOST_CHECKED else None

    @contextmanager
    def checked(self, address: str) -> Iterator[None]:
        """While a login of the source is being checked."""
        self._checked[address] += 1
        try:
            yield
        finally:
            self._checked[address] -= 1
            if not self._checked[address]:
                del self._checked[address]

    def counted(self, address: str) -> None:
        """The source failed once more."""
        now = self._elapsed()
        self._failures[address] = max(self._failures.get(address, 0), now) + REFILL_MS
        self._failures.move_to_end(address)
        while len(self._failures) > MOST_SOURCES:
            self._failures.popitem(last=False)

    def refused(self, origin: Origin, reason: str) -> None:
        """A request of somebody unknown was refused; on record with the minute's others."""
        if reason == "wrong_login":
            self.counted(origin.address or "")
        key = _Key(origin.zone, origin.address, origin.forwarded, reason, self._now() // MINUTE)
        if key in self._counts or len(self._counts) < MOST_SOURCES:
            self._counts[key] = self._counts.get(key, 0) + 1

    def flush(self, *, everything: bool = False) -> None:
        """Write the leaves of the minutes that are over."""
        this = self._now() // MINUTE
        for key in [k for k in self._counts if everything or k.minute != this]:
            origin = Origin(zone=key.zone, address=key.address, forwarded=key.forwarded)
            notes = {"count": self._counts.pop(key), "minute": key.minute}
            self._submit(NoteAct(origin, "stranger.refused", None, "refused", key.reason, notes))
