"""Posting a message and marking a room as read."""

from __future__ import annotations

from rooms.commands import Command


class PostMessage(Command, frozen=True):
    """Idempotent by (person, room, ``client_msg_id``): the same again is answered the same. ``chance``: 16 bytes."""

    room: str
    client_msg_id: str
    text: str
    chance: bytes
    attachments: tuple[str, ...] = ()
    reply_to: str | None = None


class MarkRead(Command, frozen=True):
    """Everything up to ``seq`` was seen. Moves forward only; not an act on record."""

    room: str
    seq: int
