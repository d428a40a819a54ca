"""Making what was said findable: the server's own work, after the acknowledgement."""

from __future__ import annotations

from msgspec import Struct

from rooms.commands import Command


class Entry(Struct, frozen=True):
    """A text that can be found. ``row`` is the outbox row it follows from; ``kind`` is ``message`` or ``attachment``,
    ``ref`` that one's id; ``grams`` see ``rooms.grams``.
    """

    row: int
    room: str
    seq: int
    kind: str
    ref: str
    grams: frozenset[str]


class IndexEvents(Command, frozen=True):
    """``rows`` of the outbox were looked at and gave ``entries``. Not an act on record."""

    rows: tuple[int, ...]
    entries: tuple[Entry, ...]
