"""What a connection costs in memory that is logged in and only waits: the slope of the server's proportional set size
between a thousand and five thousand of them, in rooms of fifty.

Rules: the slope leaves out what the server has anyway; buffers of the system's sockets are not in it. The reference in
the same run is a bare server with ready-made frames (``ops.bench.fanout_servers``).
"""

from __future__ import annotations

import statistics
from typing import Any

from ops.bench.crowd import allow_connections
from ops.bench.product import IDLE, Bare, Product, idle_memory, served

RUNS = 3


def figures() -> dict[str, Any]:
    """KiB a connection, median of ``RUNS`` runs."""
    few, many = IDLE
    allow_connections(many)
    kinds: tuple[type[Product] | type[Bare], ...] = (Product, Bare)
    found: dict[str, list[float]] = {kind.name: [] for kind in kinds}
    for _ in range(RUNS):
        for kind in kinds:
            with served(kind) as server:
                found[kind.name].append(idle_memory(server))
    return {
        "kib_per_connection": statistics.median(found[Product.name]),
        "bare_kib_per_connection": statistics.median(found[Bare.name]),
        "runs": found[Product.name],
        "from": few,
        "to": many,
    }
