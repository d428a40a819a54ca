"""The product beside other chat servers that keep what is said in PostgreSQL: ``make bench-peers``.

Rules: one run measures all of them in turn, so that ratios hold on a noisy machine; the CPU of a peer's database is
told apart, and ratios are those to the peer's own processes alone, which is the stricter comparison. What a run found
is told on standard error at once; the medians of all runs come at the end, on standard output.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from ops.bench.circumstances import circumstances
from ops.bench.crowd import allow_connections
from ops.bench.peers.ejabberd import Ejabberd
from ops.bench.peers.prosody import Prosody
from ops.bench.product import FANOUT, Product, fanout, pairs, served, steady
from ops.bench.served_chat import ServedChat

Figures = dict[str, float]

SERVERS: dict[str, Callable[[Path], ServedChat]] = {"sekisho": Product, "ejabberd": Ejabberd, "prosody": Prosody}
MEASURES: dict[str, tuple[Callable[[ServedChat], Figures], str]] = {
    "alone_100": (lambda server: fanout(server, FANOUT["alone_100"]), "deliveries_per_cpu_second"),
    "saturated_100": (lambda server: fanout(server, FANOUT["saturated_100"]), "deliveries_per_cpu_second"),
    "saturated_1000": (lambda server: fanout(server, FANOUT["saturated_1000"]), "deliveries_per_cpu_second"),
    "pairs": (pairs, "messages_per_cpu_second"),
    "steady": (steady, "p99_ms"),
}
"""What is measured, and the figure of which the ratio is told."""
LEFT_OUT = {("prosody", "saturated_1000")}
"""What no aim asks for: a room of 1,000 is held against ejabberd's alone."""


def figures(runs: int = 5, names: Collection[str] = tuple(MEASURES)) -> dict[str, Any]:
    """By measure: medians of ``runs`` for every server, and of the ratios of the product to each peer."""
    allow_connections(1_000)
    measured = []
    for _ in range(runs):
        measured.append({server: _one(server, names) for server in SERVERS})
        print(json.dumps(measured[-1]), file=sys.stderr, flush=True)
    return {"runs": runs} | {name: _medians([_of(run, name) for run in measured], MEASURES[name][1]) for name in names}


def _one(server: str, names: Collection[str]) -> dict[str, Figures]:
    wanted = [name for name in MEASURES if name in names and (server, name) not in LEFT_OUT]
    with served(SERVERS[server]) as running:
        return {name: MEASURES[name][0](running) for name in wanted}


def _of(run: dict[str, dict[str, Figures]], name: str) -> dict[str, Figures]:
    """What one run found for one measure, by server."""
    return {server: found[name] for server, found in run.items() if name in found}


def _medians(runs: list[dict[str, Figures]], judged: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        server: {what: statistics.median(run[server][what] for run in runs) for what in runs[0][server]}
        for server in runs[0]
    }
    for peer in runs[0].keys() - {"sekisho"}:
        ratios = [run["sekisho"][judged] / run[peer][judged] for run in runs]
        result[f"to_{peer}"] = round(statistics.median(ratios), 2)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ops.bench.peers", description=__doc__)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    parser.add_argument("--runs", type=int, default=5, metavar="N")
    parser.add_argument("--measures", nargs="+", choices=MEASURES, default=list(MEASURES), metavar="M")
    args = parser.parse_args()
    found = figures(args.runs, args.measures)
    made = circumstances(sys.argv[1:]) | {"command": " ".join(["make bench-peers", *_arguments(sys.argv[1:])])}
    print(json.dumps({"peers": found, "made": made}, indent=2))


def _arguments(words: list[str]) -> list[str]:
    return [f'ARGS="{" ".join(words)}"'] if words else []
