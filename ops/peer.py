"""``sekisho peer …``: other municipalities' servers. They cannot be met in this release, and the command says so."""

from __future__ import annotations

import argparse

from ops.telling import tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("anything", nargs="*", metavar="ARGUMENT", help="まだありません / not yet")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    tell(
        "ほかの団体のサーバーとの接続は、この版にはありません。",
        "Connections to other municipalities' servers are not part of this release.",
    )
    return 2
