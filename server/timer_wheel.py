"""One timer for all connections: a wheel of one-second slots.

Rules: an item waits in at most one slot; setting it again moves it; times are rounded up to whole seconds and may be at
most ``LONGEST``. One ``call_later`` runs however many items wait: an idle connection costs one set entry.

Example: ``wheel.set(connection, 10)``; ten ticks later ``connection.on_timer()`` is called once.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from typing import Protocol

SLOTS = 128
LONGEST = SLOTS - 1
_log = logging.getLogger("sekisho.sockets")


class Timed(Protocol):
    """``slot`` belongs to the wheel; it starts as -1."""

    slot: int

    def on_timer(self) -> None: ...


class TimerWheel:
    """Starts with ``start``, ends with ``stop``. ``each_tick`` are called once per second besides."""

    def __init__(self) -> None:
        self._slots: list[set[Timed]] = [set() for _ in range(SLOTS)]
        self._now = 0
        self._handle: asyncio.TimerHandle | None = None
        self.each_tick: list[Callable[[], None]] = []

    def set(self, item: Timed, seconds: float) -> None:
        """Call ``item.on_timer`` after ``seconds``; a wait that was set before is forgotten."""
        if item.slot >= 0:
            self._slots[item.slot].discard(item)
        ticks = min(LONGEST, max(1, math.ceil(seconds)))
        item.slot = (self._now + ticks) % SLOTS
        self._slots[item.slot].add(item)

    def drop(self, item: Timed) -> None:
        """Forget ``item``."""
        if item.slot >= 0:
            self._slots[item.slot].discard(item)
            item.slot = -1

    def tick(self) -> None:
        """One second passed."""
        self._now = (self._now + 1) % SLOTS
        due, self._slots[self._now] = self._slots[self._now], set()
        for item in due:
            item.slot = -1
        for item in due:
            if item.slot < 0:
                _guarded(item.on_timer)
        for call in self.each_tick:
            _guarded(call)

    def start(self) -> None:
        if self._handle is None:
            self._again(asyncio.get_running_loop())

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _again(self, loop: asyncio.AbstractEventLoop) -> None:
        self._handle = loop.call_later(1.0, self._run, loop)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        self._again(loop)
        self.tick()


def _guarded(call: Callable[[], None]) -> None:
    """One connection's fault must not stop the time of the others."""
    try:
        call()
    except Exception:
        _log.exception("a timer's call failed")
