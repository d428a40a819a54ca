"""Campaign: ``kill -9`` of the storage writer, forked from a warm parent, 30 to 80 ms after its first acknowledgement.

Shows: what the real writer acknowledged is in the store after the kill, where it was said to be, once; rooms have no
gaps; nothing is there by half; the audit tree goes on from its kept head.

>>> python -m campaigns.kill_writer --cycles 10000 --folder DIR   # doctest: +SKIP

Each cycle: a child opens the store as a start does, holds it against everything that was acknowledged before, sends
again what was left unanswered, posts as fast as it can, and is killed; one kill in ten comes at any moment from the
fork on, so that opening and recovery are killed too. Every 100 cycles a child reads the whole store, runs
``integrity_check``, and a new installation is begun. A run that was ended goes on with the next hundred.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import select
import shutil
import signal
import sqlite3
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from campaigns.whole_store import Claim, Whole, assert_kept, integrity_check

from rooms.commands import SERVER, Origin
from rooms.commands.gathering import OpenRoom
from rooms.commands.noting import MakeCheckpoint
from rooms.commands.people import AddOrganisation, AddPerson
from rooms.commands.posting import PostMessage
from rooms.perform import Drain, Performer
from rooms.store.database import Database
from rooms.store.kept_head import KeptHead
from rooms.world import Posted, Terms
from server.installation import DATABASE, HEAD, KEYS, load_keys, lock_folder, open_database, system_clocks

PEOPLE = 8
ROOMS = 4
CYCLES_OF_ONE_STORE = 100
EARLIEST, LATEST = 0.030, 0.080
ANY_MOMENT = 0.1  # share of kills that come at any moment from the fork on
PATIENCE = 60.0  # seconds for a child that must say something


@dataclass
class Town:
    """Who posts where; ids of a store that every generation begins as a copy of."""

    people: list[str]
    rooms: list[str]


@dataclass
class Ledger:
    """What one store owes: ``unchecked`` claims were acknowledged since a child last held the store against them.
    ``next`` is each poster's next number: what has no answer is sent again under the same name.
    """

    unchecked: list[Claim] = field(default_factory=list)
    checked: list[Claim] = field(default_factory=list)
    next: list[int] = field(default_factory=lambda: [0] * (PEOPLE * ROOMS))
    checks: int = 0


class _Talk:
    """A child's only word to its parent: lines of JSON, each written whole (PIPE_BUF) before the next thing is done."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def say(self, *words: Any) -> None:
        os.write(self._descriptor, json.dumps(words).encode() + b"\n")


# The child -----------------------------------------------------------------------------------------------------------


def _no_more(error: BaseException) -> NoReturn:
    raise AssertionError("the storage failed") from error


def _performer(folder: Path, database: Database) -> Performer:
    return Performer(database, Drain(Terms(), system_clocks(), load_keys(folder)), lambda _: None, _no_more)


async def _write(folder: Path, town: Town, ledger: Ledger, talk: _Talk) -> None:
    """Open, check, then post until killed."""
    with lock_folder(folder):
        database = open_database(folder)
        drain = Drain(Terms(), system_clocks(), load_keys(folder))
        performer = Performer(database, drain, lambda _: None, _no_more)
        await performer.start()
        assert drain.sound, "the record contradicts the kept head"
        with closing(_reading(folder)) as reading:
            assert_kept(reading, ledger.unchecked)
            if ledger.checks % 10 == 0:
                Whole().read_on(reading)
        talk.say("checked")
        posters = [(person, room) for person in town.people for room in town.rooms]
        jobs = [_post(performer, talk, n, *place, ledger.next[n]) for n, place in enumerate(posters)]
        await asyncio.gather(*jobs, _sign(performer))


async def _post(performer: Performer, talk: _Talk, poster: int, person: str, room: str, number: int) -> None:
    origin = Origin("lgwan", person, "campaign", "127.0.0.1", "r")
    while True:
        client_msg_id = f"{poster}-{number}"
        command = PostMessage(origin, room, client_msg_id, f"第{number}報 避難所の状況", os.urandom(16))
        answer = (await performer.submit(command)).answer
        assert isinstance(answer, Posted), answer
        claim = Claim(person, room, client_msg_id, answer.message_id, answer.seq)
        talk.say("ack", poster, number, answer.repeated, claim)
        number += 1


async def _sign(performer: Performer) -> None:
    """Signed heads, far more often than in earnest, so that kills meet the moments around them."""
    while True:
        await asyncio.sleep(0.015)
        await performer.submit(MakeCheckpoint(SERVER))


