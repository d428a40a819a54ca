"""``sekisho.toml``: every setting of an installation, read once at start into frozen values.

Rules:
- The dataclasses below are the one table of settings: it checks the file, gives the defaults and writes
  ``docs/settings.md``.
- A bad file gives *all* its mistakes at once, each with its line and what to write instead; nothing is guessed, and an
  unknown key is a mistake (with the nearest known one), for a misspelt limit must not silently be none.
- No setting can make the server believe forwarding headers of strangers: a listener may name one proxy by its address.

Example::

    data = "/var/lib/sekisho"
    preset = "beta"

    [[listeners]]
    name = "staff-internet"
    zone = "internet"
    host = "192.0.2.10"
    port = 443
    allowed_hosts = ["chat.city.example.jp"]
    tls_certificate = "/etc/sekisho/internet.pem"
    tls_key = "/etc/sekisho/internet.key"
"""

from __future__ import annotations

# ruff: noqa: RUF009  (`setting` makes a dataclass field)
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server.settings_file import Mistake, Mistakes, Reader, line_index, syntax_mistake
from server.settings_rules import bad_proxy, check_listeners, is_loopback

ZONES = ("internet", "lgwan", "mynumber")
EVENT_LOOPS = ("auto", "asyncio", "uvloop")
PRESETS = ("alpha", "alpha-dash", "beta", "beta-dash")


