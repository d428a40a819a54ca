"""``/api/v1/ws``: what all its connections share: engine, hub, limits, the one timer, and the end of them all.

Rules: idle connections have no task, queue or timer of their own; write buffers are bounded one by one and in sum; a
herd of returning clients logs in and reads at most ``resume.AT_ONCE`` at a time, so that live connections stay
unharmed.

Example: ``endpoint = WebSocketEndpoint(engine, hub, SocketLimits())``, given to ``server.listeners.serve``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from server import wire
from server.admission import Listener
from server.connection import WebSocketConnection
from server.engine import Engine
from server.fanout import Hub
from server.incarnations import Incarnations
from server.rate_limits import Buckets, Rate
from server.resume import AT_ONCE
from server.timer_wheel import TimerWheel

FRAMES = Rate(50.0, 500.0)
POSTS = Rate(10.0, 100.0)


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """Sizes in bytes, times in seconds. ``high_water``: from here on a socket counts as full."""

    max_frame: int = wire.MAX_FRAME
    high_water: int = 64 * 1024
    write_buffer: int = 1024 * 1024
    write_buffers_total: int = 128 * 1024 * 1024
    slow_seconds: float = 10.0
    hello_seconds: float = 10.0
    linger_seconds: float = 5.0
    idle_ping_seconds: float = 25.0
    pong_seconds: float = 20.0
    connections_per_person: int = 20
    waiting_for_hello: int = 4096
    frames: Rate = FRAMES
    posts: Rate = POSTS


class WebSocketEndpoint:
    """One per process. ``start`` in the running loop, ``drain`` before it ends. ``resyncs``: slow readers cut so
    far.
    """

    def __init__(
        self, engine: Engine, hub: Hub, limits: SocketLimits | None = None, incarnations: Incarnations | None = None
    ) -> None:
        self.engine = engine
        self.hub = hub
        self.limits = limits or SocketLimits()
        self.incarnations = incarnations or Incarnations()
        self.wheel = TimerWheel()
        self.wheel.each_tick.append(self.cut_slow_readers)
        self.gate = asyncio.Semaphore(AT_ONCE)
        self.connections: set[WebSocketConnection] = set()
        self.full: set[WebSocketConnection] = set()
        self.posts = Buckets(self.limits.posts)
        self.draining = False
        self.strangers = 0
        self.resyncs = 0
        self.notice: bytes | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0

    def start(self) -> None:
        self.wheel.start()

    def connection(self, listener: Listener, **_uvicorn: object) -> WebSocketConnection:
        """A new connection of ``listener``; the keyword arguments are uvicorn's and not needed."""
        return WebSocketConnection(self, listener)

    def busy(self) -> bool:
        """Whether new connections are refused before the upgrade."""
        return self.draining or self.strangers > self.limits.waiting_for_hello

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task of a connection that logs in or is behind; idle ones have none."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def stagger(self) -> float:
        """Seconds that spread the keep-alive of connections which came together."""
        self._count += 1
        return self._count % max(1, int(self.limits.idle_ping_seconds))

    async def drain(self, answers_within: float = 2.0, closed_within: float = 2.0) -> None:
        """The end: posts that were taken are still answered, then every socket is closed with 1001."""
        self.draining = True
        for connection in list(self.connections):
            connection.stop_reading()
        await until(lambda: not any(c.session.in_flight for c in self.connections), answers_within)
        for connection in list(self.connections):
            connection.close(wire.CLOSE_GOING_AWAY, "server shutdown")
        await until(lambda: not self.connections, closed_within)
        for connection in list(self.connections):
            connection.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.wheel.stop()

    def tell(self, notice: bytes, *, on_ready: bool) -> None:
        """A frame for every connection that asked for notices, now and, with ``on_ready``, after its ``ready``."""
        self.notice = notice if on_ready else None
        for connection in list(self.connections):
            if connection.session.notices:
                connection.tell(notice)

    def buffered(self) -> float:
        """What sockets have not taken, as a share of what all may hold."""
        return sum(connection.buffered() for connection in self.full) / self.limits.write_buffers_total

    def cut_slow_readers(self) -> None:
        """Once per second, over full sockets only. A replay is paced and does not count; the sum of all buffers
        does.
        """
        late = time.monotonic() - self.limits.slow_seconds
        for connection in [c for c in self.full if c.replay is None and c.full_since < late]:
            connection.cut()
        excess = sum(c.buffered() for c in self.full) - self.limits.write_buffers_total
        if excess <= 0:
            return
        for connection in sorted(self.full, key=lambda c: c.buffered(), reverse=True):
            excess -= connection.buffered()
            connection.abort()
            if excess <= 0:
                return


async def until(done: Callable[[], bool], seconds: float) -> None:
    """Wait for a state of many connections at the end of the server; nobody else waits for it, so it is polled."""
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