def _reading(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{folder / DATABASE}?mode=ro", uri=True, isolation_level=None)


def _read_all(folder: Path, claims: list[Claim], talk: _Talk) -> None:
    """The whole store, as it is after the last kill."""
    with lock_folder(folder):
        database = open_database(folder)
        with closing(_reading(folder)) as reading:
            integrity_check(reading)
            whole = Whole()
            whole.read_on(reading)
            assert_kept(reading, claims)
        kept = KeptHead(folder / KEYS / HEAD).read()
        assert kept is not None and kept.size <= whole.frontier.size, "the kept head is ahead of the record"
        talk.say("whole", whole.messages, whole.frontier.size)
        database.close_writer()


# The parent ----------------------------------------------------------------------------------------------------------


@dataclass
class _Child:
    """A forked process and the lines it says; a line that the kill cut off does not count."""

    process: int
    pipe: int
    left: bytes = b""

    def lines(self, seconds: float) -> list[list[Any]] | None:
        """What it says within so many seconds at most; None when it has ended."""
        if not select.select([self.pipe], [], [], max(0.0, seconds))[0]:
            return []
        data = os.read(self.pipe, 1 << 16)
        if not data:
            return None
        *whole, self.left = (self.left + data).split(b"\n")
        return [json.loads(line) for line in whole]

    def rest(self) -> list[list[Any]]:
        """All that is left in the pipe; the child is gone."""
        said: list[list[Any]] = []
        while (lines := self.lines(PATIENCE)) is not None:
            said += lines
        os.close(self.pipe)
        os.waitpid(self.process, 0)
        return said


def _fork(work: Callable[[_Talk], None]) -> _Child:
    """``work`` in a child, which ends with it; what it raises is its last word."""
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return _Child(process, reading)
    status = 1
    try:
        os.close(reading)
        work(_Talk(writing))
        status = 0
    except BaseException:
        os.write(writing, b"\n" + json.dumps(["failed", traceback.format_exc()[-3000:]]).encode() + b"\n")
    finally:
        os._exit(status)


def cycle(folder: Path, town: Town, ledger: Ledger, chooser: random.Random) -> Counter[str]:
    """One child and its end; answers what it acknowledged (see ``_note``)."""
    child = _fork(lambda talk: asyncio.run(_write(folder, town, ledger, talk)))
    said: list[list[Any]] = []
    until = time.monotonic() + PATIENCE
    any_moment = chooser.random() < ANY_MOMENT
    if any_moment:
        until = time.monotonic() + chooser.uniform(0, LATEST)
    begun = any_moment
    while (left := until - time.monotonic()) > 0:
        lines = child.lines(left)
        if lines is None:
            break
        said += lines
        if not begun and any(word == "ack" for word, *_ in lines):
            begun = True
            until = time.monotonic() + chooser.uniform(EARLIEST, LATEST)
    os.kill(child.process, signal.SIGKILL)
    said += child.rest()
    assert begun or any(word == "failed" for word, *_ in said), "the child never came so far as to post"
    return _note(ledger, said)


def _note(ledger: Ledger, said: list[list[Any]]) -> Counter[str]:
    """``acknowledged``; of them ``repeated`` were durable when an earlier child died before it could say so."""
    acked: Counter[str] = Counter()
    for word, *more in said:
        assert word != "failed", more[0]
        if word == "checked":
            ledger.checked += ledger.unchecked
            ledger.unchecked = []
            ledger.checks += 1
        elif word == "ack":
            poster, number, repeated, claim = more
            ledger.unchecked.append(Claim(*claim))
            ledger.next[poster] = number + 1
            acked.update(acknowledged=1, repeated=int(repeated))
    return acked


def whole(folder: Path, ledger: Ledger) -> dict[str, int]:
    """Read the whole store in a child; raises AssertionError with what it found."""
    child = _fork(lambda talk: _read_all(folder, ledger.checked + ledger.unchecked, talk))
    for word, *more in child.rest():
        assert word == "whole", more[0]
        return {"messages": more[0], "leaves": more[1]}
    raise AssertionError("the child that read the whole store said nothing")


async def _found(folder: Path) -> Town:
    """An installation with people and rooms, closed again; it warms the parent up."""
    with lock_folder(folder):
        database = open_database(folder)
        performer = _performer(folder, database)
        await performer.start()
        answers = [(await performer.submit(AddOrganisation(SERVER, "霞ヶ浜市", os.urandom(16)))).answer]
        for n in range(PEOPLE):
            command = AddPerson(SERVER, answers[0].id, f"poster-{n}", "職員", "x", os.urandom(16))
            answers.append((await performer.submit(command)).answer)
        people = [person.id for person in answers[1:]]
        rooms = []
        for n in range(ROOMS):
            logins = tuple(f"poster-{i}" for i in range(PEOPLE))
            gather = OpenRoom(Origin("lgwan", people[0]), "group", f"室{n}", logins, os.urandom(16))
            rooms.append((await performer.submit(gather)).answer.room.id)
        await performer.submit(MakeCheckpoint(SERVER))
        await performer.close()
        await database.close()
    return Town(people, rooms)


def campaign(folder: Path, cycles: int, seed: int) -> dict[str, Any]:
    """Run up to ``cycles`` in all and answer the figures of all runs in this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.json"
    empty = {"cycles": 0, "acknowledged": 0, "repeated": 0, "messages": 0, "leaves": 0, "seconds": 0.0, "silent": 0}
    figures: dict[str, Any] = json.loads(state.read_text()) if state.exists() else empty
    template, store = folder / "template", folder / "store"
    shutil.rmtree(template, ignore_errors=True)
    town = asyncio.run(_found(template))
    while figures["cycles"] < cycles:
        begun = time.monotonic()
        shutil.rmtree(store, ignore_errors=True)
        shutil.copytree(template, store)
        ledger, chooser = Ledger(), random.Random(f"{seed} {figures['cycles']}")
        these = min(CYCLES_OF_ONE_STORE, cycles - figures["cycles"])
        acked = [cycle(store, town, ledger, chooser) for _ in range(these)]
        found = whole(store, ledger)
        figures["cycles"] += these
        figures["acknowledged"] += sum(one["acknowledged"] for one in acked)
        figures["repeated"] += sum(one["repeated"] for one in acked)
        figures["silent"] += sum(not one for one in acked)
        figures["messages"] += found["messages"]
        figures["leaves"] += found["leaves"]
        figures["seconds"] = round(figures["seconds"] + time.monotonic() - begun, 1)
        state.with_suffix(".partial").write_text(json.dumps(figures))
        state.with_suffix(".partial").rename(state)
        print(f"cycle {figures['cycles']}: {figures['acknowledged']} acknowledged", file=sys.stderr)
    return {**figures, "lost": 0, "twice": 0}


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cycles", type=int, default=10_000)
    arguments.add_argument("--folder", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    print(json.dumps(campaign(given.folder, given.cycles, given.seed), indent=2))