def setting(
    default: Any,
    meaning: str,
    *,
    least: float | None = None,
    most: float | None = None,
    one_of: tuple[str, ...] = (),
    required: bool = False,
) -> Any:
    """A field of a settings dataclass: its default, what it means (for the page), and what it may be.

    A table's field has the table's class as default.
    """
    metadata = {"meaning": meaning, "least": least, "most": most, "one_of": one_of, "required": required}
    if isinstance(default, type):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerSettings:
    """`[[listeners]]`: one for each socket. A socket belongs to exactly one zone."""

    name: str = setting("", "How logs and the record call it; unique.", required=True)
    zone: str = setting("", "The zone of everything that comes in here.", one_of=ZONES, required=True)
    host: str = setting("", "The address to bind, in the zone's own network. Either this and `port`, or `unix`.")
    port: int = setting(0, "The TCP port; 0 takes a free one.", least=0, most=65535)
    unix: str = setting("", "The path of a unix socket, for a proxy on the same machine.")
    allowed_hosts: tuple[str, ...] = setting(
        (),
        "The names under which people reach it, as browsers send them in `Host` (with the port unless it is 443 or "
        "80). Empty: the address it is bound to.",
    )
    allowed_origins: tuple[str, ...] = setting(
        (), "Origins whose pages may use it with a cookie. Empty: its own names."
    )
    tls_certificate: str = setting("", "Certificate chain, PEM. With `tls_key`.")
    tls_key: str = setting("", "Private key, PEM, readable by the server's user alone.")
    client_ca: str = setting("", "Certificates (PEM) of the terminals' authority: others stay out (mutual TLS).")
    trusted_proxy: str = setting(
        "",
        "The one address (or `unix`) of the proxy in front, whose `X-Forwarded-For` names the client. Nobody else's "
        "forwarding headers count.",
    )
    operations: bool = setting(False, "Serves `/metrics` and health only; no people, no rooms.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """`[sessions]`: how long a login lasts. They may be shortened, not lengthened."""

    idle_internet_minutes: int = setting(30, "Rest after which a session of the internet zone ends.", least=1, most=30)
    idle_closed_minutes: int = setting(480, "The same in the closed zones.", least=1, most=480)
    absolute_minutes: int = setting(720, "Longest life of a session.", least=5, most=720)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """`[limits]`: what one client may ask for."""

    posts_per_second: float = setting(
        10.0, "Messages of one session in the long run; 0 means no limit.", least=0, most=10_000
    )
    posts_at_once: int = setting(100, "Messages of one session in a burst.", least=1, most=100_000)
    frames_per_second: float = setting(
        50.0, "Frames of one connection in the long run; 0 means no limit.", least=0, most=100_000
    )
    frames_at_once: int = setting(500, "Frames of one connection in a burst.", least=10, most=1_000_000)
    requests_per_second: float = setting(
        20.0, "HTTP requests of one session in the long run; 0 means no limit.", least=0, most=10_000
    )
    requests_at_once: int = setting(200, "HTTP requests of one session in a burst.", least=1, most=100_000)
    connections_per_person: int = setting(20, "Open WebSockets of one person.", least=1, most=1000)
    sanitize_per_second: float = setting(
        5.0, "Files of one API key in the long run; 0 means no limit.", least=0, most=10_000
    )
    sanitize_at_once: int = setting(50, "Files of one API key in a burst.", least=1, most=100_000)
    json_body_kib: int = setting(1024, "Largest JSON body, KiB.", least=64, most=16_384)
    upload_mib: int = setting(200, "Largest attachment, MiB.", least=1, most=10_240)
    write_buffer_kib: int = setting(
        1024, "Unread bytes at which a slow reader is told to come back, KiB.", least=128, most=16_384
    )
    write_buffers_total_mib: int = setting(128, "The same for all slow readers together, MiB.", least=16, most=16_384)
    slow_reader_seconds: int = setting(10, "Time in which a full socket must be read.", least=2, most=120)
    writer_queue: int = setting(
        10_000, "Commands that may wait for the writer before the answer is `busy`.", least=64, most=1_000_000
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSettings:
    """`[retention]`: how long files as received are kept."""

    originals_days: int = setting(30, "After every zone of the room has its verdict.", least=1, most=3650)
    unposted_hours: int = setting(24, "Uploads that were never posted.", least=1, most=720)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaSettings:
    """`[quotas]`: space for files."""

    person_gib: int = setting(20, "Of one person, GiB.", least=1, most=1_000_000)
    organisation_gib: int = setting(2048, "Of one organisation, GiB.", least=1, most=10_000_000)
    refuse_uploads_percent: int = setting(90, "From this share of the disk on uploads are refused.", least=10, most=99)
    read_only_percent: int = setting(95, "From this share of the disk on the server only reads.", least=11, most=99)


@dataclass(frozen=True, slots=True, kw_only=True)
class SanitizerSettings:
    """`[sanitizer]`: the jail."""

    strict: bool = setting(False, "Refuse to start where the full isolation is not available.")
    workers: int = setting(2, "Files that are rebuilt at the same time.", least=1, most=64)
    media: str = setting(
        "auto",
        "Sound and video. `auto`: MP3 and WAV are rebuilt, the rest is encoded anew where ffmpeg is installed, else "
        "refused. `off`: all of it is refused wherever files are rebuilt.",
        one_of=("auto", "off"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClamdSettings:
    """`[clamd]`: a virus scanner that has the first word on every file."""

    socket: str = setting("", "The path of clamd's unix socket, such as `/run/clamav/clamd.ctl`. Empty: no scanner.")
    required: bool = setting(
        True,
        "While clamd is away files wait, and what it cannot judge is refused. `false`: they go on to the rebuild, and "
        "the report says so.",
    )
    seconds: int = setting(150, "Time for one file; more than clamd's own `MaxScanTime`.", least=5, most=3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class IcapSettings:
    """`[icap]`: a listener for web and mail gateways (RFC 3507), with the services `respmod` and `reqmod`."""

    zone: str = setting("internet", "The zone of what comes in here, for the record.", one_of=ZONES)
    host: str = setting("", "The address to bind. Empty: no ICAP.")
    port: int = setting(1344, "The TCP port; 0 takes a free one.", least=0, most=65535)
    clients: tuple[str, ...] = setting(
        ("127.0.0.1", "::1"), "Addresses of the gateways; nobody else is answered. ICAP knows no other authentication."
    )
    connections: int = setting(200, "Connections at once.", least=1, most=10_000)
    treatment: str = setting("rebuild", "What is done to files.", one_of=("rebuild", "flatten"))
    pass_types: tuple[str, ...] = setting(
        (
            "text/html", "application/xhtml+xml", "text/css", "text/javascript", "application/javascript",
            "application/x-javascript", "application/json", "application/*+json", "text/xml", "application/xml",
            "application/wasm", "font/*", "application/font-*", "application/x-font-*", "text/event-stream",
            "application/x-www-form-urlencoded", "application/ocsp-request", "application/ocsp-response",
        ),
        "Media types that go through untouched (`*` for any letters), unless they are sent to be saved or begin as a "
        "document does. All others are rebuilt or refused.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """`[log]`: one JSON object per line on standard error."""

    level: str = setting("info", "What is written.", one_of=("debug", "info", "warning", "error"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The top of the file: the installation as a whole."""

    data: Path = setting(Path(), "The data folder (absolute, 0700, on a local disk).", required=True)
    preset: str = setting("beta", "The model of the Ministry's guideline: α, α′, β or β′.", one_of=PRESETS)
    production: bool = setting(True, "Warn of what must not be in production, such as two zones under one host name.")
    event_loop: str = setting(
        "auto", "`auto` takes uvloop where it is installed (the extra `speed`), else asyncio's.", one_of=EVENT_LOOPS
    )
    drain_seconds: int = setting(8, "At the end: time for what is under way.", least=1, most=60)
    listeners: tuple[ListenerSettings, ...] = setting((), "See `[[listeners]]`.", required=True)
    sessions: SessionSettings = setting(SessionSettings, "See `[sessions]`.")
    limits: LimitSettings = setting(LimitSettings, "See `[limits]`.")
    retention: RetentionSettings = setting(RetentionSettings, "See `[retention]`.")
    quotas: QuotaSettings = setting(QuotaSettings, "See `[quotas]`.")
    sanitizer: SanitizerSettings = setting(SanitizerSettings, "See `[sanitizer]`.")
    clamd: ClamdSettings = setting(ClamdSettings, "See `[clamd]`.")
    icap: IcapSettings = setting(IcapSettings, "See `[icap]`.")
    log: LogSettings = setting(LogSettings, "See `[log]`.")


TABLES: tuple[type[Any], ...] = (
    Settings,
    ListenerSettings,
    SessionSettings,
    LimitSettings,
    RetentionSettings,
    QuotaSettings,
    SanitizerSettings,
    ClamdSettings,
    IcapSettings,
    LogSettings,
)
"""Every table of the file, in the order of the page."""


def parse(text: str) -> Settings | Mistakes:
    """The settings in ``text``, or all its mistakes. Nothing on the machine is looked at."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Mistakes((syntax_mistake(error),))
    reader = Reader(line_index(text))
    settings: Settings = reader.table(Settings, content, "")
    if settings.data.parts and not settings.data.is_absolute():
        reader.note("data", 'write an absolute path, such as "/var/lib/sekisho"')
    if settings.quotas.read_only_percent <= settings.quotas.refuse_uploads_percent:
        reader.note("quotas.read_only_percent", "write more than refuse_uploads_percent")
    if settings.clamd.socket and not Path(settings.clamd.socket).is_absolute():
        reader.note("clamd.socket", 'write an absolute path, such as "/run/clamav/clamd.ctl"')
    for client in settings.icap.clients:
        if bad_proxy(client) or client == "unix":
            reader.note("icap.clients", f'{client!r}: write one address for each gateway, such as "192.0.2.7"')
    mistakes = [*reader.mistakes, *check_listeners(settings.listeners, reader.lines)]
    return Mistakes(tuple(sorted(mistakes))) if mistakes else settings


def load(path: Path) -> Settings | Mistakes:
    """The settings in the file at ``path``; a file that cannot be read is a mistake too."""
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        return Mistakes((Mistake(0, str(path), f"name a file that can be read ({error.strerror})"),))
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return Mistakes((Mistake(line, str(path), "save the file as UTF-8"),))
    return parse(text)


def warnings(settings: Settings) -> list[str]:
    """What ``doctor`` says of settings that work but should not be in production."""
    if not settings.production:
        return []
    return [*_shared_names(settings), *_open_sockets(settings)]


def _shared_names(settings: Settings) -> list[str]:
    zones_of: dict[str, set[str]] = {}
    for listener in settings.listeners:
        for host in listener.allowed_hosts or (listener.host,):
            zones_of.setdefault(re.sub(r":[0-9]+$", "", host.lower()), set()).add(listener.zone)
    return [
        f"the zones {', '.join(sorted(zones))} share the host name {name}: browsers send the cookies of all ports "
        "of a host to each of them, so give each zone a host name of its own"
        for name, zones in sorted(zones_of.items())
        if name and len(zones) > 1
    ]


def _open_sockets(settings: Settings) -> list[str]:
    return [
        f"the listener {listener.name} speaks without TLS: add tls_certificate and tls_key, or name its trusted_proxy"
        for listener in settings.listeners
        if listener.host
        and not listener.tls_certificate
        and not listener.trusted_proxy
        and not is_loopback(listener.host)
    ]


__all__ = ["TABLES", "ListenerSettings", "Mistake", "Mistakes", "Settings", "load", "parse", "warnings"]
