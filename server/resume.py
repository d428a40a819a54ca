"""Replay: what happened in a connection's rooms while it was away, read from the store and paced by its socket.

Rules:
- A task exists only while a connection is behind somewhere. Rooms are read one after the other, a page at a time;
  the next page is read when the socket has taken the last one (below the low-water mark), so a slow line costs one
  page of memory.
- A room goes live in the same turn of the loop in which its replay has reached the room's head: nothing is missed,
  nothing comes twice. Who left a room gets no page of it that was under way.
- While a replay runs, a full socket is no offence: rooms that were live already fall behind instead of being buffered.
- A cursor that lies before what is kept is answered ``reset``, never with an empty view.
- At most ``AT_ONCE`` pages are read at a time over all connections, so that a herd of returning clients waits here
  and not in the store.

Example: ``Replay(connection, endpoint).behind.append((channel, after))``, then ``await replay.run()``.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from server import wire
from server.engine import Engine, LoggedIn, Pruned, StoredEvent
from server.fanout import Channel, Hub, Receiver, event_frame
from server.framing import frame

PAGE = 100
SMALLEST_PAGE = 4
CHUNK = 64 * 1024
AT_ONCE = 16


class Reader(Receiver, Protocol):
    """What a replay needs of a connection besides being a receiver."""

    def write_paced(self, data: bytes) -> bool:
        """Write; whether the socket takes more at once."""

    async def drained(self) -> bool:
        """Wait until the socket has taken (nearly) all; False if the connection is closing."""


class Replay:
    """The replay of one connection. ``behind``: (channel, seq up to which it has everything), in their order."""

    __slots__ = ("_engine", "_gate", "_hub", "_page", "_reader", "_reading", "_who", "behind")

    def __init__(self, reader: Reader, who: LoggedIn, engine: Engine, hub: Hub, gate: asyncio.Semaphore) -> None:
        self.behind: deque[tuple[Channel, int]] = deque()
        self._reader = reader
        self._who = who
        self._engine = engine
        self._hub = hub
        self._gate = gate
        self._page = PAGE
        self._reading: Channel | None = None

    def forget(self, channel: Channel) -> None:
        """The room is no longer the connection's: a page that is under way is thrown away, even if it is joined
        again.
        """
        self.behind = deque(entry for entry in self.behind if entry[0] is not channel)
        if self._reading is channel:
            self._reading = None

    async def run(self) -> None:
        """Until the connection is behind nowhere, or closes. Raises what the engine raises."""
        while await self._reader.drained():
            if not self.behind:
                return
            channel, after = self.behind.popleft()
            if after >= channel.head:
                self._hub.go_live(self._reader, channel, after)
            else:
                await self._read_page(channel, after)

    async def _read_page(self, channel: Channel, after: int) -> None:
        """One page of one room; the room stays first in line unless it is done."""
        head = channel.head
        self._reading = channel
        async with self._gate:
            page = await self._engine.events(self._who, channel.room, after, self._page)
        if self._reading is not channel:
            return
        if isinstance(page, Pruned):
            self._reader.write_paced(frame(wire.Reset(channel.room, head)))
            has = head
        else:
            has = self._write(page) if page else head
        self.behind.appendleft((channel, max(has, after)))

    def _write(self, page: Sequence[StoredEvent]) -> int:
        """Write events until the socket is full; the seq of the last one written. What is left is read again: pages of
        long messages get shorter instead of being held."""
        frames: list[bytes] = []
        size = 0
        for count, event in enumerate(page, 1):
            frames.append(event_frame(event, self._who.view))
            size += len(frames[-1])
            if size < CHUNK and count < len(page):
                continue
            if not self._reader.write_paced(b"".join(frames)) and count < len(page):
                self._page = max(SMALLEST_PAGE, count)
                return event.seq
            frames, size = [], 0
        self._page = PAGE
        return page[-1].seq
