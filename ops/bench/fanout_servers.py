"""The two servers that ``ops.bench.fanout`` compares, each in a process of its own.

``product``: the transport as it is (listener, session, hub), with an engine that keeps nothing: fan-out without
storage. ``bare``: accepts, remembers the sockets of each room, and writes one ready-made frame to each of them for
every post: what Python can do at best. Both use uvloop where it is installed.

Rules: a server prints one JSON line with its port, then answers each line on standard input with one on standard
output: CPU seconds of the process so far (``cpu``), or after a full collection its proportional memory in KiB
(``pss``).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib.util
import json
import re
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, cast

from rooms.refusals import Refusal
from server import wire
from server.binding import bind
from server.engine import Answered, Gap, LoggedIn, Posted, Pruned, RequestOrigin, StoredEvent
from server.fanout import Hub, event_frame
from server.listeners import serve
from server.rate_limits import UNLIMITED
from server.settings import ListenerSettings
from server.websocket_endpoint import SocketLimits, WebSocketEndpoint

ROOM = "r_bench"
TEXT = "議事録を共有フォルダに置きました。ご確認ください。" * 2
POST_BYTES = 160
"""Length of every post on the wire, so that the bare server can count them without parsing."""

FIRST = 1_000_000
"""Where the room begins: every event of a run is as long as the next."""

ACTOR = wire.Actor("load00001", "負荷 試験", "kasumigahama")
USER = wire.User("load00001", "負荷 試験", "kasumigahama", "霞ヶ浜市", "総務課", [])


def event(seq: int) -> StoredEvent:
    message = wire.MessageView(f"m_{seq:026d}", ACTOR, TEXT, "lgwan", [], None, f"c-{seq:010d}")
    return StoredEvent(ROOM, seq, 1_790_000_000_000 + seq, ACTOR, lambda view: wire.MessagePosted(message))


class BenchEngine:
    """Everyone is a member of one room; a post is "durable" at once and told with the others of its turn of the
    loop.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._head = FIRST
        self._waiting: list[StoredEvent] = []
        self._people = 0

    async def authenticate(self, token: str, origin: RequestOrigin) -> LoggedIn | Refusal:
        self._people += 1
        return LoggedIn(f"s_{self._people}", f"p_{self._people}", origin.zone, origin.zone, USER)

    async def rooms_of(self, who: LoggedIn) -> list[wire.RoomView] | Refusal:
        audience = wire.Audience(1000, 0, ["lgwan"])
        return [wire.RoomView(ROOM, "group", "負荷試験", self._head, 0, audience, ["lgwan"], 0)]

    async def events(self, who: LoggedIn, gaps: Sequence[Gap]) -> list[Sequence[StoredEvent] | Pruned]:
        return [
            [event(seq) for seq in range(gap.after + 1, min(self._head, gap.after + gap.limit) + 1)] for gap in gaps
        ]

    def post(self, who: LoggedIn, frame: wire.Post, origin: RequestOrigin, answered: Answered) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._tell)
        self._head += 1
        self._waiting.append(event(self._head))
        answered(Posted(f"m_{self._head:026d}", self._head))

    def _tell(self) -> None:
        events, self._waiting = self._waiting, []
        self._hub.publish(events)

    def mark_read(self, who: LoggedIn, room: str, seq: int) -> None:
        return None

    def seen(self, who: LoggedIn) -> None:
        return None

    def refused(self, origin: RequestOrigin, reason: str) -> None:
        return None


async def _no_http(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def product() -> None:
    bound = bind([ListenerSettings(name="bench", zone="lgwan", host="127.0.0.1")])
    if not isinstance(bound, list):
        raise SystemExit(str(bound))
    hub = Hub()
    limits = SocketLimits(
        frames=UNLIMITED, posts=UNLIMITED, waiting_for_hello=100_000, write_buffer=64 * 1024 * 1024, slow_seconds=120.0
    )
    endpoint = WebSocketEndpoint(BenchEngine(hub), hub, limits)
    await serve(bound, _no_http, endpoint, ready=lambda _: _say(port=int(bound[0].url.rpartition(":")[2])))


class BareProtocol(asyncio.Protocol):
    """Handshake without looking at more than the path, which names a room; then a frame to everybody in it for each
    ``POST_BYTES`` received."""

    __slots__ = ("_open", "_others", "_rest", "_rooms", "_transport")

    def __init__(self, rooms: dict[bytes, list[asyncio.Transport]]) -> None:
        self._rooms = rooms
        self._others: list[asyncio.Transport] = []
        self._open = False
        self._rest = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if not self._open:
            self._open = re.search(rb"\r\n\r\n$", data) is not None
            self._transport.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            self._others = self._rooms.setdefault(data.split(b" ", 2)[1], [])
            self._others.append(self._transport)
            return
        posts, self._rest = divmod(self._rest + len(data), POST_BYTES)
        for _ in range(posts):
            for transport in self._others:
                transport.write(_FRAME)

    def connection_lost(self, exc: Exception | None) -> None:
        with contextlib.suppress(ValueError):
            self._others.remove(self._transport)


_FRAME = event_frame(event(FIRST), "lgwan")


async def bare(port: int = 0) -> None:
    rooms: dict[bytes, list[asyncio.Transport]] = {}
    server = await asyncio.get_running_loop().create_server(
        lambda: BareProtocol(rooms), "127.0.0.1", port, backlog=4096
    )
    _say(port=server.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


def _say(**what: object) -> None:
    print(json.dumps(what), flush=True)


def _pss() -> int:
    gc.collect()
    rollup = Path("/proc/self/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    return int(found[1]) if found else 0


def _answer_questions() -> None:
    """Until standard input ends; then the process does."""
    import os

    for line in sys.stdin:
        if line.strip() == "cpu":
            _say(cpu=time.process_time())
        elif line.strip() == "pss":
            _say(pss=_pss())
    os._exit(0)


def main(name: str, *port: str) -> None:
    if not port:  # who names the port looks at the process from outside
        threading.Thread(target=_answer_questions, daemon=True).start()
    work: Callable[..., Coroutine[Any, Any, None]] = {"product": product, "bare": bare}[name]
    if importlib.util.find_spec("uvloop"):
        loop_factory = importlib.import_module("uvloop").new_event_loop
    else:
        loop_factory = asyncio.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(work(*map(int, port)))


if __name__ == "__main__":
    main(*sys.argv[1:])
