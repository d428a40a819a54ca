"""Comparisons and the pictures of their pages. The rows that are not done are the comparison worker's queue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, exists, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rooms.commands.comparing import AskComparison, GiveBackComparison, NoteComparison, StartComparison
from rooms.comparison import Comparison, PagePicture
from rooms.decide.comparing import ComparisonMoved, ComparisonWanted
from rooms.store.people import load_people
from rooms.store.schema import comparison_pictures, comparisons
from rooms.world import World

_ROWS = select(comparisons).where(comparisons.c.attachment.in_(bindparam("ids", expanding=True)))
_PICTURES = (
    select(comparison_pictures)
    .where(comparison_pictures.c.attachment.in_(bindparam("ids", expanding=True)))
    .order_by(comparison_pictures.c.page, comparison_pictures.c.side)
)
_MOVED = update(comparisons).where(
    comparisons.c.attachment == bindparam("b_attachment"), comparisons.c.treatment == bindparam("b_treatment")
)


def load_comparisons(
    connection: Connection,
    commands: Sequence[AskComparison | StartComparison | GiveBackComparison | NoteComparison],
    world: World,
) -> None:
    """Those named, and who asks; pictures are not loaded, because nothing is decided by them."""
    load_people(connection, (c.origin.person for c in commands), world)
    for row in connection.execute(_ROWS, {"ids": list({c.attachment for c in commands})}):
        key = (row.attachment, row.treatment)
        if not world.comparisons.known(key):
            world.comparisons[key] = _comparison(row, ())


def _comparison(row: Any, pictures: Iterable[PagePicture]) -> Comparison:
    similarity = msgspec.json.decode(row.similarity) if row.similarity else None
    return Comparison(
        row.attachment, row.treatment, row.tries, bool(row.done), bool(row.asked), similarity, tuple(pictures)
    )


def write_wanted(connection: Connection, changes: Sequence[ComparisonWanted]) -> None:
    """A row for each that has none yet."""
    columns = ["attachment", "treatment", "tries", "done", "asked"]
    for c in _of(changes):
        there = exists().where(comparisons.c.attachment == c.attachment, comparisons.c.treatment == c.treatment)
        row = select(literal(c.attachment), literal(c.treatment), literal(0), literal(False), literal(False)).where(
            ~there
        )
        connection.execute(insert(comparisons).from_select(columns, row))


def write_comparisons(connection: Connection, changes: Sequence[ComparisonMoved]) -> None:
    for comparison in _of(changes):
        similarity = msgspec.json.encode(comparison.similarity).decode() if comparison.similarity is not None else None
        connection.execute(
            _MOVED.values(tries=comparison.tries, done=comparison.done, asked=comparison.asked, similarity=similarity),
            {"b_attachment": comparison.attachment, "b_treatment": comparison.treatment},
        )
        rows = [
            {"attachment": comparison.attachment, "treatment": comparison.treatment, **msgspec.structs.asdict(picture)}
            for picture in comparison.pictures
        ]
        if rows:
            connection.execute(insert(comparison_pictures), rows)


def _of(changes: Sequence[ComparisonWanted | ComparisonMoved]) -> list[Comparison]:
    return [change.comparison for change in changes]


def forget_comparisons(connection: Connection, attachments: Sequence[str]) -> None:
    """With an attachment that goes altogether."""
    for table in (comparison_pictures, comparisons):
        connection.execute(delete(table).where(table.c.attachment.in_(attachments)))


async def waiting_comparisons(connection: AsyncConnection, limit: int) -> list[tuple[str, str]]:
    """(attachment, treatment) of what is not done, oldest first."""
    statement = select(comparisons.c.attachment, comparisons.c.treatment).where(~comparisons.c.done)
    rows = await connection.execute(statement.order_by(comparisons.c.id).limit(limit))
    return [(row.attachment, row.treatment) for row in rows]


async def comparison_of(connection: AsyncConnection, attachment: str, treatment: str) -> Comparison | None:
    """What is known of one rendition, with its pictures; None where none is wanted. The row is read first: what it says
    is done was written together with its pictures."""
    wanted = {"ids": [attachment]}
    rows = (await connection.execute(_ROWS, wanted)).all()
    pictures = [
        PagePicture(row.page, row.side, row.blob)
        for row in await connection.execute(_PICTURES, wanted)
        if row.treatment == treatment
    ]
    return next((_comparison(row, pictures) for row in rows if row.treatment == treatment), None)


async def comparison_blobs(connection: AsyncConnection, attachment: str | None = None) -> set[str]:
    """The blobs of all pictures, or of one attachment's."""
    statement = select(comparison_pictures.c.blob)
    if attachment is not None:
        statement = statement.where(comparison_pictures.c.attachment == attachment)
    return set((await connection.execute(statement)).scalars())
