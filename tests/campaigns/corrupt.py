"""Campaign: single places of a stored installation rot: pages, the log, files, keys.

Shows: what rotted is found by the next start, or by ``sekisho doctor --scrub``, or is shown to readers as damaged; no
other words, and no other bytes of a file, are ever served for what was written; a backup brings everything back. What
nothing finds is counted by table: it has no hash to be held against.

>>> python -m campaigns.corrupt --places 1000 --folder DIR   # doctest: +SKIP

An installation is lived in once, with talk and files that crossed, and is left as a ``kill -9`` leaves it (some of it
in the log alone). For each place a copy gets a flipped bit, a changed byte, a sector of zeros or of noise in the
database, the log, a file of the quarantine or of the renditions, or the keys; a child starts it, reads all that a
server would show, and scrubs it; all tables are compared with those of the sound one. Every 50th place the backup is
brought back.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import shutil
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from campaigns.forked import Talk, fork
from campaigns.state import counted, keep
from sqlalchemy.exc import DBAPIError
from support.installation import Client, installed

from ops import cli
from ops.scrub import scrub
from rooms.perform import Drain
from rooms.store.database import Database
from rooms.store.event_rows import DAMAGED
from rooms.store.posting import events_after
from rooms.world import Terms
from server.installation import DATABASE, HEAD, KEYS, StartRefused, load_keys, lock_folder, open_database, system_clocks

MESSAGES, FILES = 400, 6
RESTORE_EVERY = 50
LOG = DATABASE + "-wal"
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'search_grams%' ORDER BY name"


# The sound installation ----------------------------------------------------------------------------------------------


async def lived_in(data: Path, copy: Path) -> None:
    """Talk and files, then a copy of the folder while the server runs, which is what a ``kill -9`` leaves."""
    async with installed(data) as town:
        sato = await town.login("sato", "internet")
        opened = await sato.post("rooms", json={"kind": "group", "name": "防災", "members": ["suzuki"]})
        room = opened.json()["id"]
        files = [await _released(sato, room, number) for number in range(FILES)]
        for number in range(MESSAGES):
            named = files[number : number + 1] if number < FILES else []
            body = {"client_msg_id": f"c-{number}", "text": f"第{number}報 水位 {number * 7} cm", "attachments": named}
            posted = await sato.post(f"rooms/{room}/messages", json=body)
            assert posted.status_code == 201, posted.text
        await asyncio.sleep(0.5)  # what follows the posts is written by the workers
        await asyncio.to_thread(shutil.copytree, data, copy, ignore=shutil.ignore_patterns("*.sock", "*-shm"))


async def _released(client: Client, room: str, number: int) -> str:
    text = f"配布資料 {number}\n".encode() * 200
    sent = await client.post("attachments", params={"room": room, "name": f"資料{number}.txt"}, content=text)
    attachment = str(sent.json()["id"])
    for _ in range(400):
        if (await client.get(f"attachments/{attachment}/content")).status_code == 200:
            return attachment
        await asyncio.sleep(0.05)
    raise AssertionError("the file was never released")


# What rots -----------------------------------------------------------------------------------------------------------


def rot(folder: Path, chooser: random.Random) -> str:
    """Damage one place; answers what kind of place it was."""
    kind = chooser.choices(("database", "log", "quarantine", "renditions", "keys"), (10, 4, 3, 3, 1))[0]
    if kind in ("quarantine", "renditions"):
        path = chooser.choice(sorted(path for path in (folder / kind).iterdir() if path.is_file()))
    elif kind == "keys":
        path = folder / KEYS / chooser.choice((HEAD, "checkpoint.key", "receipt.key", "origin"))
    else:
        path = folder / {"database": DATABASE, "log": LOG}[kind]
    data = bytearray(path.read_bytes())
    place = chooser.randrange(len(data))
    before = bytes(data)
    while bytes(data) == before:
        _damage(data, place, chooser)
    path.write_bytes(data)
    return kind


def _damage(data: bytearray, place: int, chooser: random.Random) -> None:
    way = chooser.choice(("bit", "byte", "zeros", "noise"))
    if way == "bit":
        data[place] ^= 1 << chooser.randrange(8)
    elif way == "byte":
        data[place] = chooser.randrange(256)
    else:
        start = place // 512 * 512
        end = min(len(data), start + 512)
        data[start:end] = bytes(end - start) if way == "zeros" else chooser.randbytes(end - start)


# The child -----------------------------------------------------------------------------------------------------------


def _tables(folder: Path) -> dict[str, list[Any]]:
    """Every row of every table, in the order of its key, as bytes and numbers."""
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        database.text_factory = bytes
        names = [name.decode() for (name,) in database.execute(TABLES)]
        return {name: database.execute(f"SELECT * FROM {name}").fetchall() for name in names}


async def _texts(database: Database, rooms: list[str]) -> dict[str, list[str]]:
    """All that readers of these rooms are shown."""
    shown = {}
    for room in rooms:
        async with database.read() as connection:
            shown[room] = [str(event) for event in await connection.run_sync(events_after, room, 0, 100_000)]
    return shown


async def _start_and_read(folder: Path, rooms: list[str], talk: Talk) -> None:
    with lock_folder(folder):
        keys = load_keys(folder)
        database = open_database(folder)
        drain = Drain(Terms(), system_clocks(), keys)
        database.run_here(drain.open)
        talk.say("sound" if drain.sound else "unsound")
        try:
            talk.say("shown", await _texts(database, rooms))
        finally:
            await database.close()


def examine(folder: Path, rooms: list[str], sound: dict[str, list[Any]], talk: Talk) -> None:
    """Start, read, scrub, compare; each says what it found, as a word."""
    try:
        asyncio.run(_start_and_read(folder, rooms, talk))
    except StartRefused as refused:
        talk.say("refused", refused.code)
        return
    except (DBAPIError, sqlite3.Error, ValueError) as error:
        talk.say("failed to read", type(error).__name__)
    try:
        wrong = [finding.check for finding in scrub(folder) if finding.level == "wrong"]
    except (DBAPIError, sqlite3.Error, ValueError) as error:
        wrong = [type(error).__name__]
    talk.say("scrubbed", wrong)
    try:
        found = _tables(folder)
        talk.say("differ", [name for name, rows in sound.items() if found.get(name) != rows])
    except (sqlite3.Error, ValueError) as error:  # the names of tables may be rotten too
        talk.say("differ", [f"unreadable: {type(error).__name__}"])


# The parent ----------------------------------------------------------------------------------------------------------


class Sound:
    """The installation before anything rots: what is shown of it, its rows, its backup."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "sound"
        self.backup = folder / "sound.backup"
        asyncio.run(lived_in(folder / "data", self.folder))
        looked_at = folder / "looked_at"
        shutil.copytree(self.folder, looked_at)
        self.tables = _tables(looked_at)
        self.rooms = [row[0].decode() for row in self.tables["rooms"]]
        said = _said(looked_at, self.rooms, self.tables)
        assert said == {"sound": [], "scrubbed": [[]], "differ": [[]], "shown": said["shown"]}, said
        self.shown = said["shown"][0]
        assert _quiet_command("backup", "--data", str(looked_at), "-o", str(self.backup)) == 0


