"""The product beside other chat servers that keep what is said in PostgreSQL: ``make bench-peers``.

Rules: one run measures all of them in turn, so that ratios hold on a noisy machine; the CPU of a peer's database is
told apart, and ratios are those to the peer's own processes alone, which is the stricter comparison.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ops.bench.crowd import allow_connections
from ops.bench.peers.ejabberd import Ejabberd
from ops.bench.peers.prosody import Prosody
from ops.bench.product import FANOUT, Product, fanout, pairs, served, steady
from ops.bench.served_chat import ServedChat

SERVERS: dict[str, Callable[[Path], ServedChat]] = {"sekisho": Product, "ejabberd": Ejabberd, "prosody": Prosody}
MODES = ("alone_100", "saturated_100", "saturated_1000")
RATIOS = {
    **dict.fromkeys(MODES, "deliveries_per_cpu_second"),
    "pairs": "messages_per_cpu_second",
    "steady": "p99_ms",
}


def figures(runs: int = 5) -> dict[str, Any]:
    """Medians of ``runs`` for every server, and the ratios of the product to each peer."""
    allow_connections(1_000)
    measured = [{name: _one(kind) for name, kind in SERVERS.items()} for _ in range(runs)]
    return {
        "runs": runs,
        "servers": {name: _medians([run[name] for run in measured]) for name in SERVERS},
        "ratios": {
            peer: {
                measure: round(
                    statistics.median(run["sekisho"][measure][what] / run[peer][measure][what] for run in measured), 2
                )
                for measure, what in RATIOS.items()
            }
            for peer in SERVERS
            if peer != "sekisho"
        },
    }


def _one(kind: Callable[[Path], ServedChat]) -> dict[str, dict[str, float]]:
    with served(kind) as server:
        result = {mode: fanout(server, FANOUT[mode]) for mode in MODES}
        return result | {"pairs": pairs(server), "steady": steady(server)}


def _medians(runs: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    return {
        measure: {what: statistics.median(run[measure][what] for run in runs) for what in runs[0][measure]}
        for measure in runs[0]
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ops.bench.peers", description=__doc__)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    parser.add_argument("--runs", type=int, default=5, metavar="N")
    print(json.dumps(figures(parser.parse_args().runs), indent=2))
