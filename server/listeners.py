"""Listeners: one uvicorn server per socket, all in one event loop, with one beginning and one end.

Rules:
- A listener belongs to one zone; the object is bound to its protocol classes, so no header can change it.
- Sockets are bound before anything is served: a busy port is a refusal with its reason, never a traceback, and
  nothing runs half. ``ready`` is called when all accept.
- Forwarding headers are uvicorn's business nowhere (``proxy_headers=False``); no ``Server`` header; signals are ours.
- One end: SIGTERM or SIGINT stops accepting, answers what was taken, closes WebSockets with 1001, lets HTTP requests
  finish (bounded), then runs ``on_drain`` in order. A second signal ends at once.

Example::

    bound = bind(settings.listeners)
    if isinstance(bound, StartRefused): ...          # print(str(bound)); exit 1
    await serve(bound, app, endpoint, on_drain=[writer.close, supervisor.close])
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import uvicorn

from server.binding import BACKLOG, Bound
from server.http_protocol import ListenerHttpProtocol
from server.websocket_endpoint import WebSocketEndpoint, until

_log = logging.getLogger("sekisho.listeners")
Hook = Callable[[], Awaitable[None]]


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handling: each would re-raise SIGTERM and kill the others' drain."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def finish(self, seconds: float) -> None:
        """Idle connections are closed, requests under way have ``seconds`` to end; then they are cancelled."""
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await until(lambda: not self.server_state.connections and not self.server_state.tasks, seconds)
        for task in list(self.server_state.tasks):
            task.cancel()
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def _server(bound: Bound, app: Any, endpoint: WebSocketEndpoint) -> _Server:
    config = uvicorn.Config(
        app,
        http=functools.partial(ListenerHttpProtocol, bound.listener, endpoint.wheel),  # type: ignore[arg-type]
        ws=functools.partial(endpoint.connection, bound.listener),  # type: ignore[arg-type]
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        forwarded_allow_ips="",
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=30,
        workers=1,
    )
    config.load()
    config.ssl = bound.tls
    return _Server(config)


async def serve(
    bound: Sequence[Bound],
    app: Any,
    endpoint: WebSocketEndpoint,
    *,
    on_drain: Sequence[Hook] = (),
    ready: Callable[[Sequence[Bound]], None] | None = None,
    stop: asyncio.Event | None = None,
    drain_seconds: float = 8.0,
    signals: bool = True,
) -> None:
    """Serve until a signal (or ``stop``), then drain. ``on_drain`` hooks (writer, jail …) run in order at the end,
    also if one of them fails. All of it takes at most about ``drain_seconds`` and what the hooks take within a
    second each.
    """
    stop = stop or asyncio.Event()
    servers = [_server(one, app, endpoint) for one in bound]
    with _signals(stop) if signals else contextlib.nullcontext():
        endpoint.start()
        for server, one in zip(servers, bound, strict=True):
            server.lifespan = server.config.lifespan_class(server.config)
            await server.startup(sockets=[one.sock])
        dates = asyncio.get_running_loop().create_task(_keep_dates(servers))
        if ready is not None:
            ready(bound)
        await stop.wait()
        deadline = time.monotonic() + drain_seconds
        await _drain(servers, bound, endpoint, drain_seconds)
        dates.cancel()
        for hook in on_drain:
            await _run_hook(hook, max(0.5, deadline - time.monotonic()))


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Generator[None, None, None]:
    """The first signal asks for the end; the second gets the system's own answer (the process dies)."""
    loop = asyncio.get_running_loop()
    caught = (signal.SIGTERM, signal.SIGINT)

    def first() -> None:
        for each in caught:
            loop.remove_signal_handler(each)
        stop.set()

    for each in caught:
        loop.add_signal_handler(each, first)
    try:
        yield
    finally:
        for each in caught:
            loop.remove_signal_handler(each)


async def _keep_dates(servers: Sequence[_Server]) -> None:
    """uvicorn's tick renews the ``Date`` header; its own loop would wake ten times a second for each listener."""
    while True:
        for server in servers:
            await server.on_tick(0)
        await asyncio.sleep(1.0)


async def _drain(
    servers: Sequence[_Server], bound: Sequence[Bound], endpoint: WebSocketEndpoint, seconds: float
) -> None:
    """At most about half of ``seconds``: the rest is for the hooks."""
    paths = [one.sock.getsockname() for one in bound if one.sock.family is socket.AF_UNIX]
    for server in servers:
        for each in server.servers:
            each.close()
    await asyncio.gather(
        endpoint.drain(answers_within=seconds / 4, closed_within=seconds / 4),
        *(server.finish(seconds / 2) for server in servers),
    )
    for one in bound:
        one.sock.close()
    for path in paths:
        _forget(path)


def _forget(path: str) -> None:
    """A unix socket's file outlives its socket."""
    Path(path).unlink(missing_ok=True)


async def _run_hook(hook: Hook, seconds: float) -> None:
    try:
        await asyncio.wait_for(hook(), seconds)
    except TimeoutError:
        _log.error("a part of the server did not end in time")
    except Exception:
        _log.exception("a part of the server did not end well")
