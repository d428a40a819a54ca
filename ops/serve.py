"""``sekisho serve --config sekisho.toml``: run an installation until it is told to stop.

Rules: it says in the log what it listens on, and what works but should not be in production; it tells a service
manager when it accepts (``NOTIFY_SOCKET``, sd_notify(3)), so that what is ordered after it finds it ready.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import socket
from collections.abc import Sequence
from pathlib import Path

from ops.place import WrongUse, read_settings, wrong_use
from ops.telling import tell_refused
from sanitizer.supervisor import NoIsolation
from server.app import serve_installation
from server.binding import Bound
from server.installation import StartRefused
from server.log_format import configure
from server.settings import warnings

log = logging.getLogger("sekisho")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", type=Path, required=True, help="設定ファイル / sekisho.toml")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 after an orderly end, 1 if it could not start, 2 for a wrong configuration."""
    try:
        settings = read_settings(args.config)
        configure(settings.log.level)
        for warning in warnings(settings):
            log.warning("%s", warning)
        serve_installation(settings, ready=_ready)
    except WrongUse as error:
        return wrong_use(error)
    except StartRefused as refused:
        return tell_refused(refused)
    except NoIsolation as error:
        return tell_refused(no_isolation(error))
    return 0


def no_isolation(error: NoIsolation) -> StartRefused:
    return StartRefused(
        "no_isolation",
        f"ファイルを隔離して検査できないため、起動しません({error})。sekisho doctor で原因を確かめてください。",
        f"Files cannot be inspected in isolation here, so the server does not start ({error}). See sekisho doctor.",
    )


def _ready(bound: Sequence[Bound]) -> None:
    for one in bound:
        listener = one.listener
        serves = "operations" if listener.operations else f"the zone {listener.zone}"
        log.info("listening for %s at %s", serves, one.url or one.sock.getsockname(), extra={"listener": listener.name})
    notify("READY=1")


def notify(state: str) -> None:
    """Tell the service manager that started this process, if one did (sd_notify(3)); it is never waited for."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.connect("\0" + address[1:] if address[0] == "@" else address)
        sock.sendall(state.encode())
