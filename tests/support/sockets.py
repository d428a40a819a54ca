"""A person's WebSocket on a whole installation: says hello, keeps every frame, waits for the one that is asked for.

>>> async with on_socket(town, sato) as socket:                            # doctest: +SKIP
...     event = await socket.frame("event", room=room)
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from support.installation import Client, Installation
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from server import wire

Frame = dict[str, Any]


class Socket:
    """``frames`` holds all that came since ``ready``, in order."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.ready: Frame = {}
        self.frames: list[Frame] = []

    async def next(self, seconds: float = 5) -> Frame:
        """The next frame."""
        async with asyncio.timeout(seconds):
            frame: Frame = json.loads(await self.connection.recv())
        self.frames.append(frame)
        return frame

    async def frame(self, op: str, seconds: float = 5, **fields: Any) -> Frame:
        """The next frame of this kind with these fields; others are kept on the way."""
        async with asyncio.timeout(seconds):
            while True:
                frame = await self.next(seconds)
                if frame["op"] == op and all(frame.get(name) == value for name, value in fields.items()):
                    return frame

    async def say(self, op: str, **fields: Any) -> None:
        await self.connection.send(json.dumps({"op": op, **fields}))

    async def quiet(self, seconds: float = 0.3) -> list[Frame]:
        """All frames up to now, once nothing has come for a moment."""
        try:
            while True:
                await self.next(seconds)
        except TimeoutError:
            return self.frames

    async def closed(self, seconds: float = 5) -> int:
        """The code the server closed with, at the latest after so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    self.frames.append(json.loads(await self.connection.recv()))
        except ConnectionClosed as end:
            return end.rcvd.code if end.rcvd is not None else 1006


@asynccontextmanager
async def on_socket(
    town: Installation, client: Client, cursors: Mapping[str, int] | None = None
) -> AsyncIterator[Socket]:
    """The socket of a logged-in client in its zone, after ``ready``."""
    url = f"ws://127.0.0.1:{town.port(client.zone)}/api/v1/ws"
    async with connect(url, subprotocols=[Subprotocol(wire.SUBPROTOCOL)], max_size=1 << 24, proxy=None) as connection:
        socket = Socket(connection)
        await socket.say("hello", token=client.token, cursors=dict(cursors or {}))
        socket.ready = await socket.frame("ready")
        socket.frames.clear()
        yield socket
