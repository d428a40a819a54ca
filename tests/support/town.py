"""A small town over a real store: a migrated database, keys, a performer."""

from __future__ import annotations

import itertools
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rooms.audit import NoteSigner
from rooms.commands import SERVER, Command, Origin
from rooms.commands.gathering import OpenRoom
from rooms.commands.people import AddPerson
from rooms.commands.posting import PostMessage
from rooms.people import Person
from rooms.perform import Clocks, Drain, Keys, Outcome, Performer
from rooms.refusals import Refusal
from rooms.room import Room
from rooms.store.database import Database
from rooms.store.migrate import migrate
from rooms.world import Posted, Terms

CHECKPOINT_SEED = bytes(range(32))
RECEIPT_SEED = bytes(range(32, 64))
NOON = 1_700_000_000_000


def chance() -> bytes:
    return os.urandom(16)


@dataclass
class Town:
    """One organisation over a real store. ``do`` performs a command; ``told`` keeps every outcome in order."""

    folder: Path
    database: Database
    performer: Performer
    drain: Drain
    told: list[Outcome]
    organisation: str = ""
    people: dict[str, Person] = field(default_factory=dict)
    ticks: Any = field(default_factory=itertools.count)

    async def do(self, command: Command) -> Any:
        return (await self.performer.submit(command)).answer

    async def add(self, login: str, name: str = "職員", **more: Any) -> Person:
        command = AddPerson(SERVER, self.organisation, login, name, "x", chance(), **more)
        person = await self.do(command)
        assert isinstance(person, Person)
        self.people[login] = person
        return person

    def origin(self, login: str, zone: str = "lgwan") -> Origin:
        return Origin(zone, self.people[login].id, "test", "127.0.0.1", "req")

    async def room(self, by: str, *members: str, kind: str = "group", zone: str = "lgwan", name: str = "防災") -> Room:
        answer = await self.do(OpenRoom(self.origin(by, zone), kind, name, members, chance()))
        assert not isinstance(answer, Refusal)
        room: Room = answer.room
        return room

    def post(self, by: str, room: str, text: str, cmid: str | None = None, zone: str = "lgwan", **more: Any) -> Command:
        cmid = cmid if cmid is not None else f"c-{next(self.ticks)}"
        return PostMessage(self.origin(by, zone), room, cmid, text, chance(), **more)

    async def posted(self, by: str, room: str, text: str, **more: Any) -> Posted:
        answer = await self.do(self.post(by, room, text, **more))
        assert isinstance(answer, Posted), answer
        return answer


def fatal(error: BaseException) -> None:
    raise AssertionError("the storage failed") from error


async def open_town(folder: Path, terms: Terms | None = None) -> Town:
    """Open (or make) the town whose database is in ``folder``."""
    path = folder / "sekisho.db"
    migrate(path, folder)
    database = Database(path)
    ticks = itertools.count()
    clocks = Clocks(lambda: NOON + next(ticks), time.monotonic_ns, "boot")
    keys = Keys("sekisho.test/audit", NoteSigner(CHECKPOINT_SEED, "sekisho.test/audit"), RECEIPT_SEED)
    drain = Drain(terms or Terms(), clocks, keys)
    told: list[Outcome] = []
    performer = Performer(database, drain, told.extend, fatal)
    await performer.start()
    return Town(folder, database, performer, drain, told)
