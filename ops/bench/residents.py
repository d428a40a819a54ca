"""Clients of a whole city hall in a process of their own: they talk at a pace, come back with their cursors as the web
client does, and count what they miss and what comes twice.

Rules: nothing is parsed but the heads of frames, by one pattern, so that thousands of clients leave the machine to the
server; a delay counts from the moment at which a message was due, not from when a busy client got to it; what was not
acknowledged is said again under its ``client_msg_id``, and no message is given up. A slow resident reads one byte a
second from a small socket buffer and says now and then that it is there, so that it is not taken for dead; when it is
cut it comes back, catches up, and is slow again.

Spoken to by ``ops.bench.town``: lines of JSON, one answer for each. ``python -m ops.bench.residents PLAN``.

>>> pause(1, 0.0), pause(1, 1.0), pause(99, 1.0)
(0.25, 0.5, 30.0)
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import random
import re
import select
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, cast

from ops.bench.crowd import allow_connections
from ops.bench.product import UPGRADE, Product, masked
from server.event_loop import loop_of

AT_ONCE = 100  # first logins under way
PATIENCE = 120.0  # seconds without progress at the end
WINDOW = 5  # seconds
SLOW_BUFFER = 16 * 1024
TEXT = "避難所の開設状況を共有フォルダに置きました。ご確認のうえ、担当課へ連絡してください。"

PING, PONG = Product.ping, Product.pong
GOING_AWAY = (1001).to_bytes(2, "big")  # in a close frame; no JSON holds these bytes

# As web_client/src/connection.ts has them, in seconds.
FIRST_PAUSE, LONGEST_PAUSE, READY_WITHIN = 0.5, 30.0, 15.0
PROMISED = (0.25, 2.0)
"""A server that said that it ends, or that the reader is too slow, is back soon."""

_HEARD = re.compile(
    rb'"op":"(?:event","room":"[^"]+","seq":(?P<seq>\d+),'
    rb'|ack","ref":(?P<ref>\d+),'
    rb'|refused","ref":(?P<no>\d+),"code":"(?P<code>[^"]+)"'
    rb'|(?P<end>resync|reset|room_left)")'
)
_LONGEST_HEAD, _WHOLE = 160, 2_000
_READY = re.compile(rb'"op":"ready".*?"head":(\d+),', re.DOTALL)
_DUE = re.compile(rb"@(\d+)@")


def pause(tries: int, chance: float) -> float:
    """Seconds before try number ``tries`` (from 1): doubling, capped, half of it chance."""
    ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** max(0, tries - 1))
    return float(ceiling / 2 + ceiling / 2 * chance)


class Plan(NamedTuple):
    """``people``: (login, token, room), those of a room side by side. The last ``slow`` of them have small buffers."""

    port: int
    people: list[tuple[str, str, str]]
    posts_per_second: float
    slow: int
    seed: int


class Resident(asyncio.Protocol):
    """One person at one screen. ``seq``: everything up to there was heard; ``due``: when what is not yet acknowledged
    was to be said, by ``ref``; ``said``: messages so far."""

    __slots__ = (
        "_head",
        "_promised",
        "_tail",
        "_timer",
        "_tries",
        "due",
        "here",
        "listens",
        "login",
        "room",
        "said",
        "seq",
        "small",
        "token",
        "town",
        "transport",
    )

    def __init__(self, town: Town, login: str, token: str, room: str, *, listens: bool, small: bool) -> None:
        self.town = town
        self.login, self.token, self.room = login, token, room
        self.listens = listens
        self.small = small
        self.here = False
        self.transport: asyncio.Transport | None = None
        self.seq = -1
        self.said = 0
        self.due: dict[int, float] = {}
        self._tail = b""
        self._tries = 0
        self._head = self._promised = False
        self._timer: asyncio.TimerHandle | None = None

    # To and fro ------------------------------------------------------------------------------------------------------

    async def come(self) -> None:
        """Connect; the rest follows by itself."""
        loop = self.town.loop
        connection = socket.socket()
        connection.setblocking(False)
        if self.small:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BUFFER)
        self._timer = loop.call_later(READY_WITHIN, self._give_up)
        try:
            await loop.sock_connect(connection, ("127.0.0.1", self.town.plan.port))
            await loop.create_connection(lambda: self, sock=connection)
        except OSError:
            connection.close()
            self._stop_timer()
            self._come_later()

    def _give_up(self) -> None:
        self.town.tally["timed_out"] += 1
        if self.transport is not None:
            self.transport.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _come_later(self, promised: bool = False) -> None:
        if self.town.leaving:
            return
        self._tries += 1
        chance = self.town.chance.random()
        low, high = PROMISED
        seconds = low + (high - low) * chance if promised else pause(self._tries, chance)
        self.town.loop.call_later(seconds, self.town.spawn, self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._tail, self._head = b"", True
        self.transport.write(UPGRADE % self.town.plan.port)

    def connection_lost(self, error: Exception | None) -> None:
        was_here, promised = self.here, self._promised or GOING_AWAY in self._tail
        self.transport, self.here = None, False
        self._tail, self._promised = b"", False
        self._stop_timer()
        if was_here:
            self.town.lost(self)
        self._come_later(promised and was_here)

    def read_slowly(self) -> None:
        """One byte. Called once a second."""
        if self.transport is None:
            return
        with contextlib.suppress(BlockingIOError, OSError):
            data = os.read(self.fileno(), 1)
            if data:
                self.data_received(data)

    def fileno(self) -> int:
        assert self.transport is not None, "only who is connected has a socket"
        number: int = self.transport.get_extra_info("socket").fileno()
        return number

    # Hearing ---------------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._tail:
            data = self._tail + data
        if not self.here and not self._greeted(data):
            return
        done, town = 0, self.town
        for match in _HEARD.finditer(data):
            done = match.end()
            kind = match.lastgroup
            if kind == "seq":
                self._hear(int(match[1]))
                if self.listens and (due := _DUE.search(data, done, done + _WHOLE)):
                    town.listened(int(due[1]) / 1e6)
            elif kind == "ref":
                town.acknowledged(self.due.pop(int(match[2]), None))
            elif kind == "code":
                self._refused(int(match["no"]), match["code"].decode())
            else:
                town.tally[match["end"].decode()] += 1
                self._promised = match["end"] == b"resync"
        if PING in data and self.transport is not None:
            self.transport.write(PONG)
        self._tail = data[max(done, len(data) - _LONGEST_HEAD) :]

    def _greeted(self, data: bytes) -> bool:
        """Whether ``data``, all since the connection, holds ``ready``."""
        self._tail = data
        if self._head and b"\r\n\r\n" in data:
            self._head = False
            if not data.startswith(b"HTTP/1.1 101"):
                self.town.tally["turned_away"] += 1
                if self.transport is not None:
                    self.transport.abort()
                return False
            if self.transport is not None:
                self.transport.write(self._hello())
        ready = _READY.search(data)
        if ready is None:
            return False
        self._become_ready(int(ready[1]))
        return True

    def _hello(self) -> bytes:
        cursors = {self.room: self.seq} if self.seq >= 0 else {}
        return masked(json.dumps({"op": "hello", "token": self.token, "cursors": cursors}).encode())

    def _become_ready(self, head: int) -> None:
        self._stop_timer()
        self._tries = 0
        self.here = True
        if self.seq < 0:
            self.seq = head
        self.town.arrived(self)
        for ref in self.due:
            self._write(ref)

    def _hear(self, seq: int) -> None:
        town, next_ = self.town, self.seq + 1
        town.deliveries += 1
        if seq == next_:
            self.seq = seq
        elif seq < next_:
            town.tally["twice"] += 1
        else:
            town.tally["missed"] += seq - next_
            self.seq = seq

    # Saying ----------------------------------------------------------------------------------------------------------

    def say(self, due: float) -> None:
        """The next message; it goes when there is a connection."""
        ref = self.said
        self.said += 1
        self.due[ref] = due
        if self.here:
            self._write(ref)

    def _write(self, ref: int) -> None:
        due = self.due.get(ref)
        if self.transport is None or due is None:
            return
        text = f"@{int(due * 1e6)}@{TEXT}"
        post = {"op": "post", "ref": ref, "room": self.room, "client_msg_id": f"{self.login}-{ref}", "text": text}
        self.transport.write(masked(json.dumps(post, ensure_ascii=False).encode()))

    def _refused(self, ref: int, code: str) -> None:
        """Counted; said again, as the web client's outbox does."""
        self.town.tally[f"refused_{code}"] += 1
        self.town.loop.call_later(1.0, self._write, ref)


