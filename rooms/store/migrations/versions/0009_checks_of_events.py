"""Checks of events: whether a row is still what was written"""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

PAGE = 5_000


def upgrade() -> None:
    op.add_column("events", sa.Column("crc", sa.BigInteger(), nullable=True))
    connection = op.get_bind()
    room, seq = "", 0
    while True:
        rows = connection.execute(
            sa.text(
                "SELECT room, seq, at, actor, made_in, CAST(body AS BLOB) FROM events "
                "WHERE (room, seq) > (:room, :seq) ORDER BY room, seq LIMIT :n"
            ),
            {"room": room, "seq": seq, "n": PAGE},
        ).all()
        if not rows:
            return
        room, seq = rows[-1][0], rows[-1][1]
        checks = [{"r": row[0], "s": row[1], "crc": _check(row[:5], row[5])} for row in rows]
        connection.execute(sa.text("UPDATE events SET crc = :crc WHERE room = :r AND seq = :s"), checks)


def _check(said: Iterable[object], body: bytes) -> int:
    """As ``rooms.store.event_rows.check_of`` was at this revision."""
    head = "".join(f"{value}\0" for value in said)
    return crc32(body, crc32(head.encode("utf-8", "surrogatepass")))


def downgrade() -> None:
    op.drop_column("events", "crc")
