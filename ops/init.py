"""``sekisho init --config FILE``: first set-up, ending in a one-time administrator link (ten minutes, loopback or
a named zone).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ops.control import reach
from ops.place import WrongUse, read_settings, wrong_use
from ops.telling import tell_refused
from server.installation import KEYS, StartRefused, system_clocks
from server.settings import Settings
from server.setup_link import SetupLink
from server.terms import terms_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", type=Path, required=True, help="設定ファイル / sekisho.toml")
    parser.add_argument("--zone", help="リンクを使える区画(省略時はこの機械だけ) / where the link may be used")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make the data folder, keys and database if they are missing, and print the link."""
    try:
        settings = read_settings(args.config)
        url = _url(settings, args.zone)
        with reach(settings.data, terms_of(settings)) as installation:
            secret = SetupLink(settings.data / KEYS).make(system_clocks().now(), args.zone)
            running = installation.running
    except WrongUse as error:
        return wrong_use(error)
    except StartRefused as refused:
        return tell_refused(refused)
    if not running:
        print(f"次に: sekisho serve --config {args.config} / next: run the server with this command")
    print("10分以内に、次のアドレスを一度だけ開いてください / open this once within ten minutes:")
    print(f"{url}/setup#{secret}")
    return 0


def _url(settings: Settings, zone: str | None) -> str:
    """The address of the first listener that people of the zone (or of this machine) reach."""
    for listener in settings.listeners:
        if not listener.operations and zone in (None, listener.zone):
            scheme = "https" if listener.tls_certificate or listener.trusted_proxy else "http"
            name = listener.allowed_hosts[0] if listener.allowed_hosts else f"{listener.host}:{listener.port}"
            return f"{scheme}://{name}"
    raise WrongUse(f"設定にない区画です / no listener serves the zone: {zone}")
