"""Rows of events, and the check that each carries: a disk that gives back other bytes must not put words into mouths.

Rules kept here:
- the check is the CRC-32 of all that a reader is shown of the row: it finds what rots, not what is forged (against
  that stands the record);
- a row that does not agree with its check is never shown: in its place stands ``DAMAGED``, so that one rotten row
  closes nobody's room, and ``sekisho doctor --scrub`` names it.

>>> check_of("r_1", 1, 0, "p_1", "lgwan", b"{}") == check_of("r_1", 1, 0, "p_1", "lgwan", b"{ }")
False
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any
from zlib import crc32

from sqlalchemy import Connection, select

from rooms.events import MessagePosted, RoomEvent, decode
from rooms.store.schema import events
from rooms.zones import ZONE_NAMES

log = logging.getLogger("sekisho.store")

DAMAGED = (
    "(この発言の記録はディスク上で壊れています。管理者は sekisho doctor --scrub を実行し、控えから戻してください。"
    " / This message is damaged on the disk. Administrators: run sekisho doctor --scrub, and restore a backup.)"
)
COLUMNS = (
    events.c.room, events.c.seq, events.c.at, events.c.actor, events.c.made_in, events.c.body, events.c.crc
)  # fmt: skip
PAGE = 5_000
_YEAR_2100 = 4_102_444_800_000  # ms


def check_of(room: str, seq: int, at: int, actor: str, made_in: str, body: bytes) -> int:
    """The CRC-32 of a row (0 to 2^32-1)."""
    return crc32(body, crc32(f"{room}\0{seq}\0{at}\0{actor}\0{made_in}\0".encode("utf-8", "surrogatepass")))


def is_sound(row: Any) -> bool:
    """Whether a row of ``COLUMNS`` is what was written."""
    room, seq, at, actor, made_in, body, crc = row
    return isinstance(body, bytes) and check_of(room, seq, at, actor, made_in, body) == crc


def event_of(row: Any) -> RoomEvent:
    """The event of a row of ``COLUMNS``; ``DAMAGED`` in its place if it is not what was written."""
    room, seq, at, actor, made_in, body, _ = row
    if is_sound(row):
        return RoomEvent(room, seq, at, actor, made_in, decode(body))
    log.critical("event %s of %s is damaged: run sekisho doctor --scrub", seq, room)
    at = at if isinstance(at, int) and 0 <= at < _YEAR_2100 else 0
    made_in = made_in if made_in in ZONE_NAMES else next(iter(ZONE_NAMES))
    said = MessagePosted(f"damaged_{seq}", DAMAGED, f"damaged-{seq}")
    return RoomEvent(room, seq, at, str(actor), made_in, said)


def damaged_events(connection: Connection) -> Iterator[tuple[str, int]]:
    """(room, seq) of every event that is not what was written. Reads all of them."""
    with connection.execution_options(yield_per=PAGE).execute(select(*COLUMNS)) as rows:
        yield from ((row.room, row.seq) for row in rows if not is_sound(row))
