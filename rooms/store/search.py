"""Finding what was said: grams in a contentless FTS5 table, rows that say where they stand.

Rules kept here:
- the index only narrows: membership, zone and the words themselves are asked of the rows at the time of the search;
- an outbox row goes in the transaction that makes its event findable, so a crash loses none;
- this file is the only place that speaks FTS5 (PostgreSQL: ``text[]`` with GIN in the same function's stead).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from rooms.commands.indexing import IndexEvents
from rooms.decide.indexing import EventsIndexed
from rooms.events import RoomEvent
from rooms.store.event_rows import COLUMNS, event_of
from rooms.store.prepared import Prepared
from rooms.store.schema import events, outbox, search_entries
from rooms.world import World

TOPIC = "event"
_INSERT_GRAMS = Prepared(text("INSERT INTO search_grams (rowid, grams) VALUES (:id, :grams)"), "id", "grams")
_INSERT_ENTRIES = Prepared(insert(search_entries), "id", "room", "seq", "kind", "ref")
_LAST_ENTRY = Prepared(select(func.max(search_entries.c.id)))
_STILL_WAITS = Prepared(select(outbox.c.id).where(outbox.c.id == bindparam("row")), "row")
_DONE = Prepared(delete(outbox).where(outbox.c.id == bindparam("row")), "row")
_WAITING = (
    select(outbox.c.id, *COLUMNS)
    .join(events, (events.c.room == outbox.c.room) & (events.c.seq == outbox.c.seq))
    .where(outbox.c.topic == TOPIC)
    .order_by(outbox.c.id)
    .limit(bindparam("n"))
)
# CROSS JOIN fixes SQLite's order: matches from the newest on, each looked up by key.
_FOUND = text(
    """
    SELECT e.id, e.kind, e.ref, v.room, v.seq, v.at, v.actor, v.made_in, v.body, v.crc
    FROM search_grams g
    CROSS JOIN search_entries e ON e.id = g.rowid
    CROSS JOIN members m ON m.room = e.room AND m.person = :person AND e.seq > m.after
    CROSS JOIN rooms r ON r.id = e.room AND (',' || r.zones || ',') LIKE :zone
    CROSS JOIN events v ON v.room = e.room AND v.seq = e.seq AND v.made_in IN :made_in
    WHERE search_grams MATCH :grams AND g.rowid < :before AND e.kind = :kind
    ORDER BY g.rowid DESC
    LIMIT :n
    """
).bindparams(bindparam("made_in", expanding=True))


class Hit(NamedTuple):
    """An entry whose grams fit and that the person may read here. ``id`` grows with time; ``ref`` is the message's or
    the attachment's id."""

    id: int
    kind: str
    ref: str
    event: RoomEvent


def load_outbox(connection: Connection, commands: Sequence[IndexEvents], world: World) -> None:
    """Which of the rows still wait."""
    for (row,) in _STILL_WAITS.find(connection, ((row,) for command in commands for row in command.rows)):
        world.outbox[row] = True


def write_indexed(connection: Connection, changes: Sequence[EventsIndexed]) -> None:
    entries = [entry for change in changes for entry in change.entries]
    if entries:
        ((last,),) = _LAST_ENTRY.find(connection, [()])
        numbered = list(enumerate(entries, (last or 0) + 1))
        _INSERT_ENTRIES.run(connection, ((number, e.room, e.seq, e.kind, e.ref) for number, e in numbered))
        _INSERT_GRAMS.run(connection, ((number, tokens(e.grams)) for number, e in numbered))
    _DONE.run(connection, ((row,) for change in changes for row in change.rows))


def tokens(grams: Iterable[str]) -> str:
    """Grams as FTS5's ASCII tokenizer keeps them whole, whatever characters they hold: in hexadecimal. (All at once,
    with U+0000, which no gram holds, between them: much faster than one by one.)"""
    data = "\0".join(grams).encode("utf-8", "surrogatepass")
    return data.hex(".").replace(".00.", " ").replace(".", "")


async def waiting_events(connection: AsyncConnection, limit: int) -> list[tuple[int, RoomEvent]]:
    """(outbox row, event) of what is not findable yet, oldest first."""
    rows = await connection.execute(_WAITING, {"n": limit})
    return [(row[0], event_of(row[1:])) for row in rows]


async def find(
    connection: AsyncConnection,
    kind: str,
    grams: Iterable[str],
    person: str,
    zone: str,
    made_in: Sequence[str],
    before: int,
    limit: int,
) -> list[Hit]:
    """What has all the grams and may be read by the person in the zone, newest first, below ``before``. ``made_in``:
    the zones whose text may be read there."""
    asked = {
        "grams": " AND ".join(tokens([gram]) for gram in sorted(grams)),
        "person": person,
        "zone": f"%,{zone},%",
        "made_in": list(made_in),
        "before": before,
        "kind": kind,
        "n": limit,
    }
    rows = await connection.execute(_FOUND, asked)
    return [Hit(row[0], row[1], row[2], event_of(row[3:])) for row in rows]
