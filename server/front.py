"""What every HTTP request passes before a route sees it; pure ASGI, outermost but for the security headers.

Rules:
- A request without a listener in its scope (a mistake of composition) is refused: there is no default zone.
- A listener for operations serves health and figures alone.
- A foreign ``Host`` and a cross-site act are refused and reported to ``on_refused`` for the record.
- ``scope["state"]["origin"]`` is the request's ``RequestOrigin``; its id is answered as ``X-Request-Id``.
- A body is bounded by ``json_body`` bytes unless ``streams`` says that the route takes a stream and bounds it itself. A
  body that is announced too large is refused before it is read, one that grows too large when it does.
- An exception of a route is answered ``internal`` with the request's id, and logged with it.

Example: ``app = SecurityHeaders(Front(routes, on_refused=engine.refused, streams=is_upload))``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rooms.refusals import Refusal, refuse
from server.admission import Listener, RawHeaders, host_refusal, language, only, origin_of, origin_refusal, values
from server.engine import RequestOrigin
from server.problems import problem_response

JSON_BODY = 1024 * 1024
OPERATIONS = frozenset({"/healthz", "/readyz", "/metrics"})
"""All that a listener for operations serves: no people, no rooms."""
_log = logging.getLogger("sekisho.http")


class BodyTooLarge(Exception):
    """A body grew beyond its bound while a route was reading it; ``Front`` answers it."""


def _no_stream(scope: Scope) -> bool:
    return False


class Front:
    """See the module's rules. ``on_refused(origin, reason)`` must not block."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        on_refused: Callable[[RequestOrigin, str], None],
        json_body: int = JSON_BODY,
        streams: Callable[[Scope], bool] = _no_stream,
    ) -> None:
        self._app = app
        self._on_refused = on_refused
        self._json_body = json_body
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError("only HTTP comes here: WebSockets have a protocol class of their own")
        state = scope.setdefault("state", {})
        listener = state.get("listener")
        headers: RawHeaders = scope["headers"]
        if not isinstance(listener, Listener):
            raise RuntimeError("a request without a listener has no zone")
        peer = scope.get("client")
        origin = origin_of(listener, headers, peer[0] if peer else None, str(state.get("device", "")))
        state["origin"] = origin
        send = _with_request_id(send, origin.request_id)
        refusal = self._refusal(scope, listener, headers)
        if refusal is not None:
            self._on_refused(origin, refusal.reason)
            await problem_response(refusal, language(headers), origin.request_id)(scope, receive, send)
            return
        await self._run(scope, receive, send)

    def _refusal(self, scope: Scope, listener: Listener, headers: RawHeaders) -> Refusal | None:
        method = str(scope["method"])
        refusal = host_refusal(listener, headers) or origin_refusal(listener, method, headers)
        if refusal is None and listener.operations and scope["path"] not in OPERATIONS:
            return refuse("not_found")
        if refusal is None and values(headers, b"content-length") and not self._streams(scope):
            length = only(headers, b"content-length") or ""
            if not length.isascii() or not length.isdigit():
                return refuse("malformed")
            return refuse("too_large") if int(length) > self._json_body else None
        return refusal

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        if not self._streams(scope):
            receive = _bounded(receive, self._json_body)
        try:
            await self._app(scope, receive, watched_send)
        except BodyTooLarge:
            await self._answer(scope, receive, send, refuse("too_large"), started)
        except Exception:
            _log.exception("a route failed", extra={"request_id": scope["state"]["origin"].request_id})
            await self._answer(scope, receive, send, refuse("internal"), started)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, refusal: Refusal, started: bool) -> None:
        """Where the answer has begun nothing can be said any more: uvicorn closes the connection."""
        if started:
            raise ConnectionAbortedError("the answer had begun")
        origin: RequestOrigin = scope["state"]["origin"]
        await problem_response(refusal, language(scope["headers"]), origin.request_id)(scope, receive, send)


def _bounded(receive: Receive, most: int) -> Receive:
    got = 0

    async def bounded_receive() -> Message:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        if got > most:
            raise BodyTooLarge
        return message

    return bounded_receive


def _with_request_id(send: Send, request_id: str) -> Send:
    async def send_with_id(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), (b"x-request-id", request_id.encode())]}
        await send(message)

    return send_with_id
