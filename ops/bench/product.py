"""The whole product as its people meet it: ``sekisho serve`` with its database, sessions, audit record and sockets, and
clients that logged in and talk.

Measures: what one message to many costs (``paced``: in each room the next when everyone has the last, so that a wake-up
brings one message; ``alone``: the same in one room, so that each message has a commit to itself; ``pace``: a message
now and then, by the clock; ``saturated``: ``IN_FLIGHT`` under way), many pairs in conversation, delay at a steady pace,
and memory of a connection that only waits.

Rules: deliveries are counted by the clients, the sender's own among them; CPU is the server process's own; the
reference in the same run is a bare server with ready-made frames (``ops.bench.fanout_servers``).
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from ops.bench.crowd import Crowd, Script, allow_connections, converse, delays, talk
from ops.bench.fanout_servers import POST_BYTES
from ops.bench.served_chat import Group, ServedChat, wait_for
from server.event_loop import loop_of

RUNS = 5
IN_FLIGHT = 48
PAIRS = 128
POSTS_EACH = 40
IDLE = (1_000, 5_000)
PACE, PACED_SECONDS = 20, 10  # messages a second, seconds
TEXT = "議事録を共有フォルダに置きました。ご確認ください。" * 2


class Product:
    """``sekisho serve`` on loopback with a fresh folder. Rate limits are off, nothing else differs from a town's.

    ``end`` and ``start`` again: a restart, on the same port and folder."""

    name = "sekisho"
    limits = "posts_per_second = 0\nframes_per_second = 0\nwrite_buffer_kib = 16384\nslow_reader_seconds = 120\n"
    marker = b'"message.posted"'
    ping, pong = b"\x89\x00", b"\x8a\x80" + bytes(4)

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self._folder = folder
        self.port = free_port()
        self._config = folder / "sekisho.toml"
        config = _CONFIG.format(data=json.dumps(str(self.data)), port=self.port) + self.limits
        self._config.write_text(config, encoding="utf-8")
        self.command("init", "--config", self._config)
        self.start()

    def command(self, *words: str | Path) -> None:
        """``sekisho …``, which must succeed."""
        subprocess.run([*_SEKISHO, *words], check=True, capture_output=True)

    def start(self) -> None:
        serve = [*_SEKISHO, "serve", "--config", self._config]
        self._group = Group(serve, environment={}, log=self._folder / "log")
        wait_for(lambda: accepts(self.port), self._group)

    def people(self, rooms: int, size: int, count: int | None = None) -> list[dict[str, str]]:
        """New people with their tokens, in new rooms, room by room: what ``sekisho bench people`` writes. ``count``
        people fill the rooms in turn; without it nobody is in two."""
        output = self._folder / "people.jsonl"
        counts = ("--count", str(count or rooms * size), "--rooms", str(rooms), "--size", str(size))
        self.command("bench", "people", "--data", self.data, *counts, "-o", output)
        return [json.loads(line) for line in output.read_text().splitlines()]

    def scripts(self, rooms: int, size: int) -> list[Script]:
        return [self._script(**person) for person in self.people(rooms, size)]

    def _script(self, login: str, token: str, zone: str, room: str) -> Script:
        hello = json.dumps({"op": "hello", "token": token}).encode()
        mark = f"@{login}@".encode()
        post = json.dumps({"op": "post", "ref": 0, "room": room, "client_msg_id": "%d", "text": f"@{login}@{TEXT}"})
        return Script(
            ((UPGRADE % self.port, b"\r\n\r\n"), (masked(hello), b'"op":"ready"')),
            lambda number: masked((post % number).encode()),
            mark,
        )

    def cpu_seconds(self) -> dict[str, float]:
        return {"server": self._group.cpu_seconds()}

    def pss_kib(self) -> float:
        return self._group.pss_kib()

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        self._group.end(number)


class Bare:
    """A server that writes one ready-made frame to everybody for each post and does nothing else."""

    name = "bare"
    marker, ping, pong = Product.marker, b"", b""

    def __init__(self, folder: Path) -> None:
        self._rooms = 0
        self.port = free_port()
        command = [sys.executable, "-m", "ops.bench.fanout_servers", "bare", str(self.port)]
        self._group = Group(command, environment={}, log=folder / "log")
        wait_for(lambda: accepts(self.port), self._group)

    def scripts(self, rooms: int, size: int) -> list[Script]:
        self._rooms += rooms
        return [
            Script(((_upgrade_bare(room, self.port), b"\r\n\r\n"),), lambda number: bytes(POST_BYTES), b"")
            for room in range(self._rooms - rooms, self._rooms)
            for _ in range(size)
        ]

    def cpu_seconds(self) -> dict[str, float]:
        return {"server": self._group.cpu_seconds()}

    def pss_kib(self) -> float:
        return self._group.pss_kib()

    def end(self) -> None:
        self._group.end()


R = TypeVar("R")
T = TypeVar("T", bound=ServedChat)
_SEKISHO: tuple[str | Path, ...] = (Path(sys.executable).with_name("sekisho"),)
_CONFIG = """
data = {data}
production = false
[[listeners]]
name = "bench"
zone = "lgwan"
host = "127.0.0.1"
port = {port}
[limits]
"""
_DELIVERIES = "deliveries_per_cpu_second"
UPGRADE = (
    b"GET /api/v1/ws HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: sekisho.v1\r\n\r\n"
)


def _upgrade_bare(room: int, port: int) -> bytes:
    """The bare server's rooms are named by the path."""
    return (UPGRADE % port).replace(b"/api/v1/ws", b"/%d" % room)


