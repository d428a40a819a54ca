"""How many durable messages a second the writer takes, each with its event, state, audit leaf and outbox row.

Reference in the same run: bare ``executemany`` of one 200-byte row a message, with the same commits and the same
number of senders.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from rooms.audit import NoteSigner
from rooms.commands import SERVER, Origin
from rooms.commands.gathering import OpenRoom
from rooms.commands.people import AddOrganisation, AddPerson
from rooms.commands.posting import PostMessage
from rooms.perform import Drain, Keys, Performer
from rooms.store.database import Database
from rooms.store.migrate import migrate
from rooms.world import Posted, Terms
from server.installation import system_clocks

SENDERS = 256
POSTS_EACH = 40
RUNS = 5
TEXT = "議事録を共有フォルダに置きました。ご確認ください。" * 3


def figures() -> dict[str, Any]:
    """Median of five runs: messages per second of wall time and of CPU time, and the ratio to the bare rows."""
    runs = [_run() for _ in range(RUNS)]
    bare = [_bare() for _ in range(RUNS)]
    result: dict[str, Any] = {key: round(statistics.median(r[key] for r in runs)) for key in runs[0]}
    result |= {f"bare_{key}": round(statistics.median(r[key] for r in bare)) for key in bare[0]}
    result["messages_per_cpu_second_to_bare"] = round(
        result["messages_per_cpu_second"] / result["bare_messages_per_cpu_second"], 3
    )
    return result | {"senders": SENDERS, "messages": SENDERS * POSTS_EACH, "runs": RUNS}


def _rates(count: int, wall: float, cpu: float) -> dict[str, float]:
    return {"messages_per_second": count / wall, "messages_per_cpu_second": count / cpu}


def _run() -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="sekisho-bench-") as folder:
        return asyncio.run(_post_all(Path(folder)))


async def _post_all(folder: Path) -> dict[str, float]:
    path = folder / "sekisho.db"
    migrate(path, folder)
    database = Database(path)
    signer = NoteSigner(os.urandom(32), "bench")
    drain = Drain(Terms(), system_clocks(), Keys("bench", signer, os.urandom(32)))
    performer = Performer(database, drain, lambda outcomes: None, _fatal)
    await performer.start()
    pairs = await _pairs(performer)
    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(_sender(performer, person, room) for person, room in pairs))
    rates = _rates(SENDERS * POSTS_EACH, time.perf_counter() - wall, time.process_time() - cpu)
    await performer.close()
    await database.close()
    return rates


def _fatal(error: BaseException) -> None:
    raise SystemExit(f"the storage failed: {error}")


async def _pairs(performer: Performer) -> list[tuple[str, str]]:
    """256 people in 128 rooms of two."""
    organisation = (await performer.submit(AddOrganisation(SERVER, "bench", os.urandom(16)))).answer.id
    adding = [
        performer.submit(AddPerson(SERVER, organisation, f"p{n}", f"p{n}", "x", os.urandom(16))) for n in range(SENDERS)
    ]
    people = [(await one).answer for one in adding]
    pairs = []
    for one, other in zip(people[::2], people[1::2], strict=True):
        command = OpenRoom(Origin("lgwan", one.id), "group", "bench", (other.login,), os.urandom(16))
        room = (await performer.submit(command)).answer.room.id
        pairs += [(one.id, room), (other.id, room)]
    return pairs


async def _sender(performer: Performer, person: str, room: str) -> None:
    origin = Origin("lgwan", person, "bench", "127.0.0.1", "r")
    for number in range(POSTS_EACH):
        command = PostMessage(origin, room, f"{person}-{number}", TEXT, os.urandom(16))
        answer = (await performer.submit(command)).answer
        assert isinstance(answer, Posted)


def _bare() -> dict[str, float]:
    """The same number of rows in the same number of commits as full drains would make."""
    with tempfile.TemporaryDirectory(prefix="sekisho-bench-") as folder:
        connection = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB)")
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(POSTS_EACH):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO rows (body) VALUES (?)", [(os.urandom(200),) for _ in range(SENDERS)])
            connection.execute("COMMIT")
        rates = _rates(SENDERS * POSTS_EACH, time.perf_counter() - wall, time.process_time() - cpu)
        connection.close()
    return rates
