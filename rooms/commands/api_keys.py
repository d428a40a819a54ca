"""Keys for other systems."""

from __future__ import annotations

from rooms.commands import Command


class AddApiKey(Command, frozen=True):
    """``digest`` see ``rooms.session.token_hash``; ``days``: after how many it ends, None for never."""

    name: str
    zone: str
    listener: str | None
    scopes: frozenset[str]
    days: int | None
    digest: str
    chance: bytes


class RevokeApiKey(Command, frozen=True):
    """``key`` is its id."""

    key: str
