"""Binding sockets: from a listener's settings to a socket that is open and the ``Listener`` that requests are judged
by.

Rules: all sockets are bound before anything is served, or none; a busy port, a wrong address or an unusable
certificate is a refusal with a stable code and what to do, never a traceback; a socket file that a dead server left
is replaced, one that answers is in use.

Example: ``bound = bind(settings.listeners)``; if it is a ``StartRefused``, print it and exit with 1.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import socket
import ssl
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from server.admission import Listener
from server.settings import IcapSettings, ListenerSettings
from server.settings_rules import is_loopback

BACKLOG = 4096
MOST_UNSENT = 128 * 1024
"""Bytes that the system takes for a socket and has not sent yet (``TCP_NOTSENT_LOWAT`` of tcp(7)); what is on its way
is not counted. Without it a reader who stands still is given megabytes of the system's memory before anybody notices.
"""


class StartRefused(NamedTuple):
    """Why the server does not start. ``code`` is stable; the sentences say what to do."""

    code: str
    message_ja: str
    message_en: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message_ja}\n{self.message_en}"


@dataclass(frozen=True, slots=True)
class Bound:
    """A socket that is bound and its listener. ``url``: under which it is reached on this machine (empty: unix)."""

    listener: Listener
    sock: socket.socket
    url: str
    tls: ssl.SSLContext | None


def allow_many_connections() -> int:
    """Raise this process's limit of open files to the hard one (getrlimit(2)) and return it: each connection is one.
    The soft limit of 1,024 that many systems begin with is for programs that still use select(2).
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def bind(listeners: Sequence[ListenerSettings]) -> list[Bound] | StartRefused:
    """Bind every socket, or none."""
    bound: list[Bound] = []
    for settings in listeners:
        one = _bind(settings)
        if isinstance(one, StartRefused):
            for other in bound:
                other.sock.close()
            return one
        bound.append(one)
    return bound


def _bind(settings: ListenerSettings) -> Bound | StartRefused:
    try:
        tls = tls_context(settings)
    except (OSError, ssl.SSLError) as error:
        return _bad_certificate(settings, error)
    try:
        sock = _unix_socket(settings.unix) if settings.unix else _tcp_socket(settings.host, settings.port)
    except OSError as error:
        return _bad_address(settings, error)
    port = 0 if settings.unix else int(sock.getsockname()[1])
    return Bound(runtime_listener(settings, port), sock, _url(settings, port), tls)


def bind_icap(settings: IcapSettings) -> socket.socket | StartRefused | None:
    """The socket of the ICAP listener; None where there is none."""
    if not settings.host:
        return None
    try:
        return _tcp_socket(settings.host, settings.port)
    except OSError as error:
        return _bad_address(ListenerSettings(name="icap", host=settings.host, port=settings.port), error)


def runtime_listener(settings: ListenerSettings, port: int) -> Listener:
    """What requests are compared with. ``port``: the one that was really bound."""
    secure = bool(settings.tls_certificate)
    names = settings.allowed_hosts or _own_names(settings.host, port)
    hosts = {name.lower() for name in names} | {f"{name.lower()}:{port}" for name in names if not _has_port(name)}
    scheme = "https" if secure or settings.trusted_proxy else "http"
    origins = settings.allowed_origins or tuple(f"{scheme}://{_without_default(scheme, host)}" for host in hosts)
    return Listener(
        name=settings.name,
        zone=settings.zone,
        hosts=frozenset(hosts),
        origins=frozenset(origins),
        trusted_proxy=settings.trusted_proxy or None,
        tls=secure,
        operations=settings.operations,
    )


def tls_context(settings: ListenerSettings) -> ssl.SSLContext | None:
    """TLS 1.2 and newer; with ``client_ca`` the terminal must show a certificate. Raises OSError or SSLError."""
    if not settings.tls_certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    if settings.client_ca:
        context.load_verify_locations(settings.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _tcp_socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MOST_UNSENT)  # accepted sockets inherit it
        if family is socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def _unix_socket(path: str) -> socket.socket:
    """A socket file that a dead server left is replaced; one that answers is in use."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(Path(path).stat().st_mode) and not _answers(path):
            Path(path).unlink()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(path)
        Path(path).chmod(0o660)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(path) == 0


def _own_names(host: str, port: int) -> tuple[str, ...]:
    name = f"[{host}]" if ":" in host else host
    names = [name, "localhost"] if is_loopback(host) else [name]
    return tuple(names if port in (80, 443) else [f"{each}:{port}" for each in names])


def _has_port(name: str) -> bool:
    return name.rpartition("]")[2].count(":") == 1


def _without_default(scheme: str, host: str) -> str:
    return host.removesuffix(":443" if scheme == "https" else ":80")


def _url(settings: ListenerSettings, port: int) -> str:
    if settings.unix:
        return ""
    host = "127.0.0.1" if settings.host == "0.0.0.0" else settings.host
    return f"{'https' if settings.tls_certificate else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def _bad_certificate(settings: ListenerSettings, error: Exception) -> StartRefused:
    what = error.strerror if isinstance(error, OSError) and error.strerror else "PEM"
    return StartRefused(
        "certificate_unusable",
        f"受付口 {settings.name} の証明書または鍵を使えません({what})。"
        "tls_certificate・tls_key・client_ca のファイルを確かめてください。",
        f"The certificate or key of the listener {settings.name} cannot be used ({what}). "
        "Check the files tls_certificate, tls_key and client_ca.",
    )


def _bad_address(settings: ListenerSettings, error: OSError) -> StartRefused:
    where = settings.unix or f"{settings.host}:{settings.port}"
    if error.errno == errno.EADDRINUSE:
        return StartRefused(
            "address_in_use",
            f"受付口 {settings.name} の {where} は、ほかのプログラムが使っています。"
            "そのプログラムを止めるか、設定で別の番号にしてください。",
            f"{where} of the listener {settings.name} is in use by another program. Stop it, or choose another port.",
        )
    reason = os.strerror(error.errno) if error.errno else str(error)
    return StartRefused(
        "address_unusable",
        f"受付口 {settings.name} の {where} で待ち受けできません({reason})。"
        "host・port・unix の設定を確かめてください。",
        f"The listener {settings.name} cannot listen on {where} ({reason}). Check host, port and unix.",
    )
