"""Opening rooms, and people coming and going."""

from __future__ import annotations

from rooms.commands import Command


class OpenRoom(Command, frozen=True):
    """``members`` are logins, the creator is always one of them. ``zones`` None: every zone the server has."""

    kind: str
    name: str
    members: tuple[str, ...]
    chance: bytes
    zones: frozenset[str] | None = None


class ChangeMembers(Command, frozen=True):
    """Bring people in (``add``) or out (``remove``), by login. Removing oneself is leaving."""

    room: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
