"""What the settings mean to the parts of the server: the domain's terms, limits of sockets and requests, the scanner.

Rules: settings are as people write them (minutes, GiB); here they become what the parts count in (milliseconds, bytes).

>>> LoadTest().on
False
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rooms.session import MINUTE, SessionTimes
from rooms.world import GIB, Terms
from rooms.zones import PRESETS
from sanitizer.clamd import Clamd
from server.rate_limits import Buckets, Rate
from server.settings import Settings
from server.websocket_endpoint import SocketLimits

KIB, MIB = 1 << 10, 1 << 20


@dataclass(frozen=True)
class LoadTest:
    """What a load test on loopback may ask for: cheap passwords, no limits. Never for an installation of people."""

    on: bool = False


def terms_of(settings: Settings, load: LoadTest | None = None) -> Terms:
    """The domain's view of the settings."""
    zones = frozenset(one.zone for one in settings.listeners if not one.operations)
    return Terms(
        table=PRESETS[settings.preset],
        zones=zones,
        session_times=session_times(settings),
        quota_person=settings.quotas.person_gib * GIB,
        quota_organisation=settings.quotas.organisation_gib * GIB,
        lockout=load is None or not load.on,
    )


def session_times(settings: Settings) -> SessionTimes:
    s = settings.sessions
    return SessionTimes(s.idle_internet_minutes * MINUTE, s.idle_closed_minutes * MINUTE, s.absolute_minutes * MINUTE)


def scanner_of(settings: Settings) -> Clamd | None:
    """The virus scanner, if one is set up."""
    clamd = settings.clamd
    return Clamd(Path(clamd.socket), clamd.required, clamd.seconds) if clamd.socket else None


def socket_limits(settings: Settings, load: LoadTest) -> SocketLimits:
    limits = settings.limits
    if load.on:
        return SocketLimits(connections_per_person=1000, frames=Rate(0, 1), posts=Rate(0, 1))
    return SocketLimits(
        write_buffer=limits.write_buffer_kib * KIB,
        write_buffers_total=limits.write_buffers_total_mib * MIB,
        slow_seconds=limits.slow_reader_seconds,
        connections_per_person=limits.connections_per_person,
        frames=Rate(limits.frames_per_second, limits.frames_at_once),
        posts=Rate(limits.posts_per_second, limits.posts_at_once),
    )


def request_rate(settings: Settings) -> Buckets:
    """How often one session may ask."""
    return Buckets(Rate(settings.limits.requests_per_second, settings.limits.requests_at_once))
