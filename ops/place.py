"""Which installation a command works on: ``--data DIR`` (embedded) or ``--config FILE``.

Rules: light to import, for every command's parser has it; a mistyped folder is told, never made into an installation
by a command that only looks (``existing`` of ``ops.control``).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rooms.world import Terms
from server.settings import Mistakes, Settings, load


class WrongUse(Exception):
    """The arguments or the configuration are wrong; the message says what to write instead."""


def add_place(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--data", metavar="DIR", type=Path, help="データの置き場所 / the data folder")
    where.add_argument("--config", metavar="FILE", type=Path, help="設定ファイル / the configuration, sekisho.toml")


def read_settings(path: Path) -> Settings:
    """The settings in a file. All mistakes are told at once; raises ``WrongUse``."""
    settings = load(path)
    if isinstance(settings, Mistakes):
        raise WrongUse(f"{path}: 設定を直してください(行と、書くべきもの) / mend these\n{settings}")
    return settings


def place_of(args: argparse.Namespace) -> tuple[Path, Terms]:
    """The data folder and the terms of the installation that the arguments name."""
    if args.config is None:
        folder: Path = args.data
        return folder.resolve(), Terms()
    from server.terms import terms_of  # the whole server: not for --help

    settings = read_settings(args.config)
    return settings.data, terms_of(settings)


def wrong_use(error: WrongUse) -> int:
    print(f"sekisho: {error}", file=sys.stderr)
    return 2
