"""Those who are not logged in: throttled per source, and on record without filling the disk.

Rules: one leaf per source, reason and minute, with a count; no name that was typed is kept; sources are bounded
(the oldest go first); failed logins of one source slow it down: 20 at once, then one every three seconds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from rooms.commands import Command, Origin
from rooms.commands.noting import NoteAct
from rooms.refusals import Refusal, refuse

BURST = 20
REFILL_MS = 3_000
MOST_SOURCES = 10_000
MINUTE = 60_000


class _Key(NamedTuple):
    zone: str | None
    address: str | None
    reason: str
    minute: int


class Strangers:
    """``submit`` hands the minute's counts to the writer; ``now`` is ms UTC; ``limits`` off for load tests."""

    def __init__(self, submit: Callable[[Command], object], now: Callable[[], int], *, limits: bool = True) -> None:
        self._submit = submit
        self._now = now
        self._limits = limits
        self._counts: dict[_Key, int] = {}
        self._failures: OrderedDict[str, int] = OrderedDict()

    def must_wait(self, address: str) -> Refusal | None:
        """Whether the source has failed too often of late. The bucket is kept as the time at which it is empty
        again.
        """
        if not self._limits:
            return None
        full = self._failures.get(address, 0) - self._now()
        over = full - (BURST - 1) * REFILL_MS
        return refuse("rate_limited", over // 1000 + 1) if over > 0 else None

    def counted(self, address: str) -> None:
        """The source failed once more."""
        now = self._now()
        self._failures[address] = max(self._failures.get(address, 0), now) + REFILL_MS
        self._failures.move_to_end(address)
        while len(self._failures) > MOST_SOURCES:
            self._failures.popitem(last=False)

    def refused(self, origin: Origin, reason: str) -> None:
        """A request of somebody unknown was refused; on record with the minute's others."""
        if reason == "wrong_login":
            self.counted(origin.address or "")
        key = _Key(origin.zone, origin.address, reason, self._now() // MINUTE)
        if key in self._counts or len(self._counts) < MOST_SOURCES:
            self._counts[key] = self._counts.get(key, 0) + 1

    def flush(self, *, everything: bool = False) -> None:
        """Write the leaves of the minutes that are over."""
        this = self._now() // MINUTE
        for key in [k for k in self._counts if everything or k.minute < this]:
            origin = Origin(zone=key.zone, address=key.address)
            notes = {"count": self._counts.pop(key), "minute": key.minute}
            self._submit(NoteAct(origin, "stranger.refused", None, "refused", key.reason, notes))
