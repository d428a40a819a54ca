"""``sekisho demo``: the product with a sample municipality, on loopback alone.

Rules: the sample is fed through the same commands as everyone's; an existing folder is used as it is; everything
that is cheaper or looser than in an installation (``--load``) is said aloud; nothing listens on anything but 127.0.0.1.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ops.demo_city import furnish
from ops.serve import no_isolation
from ops.telling import tell, tell_refused
from sanitizer.supervisor import NoIsolation
from server.app import serve_installation
from server.binding import Bound
from server.installation import DATABASE, StartRefused
from server.log_format import configure
from server.settings import Settings, parse
from server.terms import LoadTest

PASSWORD = "SEKISHO_DEMO_PASSWORD"  # the variable's name, not a password
MAX_LOAD = 100_000  # load00001 has five digits
SHOWN = ("sato", "suzuki", "tanaka", "admin", "auditor")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--towns", type=int, default=1, metavar="N", help="団体サーバーの数(今は1だけ) / number of towns"
    )
    parser.add_argument(
        "--load", type=int, default=0, metavar="N", help="負荷試験用の職員を足す / add N people for load"
    )
    parser.add_argument(
        "--data", type=Path, default=Path("demo-data"), metavar="DIR", help="データの置き場所 / data folder"
    )
    for zone, port in (("internet", 8080), ("lgwan", 8081)):
        meaning = f"ポート番号(0で空き番号) / its port, {port} by default; 0 takes a free one"
        parser.add_argument(f"--port-{zone}", type=int, default=port, metavar="PORT", help=meaning)
    parser.add_argument(
        "--ready-file", type=Path, metavar="F", help="受け付けを始めたら書くファイル / written when ready"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 after an orderly end, 1 if it could not start, 2 for what does not exist."""
    if args.towns != 1:
        tell(
            "団体をまたぐユーザーグループはまだないため、--towns は 1 だけです。",
            "User groups across servers do not exist yet, so --towns must be 1.",
        )
        return 2
    ports = (args.port_internet, args.port_lgwan)
    if not (0 <= args.load < MAX_LOAD and all(0 <= port <= 65535 for port in ports)):
        tell(
            f"--load は 0 から {MAX_LOAD - 1}、ポートは 0 から 65535 にしてください。",
            f"--load takes 0 to {MAX_LOAD - 1}, a port 0 to 65535.",
        )
        return 2
    configure("warning")
    password = os.environ.get(PASSWORD) or secrets.token_urlsafe(9)
    settings = demo_settings(args.data.resolve(), args.port_internet, args.port_lgwan)
    load = LoadTest(args.load > 0)
    try:
        fresh = not (settings.data / DATABASE).exists()
        if fresh or args.load:
            furnish(settings, password, args.load, city=fresh)
        shown = password if fresh or PASSWORD in os.environ else None
        serve_installation(settings, ready=lambda bound: _ready(args, settings, bound, shown), load=load)
    except StartRefused as refused:
        return tell_refused(refused)
    except NoIsolation as error:
        return tell_refused(no_isolation(error))
    return 0


def demo_settings(data: Path, internet: int, lgwan: int) -> Settings:
    """Two zones on two ports of this machine."""
    text = f"""
data = {msgspec.json.encode(str(data)).decode()}
production = false

[[listeners]]
name = "internet"
zone = "internet"
host = "127.0.0.1"
port = {internet}
allowed_hosts = ["127.0.0.1", "localhost"]

[[listeners]]
name = "lgwan"
zone = "lgwan"
host = "127.0.0.1"
port = {lgwan}
allowed_hosts = ["127.0.0.1", "localhost"]
"""
    settings = parse(text)
    assert isinstance(settings, Settings), str(settings)
    return settings


def _ready(args: argparse.Namespace, settings: Settings, bound: Sequence[Bound], password: str | None) -> None:
    urls = {one.listener.zone: one.url for one in bound}
    _say(urls, settings.data, password, args.load)
    if args.ready_file is not None:
        _write_ready(args.ready_file, urls, settings.data)


def _say(urls: dict[str, str], data: Path, password: str | None, load: int) -> None:
    print("関所 見本の市「霞ヶ浜市」が動いています / Sekisho is running with the sample city Kasumigahama\n")
    print(f"  インターネット区画 / internet zone   {urls['internet']}")
    print(f"  LGWAN区画 / LGWAN zone              {urls['lgwan']}\n")
    print(f"  職員ID / logins      {', '.join(SHOWN)}")
    print(f"  パスワード / password  {password or '(最初の起動で表示したもの / as shown at the first start)'}")
    print(f"  データ / data        {data}\n")
    if load:
        print(f"  負荷試験: load00001 から {load} 人、軽いパスワード計算、回数制限なし。本番では使えません。")
        print(
            f"  Load test: {load} people from load00001 on, cheap password hashing, no rate limits; not for real use.\n"
        )
    print("止めるには Ctrl+C / stop with Ctrl+C")
    sys.stdout.flush()


def _write_ready(path: Path, urls: dict[str, str], data: Path) -> None:
    """By rename, so that a reader never sees half of it."""
    town = {"name": "霞ヶ浜市", "zones": urls, "data": str(data)}
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(msgspec.json.encode({"zones": urls, "pid": os.getpid(), "towns": [town]}) + b"\n")
    partial.rename(path)
