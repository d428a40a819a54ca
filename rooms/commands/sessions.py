"""Logging in and out."""

from __future__ import annotations

from rooms.commands import Command


class OpenSession(Command, frozen=True):
    """The password was right. ``token_hash`` see ``rooms.session``. ``checked`` is the ``password_mark`` of what was
    compared: a password that was changed meanwhile opens nothing. None: the server's own owner asks.
    """

    login: str
    token_hash: str
    chance: bytes
    checked: str | None = None


class FailLogin(Command, frozen=True):
    """A wrong password for an existing login; ``login`` is never a name that does not exist."""

    login: str


class TouchSession(Command, frozen=True):
    """The session was used at ``seen`` (ms). Not an act on record."""

    session: str
    seen: int


class EndSession(Command, frozen=True):
    """``reason``: logout, idle, absolute, administrator, inactive."""

    session: str
    reason: str


class EndSessionsOf(Command, frozen=True):
    """Every session of a person ends."""

    login: str
    reason: str
