"""Where a request came from and whether it may be looked at: the same pure checks for HTTP and WebSocket.

Rules:
- The zone is the listener's. No header changes zone, scheme or address; headers that try are noted (``forwarded``).
- Exactly one ``Host``, and it must be a name of this listener.
- ``Origin`` is compared whole and exactly (scheme, host, port) with the listener's list; ``null`` and doubles never
  pass.
- A token comes from ``Authorization: Bearer`` or from the zone's own cookie; a cookie is worth nothing without a good
  ``Origin`` where it could be abused (unsafe methods, WebSocket). Cookies of other zones are not read: browsers send
  the cookies of all ports of a host.
- A listener's own ``trusted_proxy``, and nobody else, sets the address, by the last entry of ``X-Forwarded-For``.

>>> listener = Listener("main", "internet", hosts=frozenset({"chat.example.jp"}))
>>> host_refusal(listener, [(b"host", b"Chat.Example.JP")]) is None
True
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rooms.refusals import Refusal, refuse
from server.engine import RequestOrigin

RawHeaders = Sequence[tuple[bytes, bytes]]
"""As ASGI has them: lower-case names, in the order of arrival, doubles kept."""

UNIX = "unix"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_CLAIMS = frozenset({"forwarded", "via", "x-real-ip", "x-zone", "x-client-ip", "true-client-ip", "cf-connecting-ip"})
_CLAIM_PREFIXES = ("x-forwarded", "x-original", "x-sekisho", "x-rewrite")
_FROM_A_PROXY = frozenset({"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "via"})


@dataclass(frozen=True, slots=True, eq=False)
class Listener:
    """A bound socket: one zone. ``hosts``: lower-case values of ``Host`` that are served, with the port where one is
    sent. ``origins``: serialised origins (RFC 6454 section 6.2) whose pages may act here with a cookie."""

    name: str
    zone: str
    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    trusted_proxy: str | None = None
    tls: bool = False
    operations: bool = False


@dataclass(frozen=True, slots=True)
class Presented:
    """A token as it was presented, not yet checked."""

    token: str
    by: Literal["bearer", "cookie"]


def values(headers: RawHeaders, name: bytes) -> list[str]:
    """All values of one header. ISO-8859-1 as RFC 9110 section 5.5 keeps it."""
    return [value.decode("latin-1").strip() for key, value in headers if key == name]


def only(headers: RawHeaders, name: bytes) -> str | None:
    """The value of a header that came exactly once."""
    found = values(headers, name)
    return found[0] if len(found) == 1 else None


def host_refusal(listener: Listener, headers: RawHeaders) -> Refusal | None:
    """None if the request's one ``Host`` is a name of this listener."""
    host = only(headers, b"host")
    return None if host is not None and host.lower() in listener.hosts else refuse("foreign_host")


def origin_allowed(listener: Listener, headers: RawHeaders) -> bool:
    """Whether there is exactly one ``Origin`` and it is on the listener's list."""
    origin = only(headers, b"origin")
    return origin is not None and origin in listener.origins


def same_origin(listener: Listener, headers: RawHeaders) -> bool:
    """Whether the request comes from a page of the very host it goes to."""
    if not origin_allowed(listener, headers):
        return False
    origin, host = only(headers, b"origin") or "", (only(headers, b"host") or "").lower()
    scheme, _, authority = origin.partition("://")
    default = ":443" if scheme == "https" else ":80"
    return bool(host) and authority.removesuffix(default) == host.removesuffix(default)


def origin_refusal(listener: Listener, method: str, headers: RawHeaders) -> Refusal | None:
    """The cross-site check: an unsafe request that its cookie would authenticate needs a same-origin ``Origin``.

    A request with a bearer token needs none: no other site can make a browser send it.
    """
    if method in SAFE_METHODS or values(headers, b"authorization") or not values(headers, b"cookie"):
        return None
    if same_origin(listener, headers) or not has_own_cookie(listener, headers):
        return None
    return refuse("foreign_origin")


def cookie_name(zone: str) -> str:
    """Each zone its own, for two ports of one host share their cookies (RFC 6265 section 8.5)."""
    return f"__Host-sekisho-{zone}"


def set_cookie(zone: str, token: str, max_age: int) -> str:
    """The value of ``Set-Cookie`` for a login; ``max_age`` in seconds, 0 forgets it."""
    return f"{cookie_name(zone)}={token}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={max_age}"


def has_own_cookie(listener: Listener, headers: RawHeaders) -> bool:
    return bool(_own_cookies(listener, headers))


def presented_token(listener: Listener, headers: RawHeaders) -> Presented | None:
    """The token of a request: bearer before cookie; two different ones of a kind are none."""
    authorization = values(headers, b"authorization")
    if authorization:
        scheme, _, token = authorization[0].partition(" ")
        good = len(authorization) == 1 and scheme.lower() == "bearer" and token.strip()
        return Presented(token.strip(), "bearer") if good else None
    cookies = set(_own_cookies(listener, headers))
    return Presented(cookies.pop(), "cookie") if len(cookies) == 1 else None


def _own_cookies(listener: Listener, headers: RawHeaders) -> list[str]:
    name = cookie_name(listener.zone)
    pairs = (pair.strip().partition("=") for header in values(headers, b"cookie") for pair in header.split(";"))
    return [value for key, _, value in pairs if key == name and value]


def claims(headers: RawHeaders) -> set[str]:
    """Names of headers that claim to say where a request came from; underscores count as hyphens."""
    names = {name.decode("latin-1").lower().replace("_", "-") for name, _ in headers}
    return {name for name in names if name in _CLAIMS or name.startswith(_CLAIM_PREFIXES)}


def origin_of(listener: Listener, headers: RawHeaders, peer: str | None, device: str = "") -> RequestOrigin:
    """The origin of a request. ``peer``: the address of the socket's other end, None on a unix socket."""
    address, forwarded = peer or UNIX, bool(claims(headers))
    if listener.trusted_proxy is not None and _is_address(address, listener.trusted_proxy):
        address, forwarded = _behind_proxy(headers, address)
    host = (only(headers, b"host") or "").lower()
    return RequestOrigin(
        listener.name,
        listener.zone,
        address,
        device,
        host if host in listener.hosts else "",
        forwarded,
        new_request_id(),
    )


def _behind_proxy(headers: RawHeaders, peer: str) -> tuple[str, bool]:
    """The proxy appends what it saw as the last entry; earlier entries and other headers are somebody's claims."""
    entries = [entry.strip() for value in values(headers, b"x-forwarded-for") for entry in value.split(",")]
    forged = len(entries) > 1 or bool(claims(headers) - _FROM_A_PROXY)
    try:
        return (str(ipaddress.ip_address(entries[-1])), forged) if entries else (peer, forged)
    except ValueError:
        return peer, True


def _is_address(peer: str, trusted: str) -> bool:
    if UNIX in (peer, trusted):
        return peer == trusted
    try:
        return ipaddress.ip_address(peer) == ipaddress.ip_address(trusted)
    except ValueError:
        return False


def new_request_id() -> str:
    """For logs and the record; 96 bits of chance."""
    return secrets.token_hex(12)


def language(headers: RawHeaders) -> str:
    """``ja`` or ``en``, by the first of the two that ``Accept-Language`` names; Japanese otherwise."""
    for tag in _language_tags(values(headers, b"accept-language")):
        primary = tag.split("-")[0].lower()
        if primary in ("ja", "en"):
            return primary
    return "ja"


def _language_tags(headers: Iterable[str]) -> list[str]:
    return [tag.split(";")[0].strip() for header in headers for tag in header.split(",")]