class Town:
    """All residents of this process."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.loop = asyncio.get_running_loop()
        self.chance = random.Random(plan.seed)
        self.tally: Counter[str] = Counter()
        self.deliveries = 0
        self.leaving = False
        first = len(plan.people) - plan.slow
        rooms: set[str] = set()
        self.residents: list[Resident] = []
        for number, (login, token, room) in enumerate(plan.people):
            listens = room not in rooms and number < first
            rooms.add(room)
            self.residents.append(Resident(self, login, token, room, listens=listens, small=number >= first))
        self.quick = self.residents[:first]
        self._slow: set[Resident] = set()
        self._is_slow = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._start = 0.0
        self._acks: list[tuple[float, float]] = []
        self._heard: list[float] = []
        self._away = len(self.residents)
        self._gone_at = 0.0
        self._back: list[float] = []

    # What residents tell ---------------------------------------------------------------------------------------------

    def spawn(self, resident: Resident) -> None:
        task = self.loop.create_task(resident.come())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def arrived(self, resident: Resident) -> None:
        self._away -= 1
        self._back.append(time.perf_counter())
        if self._is_slow and resident.small:
            self.loop.call_later(1.0, self._make_slow, resident)

    def lost(self, resident: Resident) -> None:
        self._away += 1
        self.tally["cut_slow" if resident in self._slow else "cut"] += 1
        self._slow.discard(resident)
        self._gone_at = self._gone_at or time.perf_counter()

    def acknowledged(self, due: float | None) -> None:
        if due is not None:
            now = time.perf_counter()
            self._acks.append((now, now - due))

    def listened(self, due: float) -> None:
        self._heard.append(time.perf_counter() - due)

    # What the bench asks ---------------------------------------------------------------------------------------------

    async def join(self) -> dict[str, Any]:
        """Everyone comes, some at a time."""
        began = time.perf_counter()
        for number, resident in enumerate(self.residents):
            while number - (len(self.residents) - self._away) >= AT_ONCE:  # noqa: ASYNC110
                await asyncio.sleep(0.002)
            self.spawn(resident)
        await self._until(lambda: self._away == 0)
        return {"joined": len(self.residents), "seconds": round(time.perf_counter() - began, 2)}

    async def talk(self, seconds: float) -> dict[str, Any]:
        """Messages at the plan's pace, whatever happens to the server meanwhile; what came of it."""
        self._acks, self._heard, self._back, self._gone_at = [], [], [], 0.0
        self._start = start = time.perf_counter()
        before, delivered, cpu = Counter(self.tally), self.deliveries, time.process_time()
        for number in range(round(seconds * self.plan.posts_per_second)):
            due = start + number / self.plan.posts_per_second
            if (wait := due - time.perf_counter()) > 0.0005:
                await asyncio.sleep(wait)
            self.chance.choice(self.quick).say(due)
        await asyncio.sleep(max(0.0, start + seconds - time.perf_counter()))
        tally = Counter(self.tally)
        tally.subtract(before)
        return {
            "acks": _counted([delay for _, delay in self._acks]),
            "heard": _counted(self._heard),
            "windows": self._windows(seconds),
            "tally": {key: count for key, count in tally.items() if count},
            "deliveries": self.deliveries - delivered,
            "away": self._away,
            "back_seconds": round(max(self._back) - self._gone_at, 2) if self._gone_at and self._back else 0.0,
            "client_cpu_seconds": round(time.process_time() - cpu, 2),
        }

    def _windows(self, seconds: float) -> list[tuple[int, int, float]]:
        """(seconds since the start, acknowledgements, their p99 in ms), of each ``WINDOW``."""
        windows: list[list[float]] = [[] for _ in range(math.ceil(seconds / WINDOW))]
        for at, delay in self._acks:
            windows[min(len(windows) - 1, int((at - self._start) // WINDOW))].append(delay)
        return [(n * WINDOW, len(one), round(1e3 * _p99(one), 1)) for n, one in enumerate(windows)]

    async def slow(self) -> dict[str, Any]:
        """From now on those with small buffers read a byte a second."""
        self._is_slow = True
        for resident in self.residents[len(self.quick) :]:
            self._make_slow(resident)
        task = self.loop.create_task(self._read_slowly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return {"slow": len(self._slow)}

    async def hurry(self) -> dict[str, Any]:
        """Everyone reads what there is again."""
        self._is_slow = False
        for resident in list(self._slow):
            if resident.transport is not None:
                resident.transport.resume_reading()
        self._slow.clear()
        return {}

    def _make_slow(self, resident: Resident) -> None:
        if self._is_slow and resident.here and resident.transport is not None:
            self._slow.add(resident)
            resident.transport.pause_reading()

    async def _read_slowly(self) -> None:
        """A loop that does not read does not learn of a reset either: that is asked for."""
        while self._is_slow:
            began = time.perf_counter()
            poll = select.poll()
            by_number = {one.fileno(): one for one in self._slow if one.transport is not None}
            for number in by_number:
                poll.register(number, 0)
            for number, _ in poll.poll(0):
                transport = by_number[number].transport
                if transport is not None:
                    transport.abort()
            for one in list(self._slow):
                one.read_slowly()
                if one.transport is not None and self.chance.random() < 0.1:
                    one.transport.write(PONG)
            await asyncio.sleep(max(0.1, began + 1.0 - time.perf_counter()))

    async def settle(self) -> dict[str, Any]:
        """Until everything was acknowledged and everyone heard all of it; what is still missing."""
        await self._until(lambda: self._away == 0 and not any(one.due for one in self.residents))
        heads: dict[str, int] = {}
        for one in self.residents:
            heads[one.room] = max(heads.get(one.room, 0), one.seq)
        await self._until(lambda: all(one.seq == heads[one.room] for one in self.residents))
        return {
            "unacknowledged": sum(len(one.due) for one in self.residents),
            "behind": sum(one.seq != heads[one.room] for one in self.residents),
            "missed": self.tally["missed"],
            "twice": self.tally["twice"],
            "said": {one.login: one.said for one in self.residents if one.said},
            "heads": heads,
        }

    async def _until(self, reached: Callable[[], bool]) -> None:
        """Or until nothing has come for a while; the caller's figures say which."""
        progress, deadline = (-1, -1), 0.0
        while not reached():
            now = time.perf_counter()
            if (self._away, self.deliveries) != progress:
                progress, deadline = (self._away, self.deliveries), now + PATIENCE
            if now > deadline:
                return
            await asyncio.sleep(0.05)

    def leave(self) -> None:
        self.leaving = True
        for one in self.residents:
            if one.transport is not None:
                one.transport.abort()


def _counted(delays: list[float]) -> dict[str, int]:
    """How often each delay came, in tenths of a millisecond: so that processes can be added up."""
    return {str(tenths): count for tenths, count in Counter(round(1e4 * delay) for delay in delays).items()}


def _p99(delays: list[float]) -> float:
    return sorted(delays)[int(len(delays) * 0.99)] if delays else 0.0


async def serve(plan: Plan) -> None:
    """Answer the bench's questions until its end of the pipe closes."""
    town = Town(plan)
    lines = asyncio.StreamReader()
    await town.loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        question = json.loads(line)
        answer = await getattr(town, question.pop("do"))(**question)
        print(json.dumps(answer), flush=True)
    town.leave()


def main(path: str) -> None:
    plan = Plan(**json.loads(Path(path).read_text(encoding="utf-8")))
    allow_connections(len(plan.people))
    with asyncio.Runner(loop_factory=loop_of("auto").factory) as runner:
        runner.run(serve(plan))


if __name__ == "__main__":
    main(*sys.argv[1:])
