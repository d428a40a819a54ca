"""``sekisho bench …``: figures of this machine, printed as JSON. They are reported and compared within one run,
never asserted.

Rules: loopback alone, bounded in count and time, ends by itself; server CPU time beside wall time, because
machines are noisy; a reference that does nothing but the unavoidable is measured in the same run.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

MEASURES = {
    "product": "製品全体 / the whole product",
    "writer": "書き込みの速さ / the writer",
    "fanout": "配信の速さ / the fan-out",
    "idle": "待つだけの接続のメモリー / memory of a connection that waits",
    "answers": "部屋を開く・戻る・検索など / opening rooms, coming back, search and so on",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=run_all)
    acts = parser.add_subparsers(dest="act", metavar="ACT")
    for name, meaning in MEASURES.items():
        one = acts.add_parser(name, help=meaning, description=meaning)
        one.set_defaults(run=lambda args, name=name: run_one(name))
    meaning = "庁舎まるごと: 定常・遅い読み手・再起動 / a whole city hall: steady talk, slow readers, restarts"
    hall = acts.add_parser("town", help=meaning, description=meaning)
    importlib.import_module("ops.bench.town_options").add_arguments(hall)
    hall.set_defaults(run=_town)
    meaning = "計測の結果を文書にする / a page of documents from what was measured"
    page = acts.add_parser("report", help=meaning, description=meaning)
    importlib.import_module("ops.bench.report").add_arguments(page)
    page.set_defaults(run=_report)
    meaning = "負荷試験の職員とトークン / people and tokens for a load test"
    people = acts.add_parser("people", help=meaning, description=meaning)
    people.add_argument("--data", type=Path, required=True, metavar="DIR", help="データの置き場所 / the data folder")
    people.add_argument("--count", type=int, required=True, metavar="N", help="職員の数 / people")
    people.add_argument("--rooms", type=int, required=True, metavar="R", help="部屋の数 / rooms")
    people.add_argument("--size", type=int, required=True, metavar="M", help="部屋ごとの人数 / people in each room")
    people.add_argument("-o", dest="output", type=Path, required=True, metavar="F", help="出力先 / where to")
    people.set_defaults(run=_people)
    meaning = "無害化の速さとメモリー / speed and memory of the sanitizer"
    files = acts.add_parser("sanitizer", help=meaning, description=meaning)
    files.add_argument(
        "folder",
        nargs="?",
        type=Path,
        metavar="FOLDER",
        help="測るファイル（省略: 自動生成）/ files to measure (default: samples)",
    )
    files.add_argument("--soak", type=int, metavar="N", help="N件通してメモリーを見る / watch memory over N files")
    files.set_defaults(run=_sanitizer)


def measure(name: str) -> dict[str, Any]:
    """The figures of one measure."""
    figures: Callable[[], dict[str, Any]] = importlib.import_module(f"ops.bench.{name}").figures
    return figures()


def run_one(name: str) -> int:
    return _told(lambda: {name: measure(name)})


def run_all(args: argparse.Namespace) -> int:
    from ops.bench.town import figures
    from ops.bench.town_options import SHORT

    return _told(lambda: {name: measure(name) for name in MEASURES} | {"town": figures(SHORT)})


def _town(args: argparse.Namespace) -> int:
    from ops.bench.town import figures
    from ops.bench.town_options import options_of

    return _told(lambda: {"town": figures(options_of(args))})


def _report(args: argparse.Namespace) -> int:
    from ops.bench.report import write

    write(args.files, args.docs)
    return 0


def _told(measure: Callable[[], dict[str, Any]]) -> int:
    """The figures on standard output, with their circumstances, or why there are none."""
    from ops.bench.circumstances import circumstances
    from ops.telling import tell_refused
    from server.installation import StartRefused

    try:
        found = measure()
    except StartRefused as refused:
        return tell_refused(refused)
    print(json.dumps(found | {"made": circumstances(sys.argv[1:])}, indent=2, ensure_ascii=False))
    return 0


def _sanitizer(args: argparse.Namespace) -> int:
    from ops.bench.sanitizer import figures, soak

    found = soak(args.soak, args.folder) if args.soak else figures(args.folder)
    print(json.dumps({"sanitizer": found}, indent=2, ensure_ascii=False))
    return 0


def _people(args: argparse.Namespace) -> int:
    from ops.bench.people import run

    return run(args)
