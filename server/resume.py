"""Replay: what happened in a connection's rooms while it was away, read from the store and paced by its socket.

Rules:
- A task exists only while a connection is behind somewhere. Rooms are read one after the other, a page at a time; a
  page holds what is missing of several rooms where it is little in each. The next one is read when the socket has
  taken the last (below the low-water mark), so a slow line costs one page of memory.
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
from server.engine import Engine, Gap, LoggedIn, Pruned, StoredEvent
from server.fanout import Channel, Hub, Receiver, event_frame
from server.framing import frame

PAGE = 100
SMALLEST_PAGE = 4
CHUNK = 64 * 1024
AT_ONCE = 16

_Page = Sequence[StoredEvent] | Pruned


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
        self._reading: list[_Part] = []

    def forget(self, channel: Channel) -> None:
        """The room is no longer the connection's: a page that is under way is thrown away, even if it is joined
        again.
        """
        self.behind = deque(entry for entry in self.behind if entry[0] is not channel)
        for part in self._reading:
            part.wanted = part.wanted and part.channel is not channel

    async def run(self) -> None:
        """Until the connection is behind nowhere, or closes. Raises what the engine raises."""
        while await self._reader.drained():
            if not self.behind:
                return
            parts = self._next_page()
            if parts:
                await self._read(parts)

    def _next_page(self) -> list[_Part]:
        """The first rooms in line, as many as a page holds; those that miss nothing go live."""
        parts: list[_Part] = []
        room_left = self._page
        while self.behind and room_left:
            channel, after = self.behind.popleft()
            if after >= channel.head:
                self._hub.go_live(self._reader, channel, after)
                continue
            limit = min(room_left, channel.head - after)
            room_left -= limit
            parts.append(_Part(channel, after, limit))
        return parts

    async def _read(self, parts: list[_Part]) -> None:
        """One page; each of its rooms stays first in line unless it is done."""
        self._reading = parts
        async with self._gate:
            pages = await self._engine.events(self._who, [Gap(p.channel.room, p.after, p.limit) for p in parts])
        has = self._write(parts, pages)
        self.behind.extendleft((part.channel, seq) for part, seq in reversed(has))
        self._reading = []

    def _write(
        self, parts: Sequence[_Part], pages: Sequence[Sequence[StoredEvent] | Pruned]
    ) -> list[tuple[_Part, int]]:
        """Write events until the socket is full; up to which seq each room has them now. What is left is read again:
        pages of long messages get shorter instead of being held."""
        out = _Out(self._reader)
        has: list[tuple[_Part, int]] = []
        for part, page in zip(parts, pages, strict=True):
            if part.wanted:
                has.append((part, part.after if out.full else self._write_room(out, part, page)))
        out.flush()
        self._page = max(SMALLEST_PAGE, out.events) if out.left_some else PAGE
        return has

    def _write_room(self, out: _Out, part: _Part, page: _Page) -> int:
        if isinstance(page, Pruned):
            out.write(frame(wire.Reset(part.channel.room, part.head)))
            return part.head
        for event in page:
            if out.full:
                out.left_some = True
                return max(part.after, event.seq - 1)
            out.write(event_frame(event, self._who.view))
            out.events += 1
        return max(part.after, page[-1].seq if page else part.head)


class _Part:
    """What a page reads of one room. ``head``: where the room stood when it was asked for; ``wanted``: still."""

    __slots__ = ("after", "channel", "head", "limit", "wanted")

    def __init__(self, channel: Channel, after: int, limit: int) -> None:
        self.channel = channel
        self.after = after
        self.limit = limit
        self.head = channel.head
        self.wanted = True


class _Out:
    """Frames on their way to the reader, in chunks. ``full``: it takes no more at once; ``left_some``: there was
    more."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._frames: list[bytes] = []
        self._size = 0
        self.events = 0
        self.full = self.left_some = False

    def write(self, data: bytes) -> None:
        self._frames.append(data)
        self._size += len(data)
        if self._size >= CHUNK:
            self.flush()

    def flush(self) -> None:
        if self._frames:
            self.full = not self._reader.write_paced(b"".join(self._frames))
            self._frames, self._size = [], 0
