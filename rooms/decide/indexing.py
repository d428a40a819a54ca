"""Making what was said findable: each event once, whatever is asked twice."""

from __future__ import annotations

from msgspec import Struct

from rooms.commands.indexing import Entry, IndexEvents
from rooms.decide import Decision
from rooms.world import Terms, World


class EventsIndexed(Struct, frozen=True):
    """The entries are findable; their outbox rows are done with."""

    rows: tuple[int, ...]
    entries: tuple[Entry, ...]

    def apply(self, world: World) -> None:
        for row in self.rows:
            world.outbox[row] = None


def index_events(world: World, command: IndexEvents, now: int, terms: Terms) -> Decision:
    """Answers how many rows were done with: those that still wait."""
    rows = tuple(row for row in command.rows if world.outbox.get(row))
    if not rows:
        return Decision(0)
    waiting = set(rows)
    return Decision(len(rows), (EventsIndexed(rows, tuple(e for e in command.entries if e.row in waiting)),))
