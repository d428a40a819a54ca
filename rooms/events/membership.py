"""People joined or left a room."""

from __future__ import annotations

from msgspec import Struct


class MembersChanged(Struct, frozen=True, tag_field="type", tag="members.changed"):
    """Person ids."""

    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
