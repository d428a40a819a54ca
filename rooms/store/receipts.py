"""Signed crossing receipts, kept with the release they speak of."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, update

from rooms.store.schema import releases

_SIGNED = (
    update(releases)
    .where(releases.c.attachment == bindparam("b_attachment"), releases.c.zone == bindparam("b_zone"))
    .values(receipt=bindparam("b_receipt"))
)


def write_receipts(connection: Connection, receipts: Sequence[tuple[str, str, bytes]]) -> None:
    """``receipts``: (attachment, zone, signed document)."""
    rows = [
        {"b_attachment": attachment, "b_zone": zone, "b_receipt": document} for attachment, zone, document in receipts
    ]
    connection.execute(_SIGNED, rows)
