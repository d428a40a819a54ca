"""``sekisho serve --config sekisho.toml``: run an installation until it is told to stop."""

from __future__ import annotations

import argparse
from pathlib import Path

from ops.place import WrongUse, read_settings, wrong_use
from ops.telling import tell_refused
from sanitizer.supervisor import NoIsolation
from server.app import serve_installation
from server.installation import StartRefused
from server.log_format import configure


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", type=Path, required=True, help="設定ファイル / sekisho.toml")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 after an orderly end, 1 if it could not start, 2 for a wrong configuration."""
    try:
        settings = read_settings(args.config)
        configure(settings.log.level)
        serve_installation(settings)
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
