"""Campaign: backups under load, a server that is lost, the backup brought back, and a town that goes on.

Shows: what was acknowledged before the backup began is in it, what is in it is what was acknowledged, and nothing else;
no seq of an incarnation is used twice; devices that saw what came after the backup, or were off through several
restores, hold in the end exactly what the server holds; nobody stays logged in; the record is intact.

>>> python -m campaigns.restore_backup --cycles 100 --folder DIR   # doctest: +SKIP

Each cycle: 200 posts/s in four rooms, ``sekisho backup`` meanwhile, some more talk, ``kill -9``, ``sekisho restore``
into a new folder (one in five times of an older backup, so that whole incarnations are given up, or come back), a
start. Ten cycles in a row are the life of one installation; a run that was ended goes on with the next one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import shutil
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import websockets
from campaigns.served import PROTOCOL, Server, read_room, verify_record
from campaigns.state import keep, recalled
from campaigns.whole_store import Whole, integrity_check
from websockets.asyncio.client import ClientConnection

from server.installation import DATABASE

PEOPLE, ROOMS = 6, 4
POSTS_PER_SECOND = 200
CYCLES_OF_ONE_LIFE = 10
OLDER_BACKUP = 0.2
UNNAMED = 0.25
MOST_DEVICES = 8
PASSWORD = "kasumigahama-2026"
Event = tuple[int, str]


@dataclass
class Device:
    """A client that keeps what it was shown: per room (seq, message id), and the incarnation that it heard of.

    ``named``: it says in its hello which one that was.
    """

    named: bool
    rooms: dict[str, list[Event]]
    incarnation: str | None = None

    def cursor(self, room: str) -> int:
        return self.rooms[room][-1][0] if self.rooms[room] else 0

    def hello(self, token: str) -> str:
        cursors = {room: self.cursor(room) for room in self.rooms}
        said = {"incarnation": self.incarnation} if self.named and self.incarnation else {}
        return json.dumps({"op": "hello", "token": token, "cursors": cursors, **said})


@dataclass
class Town:
    """The installation in whatever folder it lives now. ``said``: every acknowledged post of every incarnation."""

    folder: Path
    server: Server
    chance: random.Random
    rooms: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    incarnation: str = "first"
    said: dict[tuple[str, str, int], str] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    acked: dict[tuple[str, int], tuple[str, float]] = field(default_factory=dict)
    number: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    behind: list[float] = field(default_factory=list)
    back: list[float] = field(default_factory=list)

    def note(self, room: str, seq: int, message: str, at: float) -> None:
        """An acknowledgement: no seq of this incarnation, and no id at all, names two messages."""
        before = self.said.setdefault((self.incarnation, room, seq), message)
        assert before == message and message not in self.ids, f"{room} {seq} is used twice"
        self.ids.add(message)
        self.acked[room, seq] = (message, at)
        self.counts["acknowledged"] += 1


# Talk ----------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _socket(town: Town, hello: str) -> AsyncIterator[ClientConnection]:
    async with websockets.connect(town.server.ws, subprotocols=[PROTOCOL], compression=None, proxy=None) as socket:
        await socket.send(hello)
        yield socket


async def _talk(town: Town, token: str, enough: asyncio.Event) -> None:
    """One person's share of the load, until it is enough or the server is gone."""
    sent: dict[int, str] = {}
    with contextlib.suppress(OSError, websockets.WebSocketException):
        async with _socket(town, json.dumps({"op": "hello", "token": token})) as socket:
            hearing = asyncio.create_task(_hear(town, socket, sent))
            try:
                while not enough.is_set():
                    town.number += 1
                    room = town.chance.choice(town.rooms)
                    sent[town.number] = room
                    name = f"{town.incarnation}-{town.number}"
                    post = {"op": "post", "ref": town.number, "room": room, "client_msg_id": name, "text": name}
                    await socket.send(json.dumps(post))
                    await asyncio.sleep(PEOPLE / POSTS_PER_SECOND)
                await asyncio.sleep(0.3)
            finally:
                hearing.cancel()


async def _hear(town: Town, socket: ClientConnection, sent: dict[int, str]) -> None:
    with contextlib.suppress(websockets.WebSocketException):
        async for data in socket:
            frame = json.loads(data)
            assert frame["op"] != "refused", frame
            if frame["op"] == "ack":
                town.note(sent[frame["ref"]], frame["seq"], frame["message_id"], time.monotonic())


@asynccontextmanager
async def load(town: Town) -> AsyncIterator[None]:
    enough = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for token in town.tokens:
            group.create_task(_talk(town, token, enough))
        try:
            yield
        finally:
            enough.set()


# Devices -------------------------------------------------------------------------------------------------------------


