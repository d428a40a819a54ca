"""First set-up: the holder of the one-time link names the organisation and becomes its first administrator."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rooms.commands import SERVER, Command, Origin
from rooms.commands.people import AddOrganisation, AddPerson
from rooms.people import ADMINISTRATOR
from rooms.perform import Outcome
from rooms.refusals import Refusal, refuse
from server.passwords import MAX_LENGTH, MIN_LENGTH, Passwords
from server.routes.http import Door, answer, body
from server.setup_link import SetupLink
from server.strangers import Strangers


class FirstAdministrator(Struct, forbid_unknown_fields=True):
    token: str
    organisation: str
    login: str
    name: str
    password: str


class FirstLogin(Struct):
    """The administrator was made and may log in."""

    login: str


class Setup:
    def __init__(
        self,
        link: SetupLink,
        passwords: Passwords,
        strangers: Strangers,
        submit: Callable[[Command], Awaitable[Outcome]],
        now: Callable[[], int],
    ) -> None:
        self._link = link
        self._passwords = passwords
        self._strangers = strangers
        self._submit = submit
        self._now = now
        self._one_at_a_time = asyncio.Lock()

    def routes(self, door: Door) -> list[Route]:
        return [Route("/setup", door.open(self.setup), methods=["POST"])]

    async def setup(self, request: Request, origin: Origin) -> Response | Refusal:
        sent = await body(request, FirstAdministrator)
        if isinstance(sent, Refusal):
            return sent
        waiting = self._strangers.must_wait(origin.address or "")
        if waiting is not None:
            return waiting
        async with self._one_at_a_time:
            if not self._link.fits(sent.token, self._now(), origin.zone or "", origin.address or ""):
                self._strangers.refused(origin, "wrong_login")
                return refuse("not_found")
            return await self._begin(sent)

    async def _begin(self, sent: FirstAdministrator) -> Response | Refusal:
        if not MIN_LENGTH <= len(sent.password) <= MAX_LENGTH:
            return refuse("weak_password")
        organisation = (await self._submit(AddOrganisation(SERVER, sent.organisation, secrets.token_bytes(16)))).answer
        if isinstance(organisation, Refusal):
            return organisation
        encoded = await asyncio.to_thread(self._passwords.encode, sent.password)
        command = AddPerson(
            SERVER, organisation.id, sent.login, sent.name, encoded, secrets.token_bytes(16),
            roles=frozenset({ADMINISTRATOR}),
        )  # fmt: skip
        person = (await self._submit(command)).answer
        if isinstance(person, Refusal):
            return person
        self._link.used()
        return answer(FirstLogin(person.login), 201)
