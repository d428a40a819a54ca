"""Logging in and out, and who one is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rooms.commands import Command, Origin
from rooms.commands.sessions import EndSession
from rooms.people import Person
from rooms.perform import Outcome
from rooms.refusals import Refusal
from rooms.session import SessionTimes
from rooms.store.database import Database
from rooms.store.people import search_people
from rooms.zones import ZONE_NAMES, CrossingTable
from server import wire
from server.admission import set_cookie
from server.directory import Directory
from server.logins import Logins
from server.on_record import on_record
from server.routes.http import Caller, Door, answer, body, number
from server.sessions import Live

FOUND_AT_MOST = 50


class Login(Struct, forbid_unknown_fields=True):
    login: str
    password: str
    otp: str | None = None


class PersonView(Struct):
    """A person as others find it."""

    login: str
    name: str
    org: str
    org_name: str
    section: str


class PeopleFound(Struct):
    people: list[PersonView]


class ZoneView(Struct):
    """The zone of this listener. ``user`` is who is logged in, null for strangers."""

    zone: str
    name: str
    name_en: str
    languages: list[str]
    user: wire.User | None


class LoggedIn(Struct):
    """``token`` is told once: it works as ``Authorization: Bearer`` in ``zone`` alone."""

    token: str
    user: wire.User
    zone: str


class Me(Struct):
    user: wire.User
    zone: str


class LoggedOut(Struct):
    """Nothing more to say."""


class Accounts:
    def __init__(
        self,
        logins: Logins,
        directory: Directory,
        database: Database,
        times: SessionTimes,
        table: CrossingTable,
        submit: Callable[[Command], Awaitable[Outcome]],
    ) -> None:
        self._logins = logins
        self._directory = directory
        self._database = database
        self._times = times
        self._table = table
        self._submit = submit

    def routes(self, door: Door) -> list[Route]:
        return [
            Route("/zone", door.maybe(self.zone), methods=["GET"]),
            Route("/login", door.open(self.login), methods=["POST"]),
            Route("/logout", door.known(self.logout, "session.end"), methods=["POST"]),
            Route("/me", door.known(self.me, "me.read"), methods=["GET"]),
            Route("/people", door.known(self.people, "people.search"), methods=["GET"]),
        ]

    async def zone(self, request: Request, origin: Origin, caller: Caller | None) -> Response | Refusal:
        """Which zone this listener is, shown before login; and who is logged in already, so that a page that opens need
        not ask in order to be refused."""
        zone = origin.zone or ""
        ja, en = ZONE_NAMES[zone]
        user = self.user(caller.live) if caller is not None else None
        return answer(ZoneView(zone, ja, en, ["ja", "en"], user))

    async def login(self, request: Request, origin: Origin) -> Response | Refusal:
        sent = await body(request, Login)
        if isinstance(sent, Refusal):
            return sent
        entered = await self._logins.log_in(sent.login, sent.password, origin)
        if isinstance(entered, Refusal):
            return entered
        zone = entered.session.zone
        person = self._directory.person(entered.session.person)
        assert person is not None
        told = LoggedIn(entered.token, self._directory.user(person), zone)
        cookie = set_cookie(zone, entered.token, self._times.absolute // 1000)
        return answer(told, headers={"set-cookie": cookie})

    async def logout(self, request: Request, caller: Caller) -> Response | Refusal:
        ended = await self._submit(EndSession(caller.origin, caller.live.session.id, "logout"))
        if ended.refused:
            return on_record(ended.answer)
        return answer(LoggedOut(), headers={"set-cookie": set_cookie(caller.zone, "", 0)})

    async def me(self, request: Request, caller: Caller) -> Response | Refusal:
        return answer(Me(self.user(caller.live), caller.zone))

    def user(self, live: Live) -> wire.User:
        return self._directory.user(live.person)

    async def people(self, request: Request, caller: Caller) -> Response | Refusal:
        """Active people whose login, name or section holds the query."""
        limit = number(request, "limit", 20, 1, FOUND_AT_MOST)
        if isinstance(limit, Refusal):
            return limit
        query = request.query_params.get("q", "").strip()[:100]
        zones = self._table.read_in(caller.zone)
        async with self._database.read() as connection:
            found = await search_people(connection, query, limit or 20, zones) if query else []
        return answer(PeopleFound([person_view(person, self._directory) for person in found]))


def person_view(person: Person, directory: Directory) -> PersonView:
    """The person as others find it."""
    organisation = directory.organisation_name(person.organisation)
    return PersonView(person.login, person.name, person.organisation, organisation, person.section_name)