async def catch_up(town: Town, device: Device, token: str) -> None:
    """Come with what it holds, and take in what it is told until it has each room's head."""
    async with _socket(town, device.hello(token)) as socket, asyncio.timeout(60):
        ready = json.loads(await socket.recv())
        assert ready["op"] == "ready", ready
        heads = {room["id"]: room["head"] for room in ready["rooms"]}
        device.incarnation = ready["incarnation"]
        assert device.incarnation == town.incarnation
        while any(device.cursor(room) < head for room, head in heads.items()):
            await _take_in(town, device, token, json.loads(await socket.recv()))
        while True:  # a reset of a room that seems to be complete has come with the others
            try:
                async with asyncio.timeout(0.2):
                    frame = json.loads(await socket.recv())
            except TimeoutError:
                return
            await _take_in(town, device, token, frame)


async def _take_in(town: Town, device: Device, token: str, frame: dict[str, Any]) -> None:
    assert frame["op"] in ("event", "reset", "read_mark"), frame
    if frame["op"] == "reset":
        town.counts["resets"] += 1
        events = await asyncio.to_thread(read_room, town.server, {"token": token, "room": frame["room"]})
        device.rooms[frame["room"]] = _shown(events)[: frame["head"]]
    elif frame["op"] == "event":
        expected = device.cursor(frame["room"]) + 1
        assert frame["seq"] == expected, f"{frame['seq']} came where {expected} was next"
        device.rooms[frame["room"]] += _shown([frame])


def _shown(events: list[dict[str, Any]]) -> list[Event]:
    return [(e["seq"], e["event"]["message"]["id"] if e["event"]["type"] == "message.posted" else "") for e in events]


async def assert_devices_agree(town: Town, devices: list[Device]) -> None:
    """Whatever each of them held: now it holds what the server holds."""
    truth = {room: _shown(read_room(town.server, {"token": town.tokens[0], "room": room})) for room in town.rooms}
    for device in devices:
        [token] = await log_in(town, 1)  # a session of its own, as after every restore
        await catch_up(town, device, token)
        for room in town.rooms:
            assert device.rooms[room] == truth[room], f"a device (named: {device.named}) holds what is not there"
        town.counts["devices"] += 1


# Backup and restore --------------------------------------------------------------------------------------------------


