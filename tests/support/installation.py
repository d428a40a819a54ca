"""A whole installation for tests: the real server over real sockets on loopback, two zones, the real jail, cheap
passwords. One a module is enough; the tests of a module share its people.

Rules: everything goes through the same commands and routes as everyone's; nothing of ours is replaced. Two things are
arguments, as they are in the product: the clock (``later`` moves it) and how full the disk is (``disk``). Every answer
to a client is held against ``openapi.json``.

>>> @pytest.fixture(scope="module", loop_scope="module")                 # doctest: +SKIP
... async def town(tmp_path_factory):
...     async with installed(tmp_path_factory.mktemp("town")) as town:
...         yield town
>>> sato = await town.login("sato", "internet")                          # doctest: +SKIP
>>> (await sato.get("rooms")).json()                                     # doctest: +SKIP
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import msgspec
from support.described import assert_described

from rooms.commands import SERVER, Command
from rooms.commands.people import AddOrganisation, AddPerson
from rooms.people import ADMINISTRATOR, AUDITOR, Person
from rooms.perform import Clocks, Drain
from rooms.refusals import Refusal
from sanitizer.supervisor import Supervisor
from server.app import API, Application
from server.binding import Bound, bind, bind_icap
from server.installation import DATABASE, load_keys, lock_folder, open_database
from server.listeners import serve
from server.settings import Settings, parse
from server.terms import LoadTest, scanner_of, terms_of

PASSWORD = "kasumi-gahama"
ZONES = ("internet", "lgwan")
PEOPLE: dict[str, tuple[str, frozenset[str]]] = {
    "sato": ("佐藤 美咲", frozenset()),
    "suzuki": ("鈴木 一郎", frozenset()),
    "tanaka": ("田中 花子", frozenset()),
    "admin": ("管理 太郎", frozenset({ADMINISTRATOR})),
    "auditor": ("監査 次郎", frozenset({AUDITOR})),
}


def settings_of(data: Path, extra: str = "", zones: Sequence[str] = ZONES, top: str = "") -> Settings:
    """Settings with one listener a zone on a free port. ``extra``: further tables, ``top``: further keys, in TOML."""
    listeners = "".join(f'[[listeners]]\nname = "{zone}"\nzone = "{zone}"\nhost = "127.0.0.1"\n' for zone in zones)
    text = f"data = {msgspec.json.encode(str(data)).decode()}\nproduction = false\n{top}\n{listeners}\n{extra}"
    settings = parse(text)
    assert isinstance(settings, Settings), str(settings)
    return settings


class Client(httpx.AsyncClient):
    """One person's (or nobody's) client in one zone; a path without a first ``/`` is below ``/api/v1/``."""

    login_name: str = ""
    zone: str = ""
    token: str = ""

    def build_request(self, method: str, url: httpx.URL | str, **options: Any) -> httpx.Request:
        if isinstance(url, str) and url.startswith("/"):
            url = f"{self.base_url.scheme}://{self.base_url.netloc.decode()}{url}"
        return super().build_request(method, url, **options)


class Installation:
    """A running server. ``people`` are the persons of ``PEOPLE`` by login, with ``PASSWORD``."""

    def __init__(self, settings: Settings, folder: Path, supervisor: Supervisor, bound: Sequence[Bound]) -> None:
        self.settings = settings
        self.folder = folder
        self.bound = bound
        self.supervisor = supervisor
        self.shift = 0
        self.step = 0
        self.disk = 0.1
        self.organisation = ""
        self.people: dict[str, Person] = {}
        self.stop = asyncio.Event()
        self._clients: list[Client] = []
        self.application: Application

    # The clock and the disk ----------------------------------------------------------------------------------------

    def now(self) -> int:
        return time.time_ns() // 1_000_000 + self.shift + self.step

    def mono(self) -> int:
        return time.monotonic_ns() + self.shift * 1_000_000

    def later(self, *, hours: float = 0, minutes: float = 0) -> None:
        """Time goes on; sessions may end by it."""
        self.shift += int((hours * 60 + minutes) * 60_000)

    def set_clock(self, *, hours: float) -> None:
        """Somebody sets the machine's clock; no time goes by."""
        self.step += int(hours * 3_600_000)

    def fill_disk(self, share: float) -> None:
        """From now on the disk looks as full as this."""
        self.disk = share
        self.application.storage.look()

    @asynccontextmanager
    async def jail_busy(self) -> AsyncIterator[None]:
        """Every place of the sanitizer is taken: whatever comes waits in quarantine until the block ends."""
        places = self.supervisor._places
        for _ in range(self.settings.sanitizer.workers):
            await places.acquire()
        try:
            yield
        finally:
            for _ in range(self.settings.sanitizer.workers):
                places.release()

    # People ----------------------------------------------------------------------------------------------------------

    async def do(self, command: Command) -> Any:
        """The answer of a command, performed by the server itself."""
        return (await self.application.performer.submit(command)).answer

    async def add(self, login: str, name: str = "職員", roles: frozenset[str] = frozenset(), **more: Any) -> Person:
        """A person of the town; ``organisation`` may name another one by its name."""
        organisation = more.pop("organisation", None)
        owner = self.organisation if organisation is None else await self.found(organisation)
        encoded = self.application.passwords.encode(PASSWORD)
        command = AddPerson(SERVER, owner, login, name, encoded, secrets.token_bytes(16), None, roles, **more)
        person = await self.do(command)
        assert isinstance(person, Person), person
        self.people[login] = person
        return person

    async def found(self, name: str) -> str:
        """The organisation of that name."""
        answer = await self.do(AddOrganisation(SERVER, name, secrets.token_bytes(16)))
        assert not isinstance(answer, Refusal), answer
        identity: str = answer.id
        return identity

    # Clients ---------------------------------------------------------------------------------------------------------

    def url(self, zone: str) -> str:
        return next(one.url for one in self.bound if one.listener.zone == zone)

    def port(self, zone: str) -> int:
        return int(self.url(zone).rpartition(":")[2])

    def anonymous(self, zone: str = "internet") -> Client:
        """Nobody's client; it keeps no cookies that it is not given."""
        client = Client(base_url=f"{self.url(zone)}{API}/", timeout=20, trust_env=False)
        client.zone = zone
        client.event_hooks = {"response": [assert_described]}
        self._clients.append(client)
        return client

    async def login(self, login: str, zone: str = "internet", password: str = PASSWORD) -> Client:
        """A client with a bearer token of the zone."""
        client = self.anonymous(zone)
        answered = await client.post("login", json={"login": login, "password": password})
        assert answered.status_code == 200, answered.text
        client.cookies.clear()
        client.login_name, client.token = login, answered.json()["token"]
        client.headers["authorization"] = f"Bearer {client.token}"
        return client

    async def close_clients(self) -> None:
        for client in self._clients:
            await client.aclose()

    # What is on record -----------------------------------------------------------------------------------------------

    def leaves(self, action: str | None = None) -> list[dict[str, Any]]:
        """The audit leaves in order, of one action or all, as they are stored."""
        with closing(sqlite3.connect(f"file:{self.folder / DATABASE}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT leaf FROM audit_leaves ORDER BY idx").fetchall()
        found = [json.loads(row[0]) for row in rows]
        return [leaf for leaf in found if action is None or leaf["action"] == action]

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a read-only look into the database finds."""
        with closing(sqlite3.connect(f"file:{self.folder / DATABASE}?mode=ro", uri=True)) as database:
            return database.execute(statement, values).fetchall()


@asynccontextmanager
async def installed(
    folder: Path,
    *,
    extra: str = "",
    top: str = "",
    zones: Sequence[str] = ZONES,
    load: LoadTest | None = None,
    people: bool = True,
) -> AsyncIterator[Installation]:
    """Serve a (new or existing) installation in ``folder`` until the block ends."""
    load = LoadTest(True) if load is None else load
    settings = settings_of(folder, extra, zones, top)
    with lock_folder(folder):
        bound, icap = bind(settings.listeners), bind_icap(settings.icap)
        assert isinstance(bound, list), bound
        assert icap is None or isinstance(icap, socket.socket), icap
        supervisor = Supervisor(workers=settings.sanitizer.workers, scanner=scanner_of(settings))
        supervisor.start()
        town = Installation(settings, folder, supervisor, bound)
        drain = Drain(terms_of(settings, load), Clocks(town.now, town.mono, "boot"), load_keys(folder))
        database = open_database(folder)
        application = Application(settings, folder, database, drain, supervisor, load)
        application.storage.share = lambda: town.disk
        application.icap_socket = icap
        town.application = application
        await application.start()
        ready = asyncio.Event()
        running = asyncio.create_task(
            serve(
                bound, application.asgi, application.endpoint, on_drain=[application.close, supervisor.close],
                ready=lambda _: ready.set(), stop=town.stop, signals=False, drain_seconds=4,
            )
        )  # fmt: skip
        await ready.wait()
        try:
            if people:
                await _people(town)
            yield town
        finally:
            await town.close_clients()
            town.stop.set()
            await running


async def _people(town: Installation) -> None:
    """Founding is idempotent, so an existing folder keeps its people."""
    town.organisation = await town.found("霞ヶ浜市")
    known = {row[0] for row in town.rows("SELECT login FROM people")}
    for login, (name, roles) in PEOPLE.items():
        if login not in known:
            await town.add(login, name, roles)
