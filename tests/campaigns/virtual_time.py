"""A world in which time is a number and chance has a seed: an event loop that jumps, lines that are slow or cut, a
store whose work takes virtual time and fails when told to.

Rules: nothing here waits; nothing asks the machine for time or chance; the same seed gives the same run.

>>> with virtual_time(7) as (loop, chance): ...                   # doctest: +SKIP
"""

from __future__ import annotations

import asyncio
import secrets
import selectors
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from random import Random
from typing import Any, TypeVar, cast

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from rooms.store.database import Database, StorageFull, snapshot

T = TypeVar("T")


class _Jump(selectors.DefaultSelector):
    """Nothing is ever readable; instead of waiting, the loop's time moves on."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "everything waits for something that never happens"
        self.now += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop over a clock that jumps to the next thing that is due."""

    def __init__(self) -> None:
        self.jump = _Jump()
        super().__init__(self.jump)

    def time(self) -> float:
        return self.jump.now


@contextmanager
def virtual_time(seed: str) -> Iterator[tuple[VirtualLoop, Random]]:
    """A loop and a chance of this seed; the process's own clock that nobody sets and its secrets follow them."""
    loop, chance = VirtualLoop(), Random(seed)
    kept = time.monotonic, secrets.token_bytes
    time.monotonic = loop.time
    secrets.token_bytes = lambda nbytes=None: chance.randbytes(nbytes or 32)
    try:
        yield loop, chance
    finally:
        time.monotonic, secrets.token_bytes = kept
        loop.close()


class VirtualDatabase(Database):
    """The real writer and real reads, each at one moment of virtual time, with delays before and after.

    ``faults``: the share of drains that meet a full disk (before, or in the middle by SQLite's own limit of pages), or
    an interrupted statement. ``dead``: the process is gone; what was not yet begun never happens.
    """

    def __init__(self, path: Path, chance: Random) -> None:
        super().__init__(path)
        self._chance = chance
        self.faults = 0.0
        self.dead = False
        self.failed = 0

    async def run(self, drain: Callable[[Connection], T]) -> T:
        await asyncio.sleep(self._chance.uniform(0, 0.01))
        assert not self.dead, "a dead process works"
        failing = self._chance.random() < self.faults
        answer = self.run_here(self._failing(drain) if failing else drain)
        await asyncio.sleep(self._chance.uniform(0, 0.01))
        return answer

    def _failing(self, drain: Callable[[Connection], T]) -> Callable[[Connection], T]:
        self.failed += 1
        kind = self._chance.choice(("full", "full in the middle", "interrupted"))

        def failing(connection: Connection) -> T:
            if kind == "full":
                raise StorageFull("the disk is full")
            raw = cast(Any, connection.connection.dbapi_connection)
            if kind == "interrupted":
                once = iter([1])
                raw.set_progress_handler(lambda: next(once, 0), self._chance.randrange(20, 2_000))
            else:
                raw.execute("PRAGMA max_page_count = 1")  # no less than what the file has
            try:
                return drain(connection)
            finally:
                raw.set_progress_handler(None, 0)
                raw.execute("PRAGMA max_page_count = 1073741823")

        return failing

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        await asyncio.sleep(self._chance.uniform(0, 0.01))
        with snapshot(self.path) as connection:
            yield cast(AsyncConnection, _Reading(connection, self._chance))

    async def look(self, question: Callable[[Connection], T]) -> T:
        await asyncio.sleep(self._chance.uniform(0, 0.01))
        with snapshot(self.path) as connection:
            answer = question(connection)
        await asyncio.sleep(self._chance.uniform(0, 0.01))
        return answer


class _Reading:
    """What readers use of an ``AsyncConnection``, over one that answers at once; its view is taken at the first."""

    def __init__(self, connection: Connection, chance: Random) -> None:
        self._connection = connection
        self._chance = chance

    async def execute(self, statement: Any, values: Any = None) -> Any:
        result = self._connection.execute(statement, values)
        await asyncio.sleep(self._chance.uniform(0, 0.003))
        return result


class Line(asyncio.Transport):
    """The server's end of a line: ``deliver`` gets the bytes as fast as the line is, ``gone`` hears that it is cut.

    ``pace``: bytes that the client takes at a time, every ``beat`` seconds of virtual time.
    """

    def __init__(
        self,
        protocol: asyncio.Protocol,
        deliver: Callable[[bytes], None],
        gone: Callable[[], None],
        pace: int,
        beat: float,
    ) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._deliver = deliver
        self._gone = gone
        self._pace = pace
        self._beat = beat
        self._high = 64 * 1024
        self._out = bytearray()
        self._in: list[bytes] = []
        self._full = self._closing = self._lost = self._holds = self._pumping = False

    def send(self, data: bytes) -> None:
        """Bytes of the client are under way."""
        self._in.append(data)
        self._loop.call_later(self._beat, self._arrive)

    def _arrive(self) -> None:
        while self._in and not (self._holds or self._closing or self._lost):
            self._protocol.data_received(self._in.pop(0))

    def write(self, data: Any) -> None:
        if self._closing or self._lost:
            return
        self._out += data
        self._pump_later()
        if not self._full and len(self._out) > self._high:
            self._full = True
            self._protocol.pause_writing()

    def _pump_later(self) -> None:
        if not self._pumping and not self._lost:
            self._pumping = True
            self._loop.call_later(self._beat, self._pump)

    def _pump(self) -> None:
        self._pumping = False
        if self._lost:
            return
        data = bytes(self._out[: self._pace])
        del self._out[: self._pace]
        if data:
            self._deliver(data)
        if self._full and len(self._out) <= self._high // 4:
            self._full = False
            self._protocol.resume_writing()
        if self._out:
            self._pump_later()
        elif self._closing:
            self.abort()

    def get_write_buffer_size(self) -> int:
        return len(self._out)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = high or self._high

    def is_closing(self) -> bool:
        return self._closing or self._lost

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self._holds = True

    def resume_reading(self) -> None:
        self._holds = False
        self._loop.call_soon(self._arrive)

    def close(self) -> None:
        self._closing = True
        self._pump_later()

    def abort(self) -> None:
        """Cut: neither side hears anything more."""
        if not self._lost:
            self._lost = True
            self._loop.call_soon(self._end)

    def _end(self) -> None:
        self._protocol.connection_lost(None)
        self._gone()
