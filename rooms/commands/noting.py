"""Acts that change nothing but the record: reads of files, exports, refusals, denials."""

from __future__ import annotations

from collections.abc import Mapping

from rooms.commands import Command


class NoteAct(Command, frozen=True):
    """One leaf. ``action`` such as ``attachment.read``; ``reason`` is a refusal's reason where ``outcome`` is
    ``refused``.
    """

    action: str
    object: str | None = None
    outcome: str = "done"
    reason: str | None = None
    notes: Mapping[str, str | int | bool | None] = {}


class MakeCheckpoint(Command, frozen=True):
    """Sign the head of the audit tree if it grew."""
