"""The ``sekisho`` command. One subcommand per file; each brings ``add_parser`` and a function from arguments to an
exit status.

Rules: what is wrong is said in a sentence in Japanese and English on standard error, never as a traceback; 0 is
done, 1 is refused, 2 is wrong use, unless a subcommand's page says otherwise.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import version

COMMANDS = ("demo", "init", "serve", "sanitize", "user", "zone", "peer", "audit", "migrate", "doctor", "bench")


def parser(only: str | None = None) -> argparse.ArgumentParser:
    """The command line; with ``only`` the one subcommand that is wanted, so that it starts without the others'
    imports.
    """
    top = argparse.ArgumentParser(
        prog="sekisho",
        description="関所: 自治体のための庁内メッセージ / messaging for municipalities in separated networks",
    )
    top.add_argument("--version", action="version", version=f"sekisho {version('sekisho')}")
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in (only,) if only in COMMANDS else COMMANDS:
        importlib.import_module(f"ops.{name}").add_parser(subparsers)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and answer its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    args = parser(arguments[0] if arguments else None).parse_args(arguments)
    try:
        status: int = args.run(args)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 141
    return status


def entry() -> None:
    """The console script."""
    sys.exit(main())
