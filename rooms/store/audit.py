"""The audit record: leaves, the tree's head, signed checkpoints. Written by the drain itself, in the transaction
of the acts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, LargeBinary, bindparam, cast, func, insert, select, text

from rooms.audit import Frontier, leaf_hash
from rooms.store.prepared import Prepared
from rooms.store.schema import audit_checkpoints, audit_head, audit_leaves

_INSERT = Prepared(insert(audit_leaves), "idx", "leaf", "hash")
_MOVE_HEAD = Prepared(
    text(
        "INSERT INTO audit_head (id, frontier) VALUES (0, :frontier) "
        "ON CONFLICT (id) DO UPDATE SET frontier = excluded.frontier"
    ),
    "frontier",
)
PAGE = 5_000
_LEAVES_FROM = (
    select(audit_leaves.c.idx, cast(audit_leaves.c.leaf, LargeBinary).label("leaf"))
    .where(audit_leaves.c.idx >= bindparam("first"))
    .order_by(audit_leaves.c.idx)
)


def write_leaves(connection: Connection, first: int, leaves: Sequence[tuple[bytes, bytes]], frontier: Frontier) -> None:
    """``leaves``: (encoding, hash) from index ``first`` on; ``frontier`` is the tree with them."""
    _INSERT.run(connection, ((first + i, leaf, digest) for i, (leaf, digest) in enumerate(leaves)))
    _MOVE_HEAD.run(connection, [(frontier.to_bytes(),)])


def write_checkpoint(connection: Connection, size: int, at: int, note: str) -> None:
    connection.execute(insert(audit_checkpoints), {"size": size, "at": at, "note": note})


def stored_frontier(connection: Connection) -> Frontier:
    """The tree's head as the last drain left it; the empty one where none can be read, which contradicts the rest."""
    found = connection.execute(select(audit_head.c.frontier)).scalars().first()
    try:
        return Frontier.from_bytes(found) if isinstance(found, bytes) else Frontier()
    except ValueError:
        return Frontier()


def last_checkpoint(connection: Connection) -> tuple[int, int] | None:
    """(size, at) of the newest checkpoint."""
    statement = select(audit_checkpoints.c.size, audit_checkpoints.c.at).order_by(audit_checkpoints.c.size.desc())
    row = connection.execute(statement.limit(1)).one_or_none()
    return (row.size, row.at) if row is not None else None


def next_index(connection: Connection) -> int:
    """One more than the index of the last stored leaf."""
    return int(connection.execute(select(func.coalesce(func.max(audit_leaves.c.idx), -1))).scalar_one()) + 1


class Record(NamedTuple):
    """The record as it is found. ``next`` is where the next leaf goes: behind all that is known of, so that what is
    missing stays a gap. ``signed`` is (size, at) of the newest checkpoint. ``sound`` is False where the record
    contradicts itself or the head that was kept outside.
    """

    frontier: Frontier
    next: int
    signed: tuple[int, int] | None
    sound: bool


def found_record(connection: Connection, kept: Frontier | None) -> Record:
    """What the database holds, and whether it is what was signed, gone on with."""
    frontier, stored, signed = stored_frontier(connection), next_index(connection), last_checkpoint(connection)
    sound = stored == frontier.size and (signed is None or signed[0] <= stored)
    if sound and kept is not None:
        sound = signed is not None and kept.size <= signed[0] and _goes_on(connection, kept, frontier)
    known = [stored, frontier.size, signed[0] if signed is not None else 0, kept.size if kept is not None else 0]
    return Record(frontier, max(known), signed, sound)


def _goes_on(connection: Connection, kept: Frontier, frontier: Frontier) -> bool:
    """Whether the stored leaves, hashed anew, lead from the kept head to the stored one. Few: those of a minute."""
    rows = connection.execute(_LEAVES_FROM, {"first": kept.size}).all()
    if [row.idx for row in rows] != list(range(kept.size, frontier.size)):
        return False
    return kept.extend(leaf_hash(row.leaf) for row in rows) == frontier


def all_leaves(connection: Connection) -> Iterator[tuple[int, bytes, bytes]]:
    """(index, encoding, hash) in the order of the index, page by page. Tampered rows come as they are."""
    idx, leaf, digest = audit_leaves.c.idx, audit_leaves.c.leaf, audit_leaves.c.hash
    columns = select(idx, cast(leaf, LargeBinary).label("leaf"), cast(digest, LargeBinary).label("hash"))
    after = -1 << 63
    while True:
        rows = connection.execute(columns.where(idx > after).order_by(idx).limit(PAGE)).all()
        yield from ((row.idx, row.leaf, row.hash) for row in rows)
        if len(rows) < PAGE:
            return
        after = rows[-1].idx


def all_checkpoints(connection: Connection) -> Iterator[tuple[int, str]]:
    """(size, note) in the order of size. A note that is no longer text comes with U+FFFD, for the check to find."""
    size, note = audit_checkpoints.c.size, audit_checkpoints.c.note
    as_stored = cast(note, LargeBinary) if connection.dialect.name == "sqlite" else note
    for row in connection.execute(select(size, as_stored.label("note")).order_by(size)):
        yield row.size, row.note.decode("utf-8", "replace") if isinstance(row.note, bytes) else row.note
