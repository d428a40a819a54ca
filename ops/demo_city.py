"""Feeding the sample city to an installation that does not run yet: the same commands as everyone's, at the
sample's own times.

Rules: talk happens in the order of its time over all rooms, so that the record's times only go forward;
attachments are laid in quarantine and judged by the real sanitizer once the server runs.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from typing import Any

from ops.demo_data import CITY, Room, Talk, sample_files
from rooms.commands import SERVER, Command, Origin
from rooms.commands.gathering import OpenRoom
from rooms.commands.people import AddOrganisation, AddPerson, AddSection
from rooms.commands.posting import PostMessage
from rooms.commands.receiving import ReceiveAttachment
from rooms.ids import make_id
from rooms.people import ADMINISTRATOR, AUDITOR
from rooms.perform import Clocks, Drain
from rooms.refusals import Refusal
from rooms.store.blobs import BlobFolder
from rooms.store.database import Database
from server.installation import load_keys, lock_folder, open_database, system_clocks
from server.passwords import Passwords
from server.settings import Settings
from server.terms import terms_of

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
PIECE = 200
KNOWN_ROLES = {"administrator": ADMINISTRATOR, "admin": ADMINISTRATOR, "auditor": AUDITOR}


class Furnisher:
    """The town under way: ids of people and rooms by the names the sample uses."""

    def __init__(self, database: Database, drain: Drain, clock: list[int], quarantine: BlobFolder) -> None:
        self._database = database
        self._drain = drain
        self._clock = clock
        self._quarantine = quarantine
        self.organisation = ""
        self.people: dict[str, str] = {}

    def all(self, commands: Sequence[Command]) -> list[Any]:
        """The answers; a sample that is refused is a mistake of the sample."""
        outcomes = self._database.run_here(lambda connection: self._drain(connection, commands))
        for outcome in outcomes:
            if isinstance(outcome.answer, Refusal):
                raise RuntimeError(f"the sample was refused: {outcome.answer.reason}: {outcome.command}")
        return [outcome.answer for outcome in outcomes]

    def do(self, command: Command) -> Any:
        return self.all([command])[0]

    def origin(self, login: str, zone: str) -> Origin:
        return Origin(zone=zone, person=self.people[login], device="demo", address="127.0.0.1")

    # The town --------------------------------------------------------------------------------------------------------

    def found(self, now: int) -> None:
        """The organisation, a day before the first word is said in it."""
        first = max(talk.minutes_ago for room in CITY.rooms for talk in room.talk)
        self._clock[0] = now - first * MINUTE - DAY
        self.organisation = self.do(AddOrganisation(SERVER, CITY.name, secrets.token_bytes(16))).id

    def settle(self, encoded: str) -> None:
        """Sections and people."""
        for person in CITY.people:
            section = self._section(person.section)
            roles = frozenset(KNOWN_ROLES[r] for r in person.roles if r in KNOWN_ROLES)
            command = AddPerson(
                SERVER, self.organisation, person.login, person.name, encoded, secrets.token_bytes(16), section, roles
            )
            self.people[person.login] = self.do(command).id

    def _section(self, name: str) -> str:
        path: tuple[str, ...] = ()
        parents = {section.name: section.parent for section in CITY.sections}
        above: str | None = name
        while above is not None:
            path = (above, *path)
            above = parents[above]
        section: str = self.do(AddSection(SERVER, self.organisation, path, secrets.token_bytes(16))).id
        return section

    def talk(self, now: int) -> None:
        """Every room, then every word, in the order of time."""
        rooms = [(room, self._open(room)) for room in CITY.rooms]
        files = sample_files()
        said = [(talk, room_id) for room, room_id in rooms for talk in room.talk]
        for number, (talk, room_id) in enumerate(sorted(said, key=lambda pair: -pair[0].minutes_ago)):
            self._clock[0] = max(self._clock[0] + 1, now - talk.minutes_ago * MINUTE)
            self._say(talk, room_id, number, files)

    def _open(self, room: Room) -> str:
        creator = room.members[0]
        zone = room.zones[0]
        others = tuple(member for member in room.members if member != creator)
        command = OpenRoom(
            self.origin(creator, zone), room.kind, room.name, others, secrets.token_bytes(16), frozenset(room.zones)
        )
        room_id: str = self.do(command).room.id
        return room_id

    def _say(self, talk: Talk, room: str, number: int, files: dict[str, bytes]) -> None:
        origin = self.origin(talk.author, talk.zone)
        attachments: tuple[str, ...] = ()
        if talk.attachment is not None:
            attachments = (self._attach(origin, room, talk.attachment, files[talk.attachment]),)
        cmid = f"demo-{number}"
        self.do(PostMessage(origin, room, cmid, talk.text, secrets.token_bytes(16), attachments))

    def _attach(self, origin: Origin, room: str, name: str, data: bytes) -> str:
        blob = make_id("blob", secrets.token_bytes(16))
        sha256, size = self._quarantine.put(blob, [data])
        command = ReceiveAttachment(origin, room, name, size, sha256, blob, secrets.token_bytes(16))
        attachment: str = self.do(command).id
        return attachment

    def crowd(self, count: int, encoded: str) -> None:
        """``load00001`` … for load tests; those who are there already stay."""
        organisation = self.do(AddOrganisation(SERVER, CITY.name, secrets.token_bytes(16))).id
        for first in range(1, count + 1, PIECE):
            logins = [f"load{n:05d}" for n in range(first, min(first + PIECE, count + 1))]
            commands = [
                AddPerson(SERVER, organisation, login, f"負荷試験 {login[4:]}", encoded, secrets.token_bytes(16))
                for login in logins
            ]
            self._database.run_here(lambda connection, these=commands: self._drain(connection, these))  # type: ignore[misc]


def furnish(settings: Settings, password: str, load: int, *, city: bool) -> None:
    """Create the sample city (``city``) and ``load`` people in the installation's folder, under its lock."""
    with lock_folder(settings.data) as folder:
        keys = load_keys(folder)
        database = open_database(folder)
        try:
            real = system_clocks()
            now = time.time_ns() // 1_000_000
            clock = [now]
            drain = Drain(terms_of(settings), Clocks(lambda: clock[0], real.mono, real.boot), keys)
            database.run_here(drain.open)
            furnisher = Furnisher(database, drain, clock, BlobFolder(folder / "quarantine"))
            if city:
                furnisher.found(now)
                furnisher.settle(Passwords(cheap=load > 0).encode(password))
                furnisher.talk(now)
            clock[0] = now
            if load:
                furnisher.crowd(load, Passwords(cheap=True).encode(password))
        finally:
            asyncio.run(database.close())
