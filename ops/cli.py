"""The ``sekisho`` command. One subcommand per file; each brings ``add_arguments`` for its parser, which names a
function from arguments to an exit status.

Rules: what is wrong is said in a sentence in Japanese and English on standard error, never as a traceback; 0 is done,
1 is refused, 2 is wrong use, 70 a fault of ours, unless the subcommand's part of ``docs/cli.md`` says otherwise; only
the subcommand that is wanted is imported, so that ``--help`` and the small ones answer at once.

>>> main(["--help"])                                                                      # doctest: +SKIP
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
import unicodedata
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, NoReturn

FAULT = 70
TRACEBACK = "SEKISHO_TRACEBACK"
COMMANDS = {
    "demo": "見本の市で試す / try it with a sample city",
    "init": "最初の設定をする / first set-up",
    "serve": "サーバーを動かす / run the server",
    "sanitize": "ファイルを無害化する / rebuild a file or a folder of files",
    "user": "職員を登録・変更する / people",
    "apikey": "ほかのシステムのための鍵 / keys for other systems",
    "zone": "ネットワーク区画と越境のきまり / zones and crossings",
    "peer": "ほかの団体のサーバー(まだありません) / other servers (not yet)",
    "audit": "監査記録を書き出す・検査する / the audit record",
    "backup": "全体を1つのファイルに控える / back everything up into one file",
    "restore": "控えから元に戻す / bring a backup back",
    "migrate": "データベースを新しい版に合わせる / migrate the database",
    "doctor": "設置の状態を調べる / look for what is wrong",
    "bench": "性能を測る / measure",
}
"""Every subcommand, in the order of ``--help``, and what it is for."""


class Help(argparse.HelpFormatter):
    """Japanese and English beside each other where both fit, else below each other. A Japanese character is as wide as
    two others (UAX #11)."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        if _width(text) <= width:
            return [text]
        return [line for part in text.split(" / ") for line in _wrapped(part, width)]


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _wrapped(text: str, width: int) -> list[str]:
    """Broken at blanks, where there are any, before a line gets wider than ``width``."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".lstrip()
        lines[-1:] = [longer] if _width(longer) <= width or not lines[-1] else [lines[-1], word]
    return lines


class Parser(argparse.ArgumentParser):
    """argparse, which says what is wrong in English, with the Japanese sentence that leads to the page of help."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"formatter_class": Help, **options})

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(
            2,
            f"{self.prog}: 使い方が違います。「{self.prog} --help」で確かめてください。\n"
            f"{self.prog}: {message}. See: {self.prog} --help\n",
        )


def parser(only: str | None = None) -> argparse.ArgumentParser:
    """The command line. With ``only`` the arguments of that subcommand, without it those of all."""
    top = Parser(
        prog="sekisho",
        description="関所: 自治体のための庁内メッセージ / messaging for municipalities in separated networks",
        epilog="くわしくは sekisho COMMAND --help / more: sekisho COMMAND --help",
    )
    top.add_argument("--version", action="version", version=f"sekisho {version('sekisho')}")
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, meaning in COMMANDS.items():
        one = subparsers.add_parser(name, help=meaning, description=meaning)
        if only in (None, name):
            importlib.import_module(f"ops.{name}").add_arguments(one)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and answer its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    args = parser(arguments[0] if arguments else "").parse_args(arguments)
    try:
        status: int = args.run(args)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 141
    except Exception as error:
        return _fault(error)
    return status


def _fault(error: Exception) -> int:
    """A fault of ours: two sentences. The frames come where the environment asks for them."""
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    print(
        f"sekisho: 思いがけない不具合です({what})。{TRACEBACK}=1 を付けて実行し、出力を開発元へ送ってください。",
        f"sekisho: a fault of Sekisho ({what}). Run it again with {TRACEBACK}=1 and send what it prints to its makers.",
        sep="\n",
        file=sys.stderr,
    )
    return FAULT


def entry() -> None:
    """The console script."""
    sys.exit(main())
