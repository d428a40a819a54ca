"""Incarnations: which histories led to this one, and how far each room belongs to all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rooms.decide.restoring import IncarnationBegun
from rooms.store.schema import incarnations, restored_heads, rooms


class Lineage(NamedTuple):
    """``ids``: the incarnations that began by a restore, the present one last; empty where nothing was ever restored.
    ``heads``: per room, its head at the first of these restores. A room that is not there was opened since.
    """

    ids: tuple[str, ...]
    heads: dict[str, int]


def write_incarnations(connection: Connection, changes: Sequence[IncarnationBegun]) -> None:
    """The incarnation, and the heads of the rooms that no restore before has fixed (a head only ever grows)."""
    connection.execute(insert(incarnations), [{"id": c.id, "began": c.at} for c in changes])
    fixed = select(restored_heads.c.room)
    present = select(rooms.c.id, rooms.c.head).where(rooms.c.id.not_in(fixed))
    connection.execute(insert(restored_heads).from_select(["room", "seq"], present))


async def lineage(connection: AsyncConnection) -> Lineage:
    """What ``server.incarnations`` needs, read once at the start."""
    ids = await connection.execute(select(incarnations.c.id).order_by(incarnations.c.number))
    heads = await connection.execute(select(restored_heads.c.room, restored_heads.c.seq))
    return Lineage(tuple(ids.scalars()), {row.room: row.seq for row in heads})
