"""What the workers that handle files work with: the release, thumbnail and comparison workers share it.

Rules: it holds nothing of its own; whoever works keeps its state in rows, and what it does itself to itself.

>>> ReleaseWorker(Workshop(database, supervisor, quarantine, renditions, table, submit, load))  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from rooms.commands import Command
from rooms.perform import Outcome
from rooms.store.blobs import BlobFolder
from rooms.store.database import Database
from rooms.zones import CrossingTable
from sanitizer.supervisor import Supervisor
from server.load import Load


class Workshop(NamedTuple):
    """``quarantine`` holds what was received, ``renditions`` what may be served; ``submit`` has commands performed."""

    database: Database
    supervisor: Supervisor
    quarantine: BlobFolder
    renditions: BlobFolder
    table: CrossingTable
    submit: Callable[[Command], Awaitable[Outcome]]
    load: Load
