"""Attachments and what each zone may read of them. The rows in state ``quarantined`` are the release worker's queue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rooms.attachment import LATER, Attachment, Release
from rooms.commands.receiving import (
    ForgetOriginal,
    GiveBackTry,
    GivePassword,
    JudgeAttachment,
    NoteThumbnail,
    ReceiveAttachment,
    StartTry,
)
from rooms.decide.receiving import AttachmentMoved, AttachmentReceived, OriginalForgotten, ThumbnailDrawn, TryCounted
from rooms.store.comparing import comparison_blobs, forget_comparisons
from rooms.store.gathering import load_rooms
from rooms.store.people import load_people
from rooms.store.schema import attachments, releases
from rooms.world import World

_ATTACHMENTS = select(attachments).where(attachments.c.id.in_(bindparam("ids", expanding=True)))
_RELEASES = select(releases).where(releases.c.attachment.in_(bindparam("ids", expanding=True)))


def attachments_of(rows: Iterable[Any], release_rows: Iterable[Any]) -> dict[str, Attachment]:
    """Attachments with their releases, by id."""
    by_attachment: dict[str, dict[str, Release]] = {}
    for r in release_rows:
        by_attachment.setdefault(r.attachment, {})[r.zone] = Release(
            r.zone,
            r.treatment,
            r.state,
            r.code,
            r.blob,
            r.sha256,
            r.size,
            r.mime,
            r.receipt,
            msgspec.json.decode(r.report) if r.report else None,
            r.thumbnail,
        )
    return {a.id: _attachment(a, by_attachment.get(a.id, {})) for a in rows}


def _attachment(row: Any, of_zone: Mapping[str, Release]) -> Attachment:
    return Attachment(
        row.id, row.room, row.organisation, row.uploader, row.name, row.original_name, row.size, row.sha256,
        row.made_in, row.blob, row.at, row.tries, row.message, row.seq, of_zone,
        bool(row.original_gone),
    )  # fmt: skip


def load_attachments(connection: Connection, ids: Iterable[str], world: World) -> None:
    """Attachments and their rooms."""
    missing = {i for i in ids if not world.attachments.known(i)}
    if not missing:
        return
    wanted = {"ids": list(missing)}
    found = attachments_of(connection.execute(_ATTACHMENTS, wanted), connection.execute(_RELEASES, wanted))
    for attachment_id in missing:
        world.attachments[attachment_id] = found.get(attachment_id)
    load_rooms(connection, (a.room for a in found.values()), world)


def load_receive(connection: Connection, commands: Sequence[ReceiveAttachment], world: World) -> None:
    """Who sends, where to, and how much the person and the organisation already keep (bytes)."""
    load_people(connection, (c.origin.person for c in commands), world)
    load_rooms(connection, (c.room for c in commands), world)
    for person_id in {c.origin.person for c in commands if c.origin.person}:
        person = world.people.get(person_id)
        if person is None:
            continue
        for column, owner in ((attachments.c.uploader, person.id), (attachments.c.organisation, person.organisation)):
            if not world.usage.known(owner):
                kept = select(func.coalesce(func.sum(attachments.c.size), 0)).where(column == owner)
                world.usage[owner] = int(connection.execute(kept).scalar_one())


def load_named_attachments(
    connection: Connection,
    commands: Sequence[StartTry | GiveBackTry | JudgeAttachment | NoteThumbnail | GivePassword | ForgetOriginal],
    world: World,
) -> None:
    load_people(connection, (c.origin.person for c in commands), world)
    load_attachments(connection, (c.attachment for c in commands), world)


def write_received(connection: Connection, changes: Sequence[AttachmentReceived]) -> None:
    rows, zone_rows = [], []
    for attachment in (c.attachment for c in changes):
        row = msgspec.structs.asdict(attachment)
        zone_rows += [_release_row(attachment.id, r) for r in row.pop("releases").values()]
        rows.append(row)
    connection.execute(insert(attachments), rows)
    connection.execute(insert(releases), zone_rows)


def _release_row(attachment: str, release: Release) -> dict[str, Any]:
    report = msgspec.json.encode(release.report).decode() if release.report is not None else None
    return {"attachment": attachment, **msgspec.structs.asdict(release), "report": report}


_MOVE = update(releases).where(
    releases.c.attachment == bindparam("b_attachment"), releases.c.zone == bindparam("b_zone")
)
_JUDGED = update(attachments).where(attachments.c.id == bindparam("b_id"))


def write_moved(connection: Connection, changes: Sequence[AttachmentMoved]) -> None:
    for change in changes:
        attachment = change.attachment
        for zone in change.zones:
            row = _release_row(attachment.id, attachment.releases[zone])
            where = {"b_attachment": row.pop("attachment"), "b_zone": row.pop("zone")}
            connection.execute(_MOVE.values(**row), where)
        connection.execute(_JUDGED.values(tries=attachment.tries), {"b_id": attachment.id})


def write_drawn(connection: Connection, changes: Sequence[ThumbnailDrawn]) -> None:
    rows = [
        {"b_attachment": c.attachment.id, "b_zone": zone, "b_thumbnail": c.attachment.releases[zone].thumbnail}
        for c in changes
        for zone in c.zones
    ]
    connection.execute(_MOVE.values(thumbnail=bindparam("b_thumbnail")), rows)


def write_tries(connection: Connection, changes: Sequence[TryCounted]) -> None:
    statement = _JUDGED.values(tries=bindparam("b_tries"))
    connection.execute(statement, [{"b_id": c.attachment.id, "b_tries": c.attachment.tries} for c in changes])


def write_forgotten(connection: Connection, changes: Sequence[OriginalForgotten]) -> None:
    gone = [c.attachment.id for c in changes if c.gone]
    kept = [c.attachment.id for c in changes if not c.gone]
    if gone:
        forget_comparisons(connection, gone)
        connection.execute(delete(releases).where(releases.c.attachment.in_(gone)))
        connection.execute(delete(attachments).where(attachments.c.id.in_(gone)))
    if kept:
        connection.execute(update(attachments).where(attachments.c.id.in_(kept)).values(original_gone=True))


async def attachment_by_id(connection: AsyncConnection, attachment: str) -> Attachment | None:
    wanted = {"ids": [attachment]}
    rows = (await connection.execute(_ATTACHMENTS, wanted)).all()
    return attachments_of(rows, (await connection.execute(_RELEASES, wanted)).all()).get(attachment)


async def waiting_attachments(connection: AsyncConnection, limit: int) -> list[str]:
    """Ids of attachments with a zone in quarantine, oldest first."""
    statement = (
        select(attachments.c.id)
        .join(releases, releases.c.attachment == attachments.c.id)
        .where(releases.c.state == "quarantined")
        .group_by(attachments.c.id, attachments.c.at)
        .order_by(attachments.c.at)
        .limit(limit)
    )
    return list((await connection.execute(statement)).scalars())


async def waiting_thumbnails(connection: AsyncConnection, limit: int) -> list[tuple[str, str]]:
    """(attachment, treatment) of what was left for later."""
    columns = (releases.c.attachment, releases.c.treatment)
    waiting = select(*columns).where(releases.c.thumbnail == LATER).distinct().order_by(*columns).limit(limit)
    return [(row.attachment, row.treatment) for row in await connection.execute(waiting)]


async def expired_originals(
    connection: AsyncConnection, *, posted_before: int, unposted_before: int, limit: int
) -> list[Attachment]:
    """Attachments whose received bytes may go: judged in every zone, served by ``pass`` nowhere, and old enough."""
    judged = ~attachments.c.id.in_(
        select(releases.c.attachment).where(
            releases.c.state.in_(("quarantined", "needs_password", "awaiting_approval"))
            | ((releases.c.state == "released") & (releases.c.treatment == "pass"))
        )
    )
    old_posted = attachments.c.message.is_not(None) & (attachments.c.at < posted_before) & judged
    old_unposted = attachments.c.message.is_(None) & (attachments.c.at < unposted_before)
    statement = select(attachments).where(~attachments.c.original_gone, old_posted | old_unposted).limit(limit)
    rows = (await connection.execute(statement)).all()
    wanted = {"ids": [row.id for row in rows]}
    return list(attachments_of(rows, (await connection.execute(_RELEASES, wanted)).all()).values())


async def known_blobs(connection: AsyncConnection) -> set[str]:
    """Every blob that a row names: what else lies in the folders is left over from a crash."""
    found = await comparison_blobs(connection)
    for column in (releases.c.blob, releases.c.thumbnail):
        found |= set((await connection.execute(select(column).where(column.is_not(None)))).scalars())
    found.discard(LATER)
    kept = select(attachments.c.blob).where(~attachments.c.original_gone)
    return found | set((await connection.execute(kept)).scalars())
