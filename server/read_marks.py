"""Read marks on their way to the writer: gathered, and never before what somebody says.

Rules kept here:
- of one person's marks in one room and zone the furthest counts; the others are never written;
- they are handed over together, ``GATHER`` seconds after the first of them, and only when nothing waits for the writer,
  so that no message is committed later because somebody read; under load they rest ``HELD`` seconds (``server.load``);
- none waits longer than ``LONGEST``; the end of the server hands over what is left;
- a mark that a crash loses is set again by the next one: reading moves on.

>>> marks = ReadMarks(performer.submit, lambda: performer.queued, load)     # doctest: +SKIP
>>> marks.gather("p_sato", "lgwan", "r_1", 42)                              # doctest: +SKIP
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rooms.commands import Command, Origin
from rooms.commands.posting import MarkRead
from rooms.perform import Outcome
from server.load import Level, Load

GATHER = 0.2
HELD = 5.0
LOOK_AGAIN = 0.05
LONGEST = 10.0
AT_ONCE = 256


class ReadMarks:
    """``waiting`` answers how many commands wait for the writer."""

    def __init__(
        self, submit: Callable[[Command], asyncio.Future[Outcome]], waiting: Callable[[], int], load: Load
    ) -> None:
        self._submit = submit
        self._waiting = waiting
        self._load = load
        self._marks: dict[tuple[str, str, str], int] = {}
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def gather(self, person: str, zone: str, room: str, seq: int) -> None:
        """``person`` has seen everything up to ``seq``, in ``zone``."""
        key = person, zone, room
        self._marks[key] = max(seq, self._marks.get(key, 0))
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._since = loop.time()
            self._timer = loop.call_later(HELD if self._load.sheds(Level.MARKS) else GATHER, self._due)

    def _due(self) -> None:
        loop = asyncio.get_running_loop()
        if self._waiting() and loop.time() - self._since < LONGEST:
            self._timer = loop.call_later(LOOK_AGAIN, self._due)
            return
        self._timer = None
        self._hand_over(AT_ONCE)
        if self._marks:
            self._timer = loop.call_later(LOOK_AGAIN, self._due)

    def close(self) -> None:
        """Hand over all that is left."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._hand_over(len(self._marks))

    def _hand_over(self, most: int) -> None:
        for key in list(self._marks)[:most]:
            person, zone, room = key
            self._submit(MarkRead(Origin(zone=zone, person=person), room, self._marks.pop(key)))
