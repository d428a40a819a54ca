"""Rooms: the list, opening one, who is in it, coming and going."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rooms.commands import Command
from rooms.commands.gathering import ChangeMembers, OpenRoom
from rooms.perform import Outcome
from rooms.refusals import Refusal, refuse
from rooms.store.database import Database
from rooms.store.gathering import members_of
from server import wire
from server.directory import Directory
from server.on_record import on_record
from server.rooms_engine import list_rooms
from server.routes.http import Caller, Door, answer, body
from server.views import Viewer


class NewRoom(Struct, forbid_unknown_fields=True):
    kind: str
    name: str = ""
    members: list[str] = []
    zones: list[str] | None = None


class MemberChange(Struct, forbid_unknown_fields=True):
    add: list[str] = []
    remove: list[str] = []


class MemberView(Struct):
    login: str
    name: str
    org: str
    section: str


class RoomList(Struct):
    rooms: list[wire.RoomView]


class RoomWithMembers(wire.RoomView):
    members: list[MemberView]


class MemberCount(Struct):
    """How many people are in the room now."""

    members: int


class Rooms:
    def __init__(
        self, database: Database, viewer: Viewer, directory: Directory, submit: Callable[[Command], Awaitable[Outcome]]
    ) -> None:
        self._database = database
        self._viewer = viewer
        self._directory = directory
        self._submit = submit

    def routes(self, door: Door) -> list[Route]:
        return [
            Route("/rooms", door.known(self.list, "room.list"), methods=["GET"]),
            Route("/rooms", door.known(self.open, "room.open"), methods=["POST"]),
            Route("/rooms/{room}", door.known(self.show, "room.read"), methods=["GET"]),
            Route("/rooms/{room}/members", door.known(self.change, "room.members"), methods=["POST"]),
            Route("/rooms/{room}/leave", door.known(self.leave, "room.members"), methods=["POST"]),
        ]

    async def list(self, request: Request, caller: Caller) -> Response | Refusal:
        return answer(RoomList(await list_rooms(self._database, self._viewer, caller.person, caller.zone)))

    async def open(self, request: Request, caller: Caller) -> Response | Refusal:
        """201 for a new room, 200 for a direct room that was there."""
        sent = await body(request, NewRoom)
        if isinstance(sent, Refusal):
            return sent
        zones = frozenset(sent.zones) if sent.zones is not None else None
        chance = secrets.token_bytes(16)
        command = OpenRoom(caller.origin, sent.kind, sent.name, tuple(sent.members), chance, zones)
        opened = (await self._submit(command)).answer
        if isinstance(opened, Refusal):
            return on_record(opened)
        listed = await list_rooms(self._database, self._viewer, caller.person, caller.zone, opened.room.id)
        if not listed:
            return refuse("not_found")
        return answer(listed[0], 200 if opened.repeated else 201)

    async def show(self, request: Request, caller: Caller) -> Response | Refusal:
        """The room with its members."""
        room = request.path_params["room"]
        listed = await list_rooms(self._database, self._viewer, caller.person, caller.zone, room)
        if not listed:
            return refuse("not_found")
        async with self._database.read() as connection:
            members = await members_of(connection, room)
        people = [p for m in members if (p := self._directory.person(m.person)) is not None]
        views = [MemberView(p.login, p.name, p.organisation, p.section_name) for p in people]
        return answer(RoomWithMembers(**msgspec.structs.asdict(listed[0]), members=views))

    async def change(self, request: Request, caller: Caller) -> Response | Refusal:
        sent = await body(request, MemberChange)
        if isinstance(sent, Refusal):
            return sent
        room = request.path_params["room"]
        return await self._moved(ChangeMembers(caller.origin, room, tuple(sent.add), tuple(sent.remove)))

    async def leave(self, request: Request, caller: Caller) -> Response | Refusal:
        login = caller.live.person.login
        return await self._moved(ChangeMembers(caller.origin, request.path_params["room"], (), (login,)))

    async def _moved(self, command: ChangeMembers) -> Response | Refusal:
        moved = (await self._submit(command)).answer
        return on_record(moved) if isinstance(moved, Refusal) else answer(MemberCount(len(moved.members)))
