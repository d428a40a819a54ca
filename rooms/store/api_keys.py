"""Keys for other systems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rooms.api_key import ApiKey
from rooms.commands.api_keys import AddApiKey, RevokeApiKey
from rooms.decide.api_keys import ApiKeyAdded, ApiKeyRevoked
from rooms.store.people import load_people
from rooms.store.schema import api_keys
from rooms.store.words import join, split
from rooms.world import World

_COLUMNS = (
    api_keys.c.id,
    api_keys.c.name,
    api_keys.c.zone,
    api_keys.c.listener,
    api_keys.c.scopes,
    api_keys.c.made,
    api_keys.c.expires,
    api_keys.c.revoked,
)
_REVOKED = update(api_keys).where(api_keys.c.id == bindparam("b_id")).values(revoked=bindparam("b_revoked"))


def load_api_keys(connection: Connection, commands: Sequence[AddApiKey | RevokeApiKey], world: World) -> None:
    load_people(connection, (c.origin.person for c in commands), world)
    wanted = [c.key for c in commands if isinstance(c, RevokeApiKey)]
    for row in connection.execute(select(*_COLUMNS).where(api_keys.c.id.in_(wanted))):
        world.api_keys[row.id] = _key(row)


def write_added(connection: Connection, changes: Sequence[ApiKeyAdded]) -> None:
    rows = [
        {"id": k.id, "name": k.name, "digest": c.digest, "zone": k.zone, "listener": k.listener,
         "scopes": join(k.scopes), "made": k.made, "expires": k.expires}
        for c in changes for k in (c.key,)
    ]  # fmt: skip
    connection.execute(insert(api_keys), rows)


def write_revoked(connection: Connection, changes: Sequence[ApiKeyRevoked]) -> None:
    connection.execute(_REVOKED, [{"b_id": c.key.id, "b_revoked": c.key.revoked} for c in changes])


async def api_key_by_digest(connection: AsyncConnection, digest: str) -> ApiKey | None:
    """The key behind what was presented, whatever has become of it."""
    row = (await connection.execute(select(*_COLUMNS).where(api_keys.c.digest == digest))).one_or_none()
    return _key(row) if row is not None else None


def all_api_keys(connection: Connection) -> list[ApiKey]:
    """Every key there ever was, the newest last."""
    return [_key(row) for row in connection.execute(select(*_COLUMNS).order_by(api_keys.c.made, api_keys.c.id))]


def _key(row: Sequence[Any]) -> ApiKey:
    return ApiKey(row[0], row[1], row[2], row[3], split(row[4]), row[5], row[6], row[7])
