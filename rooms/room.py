"""A room (トークルーム): who is in it, from where it exists, and how its history opens to newcomers.

Rules: ``zones`` is where the room exists at all; in any other zone it is not found. ``direct`` has exactly two
members and one room per pair and set of zones; ``channel`` shows newcomers all of its history, ``group`` from their
joining; who can log in to none of its zones does not come in. The head is kept beside the room (``World.heads``)
because every post moves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Literal

from msgspec import Struct

from rooms.zones import ZONES

RoomKind = Literal["direct", "group", "channel"]
MAX_ROOM_NAME = 80
MAX_MEMBERS = 5_000


class Member(Struct, frozen=True):
    """``after``: events up to this seq are not shown to this member."""

    after: int
    manager: bool = False


class Room(Struct, frozen=True):
    id: str
    kind: RoomKind
    name: str
    organisation: str
    zones: frozenset[str]
    members: Mapping[str, Member]


def first_visible(kind: RoomKind, head: int) -> int:
    """The ``after`` of someone who joins a room whose last seq is ``head``."""
    return 0 if kind == "channel" else head


def direct_key(one: str, other: str, zones: Iterable[str]) -> str:
    """The same for both directions: a pair of people has one direct room for each set of zones it is open to."""
    return "|".join((*sorted((one, other)), ",".join(sorted(zones))))


def direct_keys(one: str, other: str) -> list[str]:
    """Every key a direct room of these two can have."""
    return [direct_key(one, other, some) for n in range(1, len(ZONES) + 1) for some in combinations(ZONES, n)]
