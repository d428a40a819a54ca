"""A backup was brought back: the history begins anew from there."""

from __future__ import annotations

from collections.abc import Mapping

from rooms.commands import Command


class BeginIncarnation(Command, frozen=True):
    """From now on this is another history than the one that went on after the backup. ``backup`` names what was
    brought back (``sha256:…``); ``notes`` go on record with it.
    """

    chance: bytes
    backup: str
    notes: Mapping[str, str | int | bool | None] = {}
