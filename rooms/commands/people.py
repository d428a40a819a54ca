"""Setting up organisations, sections and people."""

from __future__ import annotations

from rooms.commands import Command


class AddOrganisation(Command, frozen=True):
    """The same name again is answered with the same organisation."""

    name: str
    chance: bytes


class AddSection(Command, frozen=True):
    """``path`` from the top, e.g. ("総務部", "総務課"); the parents are made where missing."""

    organisation: str
    path: tuple[str, ...]
    chance: bytes


class AddPerson(Command, frozen=True):
    """``password`` is an argon2 encoding. ``section`` is a section id or None."""

    organisation: str
    login: str
    name: str
    password: str
    chance: bytes
    section: str | None = None
    roles: frozenset[str] = frozenset()
    zones: frozenset[str] | None = None


class SetPassword(Command, frozen=True):
    """Also lifts a lock. ``password`` is an argon2 encoding. All sessions of the person end."""

    login: str
    password: str


class SetActive(Command, frozen=True):
    """A person who is not active acts nowhere; its sessions end."""

    login: str
    active: bool


class SetRoles(Command, frozen=True):
    """The whole set of roles."""

    login: str
    roles: frozenset[str]


class SetZones(Command, frozen=True):
    """From where the person may log in; sessions in other zones end."""

    login: str
    zones: frozenset[str]
