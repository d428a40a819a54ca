"""The life of a comparison: wanted with the verdict, tried, noted. Each happens once, whatever is asked twice."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from rooms.commands.comparing import AskComparison, GiveBackComparison, NoteComparison, StartComparison
from rooms.comparison import MAX_TRIES, Comparison
from rooms.decide import Act, Decision, actor, no
from rooms.refusals import Refusal
from rooms.world import Terms, World


class ComparisonWanted(Struct, frozen=True):
    """A rendition left: it is to be compared once nobody waits."""

    comparison: Comparison

    def apply(self, world: World) -> None:
        world.comparisons[self.comparison.attachment, self.comparison.treatment] = self.comparison


class ComparisonMoved(Struct, frozen=True):
    """Tried, or done; ``comparison`` as it is now."""

    comparison: Comparison

    def apply(self, world: World) -> None:
        world.comparisons[self.comparison.attachment, self.comparison.treatment] = self.comparison


def ask_comparison(world: World, command: AskComparison, now: int, terms: Terms) -> Decision:
    """Back into the queue, once: what was found, or asked for before, stays."""
    person = actor(world, command)
    if isinstance(person, Refusal):
        return no(person, "attachment.compare", command.attachment)
    known = world.comparisons.get((command.attachment, command.treatment))
    if known is None or not known.done or known.asked or known.similarity is not None:
        return Decision(known)
    asked = msgspec.structs.replace(known, done=False, asked=True, tries=0)
    return Decision(
        asked, (ComparisonMoved(asked),), Act("attachment.compare", command.attachment, notes={"asked": True})
    )


def start_comparison(world: World, command: StartComparison, now: int, terms: Terms) -> Decision:
    """Answers the comparison to make, or None when there is nothing to do any more; after too many tries it is done."""
    waiting = world.comparisons.get((command.attachment, command.treatment))
    if waiting is None or waiting.done:
        return Decision(None)
    if waiting.tries >= MAX_TRIES:
        return Decision(None, (ComparisonMoved(msgspec.structs.replace(waiting, done=True)),))
    tried = msgspec.structs.replace(waiting, tries=waiting.tries + 1)
    return Decision(tried, (ComparisonMoved(tried),))


def give_back_comparison(world: World, command: GiveBackComparison, now: int, terms: Terms) -> Decision:
    """One try fewer."""
    waiting = world.comparisons.get((command.attachment, command.treatment))
    if waiting is None or waiting.done or waiting.tries == 0:
        return Decision(None)
    return Decision(None, (ComparisonMoved(msgspec.structs.replace(waiting, tries=waiting.tries - 1)),))


def note_comparison(world: World, command: NoteComparison, now: int, terms: Terms) -> Decision:
    """Answers whether it was noted: what is done stays as it is."""
    waiting = world.comparisons.get((command.attachment, command.treatment))
    if waiting is None or waiting.done:
        return Decision(False)
    done = msgspec.structs.replace(waiting, done=True, similarity=command.similarity, pictures=command.pictures)
    return Decision(True, (ComparisonMoved(done),))
