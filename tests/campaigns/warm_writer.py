"""The real storage writer in a forked child, as the campaigns that kill it, cut its power or starve it run it.

Rules: a life opens the store as a start of the server does, holds it against everything that was acknowledged before
it, sends again what was left unanswered, and writes as fast as it can until it is ended; posts and files are claims
(``Ledger``) from the moment the caller heard yes.

>>> town = asyncio.run(found(folder))                                        # doctest: +SKIP
>>> child = fork(lambda talk: asyncio.run(Life(folder, town, ledger, talk).run()))   # doctest: +SKIP
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from campaigns.forked import Talk
from campaigns.whole_store import Claim, FileClaim, Whole, assert_files_kept, assert_kept, integrity_check

from rooms.attachment import Attachment
from rooms.commands import SERVER, Origin
from rooms.commands.gathering import OpenRoom
from rooms.commands.noting import MakeCheckpoint
from rooms.commands.people import AddOrganisation, AddPerson
from rooms.commands.posting import PostMessage
from rooms.perform import Drain, Performer
from rooms.store.blobs import BlobFolder
from rooms.store.database import MOST_IN_LOG, Database
from rooms.store.kept_head import KeptHead
from rooms.world import Posted, Terms
from server.housekeeping import sweep_folders
from server.installation import DATABASE, HEAD, KEYS, load_keys, lock_folder, open_database, system_clocks
from server.load import Load
from server.receiving import Received, Receiving

QUARANTINE = "quarantine"
LARGEST_FILE = 64 << 10


@dataclass
class Town:
    """Who posts where; ids of a store that every generation begins as a copy of."""

    people: list[str]
    rooms: list[str]

    def posters(self) -> list[tuple[str, str]]:
        return [(person, room) for person in self.people for room in self.rooms]


@dataclass
class Ledger:
    """What one store owes: ``unchecked`` claims were acknowledged since a child last held the store against them.
    ``next`` is each poster's next number: what has no answer is sent again under the same name.
    """

    unchecked: list[Claim] = field(default_factory=list)
    checked: list[Claim] = field(default_factory=list)
    unchecked_files: list[FileClaim] = field(default_factory=list)
    checked_files: list[FileClaim] = field(default_factory=list)
    next: dict[int, int] = field(default_factory=dict)
    checks: int = 0

    def note(self, said: list[list[Any]]) -> Counter[str]:
        """``acknowledged``; of them ``repeated`` were durable when an earlier child ended before it could say so.
        Raises AssertionError with what a child died of.
        """
        acked: Counter[str] = Counter()
        for word, *more in said:
            assert word != "failed", more[0]
            if word == "checked":
                self._all_checked()
            elif word == "ack":
                poster, number, repeated, claim = more
                self.unchecked.append(Claim(*claim))
                self.next[poster] = number + 1
                acked.update(acknowledged=1, repeated=int(repeated))
            elif word == "file":
                self.unchecked_files.append(FileClaim(*more))
                acked.update(files=1)
        return acked

    def _all_checked(self) -> None:
        self.checked += self.unchecked
        self.checked_files += self.unchecked_files
        self.unchecked, self.unchecked_files = [], []
        self.checks += 1

    def claims(self) -> tuple[list[Claim], list[FileClaim]]:
        return self.checked + self.unchecked, self.checked_files + self.unchecked_files


def _no_more(error: BaseException) -> NoReturn:
    raise AssertionError("the storage failed") from error


def performer(folder: Path, database: Database) -> Performer:
    return Performer(database, Drain(Terms(), system_clocks(), load_keys(folder)), lambda _: None, _no_more)


def reading(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{folder / DATABASE}?mode=ro", uri=True, isolation_level=None)


@dataclass
class Life:
    """One child's life. ``uploaders`` send files beside the posters; ``only_look`` ends it after the check;
    ``synchronous`` other than FULL exists in campaigns alone, as the control that must lose; with fewer pages than
    is usual in ``autocheckpoint``, what is rare in earnest comes often; ``watched``: a reader is there before the
    writer, as a doctor or a backup may be.
    """

    folder: Path
    town: Town
    ledger: Ledger
    talk: Talk
    uploaders: int = 0
    synchronous: str = "FULL"
    autocheckpoint: int = MOST_IN_LOG
    only_look: bool = False
    watched: bool = False

    async def run(self) -> None:
        """Open, check, then write until ended."""
        with lock_folder(self.folder), ExitStack() as watching:
            if self.watched:
                reader = watching.enter_context(closing(reading(self.folder)))
                reader.execute("SELECT count(*) FROM rooms").fetchone()
            keys = load_keys(self.folder)
            database = open_database(self.folder)
            set_up(database, self.synchronous, self.autocheckpoint)
            quarantine = BlobFolder(self.folder / QUARANTINE)
            await sweep_folders(database, quarantine)
            drain = Drain(Terms(), system_clocks(), keys)
            writer = Performer(database, drain, lambda _: None, _no_more)
            await writer.start()
            assert drain.sound, "the record contradicts the kept head"
            self._check(quarantine)
            self.talk.say("checked")
            if self.only_look:
                return
            receiving = Receiving(database, quarantine, writer.submit, lambda: True, LARGEST_FILE, Load())
            posts = [self._post(writer, n, *place) for n, place in enumerate(self.town.posters())]
            uploads = [self._upload(receiving, n) for n in range(self.uploaders)]
            await asyncio.gather(*posts, *uploads, self._sign(writer, database))

    def _check(self, quarantine: BlobFolder) -> None:
        with closing(reading(self.folder)) as database:
            assert_kept(database, self.ledger.unchecked)
            assert_files_kept(database, quarantine, self.ledger.unchecked_files)
            if self.ledger.checks % 10 == 0:
                Whole().read_on(database)

    async def _post(self, writer: Performer, poster: int, person: str, room: str) -> None:
        origin = Origin("lgwan", person, "campaign", "127.0.0.1", "r")
        number = self.ledger.next.get(poster, 0)
        while True:
            client_msg_id = f"{poster}-{number}"
            command = PostMessage(origin, room, client_msg_id, f"第{number}報 避難所の状況", os.urandom(16))
            answer = (await writer.submit(command)).answer
            assert isinstance(answer, Posted), answer
            claim = Claim(person, room, client_msg_id, answer.message_id, answer.seq)
            self.talk.say("ack", poster, number, answer.repeated, claim)
            number += 1

    async def _upload(self, receiving: Receiving, uploader: int) -> None:
        person, room = self.town.posters()[uploader]
        origin = Origin("lgwan", person, "campaign", "127.0.0.1", "r")
        while True:
            received = await receiving.stream(_some_file())
            assert isinstance(received, Received), received
            kept = await receiving.record(origin, room, "被害状況.txt", received)
            assert isinstance(kept, Attachment), kept
            self.talk.say("file", kept.id, received.blob, received.sha256, received.size)

    async def _sign(self, writer: Performer, database: Database) -> None:
        """Signed heads, and logs taken over, far more often than in earnest, so that ends meet the moments around
        them.
        """
        for number in itertools.count():
            await asyncio.sleep(0.015)
            await writer.submit(MakeCheckpoint(SERVER))
            if number % 4 == 3:
                await database.settle()


def set_up(database: Database, synchronous: str = "FULL", autocheckpoint: int = MOST_IN_LOG) -> None:
    """What a campaign has otherwise than the product, on the writer's one connection, outside of a transaction."""

    def change(connection: Any) -> int:
        raw = connection.connection.driver_connection
        raw.execute(f"PRAGMA wal_autocheckpoint={autocheckpoint}")
        if synchronous != "FULL":
            raw.execute(f"PRAGMA synchronous={synchronous}")
        return int(raw.execute("PRAGMA synchronous").fetchone()[0])

    assert database.run_here(change) == {"NORMAL": 1, "FULL": 2}[synchronous]


