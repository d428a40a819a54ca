"""What ``sekisho bench town`` may be asked for; apart, so that ``--help`` starts without the server.

>>> Options().connections
5000
"""

from __future__ import annotations

import argparse
from typing import NamedTuple


class Options(NamedTuple):
    """``minutes`` of steady talk. ``slow`` readers are slow for ``slow_minutes``, with a third as long without them
    before and after; ``restart`` and ``cold`` take ``come_back`` seconds each."""

    connections: int = 5_000
    posts: float = 200.0
    minutes: float = 30.0
    slow: int = 0
    slow_minutes: float = 8.0
    restart: bool = False
    cold: bool = False
    processes: int = 2
    come_back: float = 90.0


SHORT = Options(minutes=1.0, restart=True)
"""What ``sekisho bench`` without a name does."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    default = Options()
    parser.add_argument(
        "--connections", type=int, default=default.connections, metavar="N", help="接続の数 / connections"
    )
    parser.add_argument("--posts", type=float, default=default.posts, metavar="N", help="毎秒の投稿 / posts a second")
    parser.add_argument(
        "--minutes", type=float, default=default.minutes, metavar="M", help="定常の分数 / minutes of steady talk"
    )
    parser.add_argument(
        "--slow", type=int, default=0, metavar="N", help="毎秒1バイトの読み手も試す / also N readers at a byte a second"
    )
    parser.add_argument(
        "--slow-minutes",
        type=float,
        default=default.slow_minutes,
        metavar="M",
        help="遅い読み手の分数 / minutes with slow readers",
    )
    parser.add_argument("--restart", action="store_true", help="再起動も試す / also restart the server")
    parser.add_argument(
        "--cold", action="store_true", help="強制終了と冷えた起動も試す / also kill it and start it with cold caches"
    )
    parser.add_argument(
        "--processes",
        type=int,
        default=default.processes,
        metavar="N",
        help="クライアントのプロセス / client processes",
    )


def options_of(args: argparse.Namespace) -> Options:
    given = {name: getattr(args, name) for name in Options._fields if hasattr(args, name)}
    return Options(**given)
