"""Campaign: the disk is full at a random byte, while the storage writer posts and takes files; later there is space.

Shows: what is refused is refused as ``storage_full`` and by nothing else; nothing is acknowledged that is not durable,
nothing is there by half; reading goes on while the disk is full; with space again the same process takes what it had
refused, without a start.

>>> python -m campaigns.fill_disk --points 500 --folder DIR   # doctest: +SKIP

Each point: a child opens a store on a disk that takes so many bytes more, writes until it was refused several times,
reads everything that was acknowledged, and says so; now the disk grows, the child writes on and has its power cut; the
next child holds the store against all that was acknowledged, and reads it whole. Some points lie in the opening itself:
then the start fails, and the next one, with space, must not.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import logging
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

from campaigns.cut_power import Rig, look, make, read_whole
from campaigns.forked import Talk
from campaigns.on_disk import Cutter, live
from campaigns.state import counted, keep
from campaigns.warm_writer import LARGEST_FILE, QUARANTINE, Ledger, Town, set_up
from support.forgetful_disk import any_way
from support.fuse import Unavailable, enter_own_mounts

from rooms.attachment import Attachment
from rooms.commands import Origin
from rooms.commands.posting import PostMessage
from rooms.perform import Drain, Performer
from rooms.store.blobs import BlobFolder
from rooms.store.database import Database, FatalStorageError, StorageFull
from rooms.store.posting import events_after
from rooms.world import Posted, Terms
from server.housekeeping import sweep_folders
from server.installation import StartRefused, load_keys, lock_folder, open_database, system_clocks
from server.load import Load
from server.receiving import Received, Receiving

MOST_BYTES = 400_000  # from the start to the full disk
REFUSALS = 12  # that the child waits for
TRIES = 400
EXIT = 70  # as the server's
MOST_CHANGES = 200  # from the first acknowledgement with space again to the cut


class Day:
    """What one child does; ``refusals`` counts over all posters and uploaders."""

    def __init__(self, folder: Path, town: Town, talk: Talk) -> None:
        self.folder = folder
        self.town = town
        self.talk = talk
        self.refusals = 0
        self.acked: Counter[str] = Counter()
        self.full = asyncio.Event()

    async def run(self) -> None:
        with lock_folder(self.folder):
            keys = load_keys(self.folder)
            database = open_database(self.folder)
            set_up(database, autocheckpoint=40)
            quarantine = BlobFolder(self.folder / QUARANTINE)
            await sweep_folders(database, quarantine)
            writer = Performer(database, Drain(Terms(), system_clocks(), keys), lambda _: None, self._ends)
            await writer.start()
            self.talk.say("open")
            receiving = Receiving(database, quarantine, writer.submit, lambda: True, LARGEST_FILE, Load())
            posts = [self._posts(writer, n, *place) for n, place in enumerate(self.town.posters())]
            await asyncio.gather(*posts, self._uploads(receiving), self._reads(database))

    def _ends(self, error: BaseException) -> NoReturn:
        self.talk.say("ended", f"{type(error).__name__}: {error}")
        os._exit(EXIT)

    def _refused(self, code: str) -> None:
        self.talk.say("refused", code)
        self.refusals += 1
        if self.refusals >= REFUSALS:
            self.full.set()

    async def _posts(self, writer: Performer, poster: int, person: str, room: str) -> None:
        origin = Origin("lgwan", person, "campaign", "127.0.0.1", "r")
        number = 0
        while True:
            client_msg_id = f"{poster}-{number}"
            command = PostMessage(origin, room, client_msg_id, f"第{number}報 " + "水位 " * 50, os.urandom(16))
            answer = (await writer.submit(command)).answer
            if not isinstance(answer, Posted):
                self._refused(answer.code)
                await asyncio.sleep(0.005)
                continue
            self.acked[room] += 1
            claim = (person, room, client_msg_id, answer.message_id, answer.seq)
            self.talk.say("ack", poster, number, answer.repeated, claim)
            number += 1

    async def _uploads(self, receiving: Receiving) -> None:
        person, room = self.town.posters()[0]
        origin = Origin("lgwan", person, "campaign", "127.0.0.1", "r")

        async def file() -> Any:
            yield os.urandom(random.randrange(1, 20_000))

        while True:
            received = await receiving.stream(file())
            if isinstance(received, Received):
                kept = await receiving.record(origin, room, "写真.txt", received)
                if isinstance(kept, Attachment):
                    self.talk.say("file", kept.id, received.blob, received.sha256, received.size)
                    continue
                received = kept
            self._refused(received.code)
            await asyncio.sleep(0.005)

    async def _reads(self, database: Database) -> None:
        """While the disk is full, whatever was acknowledged is read."""
        await self.full.wait()
        before = dict(self.acked)
        for room, count in before.items():
            async with database.read() as connection:
                assert len(await connection.run_sync(events_after, room, 0, 100_000)) >= count
        self.talk.say("full", sum(before.values()))


def _day(folder: Path, town: Town, talk: Talk) -> None:
    """A start that fails on a full disk says so, and is no more than that."""
    try:
        asyncio.run(_make_day(folder, town, talk))
    except (StartRefused, StorageFull, FatalStorageError) as error:
        talk.say("not started", str(error))
    except OSError as error:
        talk.say("not started", errno.errorcode[error.errno or 0])


async def _make_day(folder: Path, town: Town, talk: Talk) -> None:
    await Day(folder, town, talk).run()


# The parent ----------------------------------------------------------------------------------------------------------


def one_point(rig: Rig, chooser: random.Random) -> Counter[str]:
    """A disk that is full after so many bytes, and has space again when the child has read."""
    disk, ledger, cutter = rig.template.copy(), Ledger(), Cutter()
    disk.capacity = disk.used + chooser.randrange(MOST_BYTES)
    figures: Counter[str] = Counter()

    def heard(lines: list[list[Any]]) -> None:
        for word, *_ in lines:
            if word == "full":
                disk.capacity = None
                figures["read_while_full"] += 1
            elif word == "ack" and figures["read_while_full"] and not figures["recovered"]:
                figures["recovered"] += 1
                cutter.left = chooser.randrange(1, MOST_CHANGES)

    said = live(disk, rig.point, lambda talk: _day(rig.data, rig.town, talk), cutter, heard)
    words = [line[0] for line in said]
    codes = Counter(line[1] for line in said if line[0] == "refused")
    assert set(codes) <= {"storage_full"}, codes
    assert "ended" not in words, said[-1]
    assert figures["recovered"] or words[-1] == "not started", [line[:2] for line in said[-20:]]
    figures += ledger.note(said) + Counter({f"refused: {code}": count for code, count in codes.items()})
    if words[-1] == "not started":
        figures[f"not started: {said[-1][1].split(':')[0]}"] += 1
    disk.capacity = None
    disk = disk.cut(chooser, any_way(chooser))
    look(rig, disk, ledger)
    return figures + read_whole(rig, disk, ledger)


def campaign(folder: Path, points: int, seed: int) -> dict[str, Any]:
    """Run up to ``points`` in all and answer the figures of all runs in this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.json"
    figures = counted(state)
    with tempfile.TemporaryDirectory() as scratch:
        rig = make(Path(scratch))
        while figures["points"] < points:
            begun = time.monotonic()
            figures += one_point(rig, random.Random(f"{seed} {figures['points']}")) + Counter(points=1)
            figures["milliseconds"] += round(1000 * (time.monotonic() - begun))
            keep(state, figures)
            if figures["points"] % 50 == 0:
                print(f"point {figures['points']}: {figures['acknowledged']} acknowledged", file=sys.stderr)
    return {**figures, "lost": 0}


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--points", type=int, default=500)
    arguments.add_argument("--folder", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    try:
        enter_own_mounts()
    except Unavailable as reason:
        sys.exit(f"unavailable: {reason}")
    logging.disable(logging.CRITICAL)  # the product complains of what is done to it on purpose
    print(json.dumps(campaign(given.folder, given.points, given.seed), indent=2))
