"""What telling one message to many costs the server: deliveries per second of its CPU, and memory of a connection that
only waits.

Reference in the same run: a bare server that writes ready-made frames and does nothing else (``fanout_servers.py``).
Modes: ``paced`` sends a message when everyone has the last one (one message per wake-up, the honest case for talk),
``saturated`` keeps ``IN_FLIGHT`` under way. Storage is not in these figures; ``sekisho bench writer`` measures it.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ops.bench.crowd import allow_connections
from ops.bench.fanout_servers import FIRST, POST_BYTES, ROOM, event
from ops.bench.product import masked
from server.fanout import event_frame

MEMBERS = (100, 1000)
DELIVERIES = 100_000
RUNS = 3
IN_FLIGHT = 48
IDLE = (500, 2500)
EVENT_BYTES = len(event_frame(event(FIRST), "lgwan"))


def figures() -> dict[str, Any]:
    """Medians of ``RUNS`` runs; deliveries are counted by the clients, CPU seconds are the server's own."""
    allow_connections(max(IDLE))
    return asyncio.run(_figures())


async def _figures() -> dict[str, Any]:
    result: dict[str, Any] = {"loop": "uvloop" if importlib.util.find_spec("uvloop") else "asyncio"}
    for members in MEMBERS:
        for mode in ("paced", "saturated"):
            rates = {kind: [await _rate(kind, members, mode) for _ in range(RUNS)] for kind in ("product", "bare")}
            product, bare = (statistics.median(rates[kind]) for kind in ("product", "bare"))
            result[f"{mode}_{members}"] = {
                "deliveries_per_cpu_second": round(product),
                "bare_deliveries_per_cpu_second": round(bare),
                "to_bare": round(product / bare, 3),
                "us_per_delivery": round(1e6 / product, 2),
            }
    result["idle_connection_kib"] = {kind: await _idle_memory(kind) for kind in ("product", "bare")}
    return result | {"event_bytes": EVENT_BYTES, "deliveries": DELIVERIES, "runs": RUNS}


class Server:
    """A server of ``fanout_servers`` in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, kind: str, port: int) -> None:
        self._process = process
        self.kind = kind
        self.port = port

    async def ask(self, question: str) -> float:
        if self._process.stdin is None:
            raise RuntimeError("the server has no standard input")
        self._process.stdin.write(f"{question}\n".encode())
        return float((await _line(self._process))[question])


async def _line(process: asyncio.subprocess.Process) -> dict[str, Any]:
    if process.stdout is None:
        raise RuntimeError("the server has no standard output")
    answer: dict[str, Any] = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
    return answer


@asynccontextmanager
async def _server(kind: str) -> AsyncIterator[Server]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ops.bench.fanout_servers",
        kind,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Server(process, kind, (await _line(process))["port"])
    finally:
        process.kill()
        await process.wait()


class Member(asyncio.Protocol):
    """A client that counts bytes: every frame of the run has the same length."""

    def __init__(self, crowd: Crowd, greeting: bytes) -> None:
        self._crowd = crowd
        self._greeting = greeting
        self._waits_for_ready = True
        self._head = b""
        self.got = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self.transport = transport
            transport.write(self._greeting)

    def data_received(self, data: bytes) -> None:
        if not self._waits_for_ready:
            self._crowd.hear(self, len(data))
            return
        self._head += data
        if (self._head.count(b"\r\n\r\n") and not self._crowd.hello) or b'"op":"ready"' in self._head:
            self._become_ready()
        elif b"\r\n\r\n" in self._head and self._greeting:
            self._greeting = b""
            self.transport.write(self._crowd.hello)

    def _become_ready(self) -> None:
        self._waits_for_ready = False
        self._head = b""
        self._crowd.ready += 1
        self._crowd.wake()


class Crowd:
    """All clients of one run. ``deliveries`` are whole frames over all members but the sender."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.hello = masked(b'{"op":"hello","token":"t"}') if server.kind == "product" else b""
        self.members: list[Member] = []
        self.ready = 0
        self._bytes = 0
        self._woken = asyncio.Event()

    def hear(self, member: Member, size: int) -> None:
        if member is not self.members[0]:
            self._bytes += size
            self._woken.set()

    def wake(self) -> None:
        self._woken.set()

    @property
    def deliveries(self) -> int:
        return self._bytes // EVENT_BYTES

    async def join(self, count: int) -> None:
        loop = asyncio.get_running_loop()
        greeting = (
            f"GET /api/v1/ws HTTP/1.1\r\nHost: 127.0.0.1:{self._server.port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: sekisho.v1\r\n\r\n"
        ).encode()
        while len(self.members) < count:
            _, member = await loop.create_connection(lambda: Member(self, greeting), "127.0.0.1", self._server.port)
            self.members.append(member)
            if len(self.members) - self.ready > 50:
                await self.until_ready(len(self.members) - 10)
        await self.until_ready(count)

    async def until(self, deliveries: int) -> None:
        async with asyncio.timeout(60):
            while self.deliveries < deliveries:
                self._woken.clear()
                await self._woken.wait()

    async def until_ready(self, count: int) -> None:
        async with asyncio.timeout(60):
            while self.ready < count:
                self._woken.clear()
                await self._woken.wait()

    def post(self, number: int) -> None:
        self.members[0].transport.write(_post(number))

    def leave(self) -> None:
        for member in self.members:
            member.transport.abort()


async def _rate(kind: str, members: int, mode: str) -> float:
    """Deliveries per second of the server's CPU."""
    async with _server(kind) as server:
        crowd = Crowd(server)
        await crowd.join(members + 1)
        posts, window = DELIVERIES // members, 1 if mode == "paced" else IN_FLIGHT
        before = await server.ask("cpu")
        for number in range(posts):
            await crowd.until((number - window) * members + 1)
            crowd.post(number)
        await crowd.until(posts * members)
        cpu = await server.ask("cpu") - before
        crowd.leave()
    return posts * members / cpu


async def _idle_memory(kind: str) -> float:
    """KiB of proportional memory for each further connection that is logged in and waits."""
    few, many = IDLE
    async with _server(kind) as server:
        crowd = Crowd(server)
        await crowd.join(few)
        before = await server.ask("pss")
        await crowd.join(many)
        after = await server.ask("pss")
        crowd.leave()
    return round((after - before) / (many - few), 2)


def _post(number: int) -> bytes:
    """A post of exactly ``POST_BYTES`` on the wire."""
    text = b'{"op":"post","ref":%d,"room":"%s","client_msg_id":"c-%010d","text":"%s"}'
    filled = text % (number, ROOM.encode(), number, b"")
    return masked(text % (number, ROOM.encode(), number, b"x" * (POST_BYTES - 8 - len(filled))))


if __name__ == "__main__":
    print(json.dumps(figures(), indent=2))
    os._exit(0)
