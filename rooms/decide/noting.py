"""Acts that change nothing but the record."""

from __future__ import annotations

from rooms.commands.noting import MakeCheckpoint, NoteAct
from rooms.decide import Act, Decision
from rooms.world import Terms, World


def note_act(world: World, command: NoteAct, now: int, terms: Terms) -> Decision:
    """One leaf, as asked."""
    act = Act(command.action, command.object, command.outcome, command.reason, command.notes)
    return Decision(None, (), act)


def make_checkpoint(world: World, command: MakeCheckpoint, now: int, terms: Terms) -> Decision:
    """The drain signs the head when it sees this command; nothing else happens."""
    return Decision(None)
