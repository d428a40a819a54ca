"""Campaign: ``kill -9`` of the whole server at random moments under posts and uploads.

Shows: nothing that was acknowledged is lost or there twice, whatever is sent again has its first answer, every
quarantined file gets its verdict after a restart, the record is intact; how soon the server is back.

>>> python -m campaigns.kill_server --cycles 2000 --folder DIR   # doctest: +SKIP

Loopback alone; ends by itself; a folder that is there already is gone on with. Several servers (``--side-by-side``),
each with its own store, are killed independently of each other. After each kill what was posted since the last one is
read back; every hundred kills of a server everything: the room, its files' verdicts, the record, and the store by
SQLite alone; then it begins a new store.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
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
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import websockets
from campaigns.served import PROTOCOL, Server, people, read_room, verify_record
from campaigns.state import keep, recalled
from campaigns.whole_store import Whole, integrity_check
from websockets.asyncio.client import ClientConnection

from server.installation import DATABASE

POSTERS = 5
POSTS_PER_SECOND = 100
UPLOADS_PER_SECOND = 2
EARLIEST, LATEST = 0.2, 1.8  # seconds from the first connection to the kill
CYCLES_OF_ONE_STORE = 100
BACK_WITHIN = 3.0
TEXT_FILE = "配布資料のメモです。\n" * 50
Key = tuple[str, str]
Place = tuple[str, int]


@dataclass
class Ledger:
    """What was sent to one store and what was acknowledged. ``acked`` maps (room, client_msg_id) to (message id,
    seq); ``places`` is what was read back so far, up to ``head``.
    """

    acked: dict[Key, Place] = field(default_factory=dict)
    unsure: set[Key] = field(default_factory=set)
    uploads: list[str] = field(default_factory=list)
    fresh: dict[Key, Place] = field(default_factory=dict)
    places: dict[Key, Place] = field(default_factory=dict)
    head: int = 0
    refs: dict[tuple[str, int], Key] = field(default_factory=dict)

    def note(self, key: Key, place: Place) -> None:
        before = self.acked.setdefault(key, place)
        assert before == place, f"{key} was answered {before} and then {place}"
        self.fresh[key] = place
        self.unsure.discard(key)


@dataclass
class Figures:
    """Of all stores of one server. ``starts``: seconds until the server was back after each kill."""

    cycles: int = 0
    acknowledged: int = 0
    uploads: int = 0
    starts: list[float] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)

    @classmethod
    def load(cls, path: Path) -> Figures:
        kept = recalled(path)
        if kept is None:
            return cls()
        return cls(**kept | {"states": Counter(kept["states"])})

    def save(self, path: Path) -> None:
        keep(path, vars(self))


# Load ----------------------------------------------------------------------------------------------------------------


async def _post_until_killed(server: Server, who: dict[str, str], ledger: Ledger, run: str) -> None:
    """Posts at an even pace; first everything that was left unanswered before."""
    with contextlib.suppress(OSError, websockets.WebSocketException):
        async with websockets.connect(server.ws, subprotocols=[PROTOCOL], compression=None, proxy=None) as socket:
            await socket.send(json.dumps({"op": "hello", "token": who["token"]}))
            reader = asyncio.create_task(_read_acks(socket, ledger, who))
            try:
                await _send_all(socket, who, ledger, run)
            finally:
                reader.cancel()


async def _send_all(socket: ClientConnection, who: dict[str, str], ledger: Ledger, run: str) -> None:
    mine = [key for key in ledger.unsure if key[1].startswith(f"{who['login']}/")]
    for number in range(1_000_000):
        again = number < len(mine)
        key = mine[number] if again else (who["room"], f"{who['login']}/{run}/{number}")
        ledger.unsure.add(key)
        ledger.refs[who["login"], number] = key
        frame = {"op": "post", "ref": number, "room": key[0], "client_msg_id": key[1], "text": key[1]}
        await socket.send(json.dumps(frame))
        if not again:
            await asyncio.sleep(POSTERS / POSTS_PER_SECOND)


async def _read_acks(socket: ClientConnection, ledger: Ledger, who: dict[str, str]) -> None:
    with contextlib.suppress(websockets.WebSocketException):
        async for data in socket:
            frame = json.loads(data)
            if frame["op"] == "ack":
                ledger.note(ledger.refs[who["login"], frame["ref"]], (frame["message_id"], frame["seq"]))
            assert frame["op"] != "refused", frame


async def _upload_until_killed(server: Server, who: dict[str, str], ledger: Ledger) -> None:
    headers = {"Authorization": f"Bearer {who['token']}"}
    with contextlib.suppress(httpx.HTTPError):
        async with httpx.AsyncClient(headers=headers, timeout=20, trust_env=False) as client:
            while True:
                query = {"room": who["room"], "name": "メモ.txt"}
                answer = await client.post(f"{server.http}/attachments", params=query, content=TEXT_FILE.encode())
                assert answer.status_code == 202, answer.text
                ledger.uploads.append(answer.json()["id"])
                await asyncio.sleep(1 / UPLOADS_PER_SECOND)


async def load_and_kill(server: Server, everyone: list[dict[str, str]], ledger: Ledger, after: float) -> None:
    run = f"{time.time_ns():x}"
    ledger.refs.clear()
    tasks = [asyncio.create_task(_post_until_killed(server, who, ledger, run)) for who in everyone]
    tasks.append(asyncio.create_task(_upload_until_killed(server, everyone[0], ledger)))
    await asyncio.sleep(after)
    server.kill()
    done, pending = await asyncio.wait(tasks, timeout=10)
    for task in pending:
        task.cancel()
    for task in done:
        task.result()


# Checks --------------------------------------------------------------------------------------------------------------


def check(server: Server, who: dict[str, str], ledger: Ledger, *, everything: bool = False) -> None:
    """What was acknowledged (since the last check, or ever) is there, once, where it was said to be."""
    if everything:
        ledger.places, ledger.head, ledger.fresh = {}, 0, dict(ledger.acked)
    for event in read_room(server, who, ledger.head):
        ledger.head = event["seq"]
        if event["event"]["type"] == "message.posted":
            message = event["event"]["message"]
            key = (who["room"], message["client_msg_id"])
            assert key not in ledger.places, f"shown twice: {key}"
            ledger.places[key] = (message["id"], event["seq"])
    lost = [key for key, place in ledger.fresh.items() if ledger.places.get(key) != place]
    assert not lost, f"{len(lost)} acknowledged messages are lost or moved: {lost[:3]}"
    ledger.fresh = {}


def check_uploads(server: Server, who: dict[str, str], ledger: Ledger, seconds: float = 120) -> Counter[str]:
    """Every file that was acknowledged has its verdict in every zone; answers how many of each."""
    waiting, states = set(ledger.uploads), Counter[str]()
    until = time.monotonic() + seconds
    with httpx.Client(headers={"Authorization": f"Bearer {who['token']}"}, timeout=30, trust_env=False) as client:
        while waiting and time.monotonic() < until:
            for attachment in list(waiting):
                view = client.get(f"{server.http}/attachments/{attachment}").raise_for_status().json()
                found = {zone["state"] for zone in view["zones"].values()}
                if "quarantined" not in found:
                    waiting.discard(attachment)
                    states.update(found)
            time.sleep(0.2)
    assert not waiting, f"{len(waiting)} files wait for their verdict after {seconds} s"
    return states


def check_store(folder: Path) -> None:
    """The store of a server that is not there, by SQLite alone."""
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as database:
        integrity_check(database)
        Whole().read_on(database)


# Rounds --------------------------------------------------------------------------------------------------------------


def one_store(folder: Path, cycles: int, figures: Figures, chooser: random.Random) -> None:
    """A new store, ``cycles`` kills of its server, and a check of all of it."""
    shutil.rmtree(folder, ignore_errors=True)
    server, ledger = Server(folder), Ledger()
    server.start()
    everyone = people(server, POSTERS, 1, POSTERS)
    try:
        for _ in range(cycles):
            asyncio.run(load_and_kill(server, everyone, ledger, chooser.uniform(EARLIEST, LATEST)))
            figures.starts.append(round(server.start(), 3))
            check(server, everyone[0], ledger)
        check(server, everyone[0], ledger, everything=True)
        figures.states += check_uploads(server, everyone[0], ledger)
        assert server.stop() == 0
        verify_record(server)
        check_store(server.data)
    finally:
        server.end()
    figures.cycles += cycles
    figures.acknowledged += len(ledger.acked)
    figures.uploads += len(ledger.uploads)


def lane(folder: Path, cycles: int, seed: str) -> Figures:
    """One server's part of the campaign: up to ``cycles`` kills in all, a store after the other."""
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.json"
    figures = Figures.load(state)
    while figures.cycles < cycles:
        chooser = random.Random(f"{seed} {figures.cycles}")
        one_store(folder / "store", min(CYCLES_OF_ONE_STORE, cycles - figures.cycles), figures, chooser)
        figures.save(state)
        print(f"{folder.name}, cycle {figures.cycles}: {figures.acknowledged} acknowledged", file=sys.stderr)
    return figures