async def _some_file() -> AsyncIterator[bytes]:
    """A file of any size in one to three pieces."""
    for _ in range(random.randrange(1, 4)):
        yield os.urandom(random.randrange(1, LARGEST_FILE // 3))


def read_all(folder: Path, claims: list[Claim], files: list[FileClaim], talk: Talk) -> None:
    """The whole store, as it is after the last end."""
    with lock_folder(folder):
        database = open_database(folder)
        with closing(reading(folder)) as found:
            integrity_check(found)
            whole = Whole()
            whole.read_on(found)
            assert_kept(found, claims)
            assert_files_kept(found, BlobFolder(folder / QUARANTINE), files)
        kept = KeptHead(folder / KEYS / HEAD).read()
        assert kept is not None and kept.size <= whole.frontier.size, "the kept head is ahead of the record"
        talk.say("whole", whole.messages, whole.frontier.size)
        database.close_writer()


async def found(folder: Path, people: int = 8, rooms: int = 4) -> Town:
    """An installation with people and rooms, closed again; it warms the parent up."""
    with lock_folder(folder):
        database = open_database(folder)
        writer = performer(folder, database)
        await writer.start()
        answers = [(await writer.submit(AddOrganisation(SERVER, "霞ヶ浜市", os.urandom(16)))).answer]
        for n in range(people):
            command = AddPerson(SERVER, answers[0].id, f"poster-{n}", "職員", "x", os.urandom(16))
            answers.append((await writer.submit(command)).answer)
        town = Town([person.id for person in answers[1:]], [])
        for n in range(rooms):
            logins = tuple(f"poster-{i}" for i in range(people))
            gather = OpenRoom(Origin("lgwan", town.people[0]), "group", f"室{n}", logins, os.urandom(16))
            town.rooms.append((await writer.submit(gather)).answer.room.id)
        await writer.submit(MakeCheckpoint(SERVER))
        await writer.close()
        await database.close()
    return town
