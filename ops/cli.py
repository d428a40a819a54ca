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

COMMANDS = ("demo", "init", "serve", "sanitize", "user", "audit")


def parser() -> argparse.ArgumentParser:
    """The whole command line. Subcommands are imported here, so that a broken one does not hide behind another."""
    top = argparse.ArgumentParser(
        prog="sekisho",
        description="関所: 自治体のための庁内メッセージ / messaging for municipalities in separated networks",
    )
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        importlib.import_module(f"ops.{name}").add_parser(subparsers)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and answer its exit status."""
    args = parser().parse_args(arguments)
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