def _quiet_command(*arguments: str) -> int:
    with Path(os.devnull).open("w") as nowhere:
        before = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = nowhere
        try:
            return cli.main(list(arguments))
        finally:
            sys.stdout, sys.stderr = before


def _said(folder: Path, rooms: list[str], sound: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """What a child found, by word."""
    said = fork(lambda talk: examine(folder, rooms, sound, talk)).rest()
    assert all(line[0] != "failed" for line in said), said[-1]
    return {line[0]: line[1:] for line in said}


def one_place(sound: Sound, folder: Path, chooser: random.Random) -> Counter[str]:
    """A copy that rots in one place: how that was found, or what differs without being found."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sound.folder, folder)
    kind = rot(folder, chooser)
    said = _said(folder, sound.rooms, sound.tables)
    return Counter({f"{kind}: {found}": 1 for found in _judged(kind, said, sound)})


def _judged(kind: str, said: dict[str, list[Any]], sound: Sound) -> list[str]:
    shown = said.get("shown", [sound.shown])[0]
    wrong, differ = said.get("scrubbed", [[]])[0], said.get("differ", [[]])[0]
    noticed = "refused" in said or "unsound" in said or "failed to read" in said
    for room, texts in sound.shown.items():
        lost = len(texts) - len(shown.get(room, []))
        others = [now for was, now in zip(texts, shown.get(room, []), strict=False) if now != was]
        assert all(DAMAGED in now for now in others) or noticed or wrong, f"{kind}: other words: {others[:2]}"
        if lost and not noticed and not wrong:
            assert kind == "log", f"{kind}: {lost} messages are gone, and nothing says so"
            return ["the end of the log is lost, unnoticed"]
    if noticed:
        return ["found by the start" if "failed to read" not in said else "found by reading"]
    if wrong:
        return ["found by the scrub"]
    assert kind not in ("quarantine", "renditions"), "a file rotted, and the scrub does not see it"
    return [f"unnoticed: {name}" for name in differ] or ["without effect"]


def restored(sound: Sound, folder: Path) -> None:
    """The backup brings back all that was shown."""
    shutil.rmtree(folder, ignore_errors=True)
    assert _quiet_command("restore", str(sound.backup), "--data", str(folder), "--without-keys") == 0
    said = _said(folder, sound.rooms, sound.tables)
    assert said["shown"] == [sound.shown], "the backup shows something else"
    assert said["scrubbed"] == [[]], said["scrubbed"]


def campaign(folder: Path, places: int, seed: int) -> dict[str, Any]:
    """Run up to ``places`` in all and answer the figures of all runs in this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    state, living = folder / "state.json", folder / "living"
    figures = counted(state)
    shutil.rmtree(living, ignore_errors=True)
    living.mkdir(mode=0o700)
    sound = Sound(living)
    while figures["places"] < places:
        chooser = random.Random(f"{seed} {figures['places']}")
        figures += one_place(sound, living / "rotten", chooser) + Counter(places=1)
        if figures["places"] % RESTORE_EVERY == 0:
            restored(sound, living / "restored")
            figures["restored"] += 1
            print(f"place {figures['places']}", file=sys.stderr)
        keep(state, figures)
    return dict(sorted(figures.items())) | {"served_silently": 0}


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--places", type=int, default=1_000)
    arguments.add_argument("--folder", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    logging.disable(logging.CRITICAL)  # the product complains of what is done to it on purpose
    print(json.dumps(campaign(given.folder, given.places, given.seed), indent=2))
