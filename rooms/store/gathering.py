"""Rooms and their members."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    ScalarSelect,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from rooms.commands.gathering import ChangeMembers, OpenRoom
from rooms.decide.gathering import MembersMoved, RoomOpened
from rooms.people import normal_login
from rooms.room import Member, Room, direct_keys
from rooms.store.people import load_logins, load_people
from rooms.store.prepared import Prepared
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

MOST_UNREAD = 1_000
"""Nobody reads on from a larger number, and counting it would take long."""


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
    """A room as one member sees it. ``after``: what came up to there is not shown to this member. ``unread``: messages
    of others after ``read``, at most ``MOST_UNREAD``. ``other``: the other member of a direct room."""

    id: str
    kind: str
    name: str
    organisation: str
    zones: frozenset[str]
    head: int
    after: int
    read: int
    unread: int
    other: str | None


class Audience(NamedTuple):
    """How many people are in a room, and how many of them belong to another organisation than the room."""

    people: int
    foreign: int


def _unread(mine: FromClause, read: ColumnElement[int]) -> ScalarSelect[int]:
    """Counted no further than ``MOST_UNREAD``, by the events' own order."""
    first = case((mine.c.after > read, mine.c.after), else_=read)
    news = (
        select(literal(1))
        .where(
            events.c.room == mine.c.room,
            events.c.seq > first,
            events.c.kind == "message.posted",
            events.c.actor != mine.c.person,
        )
        .limit(MOST_UNREAD)
        .correlate(mine, read_marks)
        .subquery()
    )
    return select(func.count()).select_from(news).scalar_subquery()


_MINE = members.alias("mine")
_READ = func.coalesce(read_marks.c.seq, 0)
_OF_PERSON = (
    select(
        rooms.c.id, rooms.c.kind, rooms.c.name, rooms.c.organisation, rooms.c.zones, rooms.c.head,
        _MINE.c.after, _READ, _unread(_MINE, _READ),
    )
    .join(_MINE, (_MINE.c.room == rooms.c.id) & (_MINE.c.person == bindparam("person")))
    .outerjoin(read_marks, (read_marks.c.room == rooms.c.id) & (read_marks.c.person == _MINE.c.person))
    .order_by(rooms.c.name, rooms.c.id)
)  # fmt: skip
_ROOMS_OF = Prepared(_OF_PERSON, "person")
_ROOM_OF = Prepared(_OF_PERSON.where(rooms.c.id == bindparam("room")), "person", "room")
_OTHER = Prepared(
    select(members.c.room, members.c.person).where(
        members.c.room == bindparam("room"), members.c.person != bindparam("person")
    ),
    "room",
    "person",
)


def rooms_of(connection: Connection, person: str, zone: str, only: str | None = None) -> list[RoomOfPerson]:
    """The rooms that exist for the person in this zone, in the order of their names."""
    rows = _ROOMS_OF.find(connection, [(person,)]) if only is None else _ROOM_OF.find(connection, [(person, only)])
    found = [(row, zones) for row in rows if zone in (zones := split(row[4]))]
    others = dict(_OTHER.find(connection, ((row[0], person) for row, _ in found if row[1] == "direct")))
    return [
        RoomOfPerson(id_, kind, name, organisation, zones, head, after, read, unread, others.get(id_))
        for (id_, kind, name, organisation, _, head, after, read, unread), zones in found
    ]


_AUDIENCE = Prepared(
    select(
        members.c.room, func.count(), func.sum(case((people_table.c.organisation != rooms.c.organisation, 1), else_=0))
    )
    .join(people_table, people_table.c.id == members.c.person)
    .join(rooms, rooms.c.id == members.c.room)
    .where(members.c.room == bindparam("room"))
    .group_by(members.c.room),
    "room",
)


def audiences_of(connection: Connection, wanted: Iterable[str]) -> dict[str, Audience]:
    """Of many rooms of many people it takes long: keep the answer."""
    rows = _AUDIENCE.find(connection, ((room,) for room in wanted))
    return {room: Audience(people, foreign) for room, people, foreign in rows}


class Membership(NamedTuple):
    person: str
    after: int
    manager: bool


async def members_of(connection: AsyncConnection, room: str) -> list[Membership]:
    rows = await connection.execute(
        select(members.c.person, members.c.after, members.c.manager).where(members.c.room == room)
    )
    return [Membership(row.person, row.after, bool(row.manager)) for row in rows]


_MEMBERSHIP = Prepared(
    select(
        rooms.c.id, rooms.c.kind, rooms.c.name, rooms.c.organisation, rooms.c.zones, members.c.after, members.c.manager
    )
    .join(members, members.c.room == rooms.c.id)
    .where(rooms.c.id == bindparam("room"), members.c.person == bindparam("person")),
    "room",
    "person",
)


def room_for(connection: Connection, room: str, person: str, zone: str) -> tuple[Room, Member] | None:
    """The room and the person's membership, if the room exists for the person in this zone. ``members`` holds this
    person alone: who else is in it is another question (``members_of``)."""
    for id_, kind, name, organisation, written, after, manager in _MEMBERSHIP.find(connection, [(room, person)]):
        zones = split(written)
        member = Member(after, bool(manager))
        return (Room(id_, kind, name, organisation, zones, {person: member}), member) if zone in zones else None
    return None


def histories_of(connection: Connection, wanted: Iterable[str], person: str, zone: str) -> dict[str, int]:
    """For each of the rooms that exists for the person in this zone, the seq after which it may read."""
    rows = _MEMBERSHIP.find(connection, ((room, person) for room in wanted))
    return {row[0]: row[5] for row in rows if zone in split(row[4])}