def campaign(folder: Path, cycles: int, seed: int, side_by_side: int = 1) -> dict[str, Any]:
    """Run up to ``cycles`` in all and answer the figures of all runs in this folder."""
    begun = time.monotonic()
    shares = [cycles // side_by_side + (n < cycles % side_by_side) for n in range(side_by_side)]
    works = [(folder / f"lane-{n}", share, f"{seed} {n}") for n, share in enumerate(shares)]
    if side_by_side == 1:
        lanes = [lane(*works[0])]
    else:
        with ProcessPoolExecutor(side_by_side, multiprocessing.get_context("spawn")) as pool:
            lanes = list(pool.map(lane, *zip(*works, strict=True)))
    starts = sorted(second for one in lanes for second in one.starts)
    return {
        "cycles": sum(one.cycles for one in lanes),
        "acknowledged_messages": sum(one.acknowledged for one in lanes),
        "acknowledged_uploads": sum(one.uploads for one in lanes),
        "states": dict(sum((one.states for one in lanes), Counter())),
        "lost": 0,
        "twice": 0,
        "back_after_seconds": {
            "median": round(median(starts), 2),
            "p99": starts[int(len(starts) * 0.99)],
            "longest": starts[-1],
            "over_three": sum(second > BACK_WITHIN for second in starts),
        },
        "seconds": round(time.monotonic() - begun),
        "load_average": round(os.getloadavg()[1], 1),
    }


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cycles", type=int, default=2000)
    arguments.add_argument("--side-by-side", type=int, default=1)
    arguments.add_argument("--folder", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    print(json.dumps(campaign(given.folder, given.cycles, given.seed, given.side_by_side), indent=2))