def masked(payload: bytes) -> bytes:
    """A client's text frame (RFC 6455 section 5.2) with the mask 0: allowed, and free to make."""
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else bytes((0x81, 0x80 | 126)) + size.to_bytes(2, "big")
    return head + bytes(4) + payload


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def served(kind: Callable[[Path], T]) -> Iterator[T]:
    """A server of that kind in a folder of its own, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="sekisho-bench-") as folder:
        server = kind(Path(folder))
        try:
            yield server
        finally:
            server.end()


class Mode(NamedTuple):
    """``rooms`` of ``members`` each, ``window`` messages under way in each, ``messages`` in all."""

    rooms: int
    members: int
    window: int
    messages: int


class Pace(NamedTuple):
    """``messages`` into one room of ``members``, so many a second."""

    members: int
    per_second: int
    messages: int


FANOUT = {
    "alone_100": Mode(1, 100, 1, 500),
    "paced_100": Mode(10, 100, 1, 1_000),
    "saturated_100": Mode(1, 100, IN_FLIGHT, 1_000),
    "paced_1000": Mode(1, 1_000, 1, 100),
    "saturated_1000": Mode(1, 1_000, IN_FLIGHT, 300),
}

PACES = {"pace_100": Pace(100, 100, 400), "pace_1000": Pace(1_000, 10, 40)}
"""The same at a pace: whoever has nothing to do between two messages finds its caches cold, a bare server too."""

BESIDE_BARE = ("alone_100", "paced_100", "paced_1000")
"""Modes with one message for each wake-up of a client: what they cost a bare server with the same rooms and members."""


def figures() -> dict[str, Any]:
    """Medians of ``RUNS`` runs beside a bare server in the same run."""
    allow_connections(max(IDLE))
    runs = [_run() for _ in range(RUNS)]
    result: dict[str, Any] = {name: _median([run[name] for run in runs]) for name in runs[0]}
    for name in (*BESIDE_BARE, *PACES):
        result[f"{name}_to_bare"] = round(result[name][_DELIVERIES] / result[f"bare_{name}"][_DELIVERIES], 3)
    for kind in ("", "bare_"):
        few, many = result[f"{kind}alone_100"][_DELIVERIES], result[f"{kind}paced_1000"][_DELIVERIES]
        result[f"{kind}growth_100_to_1000"] = round(few / many, 3)
    with served(Product) as server:
        result["idle_connection_kib"] = idle_memory(server)
    return result


def _run() -> dict[str, dict[str, float]]:
    with served(Product) as server, served(Bare) as bare:
        result = {name: fanout(server, mode) for name, mode in FANOUT.items()}
        for name, pace in PACES.items():
            result[name], result[f"bare_{name}"] = at_pace(server, pace), at_pace(bare, pace)
        for name in BESIDE_BARE:
            mode = FANOUT[name]
            result[f"bare_{name}"] = fanout(bare, mode._replace(messages=200_000 // mode.members))
        return result | {"pairs": pairs(server), "steady": steady(server)}


def _median(runs: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def fanout(server: ServedChat, mode: Mode) -> dict[str, float]:
    """Deliveries per second of CPU, of the server alone and with its database."""
    scripts = server.scripts(mode.rooms, mode.members)
    each = mode.messages // mode.rooms

    async def work(crowd: Crowd) -> dict[str, float]:
        await talk(crowd, mode.members, max(2, each // 10), mode.window)
        before = server.cpu_seconds()
        await talk(crowd, mode.members, each, mode.window)
        return _per_cpu(each * len(scripts), before, server.cpu_seconds(), "deliveries")

    return _with_crowd(server, scripts, work)


def at_pace(server: ServedChat, pace: Pace) -> dict[str, float]:
    """Deliveries per second of CPU where each message comes by itself, whether the last one was quick or not."""
    scripts = server.scripts(1, pace.members)

    async def work(crowd: Crowd) -> dict[str, float]:
        before = server.cpu_seconds()
        await delays(crowd, pace.messages, pace.per_second)
        return _per_cpu(pace.messages * pace.members, before, server.cpu_seconds(), "deliveries")

    return _with_crowd(server, scripts, work)


def pairs(server: ServedChat) -> dict[str, float]:
    """Messages that were kept and came back, per second and per second of CPU: 256 senders in 128 rooms of two."""
    scripts = server.scripts(PAIRS, 2)

    async def work(crowd: Crowd) -> dict[str, float]:
        messages = POSTS_EACH * len(crowd.members)
        before, start = server.cpu_seconds(), asyncio.get_running_loop().time()
        await converse(crowd, POSTS_EACH, 2)
        wall = asyncio.get_running_loop().time() - start
        rate = {"messages_per_second": float(round(messages / wall))}
        return rate | _per_cpu(messages, before, server.cpu_seconds(), "messages")

    return _with_crowd(server, scripts, work)


def steady(server: ServedChat) -> dict[str, float]:
    """Milliseconds from saying to hearing at 20 messages a second into 100 members."""
    scripts = server.scripts(1, 100)

    async def work(crowd: Crowd) -> dict[str, float]:
        found = await delays(crowd, PACE * PACED_SECONDS, PACE)
        cuts = statistics.quantiles(found, n=100)
        return {"p50_ms": round(1e3 * cuts[49], 2), "p99_ms": round(1e3 * cuts[98], 2)}

    return _with_crowd(server, scripts, work)


def idle_memory(server: ServedChat) -> float:
    """KiB of proportional memory for each further connection that is logged in and waits."""
    few, many = IDLE
    scripts = server.scripts(many // 50, 50)

    async def work(crowd: Crowd) -> float:
        await crowd.join(scripts[len(crowd.members) : few])
        before = server.pss_kib()
        await crowd.join(scripts[few:many])
        return round((server.pss_kib() - before) / (many - few), 2)

    return _with_crowd(server, scripts[:50], work)


def _with_crowd(server: ServedChat, scripts: list[Script], work: Callable[[Crowd], Awaitable[R]]) -> R:
    """On the quickest loop that there is: what clients take of the machine, and of the time, is not the server's."""

    async def meet() -> R:
        crowd = Crowd(server.port, server.marker, server.ping, server.pong)
        try:
            await crowd.join(scripts)
            return await work(crowd)
        finally:
            crowd.leave()

    with asyncio.Runner(loop_factory=loop_of("auto").factory) as runner:
        return runner.run(meet())


def _per_cpu(count: int, before: dict[str, float], after: dict[str, float], what: str) -> dict[str, float]:
    spent = {name: after[name] - before[name] for name in after}
    result: dict[str, float] = {f"{what}_per_cpu_second": round(count / max(spent["server"], 0.01))}
    if len(spent) > 1:
        result[f"{what}_per_cpu_second_with_database"] = round(count / max(sum(spent.values()), 0.01))
    return result


if __name__ == "__main__":
    print(json.dumps(figures(), indent=2))
