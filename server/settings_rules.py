"""What listeners must not be, beyond what each key says by itself.

Rules: a socket is either TCP or unix; no two share an address; who is trusted is one address, never a range or a
wildcard; host names and origins are written out, for they are compared exactly.

>>> bad_proxy("0.0.0.0/0")
True
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol
from urllib.parse import urlsplit

from server.settings_file import Mistake

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)(:[0-9]{1,5})?")
ANY = ("0.0.0.0", "::", "")


class ListenerLike(Protocol):
    """The part of ``ListenerSettings`` that is checked here."""

    @property
    def name(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def unix(self) -> str: ...
    @property
    def allowed_hosts(self) -> tuple[str, ...]: ...
    @property
    def allowed_origins(self) -> tuple[str, ...]: ...
    @property
    def tls_certificate(self) -> str: ...
    @property
    def tls_key(self) -> str: ...
    @property
    def client_ca(self) -> str: ...
    @property
    def trusted_proxy(self) -> str: ...


def check_listeners(listeners: Sequence[ListenerLike], lines: Mapping[str, int]) -> list[Mistake]:
    """All mistakes of all listeners."""
    found = []
    for number, listener in enumerate(listeners):
        prefix = f"listeners[{number}]"
        for key, advice in [*_one(listener), *_beside(listener, listeners[:number])]:
            line = lines.get(f"{prefix}.{key}", lines.get(prefix, lines.get("listeners", 1)))
            found.append(Mistake(line, f"{prefix}.{key}", advice))
    return found


def _one(listener: ListenerLike) -> Iterator[tuple[str, str]]:
    if bool(listener.host) == bool(listener.unix):
        yield "host", 'give either host and port, or unix = "/run/sekisho/NAME.sock"'
    if bool(listener.tls_certificate) != bool(listener.tls_key):
        missing = "tls_key" if listener.tls_certificate else "tls_certificate"
        yield missing, "tls_certificate and tls_key belong together: add it"
    if listener.client_ca and not listener.tls_certificate:
        yield "client_ca", "needs tls_certificate and tls_key: without TLS no terminal can show a certificate"
    if listener.trusted_proxy:
        yield from _proxy(listener)
    yield from _names(listener)


def _proxy(listener: ListenerLike) -> Iterator[tuple[str, str]]:
    if bad_proxy(listener.trusted_proxy):
        yield (
            "trusted_proxy",
            'write the one address of the proxy, such as "192.0.2.7", or "unix"; no range, no wildcard',
        )
    elif (listener.trusted_proxy == "unix") != bool(listener.unix):
        yield "trusted_proxy", '"unix" is for listeners on a unix socket, an address for the others'


def bad_proxy(value: str) -> bool:
    """Whether ``value`` names more, or less, than one address."""
    if value == "unix":
        return False
    try:
        return ipaddress.ip_address(value).is_unspecified
    except ValueError:
        return True


def _names(listener: ListenerLike) -> Iterator[tuple[str, str]]:
    if not listener.allowed_hosts and (listener.unix or listener.host in ANY[:2]):
        yield "allowed_hosts", 'is needed here: write the names people use, such as ["chat.city.example.jp"]'
    for host in listener.allowed_hosts:
        if not _HOST.fullmatch(host.lower()):
            yield "allowed_hosts", f"{host!r}: write a name as in Host, without scheme, path or wildcard"
    for origin in listener.allowed_origins:
        if not good_origin(origin):
            yield "allowed_origins", f"{origin!r}: write an origin in full, such as https://chat.city.example.jp"


def good_origin(origin: str) -> bool:
    """Whether ``origin`` is as a browser serialises it (RFC 6454 section 6.2)."""
    parts = urlsplit(origin)
    return (
        parts.scheme in ("https", "http")
        and origin == f"{parts.scheme}://{parts.netloc}"
        and _HOST.fullmatch(parts.netloc) is not None
    )


def _beside(listener: ListenerLike, earlier: Sequence[ListenerLike]) -> Iterator[tuple[str, str]]:
    for other in earlier:
        if listener.name and listener.name == other.name:
            yield "name", f"{listener.name!r} is taken: give each listener a name of its own"
        if _same_address(listener, other):
            yield (
                ("unix" if listener.unix else "port"),
                f"the listener {other.name!r} has the same address: choose another",
            )


def _same_address(one: ListenerLike, other: ListenerLike) -> bool:
    if one.unix or other.unix:
        return one.unix == other.unix
    same_host = one.host == other.host or one.host in ANY or other.host in ANY
    return one.port == other.port != 0 and same_host


def is_loopback(host: str) -> bool:
    """Whether ``host`` is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
