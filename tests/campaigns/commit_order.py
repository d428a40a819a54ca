"""Campaign: 64 writers and readers that ask every millisecond for what came after the last they saw.

Shows: whoever follows a stream by its number (a room's events, the outbox, the record) is never passed by a row that
becomes visible late: nothing is skipped, nothing comes twice or out of order, neither to readers of the server's own
pool nor to another process.

>>> python -m campaigns.commit_order --rows 1000000 --folder DIR   # doctest: +SKIP

The real writer in this process. One post in a hundred is refused; one in five hundred breaks its drain, which is then
replayed item by item, so that numbers are given out anew. Every 50,000 rows a new store is begun; a run that was ended
goes on with the next one.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import logging
import multiprocessing
import os
import random
import shutil
import sqlite3
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from campaigns.state import counted, keep
from campaigns.warm_writer import Town, found, performer, reading
from campaigns.whole_store import Whole, integrity_check

from rooms.commands import Origin
from rooms.commands.posting import PostMessage
from rooms.perform import Performer
from rooms.refusals import Refusal
from rooms.store.database import Database
from rooms.store.posting import events_after
from rooms.world import Posted
from server.installation import lock_folder, open_database

WRITERS = 64
POLL = 0.001
PAGE = 500
REFUSED, BREAKS = 0.01, 0.002
ROWS_OF_ONE_STORE = 50_000
STREAMS = {
    "outbox": "SELECT id FROM outbox WHERE id > ? ORDER BY id LIMIT 500",
    "record": "SELECT idx FROM audit_leaves WHERE idx > ? ORDER BY idx LIMIT 500",
    "events": "SELECT seq FROM events WHERE room = ? AND seq > ? ORDER BY seq LIMIT 500",
}
Heads = dict[str, int]


class Count:
    """How many rows are still to be written."""

    def __init__(self, rows: int) -> None:
        self.left = rows
        self.written: Counter[str] = Counter()
        self.over = asyncio.Event()


# In the server's process ---------------------------------------------------------------------------------------------


async def _write(writing: Performer, place: tuple[str, str], name: str, count: Count, chance: random.Random) -> None:
    """Posts of one writer, each when the last is answered."""
    person, room = place
    number = 0
    while count.left > 0:
        count.left -= 1
        number += 1
        text = "" if chance.random() < REFUSED else "順番の試験"
        luck = os.urandom(1 if chance.random() < BREAKS else 16)
        command = PostMessage(
            Origin("lgwan", person, "campaign", "127.0.0.1", "r"),
            room, f"{name}-{number}", text, luck,
        )  # fmt: skip
        answer = (await writing.submit(command)).answer
        fine = text and len(luck) == 16
        assert isinstance(answer, Posted if fine else Refusal), answer
        count.written[room if fine else "refused"] += 1


async def _poll_room(database: Database, room: str, count: Count) -> tuple[int, int]:
    """Follow one room through the server's own readers; the last seq and how often it asked."""
    last = asked = 0
    while True:
        over = count.over.is_set()
        page = await database.look(functools.partial(events_after, room=room, after=last, limit=PAGE))
        asked += 1
        for event in page:
            assert event.seq == last + 1, f"{room}: {event.seq} was seen where {last + 1} was next"
            last = event.seq
        if over and not page:
            return last, asked
        await asyncio.sleep(POLL)


# In another process --------------------------------------------------------------------------------------------------


def watch(folder: Path, rooms: list[str]) -> tuple[Heads, int]:
    """Follow every stream until ``over`` is in the folder and nothing more comes; the last number of each."""
    last: Heads = dict.fromkeys([*rooms, "outbox"], 0) | {"record": -1}
    asked = 0
    with closing(reading(folder)) as database:
        while True:
            over = (folder / "over").exists()
            news = [_look(database, last, stream) for stream in last]
            asked += len(news)
            if over and not any(news):
                return last, asked
            time.sleep(POLL)


def _look(database: sqlite3.Connection, last: Heads, stream: str) -> bool:
    """One page of one stream; whether there was anything."""
    if stream in STREAMS:
        page = database.execute(STREAMS[stream], (last[stream],)).fetchall()
    else:
        page = database.execute(STREAMS["events"], (stream, last[stream])).fetchall()
    for (number,) in page:
        assert number == last[stream] + 1, f"{stream}: {number} was seen where {last[stream] + 1} was next"
        last[stream] = number
    return bool(page)


# Rounds --------------------------------------------------------------------------------------------------------------


async def _race(folder: Path, town: Town, rows: int, chance: random.Random) -> tuple[Counter[str], Heads]:
    """Write so many rows under the eyes of the pollers; what they counted, and the head of each room."""
    with lock_folder(folder):
        database = open_database(folder)
        writing = performer(folder, database)
        await writing.start()
        count = Count(rows)
        polling = [asyncio.create_task(_poll_room(database, room, count)) for room in town.rooms]
        places = town.posters()
        writers = [
            _write(writing, places[n % len(places)], f"w{n}", count, random.Random(chance.random()))
            for n in range(WRITERS)
        ]
        await asyncio.gather(*writers)
        await writing.close()
        count.over.set()
        (folder / "over").touch()
        seen = await asyncio.gather(*polling)
        await database.close()
    heads = {room: last for room, (last, _) in zip(town.rooms, seen, strict=True)}
    refused = count.written.pop("refused", 0)
    assert heads == dict(count.written), f"the pollers saw {heads}, written were {dict(count.written)}"
    return Counter(polls=sum(asked for _, asked in seen), posts=sum(heads.values()), refused=refused), heads


def one_store(folder: Path, rows: int, chance: random.Random) -> Counter[str]:
    """A new store and its race, seen from here and from another process."""
    shutil.rmtree(folder, ignore_errors=True)
    town = asyncio.run(found(folder))
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        watching = pool.submit(watch, folder, town.rooms)
        try:
            counts, heads = asyncio.run(_race(folder, town, rows, chance))
        finally:
            (folder / "over").touch()
        seen, asked = watching.result(60)
    with closing(reading(folder)) as database:
        integrity_check(database)
        Whole().read_on(database)
        heads["outbox"], heads["record"] = database.execute(
            "SELECT (SELECT max(id) FROM outbox), (SELECT max(idx) FROM audit_leaves)"
        ).fetchone()
        (outbox,) = database.execute("SELECT count(*) FROM outbox").fetchone()
    assert seen == heads, f"the other process saw {seen}, written were {heads}"
    assert outbox == heads["outbox"]
    return counts + Counter(polls=asked, rows_seen=2 * counts["posts"] + heads["outbox"] + heads["record"])


def campaign(folder: Path, rows: int, seed: int) -> dict[str, Any]:
    """Write up to ``rows`` in all and answer the figures of all runs in this folder."""
    logging.getLogger("sekisho.perform").setLevel(logging.CRITICAL)  # what breaks its drain is told at length
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.json"
    figures = counted(state)
    while figures["rows"] < rows:
        begun = time.monotonic()
        these = min(ROWS_OF_ONE_STORE, rows - figures["rows"])
        figures += one_store(folder / "store", these, random.Random(f"{seed} {figures['rows']}"))
        figures["rows"] += these
        figures["seconds"] += round(time.monotonic() - begun)
        keep(state, figures)
        print(f"{figures['rows']} rows, {figures['polls']} polls", file=sys.stderr)
    return {**figures, "skipped": 0, "twice": 0, "out_of_order": 0, "load_average": round(os.getloadavg()[1], 1)}


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--folder", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    print(json.dumps(campaign(given.folder, given.rows, given.seed), indent=2))
