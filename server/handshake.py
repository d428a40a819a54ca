"""The opening handshake of ``/api/v1/ws`` as functions of the request: what is refused before the upgrade, and how.

Rules: ``Host``, path and ``Origin`` are checked before ``ServerProtocol`` looks at the WebSocket headers; every
refusal is an HTTP answer with a problem body (RFC 9457); a cookie counts only beside an allowed ``Origin``; a page
cannot set ``Accept-Language`` on a WebSocket, so ``?lang=`` comes before it.

>>> handshake_language("/api/v1/ws?lang=en", [(b"accept-language", b"ja")])
'en'
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from http import HTTPStatus
from urllib.parse import parse_qs

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from rooms.refusals import Refusal, refuse
from server.admission import Listener, RawHeaders, host_refusal, language, origin_allowed, presented_token, values
from server.problems import problem_body, problem_headers

PATH = "/api/v1/ws"


def raw_headers(request: Request) -> RawHeaders:
    """The headers as ASGI has them."""
    return [
        (name.lower().encode("ascii"), value.encode("utf-8", "surrogateescape"))
        for name, value in request.headers.raw_items()
    ]


def refuse_upgrade(listener: Listener, path: str, headers: RawHeaders, *, busy: bool) -> Refusal | None:
    """Why this request may not become a WebSocket, or None."""
    refusal = host_refusal(listener, headers)
    if refusal is not None:
        return refusal
    if path.partition("?")[0] != PATH or listener.operations:
        return refuse("not_found")
    if values(headers, b"origin") and not origin_allowed(listener, headers):
        return refuse("foreign_origin")
    return refuse("busy") if busy else None


def handshake_language(target: str, headers: RawHeaders) -> str:
    """``ja`` or ``en``: what ``?lang=`` of the request target says, where it is one of the two; else by the headers."""
    asked = parse_qs(target.partition("?")[2]).get("lang", [""])[-1]
    return asked if asked in ("ja", "en") else language(headers)


def handshake_token(listener: Listener, headers: RawHeaders) -> str | None:
    """The token the handshake itself carries. A page of another site cannot set ``Authorization``, but its browser
    would send the cookie: so the cookie needs an ``Origin``, which was found good before."""
    presented = presented_token(listener, headers)
    if presented is None or (presented.by == "cookie" and not values(headers, b"origin")):
        return None
    return presented.token


def refused_upgrade(refusal: Refusal, lang: str, request_id: str) -> Response:
    """The HTTP answer to a request that may not be upgraded."""
    return _answer(refusal.status, problem_headers(refusal, lang), problem_body(refusal, lang, request_id))


def broken_handshake(response: Response, lang: str, request_id: str) -> Response:
    """ServerProtocol's own refusal (RFC 6455 section 4.2.2) with our body: ``Upgrade``, ``Allow`` and the like are
    kept.
    """
    refusal = refuse("malformed")
    kept = {name: response.headers[name] for name in ("Upgrade", "Allow") if name in response.headers}
    if response.status_code == 426:
        kept["Sec-WebSocket-Version"] = "13"
    return _answer(response.status_code, problem_headers(refusal, lang) | kept, problem_body(refusal, lang, request_id))


def _answer(status: int, headers: dict[str, str], body: bytes) -> Response:
    common = {"connection": "close", "content-length": str(len(body)), "x-content-type-options": "nosniff"}
    return Response(status, HTTPStatus(status).phrase, Headers({**headers, **common}), body)


def device_of(transport: asyncio.BaseTransport) -> str:
    """``tls:`` and the SHA-256 of the client's certificate, where the listener asks for one; else empty."""
    tls = transport.get_extra_info("ssl_object")
    certificate = tls.getpeercert(binary_form=True) if isinstance(tls, ssl.SSLObject) else None
    return f"tls:{hashlib.sha256(certificate).hexdigest()}" if certificate else ""


def peer_of(transport: asyncio.BaseTransport) -> str | None:
    """The address of the socket's other end; None on a unix socket."""
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else None
