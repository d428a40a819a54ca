"""What people and the server ask for: one struct per act, one file per thing people do.

Rules: a command is plain data; it carries who asks and from where (``Origin``), and the chance its new ids are
made of. It says what is wanted, never how it is stored. A new capability adds a file here, in ``decide``, in
``store``, and a line in ``rooms.perform.SLICES``.
"""

from __future__ import annotations

from msgspec import Struct


class Origin(Struct, frozen=True):
    """Where an act came from, as the server saw it. ``person`` is None before login and for the server's own acts."""

    zone: str | None = None
    person: str | None = None
    device: str | None = None
    address: str | None = None
    request: str | None = None
    forwarded: bool = False


SERVER = Origin()


class Command(Struct, frozen=True):
    """The base of every command."""

    origin: Origin
