"""The rules: a command and the state it meets in, an answer and changes out.

Rules kept here: no clock, no chance, no storage, no waiting; the same world, command and moment give the same
decision. A decision is complete: the answer for the caller, every change to be written, and the act for the
record. One file per thing people do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from rooms.commands import Command
from rooms.people import Person
from rooms.permissions import may_act
from rooms.receipt import Receipt
from rooms.refusals import Refusal
from rooms.world import World


class Change(Protocol):
    """A fact to be written. ``apply`` makes it seen by the later commands of the same drain."""

    def apply(self, world: World) -> None: ...


class Act(NamedTuple):
    """What the audit leaf says of a decision; who, where and when are added when it is written."""

    action: str
    object: str | None = None
    outcome: str = "done"
    reason: str | None = None
    notes: Mapping[str, str | int | bool | None] = {}


class Decision(NamedTuple):
    """``act`` None: nothing worth a leaf. ``receipts`` are signed once the leaf has its index."""

    answer: Any
    changes: tuple[Change, ...] = ()
    act: Act | None = None
    receipts: tuple[Receipt, ...] = ()


def no(refusal: Refusal, action: str, object_: str | None = None) -> Decision:
    """The decision that nothing happens, on record."""
    return Decision(refusal, (), Act(action, object_, "refused", refusal.reason))


def actor(world: World, command: Command) -> Person | Refusal:
    """The person behind a command, if it may act from where it is."""
    origin = command.origin
    person = world.people.get(origin.person) if origin.person else None
    refusal = may_act(person, origin.zone or "")
    if refusal is not None:
        return refusal
    assert person is not None
    return person
