"""uvicorn's HTTP protocol class of this product: what it adds to ``HttpToolsProtocol``.

Rules:
- Every request's ASGI scope names its listener (``scope["state"]["listener"]``) and the terminal's certificate
  (``scope["state"]["device"]``), so the zone comes from the socket and from nothing else.
- A request head has at most ``MAX_HEAD`` bytes (431) and comes within ``HEAD_SECONDS``; fields after the body
  (trailers, RFC 9110 section 6.5) are dropped: they must not pass for fields that a proxy has checked.
- A body moves on by ``LEAST_BODY`` bytes, and an answer is taken, within ``PACE_SECONDS``; else the connection ends.
- At most ``MAX_PIPELINE`` requests wait behind the one that is answered.
- What still comes of a body after its answer is read and dropped for ``HEAD_SECONDS``, for closing over unread bytes
  would lose the answer.

Example: ``uvicorn.Config(app, http=functools.partial(ListenerHttpProtocol, listener, wheel), …)``.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from rooms.refusals import Refusal, refuse
from server.admission import Listener
from server.handshake import device_of
from server.problems import MEDIA_TYPE, problem_body
from server.timer_wheel import TimerWheel

HEAD_SECONDS = 20.0
PACE_SECONDS = 60.0
LEAST_BODY = 4 * 1024
MAX_HEAD = 64 * 1024
MAX_PIPELINE = 32
_PHRASES = {400: "Bad Request", 431: "Request Header Fields Too Large"}


class _TooMuch(Exception):
    """The head, or the row of waiting requests, is too long; the parser hands it on as its own error."""


class ListenerHttpProtocol(HttpToolsProtocol):
    """One HTTP connection of one listener; ``timer_wheel.Timed`` while something is waited for."""

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
        self._head: int | None = 0  # bytes of the head so far; None between heads
        self._body: int | None = None  # bytes of the body since the last look; None while none is due
        self._fields = 0  # bytes of the request line and the fields as they were read
        self._full = False  # the client does not take the answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))
        self.app_state = {**self.app_state, "listener": self._listener, "device": device_of(transport)}
        self._wheel.set(self, HEAD_SECONDS)

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            self._head += len(data)
            if self._head > MAX_HEAD + len(data):
                self._refuse(431, refuse("too_large"))
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= MAX_PIPELINE:
            raise _TooMuch
        super().on_message_begin()
        self._head, self._body = 0, None
        self._fields = 0
        self._wheel.set(self, HEAD_SECONDS)

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head is not None:
            self._count(len(name) + len(value) + 4)
            super().on_header(name, value)

    def _count(self, size: int) -> None:
        self._fields += size
        if self._fields > MAX_HEAD:
            raise _TooMuch

    def on_headers_complete(self) -> None:
        self._head, self._body = None, 0
        self._wheel.set(self, PACE_SECONDS)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._body is not None:
            self._body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._body = None
        if not self._full:
            self._wheel.drop(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        if self._body is not None:
            self._wheel.set(self, HEAD_SECONDS)
        super().on_response_complete()

    def pause_writing(self) -> None:
        self._full = True
        self._wheel.set(self, PACE_SECONDS)
        super().pause_writing()

    def resume_writing(self) -> None:
        self._full = False
        if self._body is None:
            self._wheel.drop(self)
        super().resume_writing()

    def handle_websocket_upgrade(self) -> None:
        self._wheel.drop(self)
        super().handle_websocket_upgrade()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._wheel.drop(self)

    def on_timer(self) -> None:
        """The head did not come, the body does not move on, or the answer is not taken."""
        if self.transport.is_closing():
            return
        if self._full:
            self.transport.abort()
        elif self._moves():
            self._body = 0
            self._wheel.set(self, PACE_SECONDS)
        else:
            self.transport.close()

    def _moves(self) -> bool:
        """Whether a body is under way that came on, or that waits for us."""
        cycle: RequestResponseCycle | None = self.cycle
        if self._body is None or cycle is None or cycle.response_complete:
            return False
        return self.flow.read_paused or self._body >= LEAST_BODY

    def send_400_response(self, msg: str) -> None:
        """What the parser cannot read."""
        too_long = self._head is not None and self._fields > MAX_HEAD
        self._refuse(431 if too_long else 400, refuse("too_large" if too_long else "malformed"))

    def _refuse(self, status: int, refusal: Refusal) -> None:
        """An answer without a request, and the end."""
        if self.transport.is_closing():
            return
        body = problem_body(refusal, "ja").replace(b'"status":%d' % refusal.status, b'"status":%d' % status)
        head = (
            f"HTTP/1.1 {status} {_PHRASES[status]}\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
            "x-content-type-options: nosniff\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()