async def log_in(town: Town, count: int) -> list[str]:
    """Tokens of so many people."""
    tokens = []
    async with httpx.AsyncClient(base_url=town.server.http, timeout=30, trust_env=False) as client:
        for n in range(count):
            answer = await client.post("/login", json={"login": f"staff{n}", "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            client.cookies.clear()
            tokens.append(answer.json()["token"])
    return tokens


async def back_up(town: Town, target: Path) -> None:
    """A backup under load; what was acknowledged before it began is inside, nothing that was never said."""
    async with load(town):
        await asyncio.sleep(town.chance.uniform(0.3, 0.8))
        before = set(town.acked)
        await asyncio.to_thread(
            town.server.run, "backup", "--data", town.server.data, "-o", target,
            "--key-passphrase-file", town.folder / "passphrase",
        )  # fmt: skip
        finished = time.monotonic()
        await asyncio.sleep(town.chance.uniform(0.2, 0.6))
    acked = [(*key, message) for key, (message, _) in town.acked.items()]
    target.with_suffix(".said").write_text(json.dumps([sorted(before), acked, finished]))


def restore(town: Town, backup: Path, target: Path) -> None:
    """The server is gone; another one is made from the backup."""
    town.server.kill()
    begun = time.monotonic()
    town.server = Server(target)
    words = ("--data", town.server.data, "--key-passphrase-file", town.folder / "passphrase")
    town.server.run("restore", backup, *words)
    town.server.start()
    town.back.append(round(time.monotonic() - begun, 2))


async def assert_restored(town: Town, backup: Path, old_tokens: list[str], *, newest: bool) -> None:
    """What was acknowledged up to the backup, and nothing else; seqs beyond are free in this incarnation."""
    before, acked, finished = json.loads(backup.with_suffix(".said").read_text())
    async with httpx.AsyncClient(base_url=town.server.http, timeout=30, trust_env=False) as client:
        for token in old_tokens:
            answer = await client.get("/me", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 401, "a session came back to life"
        town.tokens = await log_in(town, PEOPLE)
        page = await client.get(f"/rooms/{town.rooms[0]}/events", headers={"Authorization": f"Bearer {town.tokens[0]}"})
    assert page.json()["incarnation"] != town.incarnation
    restored: dict[tuple[str, int], str] = {}
    for room in town.rooms:
        events = _shown(read_room(town.server, {"token": town.tokens[0], "room": room}))
        restored |= {(room, seq): message for seq, message in events if message}
    lost = {key: town.acked[key] for key in town.acked.keys() - restored.keys()}
    if newest:
        town.behind.append(round(max(0.0, finished - min((at for _, at in lost.values()), default=finished)), 2))
    missing = [key for key in map(tuple, before) if key not in restored]
    assert not missing, f"acknowledged before the backup, and not in it: {missing[:3]}"
    said = {(room, seq): message for room, seq, message in acked}
    other = [key for key, message in restored.items() if said.get(key, message) != message]
    assert not other, f"restored as another message: {other[:3]}"
    town.counts.update(restored=len(restored), given_up=len(lost))
    town.incarnation = page.json()["incarnation"]
    town.acked = {key: (message, 0.0) for key, message in restored.items()}
    town.ids |= set(restored.values())


def found(folder: Path, chance: random.Random) -> Town:
    """A new installation with people who can log in, and its rooms."""
    shutil.rmtree(folder, ignore_errors=True)
    town = Town(folder, Server(folder / "0"), chance)
    (folder / "passphrase").write_text("a passphrase of this campaign\n")
    (folder / "passphrase").chmod(0o600)
    town.server.start()
    rows = "".join(f"staff{n},職員{n},総務課,{PASSWORD}\n" for n in range(PEOPLE))
    (folder / "people.csv").write_text("login,name,section,password\n" + rows)
    town.server.run("user", "import", folder / "people.csv", "--data", town.server.data)
    return town


async def _open_rooms(town: Town) -> None:
    town.tokens = await log_in(town, PEOPLE)
    headers = {"Authorization": f"Bearer {town.tokens[0]}"}
    async with httpx.AsyncClient(base_url=town.server.http, timeout=30, trust_env=False, headers=headers) as client:
        for n in range(ROOMS):
            body = {"kind": "group", "name": f"室{n}", "members": [f"staff{i}" for i in range(PEOPLE)]}
            town.rooms.append((await client.post("/rooms", json=body)).json()["id"])


async def _life(town: Town, cycles: int) -> None:
    await _open_rooms(town)
    devices = [Device(named, {room: [] for room in town.rooms}) for named in (True, False)]
    backups: list[Path] = []
    for cycle in range(1, cycles + 1):
        backups.append(town.folder / f"{cycle}.backup")
        await back_up(town, backups[-1])
        away = [device for device in devices if town.chance.random() < 0.6] or devices[:1]
        await assert_devices_agree(town, away)  # they see what the backup does not have
        backup = town.chance.choice(backups) if town.chance.random() < OLDER_BACKUP else backups[-1]
        town.counts["older_backups"] += backup != backups[-1]
        tokens = town.tokens
        await asyncio.to_thread(restore, town, backup, town.folder / str(cycle))
        await assert_restored(town, backup, tokens, newest=backup == backups[-1])
        shutil.rmtree(town.folder / str(cycle - 1))
        async with load(town):
            await asyncio.sleep(town.chance.uniform(0.2, 1.0))  # on beyond where some of the devices stood
        await assert_devices_agree(town, [device for device in devices if town.chance.random() < 0.6])
        if len(devices) < MOST_DEVICES:
            devices.append(Device(town.chance.random() >= UNNAMED, {room: [] for room in town.rooms}))
    await assert_devices_agree(town, devices)


def life(folder: Path, cycles: int, chance: random.Random) -> Town:
    """So many cycles of one installation, and what is left of it at the end."""
    town = found(folder, chance)
    try:
        asyncio.run(_life(town, cycles))
        assert town.server.stop() == 0
        verify_record(town.server)
        with closing(sqlite3.connect(town.server.data / DATABASE, isolation_level=None)) as database:
            integrity_check(database)
            Whole().read_on(database)
    finally:
        town.server.end()
    return town


def campaign(folder: Path, cycles: int, seed: int) -> dict[str, Any]:
    """Run up to ``cycles`` in all and answer the figures of all runs in this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.json"
    kept: dict[str, Any] = recalled(state) or {"cycles": 0, "counts": {}, "behind": [], "back": []}
    while kept["cycles"] < cycles:
        these = min(CYCLES_OF_ONE_LIFE, cycles - kept["cycles"])
        town = life(folder / "life", these, random.Random(f"{seed} {kept['cycles']}"))
        kept["cycles"] += these
        kept["counts"] = Counter(kept["counts"]) + town.counts
        kept["behind"] += town.behind
        kept["back"] += town.back
        keep(state, kept)
        print(f"cycle {kept['cycles']}: {kept['counts']}", file=sys.stderr)
    return {
        "cycles": kept["cycles"],
        **kept["counts"],
        "lost_before_the_backup": 0,
        "seqs_used_twice": 0,
        "seconds_behind_at_the_end_of_a_backup": {"median": median(kept["behind"]), "longest": max(kept["behind"])},
        "seconds_until_back": {"median": median(kept["back"]), "longest": max(kept["back"])},
        "load_average": round(os.getloadavg()[1], 1),
    }


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cycles", type=int, default=100)
    arguments.add_argument("--folder", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    print(json.dumps(campaign(given.folder, given.cycles, given.seed), indent=2))
