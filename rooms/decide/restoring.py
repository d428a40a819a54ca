"""The beginning of an incarnation: what came after the backup never happened here, though clients may have seen it."""

from __future__ import annotations

from typing import NamedTuple

from rooms.commands.restoring import BeginIncarnation
from rooms.decide import Act, Decision
from rooms.ids import make_id
from rooms.world import Terms, World


class IncarnationBegun(NamedTuple):
    """Rooms go on behind the heads that they have now; a seq beyond them names another event than it did before."""

    id: str
    at: int

    def apply(self, world: World) -> None:
        """No later command asks for it."""


def begin_incarnation(world: World, command: BeginIncarnation, now: int, terms: Terms) -> Decision:
    """Always; answers the incarnation's id."""
    incarnation = make_id("incarnation", command.chance)
    act = Act("installation.restore", command.backup, notes={**command.notes, "incarnation": incarnation})
    return Decision(incarnation, (IncarnationBegun(incarnation, now),), act)
