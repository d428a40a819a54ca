"""A served transport for tests: real sockets on loopback, two zones in one process, a memory engine behind."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from support.memory_engine import MemoryEngine
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from server.binding import Bound, bind
from server.fanout import Hub
from server.front import Front
from server.listeners import serve
from server.rate_limits import UNLIMITED
from server.security_headers import SecurityHeaders
from server.settings import ListenerSettings
from server.websocket_endpoint import SocketLimits, WebSocketEndpoint

GENEROUS = SocketLimits(frames=UNLIMITED, posts=UNLIMITED, connections_per_person=10_000)


class Served:
    """What a test sees of a running transport."""

    def __init__(self, limits: SocketLimits, chance: random.Random | None) -> None:
        self.hub = Hub()
        self.engine = MemoryEngine(self.hub, chance=chance)
        self.endpoint = WebSocketEndpoint(self.engine, self.hub, limits)
        self.bound: Sequence[Bound] = ()
        self.stop = asyncio.Event()

    def url(self, zone: str = "internet") -> str:
        return next(one.url for one in self.bound if one.listener.zone == zone)

    def port(self, zone: str = "internet") -> int:
        return int(self.url(zone).rpartition(":")[2])

    @asynccontextmanager
    async def open(self, zone: str = "internet", **options: Any) -> AsyncIterator[ClientConnection]:
        """A WebSocket that has not said hello."""
        url = self.url(zone).replace("http", "ws", 1) + "/api/v1/ws"
        options.setdefault("subprotocols", [Subprotocol("sekisho.v1")])
        async with connect(url, compression=None, proxy=None, ping_interval=None, **options) as socket:
            yield socket

    @asynccontextmanager
    async def login(
        self, login: str, cursors: dict[str, int] | None = None, zone: str = "internet", **options: Any
    ) -> AsyncIterator[ClientConnection]:
        """A WebSocket whose next frame is ``ready``."""
        token = self.engine.add_session(login, zone)
        async with self.open(zone, **options) as socket:
            await send(socket, op="hello", token=token, cursors=cursors or {})
            yield socket


async def send(socket: ClientConnection, **frame: Any) -> None:
    await socket.send(msgspec.json.encode(frame).decode())


async def receive(socket: ClientConnection, seconds: float = 5.0) -> dict[str, Any]:
    """The next frame."""
    text = await asyncio.wait_for(socket.recv(), seconds)
    decoded: dict[str, Any] = msgspec.json.decode(text)
    return decoded


async def receive_until(socket: ClientConnection, op: str, seconds: float = 5.0) -> dict[str, Any]:
    """The next frame of that kind; the others are dropped."""
    while True:
        frame = await receive(socket, seconds)
        if frame["op"] == op:
            return frame


async def assert_closes(socket: ClientConnection, code: int, seconds: float = 8.0) -> str:
    """The server closes the socket with ``code``; its reason."""
    await asyncio.wait_for(socket.wait_closed(), seconds)
    assert socket.close_code == code
    return socket.close_reason or ""


def two_zones() -> list[ListenerSettings]:
    return [
        ListenerSettings(name="staff-internet", zone="internet", host="127.0.0.1"),
        ListenerSettings(name="staff-lgwan", zone="lgwan", host="127.0.0.1"),
    ]


async def echo_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers what the server made of a request, and how much body came."""
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    if scope["path"] == "/fault":
        raise ValueError("a fault of a route")
    origin = scope["state"]["origin"]
    body = {
        "zone": origin.zone,
        "address": origin.address,
        "forwarded": origin.forwarded,
        "listener": origin.listener,
        "device": origin.device,
        "size": size,
    }
    await JSONResponse(body)(scope, receive, send)


def http_app(engine: MemoryEngine) -> ASGIApp:
    front = Front(
        echo_app, on_refused=engine.refused, json_body=10_000, streams=lambda scope: scope["path"] == "/upload"
    )
    return SecurityHeaders(front)


@asynccontextmanager
async def served(
    limits: SocketLimits = GENEROUS,
    listeners: Sequence[ListenerSettings] | None = None,
    chance: random.Random | None = None,
) -> AsyncIterator[Served]:
    """Serve until the block ends."""
    town = Served(limits, chance)
    bound = bind(listeners or two_zones())
    assert isinstance(bound, list), bound
    town.bound = bound
    ready = asyncio.Event()
    running = asyncio.create_task(
        serve(
            bound,
            http_app(town.engine),
            town.endpoint,
            ready=lambda _: ready.set(),
            stop=town.stop,
            signals=False,
            drain_seconds=2.0,
        )
    )
    await asyncio.wait({running, asyncio.ensure_future(ready.wait())}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    try:
        yield town
    finally:
        town.stop.set()
        await running
