"""uvicorn's HTTP protocol class of this product: what it adds to ``HttpToolsProtocol``.

Rules: every request's ASGI scope names its listener (``scope["state"]["listener"]``) and the terminal's certificate
(``scope["state"]["device"]``), so the zone comes from the socket and from nothing else; a connection that has not sent
a whole request head within ``HEAD_SECONDS`` is closed (slow senders must not hold sockets); what still comes of a body
after its answer is read and dropped for as long, for closing over unread bytes would lose the answer.

Example: ``uvicorn.Config(app, http=functools.partial(ListenerHttpProtocol, listener, wheel), …)``.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from server.admission import Listener
from server.handshake import device_of
from server.timer_wheel import TimerWheel

HEAD_SECONDS = 20.0


class ListenerHttpProtocol(HttpToolsProtocol):
    """One HTTP connection of one listener; ``timer_wheel.Timed`` until its first request head is complete."""

    def __init__(
        self,
        listener: Listener,
        wheel: TimerWheel,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.slot = -1
        self._listener = listener
        self._wheel = wheel

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))
        self.app_state = {**self.app_state, "listener": self._listener, "device": device_of(transport)}
        self._wheel.set(self, HEAD_SECONDS)

    def on_headers_complete(self) -> None:
        self._wheel.drop(self)
        super().on_headers_complete()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wheel.set(self, HEAD_SECONDS)

    def on_body(self, body: bytes) -> None:
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and cycle.response_complete and self.slot < 0:
            self._wheel.set(self, HEAD_SECONDS)
        super().on_body(body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wheel.drop(self)
        super().connection_lost(exc)

    def on_timer(self) -> None:
        """The head did not come."""
        if not self.transport.is_closing():
            self.transport.close()
