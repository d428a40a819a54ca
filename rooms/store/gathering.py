"""Rooms and their members."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rooms.commands.gathering import ChangeMembers, OpenRoom
from rooms.decide.gathering import MembersMoved, RoomOpened
from rooms.people import normal_login
from rooms.room import Member, Room, direct_keys
from rooms.store.people import load_logins, load_people
from rooms.store.schema import events, members, read_marks, rooms
from rooms.store.schema import people as people_table
from rooms.store.words import join, split
from rooms.world import World

_ROOMS = select(rooms.c.id, rooms.c.kind, rooms.c.name, rooms.c.organisation, rooms.c.zones, rooms.c.head).where(
    rooms.c.id.in_(bindparam("ids", expanding=True))
)
_MEMBERS = select(members.c.room, members.c.person, members.c.after, members.c.manager).where(
    members.c.room.in_(bindparam("ids", expanding=True))
)

_UNREAD = select(func.count()).where(
    events.c.room == bindparam("room"),
    events.c.seq > bindparam("after"),
    events.c.kind == "message.posted",
    events.c.actor != bindparam("person"),
)


def load_rooms(connection: Connection, ids: Iterable[str], world: World) -> None:
    """Rooms with their members and heads; an id that names nothing is known not to exist."""
    missing = {i for i in ids if not world.rooms.known(i)}
    if not missing:
        return
    wanted = {"ids": list(missing)}
    inside: dict[str, dict[str, Member]] = {room_id: {} for room_id in missing}
    for room, person, after, manager in connection.execute(_MEMBERS, wanted):
        inside[room][person] = Member(after, bool(manager))
    for row in connection.execute(_ROOMS, wanted):
        world.rooms[row.id] = Room(row.id, row.kind, row.name, row.organisation, split(row.zones), inside[row.id])
        world.heads[row.id] = row.head
    for room_id in missing:
        if not world.rooms.known(room_id):
            world.rooms[room_id] = None


def load_open_room(connection: Connection, commands: Sequence[OpenRoom], world: World) -> None:
    load_people(connection, (c.origin.person for c in commands), world)
    load_logins(connection, (login for c in commands for login in c.members), world)
    keys = []
    for command in commands:
        if command.kind == "direct" and command.origin.person:
            others = {world.logins.get(normal_login(login) or "") for login in command.members} - {None}
            keys += [key for other in others if other for key in direct_keys(command.origin.person, other)]
    if not keys:
        return
    rows = list(connection.execute(select(rooms.c.direct_key, rooms.c.id).where(rooms.c.direct_key.in_(keys))))
    load_rooms(connection, (row.id for row in rows), world)
    for row in rows:
        world.direct_rooms[row.direct_key] = row.id


def load_change_members(connection: Connection, commands: Sequence[ChangeMembers], world: World) -> None:
    load_people(connection, (c.origin.person for c in commands), world)
    load_logins(connection, (login for c in commands for login in (*c.add, *c.remove)), world)
    load_rooms(connection, (c.room for c in commands), world)


def write_rooms(connection: Connection, changes: Sequence[RoomOpened]) -> None:
    connection.execute(
        insert(rooms),
        [
            {
                "id": c.room.id,
                "kind": c.room.kind,
                "name": c.room.name,
                "organisation": c.room.organisation,
                "zones": join(c.room.zones),
                "head": 0,
                "direct_key": c.direct,
                "opened_by": c.by,
                "opened_at": c.at,
            }
            for c in changes
        ],
    )
    connection.execute(insert(members), [row for c in changes for row in _member_rows(c.room, c.room.members)])


def _member_rows(room: Room, people: Iterable[str]) -> list[dict[str, Any]]:
    return [
        {"room": room.id, "person": p, "after": room.members[p].after, "manager": room.members[p].manager}
        for p in people
    ]


def write_members(connection: Connection, changes: Sequence[MembersMoved]) -> None:
    for change in changes:
        if change.left:
            gone = members.c.person.in_(change.left)
            connection.execute(delete(members).where(members.c.room == change.room.id, gone))
        if change.joined:
            connection.execute(insert(members), _member_rows(change.room, change.joined))


class RoomOfPerson(NamedTuple):
    """A room as one member sees it. ``after``: what came up to there is not shown to this member. ``other``: the other
    member of a direct room."""

    id: str
    kind: str
    name: str
    organisation: str
    zones: frozenset[str]
    head: int
    after: int
    read: int
    members: int
    foreign: int
    other: str | None


async def rooms_of(connection: AsyncConnection, person: str, zone: str, only: str | None = None) -> list[RoomOfPerson]:
    """The rooms that exist for the person in this zone, in the order of their names."""
    mine = members.alias("mine")
    read = func.coalesce(read_marks.c.seq, 0)
    statement = (
        select(rooms, mine.c.after, read.label("read"))
        .join(mine, (mine.c.room == rooms.c.id) & (mine.c.person == person))
        .outerjoin(read_marks, (read_marks.c.room == rooms.c.id) & (read_marks.c.person == person))
        .order_by(rooms.c.name, rooms.c.id)
    )
    if only is not None:
        statement = statement.where(rooms.c.id == only)
    found = [row for row in await connection.execute(statement) if zone in split(row.zones)]
    ids = [row.id for row in found]
    counts = (
        select(members.c.room, people_table.c.organisation, func.count())
        .join(people_table, people_table.c.id == members.c.person)
        .where(members.c.room.in_(ids))
        .group_by(members.c.room, people_table.c.organisation)
    )
    inside: dict[str, dict[str, int]] = {}
    for room, organisation, count in await connection.execute(counts):
        inside.setdefault(room, {})[organisation] = count
    others = await _others(connection, [row.id for row in found if row.kind == "direct"], person)
    return [
        RoomOfPerson(
            row.id, row.kind, row.name, row.organisation, split(row.zones), row.head, row.after, row.read,
            sum(inside[row.id].values()),
            sum(n for organisation, n in inside[row.id].items() if organisation != row.organisation),
            others.get(row.id),
        )
        for row in found
    ]  # fmt: skip


async def _others(connection: AsyncConnection, direct: list[str], person: str) -> dict[str, str]:
    statement = select(members.c.room, members.c.person).where(members.c.room.in_(direct), members.c.person != person)
    return {row.room: row.person for row in await connection.execute(statement)}


async def unread_messages(
    connection: AsyncConnection, person: str, rooms_after: Sequence[tuple[str, int]]
) -> dict[str, int]:
    """Messages of others after the given seq, per room; rooms without any are left out."""
    unread: dict[str, int] = {}
    for room, after in rooms_after:
        count = (await connection.execute(_UNREAD, {"room": room, "after": after, "person": person})).scalar_one()
        if count:
            unread[room] = count
    return unread


class Membership(NamedTuple):
    person: str
    after: int
    manager: bool


async def members_of(connection: AsyncConnection, room: str) -> list[Membership]:
    rows = await connection.execute(
        select(members.c.person, members.c.after, members.c.manager).where(members.c.room == room)
    )
    return [Membership(row.person, row.after, bool(row.manager)) for row in rows]


async def room_for(connection: AsyncConnection, room: str, person: str, zone: str) -> tuple[Room, Member] | None:
    """The room and the person's membership, if the room exists for the person in this zone. ``members`` holds this
    person alone: who else is in it is another question (``members_of``)."""
    statement = (
        select(rooms, members.c.after, members.c.manager)
        .join(members, (members.c.room == rooms.c.id) & (members.c.person == person))
        .where(rooms.c.id == room)
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is None or zone not in split(row.zones):
        return None
    member = Member(row.after, bool(row.manager))
    return Room(row.id, row.kind, row.name, row.organisation, split(row.zones), {person: member}), member
