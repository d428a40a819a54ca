"""May this room be opened, may these people come or go, and what follows from it."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from rooms.commands.gathering import ChangeMembers, OpenRoom
from rooms.decide import Act, Change, Decision, actor, no
from rooms.decide.posting import EventAppended
from rooms.events import MembersChanged, RoomEvent
from rooms.ids import make_id
from rooms.my_number import find_my_numbers
from rooms.people import Person, normal_login, normal_name
from rooms.permissions import may_manage_members, membership
from rooms.refusals import Refusal, refuse
from rooms.room import MAX_MEMBERS, MAX_ROOM_NAME, Member, Room, direct_key, first_visible
from rooms.world import Terms, World

OPEN = "room.open"
CHANGE = "room.members"


class RoomOpened(Struct, frozen=True):
    """``direct`` is the pair's key, or None. ``by`` is the person who opened it."""

    room: Room
    by: str
    at: int
    direct: str | None

    def apply(self, world: World) -> None:
        world.rooms[self.room.id] = self.room
        world.heads[self.room.id] = 0
        if self.direct is not None:
            world.direct_rooms[self.direct] = self.room.id


class MembersMoved(Struct, frozen=True):
    """``room`` with its new members; ``joined`` and ``left`` are person ids."""

    room: Room
    joined: tuple[str, ...]
    left: tuple[str, ...]

    def apply(self, world: World) -> None:
        world.rooms[self.room.id] = self.room


class Opened(Struct, frozen=True):
    """The room, and whether it was there before."""

    room: Room
    repeated: bool


def people_named(world: World, logins: tuple[str, ...], *, inactive: bool = False) -> list[Person] | Refusal:
    """The active people (or all) behind the logins, each once, in the order given."""
    found: dict[str, Person] = {}
    for login in logins:
        person_id = world.logins.get(normal_login(login) or "")
        person = world.people.get(person_id) if person_id else None
        if person is None or not (person.active or inactive):
            return refuse("unknown_person")
        found[person.id] = person
    return list(found.values())


def open_room(world: World, command: OpenRoom, now: int, terms: Terms) -> Decision:
    """A new room with the creator in it; the same ``direct`` again is the same room."""
    person = actor(world, command)
    if isinstance(person, Refusal):
        return no(person, OPEN)
    people = people_named(world, command.members)
    if isinstance(people, Refusal):
        return no(people, OPEN)
    members = {person.id: person, **{p.id: p for p in people}}
    room = _new_room(person, members, command, terms)
    if isinstance(room, Refusal):
        return no(room, OPEN)
    if room.kind != "direct":
        return _opened(room, person, now, None)
    one, other = room.members
    key = direct_key(one, other, room.zones)
    there = world.rooms.get(world.direct_rooms.get(key) or "")
    return Decision(Opened(there, True)) if there is not None else _opened(room, person, now, key)


def _opened(room: Room, person: Person, now: int, key: str | None) -> Decision:
    act = Act(OPEN, room.id, notes={"kind": room.kind, "members": len(room.members)})
    return Decision(Opened(room, False), (RoomOpened(room, person.id, now, key),), act)


def _new_room(person: Person, members: dict[str, Person], command: OpenRoom, terms: Terms) -> Room | Refusal:
    zone = command.origin.zone or ""
    zones = _zones(command.zones, zone, terms)
    if isinstance(zones, Refusal):
        return zones
    name = "" if command.kind == "direct" else normal_name(command.name)
    if command.kind not in ("direct", "group", "channel") or name is None or len(name) > MAX_ROOM_NAME:
        return refuse("bad_room")
    if len(members) > MAX_MEMBERS or (command.kind == "direct" and len(members) != 2):
        return refuse("bad_room")
    if command.kind == "channel" and any(p.organisation != person.organisation for p in members.values()):
        return refuse("bad_room")
    if not all(p.zones & zones for p in members.values()):
        return refuse("unknown_person")
    if terms.table.needs_my_number_check(zone, zones) and find_my_numbers(name).sure:
        return refuse("my_number")
    joined = {person_id: Member(0, person_id == person.id) for person_id in members}
    return Room(make_id("room", command.chance), command.kind, name, person.organisation, zones, joined)  # type: ignore[arg-type]


def _zones(asked: frozenset[str] | None, zone: str, terms: Terms) -> frozenset[str] | Refusal:
    """By default every zone that the creator's zone has any exchange with."""
    if asked is None:
        table = terms.table
        return frozenset(
            z for z in terms.zones if table.text_may_be_read(zone, z) and table.text_may_be_read(z, zone)
        ) | {zone}
    if not asked or not asked <= terms.zones:
        return refuse("unknown_zone")
    return asked if zone in asked else refuse("unknown_zone")


def change_members(world: World, command: ChangeMembers, now: int, terms: Terms) -> Decision:
    """People join or leave; the room is told by an event in its own order."""
    person = actor(world, command)
    if isinstance(person, Refusal):
        return no(person, CHANGE, command.room)
    room = world.rooms.get(command.room)
    coming = people_named(world, command.add)
    going = people_named(world, command.remove, inactive=True)
    refusal = _may_change(person, room, command, going)
    if refusal is not None:
        return no(refusal, CHANGE, command.room)
    if isinstance(coming, Refusal):
        return no(coming, CHANGE, command.room)
    if isinstance(going, Refusal):
        return no(going, CHANGE, command.room)
    assert room is not None
    if room.kind == "channel" and any(p.organisation != room.organisation for p in coming):
        return no(refuse("bad_room"), CHANGE, command.room)
    if not all(p.zones & room.zones for p in coming):
        return no(refuse("unknown_person"), CHANGE, command.room)
    return _moved(world, room, person, command, now, [p.id for p in coming], [p.id for p in going])


def _may_change(
    person: Person, room: Room | None, command: ChangeMembers, going: list[Person] | Refusal
) -> Refusal | None:
    member = membership(person, room, command.origin.zone or "")
    if isinstance(member, Refusal):
        return member
    assert room is not None
    leaving = not command.add and isinstance(going, list) and [p.id for p in going] == [person.id]
    if leaving and room.kind != "direct":
        return None
    return may_manage_members(person, room, command.origin.zone or "", removing=bool(command.remove))


def _moved(
    world: World, room: Room, person: Person, command: ChangeMembers, now: int, coming: list[str], going: list[str]
) -> Decision:
    head = world.heads.get(room.id) or 0
    joined = tuple(p for p in coming if p not in room.members)
    left = tuple(p for p in going if p in room.members)
    if not joined and not left:
        return Decision(room)
    members = {p: m for p, m in room.members.items() if p not in left}
    members |= {p: Member(first_visible(room.kind, head)) for p in joined}
    if len(members) > MAX_MEMBERS:
        return no(refuse("bad_room"), CHANGE, room.id)
    changed = msgspec.structs.replace(room, members=members)
    event = RoomEvent(room.id, head + 1, now, person.id, command.origin.zone or "", MembersChanged(joined, left))
    changes: tuple[Change, ...] = (MembersMoved(changed, joined, left), EventAppended(event))
    act = Act(CHANGE, room.id, notes={"joined": len(joined), "left": len(left), "seq": head + 1})
    return Decision(changed, changes, act)
