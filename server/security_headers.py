"""Response headers that every answer carries (DESIGN §8).

Rules: the policy allows what the client needs and nothing else; a route may set its own policy (renditions are
sandboxed) but none is ever left without; what the API answers is stored nowhere; nothing names the software.

>>> "default-src 'none'" in CONTENT_SECURITY_POLICY
True
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.admission import Listener

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "frame-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types sekisho-url",
    )
)
RENDITION_POLICY = "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
"""For what a route serves of a file: no script, no origin of its own, shown only inside our own pages."""

_PERMISSIONS = (
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), "
    "midi=(), payment=(), usb=()"
)
_ALWAYS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", _PERMISSIONS.encode()),
    (b"x-permitted-cross-domain-policies", b"none"),
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
)
_HSTS = (b"strict-transport-security", b"max-age=63072000")
_NO_STORE = (b"cache-control", b"no-store")


def security_headers(listener: Listener | None, path: str, present: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
    """What is added to an answer that has the header names ``present`` (lower-case)."""
    wanted = list(_ALWAYS)
    if listener is not None and listener.tls:
        wanted.append(_HSTS)
    if path.startswith("/api/"):
        wanted.append(_NO_STORE)
    have = set(present)
    return [(name, value) for name, value in wanted if name not in have]


class SecurityHeaders:
    """ASGI middleware that adds ``security_headers`` to every HTTP answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        listener, path = state.get("listener"), str(scope["path"])

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [(bytes(name).lower(), bytes(value)) for name, value in message.get("headers", ())]
                headers += security_headers(listener, path, [name for name, _ in headers])
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, send_with_headers)
