"""Campaign: the n-th operation of the disk fails, for every n until a run meets no failure.

Shows: whatever the disk refuses, and wherever, nothing is acknowledged that is not durable, nothing is there by half,
and the next start is whole, with and without a power cut; a failed fsync of the store ends the process; what a full
disk refused is told as ``storage_full`` and taken when it comes again.

>>> python -m campaigns.fail_disk --folder DIR   # doctest: +SKIP

Each run: a child opens a store, posts, uploads, signs and closes, while one operation fails (or all from it on); a
second child opens what is there (the page cache knows what the disk has lost: ``support.forgetful_disk``), writes on,
and has its power cut; a third one reads the whole store. A run that was ended goes on where it was.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import logging
import os
import random
import sqlite3
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from campaigns.cut_power import Rig, life, make, read_whole
from campaigns.forked import Talk
from campaigns.on_disk import CHANGES, live
from campaigns.state import keep, recalled
from campaigns.warm_writer import LARGEST_FILE, QUARANTINE, Ledger, Town, set_up
from sqlalchemy.exc import DBAPIError
from support.forgetful_disk import Disk, any_way
from support.fuse import SHORT, Request, Unavailable, enter_own_mounts

from rooms.attachment import Attachment
from rooms.commands import SERVER, Origin
from rooms.commands.noting import MakeCheckpoint
from rooms.commands.posting import PostMessage
from rooms.perform import Drain, Performer
from rooms.refusals import Refusal
from rooms.store.blobs import BlobFolder
from rooms.store.database import FatalStorageError, StorageFull
from rooms.world import Posted, Terms
from server.housekeeping import sweep_folders
from server.installation import StartRefused, load_keys, lock_folder, open_database, system_clocks
from server.load import Load
from server.receiving import Received, Receiving

ROUNDS = 4
POSTS_AT_ONCE = 3
PAGES = 12  # of the log between checkpoints
EXIT = 70  # as the server's


class Kind(NamedTuple):
    """What fails: ``number`` is an errno or ``SHORT``; ``lasting``: everything from then on; ``path``: only there."""

    name: str
    number: int
    operations: frozenset[str]
    lasting: bool = False
    path: str = ""


LOG = "data/sekisho.db-wal"
ANY = CHANGES | {"open", "read"}
GROWS = frozenset({"write", "create", "mkdir", "link"})
KINDS = (
    Kind("EIO", errno.EIO, ANY),
    Kind("EIO from then on", errno.EIO, ANY, lasting=True),
    Kind("ENOSPC", errno.ENOSPC, GROWS | {"fsync", "rename"}),
    Kind("EIO at fsync of the log", errno.EIO, frozenset({"fsync"}), path=LOG),
    Kind("short write", SHORT, frozenset({"write"})),
)


class Failing:
    """Refuses the operation number ``at`` of a kind; ``hit`` names it afterwards, as ``fsync data/sekisho.db-wal``."""

    def __init__(self, kind: Kind, at: int, disk: Disk) -> None:
        self.kind = kind
        self.left = at
        self.disk = disk
        self.hit: str | None = None

    def __call__(self, request: Request) -> int:
        if request.operation not in self.kind.operations:
            return 0
        if self.kind.path and self._path(request) != self.kind.path:
            return 0
        self.left -= 1
        if self.left == 0:
            self.hit = f"{request.operation} {self._path(request)}"
            return self.kind.number
        return self.kind.number if self.left < 0 and self.kind.lasting else 0

    def _path(self, request: Request) -> str:
        return next((path for path, file in self.disk.walk() if file.number == request.node), "a folder")


# The child -----------------------------------------------------------------------------------------------------------


async def script(folder: Path, town: Town, talk: Talk) -> None:
    """A short working day; says what it was told, and ends as the server does."""
    with lock_folder(folder):
        keys = load_keys(folder)
        database = open_database(folder)
        set_up(database, autocheckpoint=PAGES)
        quarantine = BlobFolder(folder / QUARANTINE)
        await sweep_folders(database, quarantine)
        drain = Drain(Terms(), system_clocks(), keys)

        def ends(error: BaseException) -> NoReturn:
            talk.say("ended", f"{type(error).__name__}: {error}")
            os._exit(EXIT)

        writer = Performer(database, drain, lambda _: None, ends)
        await writer.start()
        talk.say("open", drain.sound)
        receiving = Receiving(database, quarantine, writer.submit, lambda: True, LARGEST_FILE, Load())
        for number in range(ROUNDS):
            posters = list(enumerate(town.posters()))[:POSTS_AT_ONCE]
            await asyncio.gather(*(_post(writer, talk, n, *place, number) for n, place in posters))
            await _upload(receiving, town, talk)
            await writer.submit(MakeCheckpoint(SERVER))
        talk.say("closing")
        await writer.close()
        receiving.close()
        await database.close()
    talk.say("closed")


async def _post(writer: Performer, talk: Talk, poster: int, person: str, room: str, number: int) -> None:
    """Once, and once again if the answer was no."""
    origin = Origin("lgwan", person, "campaign", "127.0.0.1", "r")
    client_msg_id = f"{poster}-{number}"
    for _ in range(2):
        command = PostMessage(origin, room, client_msg_id, f"第{number}報", os.urandom(16))
        answer = (await writer.submit(command)).answer
        if isinstance(answer, Posted):
            claim = (person, room, client_msg_id, answer.message_id, answer.seq)
            talk.say("ack", poster, number, answer.repeated, claim)
            return
        talk.say("refused", answer.code)


async def _upload(receiving: Receiving, town: Town, talk: Talk) -> None:
    person, room = town.posters()[0]
    origin = Origin("lgwan", person, "campaign", "127.0.0.1", "r")

    async def file() -> Any:
        yield os.urandom(5000)

    for _ in range(2):
        try:
            received = await receiving.stream(file())
        except OSError as error:
            talk.say("refused", f"upload: {errno.errorcode[error.errno or 0]}")
            continue
        kept = (
            await receiving.record(origin, room, "被害状況.txt", received)
            if isinstance(received, Received)
            else received
        )
        if isinstance(kept, Attachment) and isinstance(received, Received):
            talk.say("file", kept.id, received.blob, received.sha256, received.size)
            return
        assert isinstance(kept, Refusal)
        talk.say("refused", kept.code)


def _day(folder: Path, town: Town, talk: Talk) -> None:
    """``script``; a start that is refused, or fails, is an end too, and no more than that."""
    try:
        asyncio.run(script(folder, town, talk))
    except (StartRefused, StorageFull, FatalStorageError) as error:
        talk.say("not started", type(error).__name__)
    except OSError as error:
        talk.say("not started", errno.errorcode[error.errno or 0])

    except (DBAPIError, sqlite3.Error) as error:
        talk.say("not started", str(error).splitlines()[0])


# The parent ----------------------------------------------------------------------------------------------------------


def one_failure(rig: Rig, kind: Kind, at: int, chooser: random.Random) -> Counter[str] | None:
    """A day with a failure, then what comes after it; None if the day ended before its operation number ``at``."""
    disk, ledger = rig.template.copy(), Ledger()
    failing = Failing(kind, at, disk)
    said = live(disk, rig.point, lambda talk: _day(rig.data, rig.town, talk), failing)
    if failing.hit is None:
        assert said[-1][0] == "closed", said
        return None
    try:
        return ledger.note(said) + _judged(said, failing) + _afterwards(rig, disk, ledger, chooser)
    except AssertionError as error:
        raise AssertionError(f"{kind.name} at {at} ({failing.hit}): {[line[:2] for line in said]}") from error


def _judged(said: list[list[Any]], failing: Failing) -> Counter[str]:
    """What the day came to, by what it said last."""
    words = [line[0] for line in said]
    assert ["open", False] not in said, "a sound record was taken for a false one"
    if failing.hit == f"fsync {LOG}" and "open" in words and "closing" not in words:
        assert words[-1] == "ended", "the log could not be made durable, and the writer went on"
    assert words[-1:] != ["not started"] or "open" not in words, "an error of the disk was nobody's"
    assert ["refused", "internal"] not in [line[:2] for line in said], "an error of the disk was taken for one of ours"
    ends = {"closed": "went_on", "ended": "ended", "not started": "not_started"}
    refused = Counter(f"refused: {line[1]}" for line in said if line[0] == "refused")
    return refused + Counter({ends.get(words[-1] if words else "", "killed"): 1})


def _afterwards(rig: Rig, disk: Disk, ledger: Ledger, chooser: random.Random) -> Counter[str]:
    """The next start, sometimes behind a power cut; then a cut in any case, and the whole store read."""
    if chooser.random() < 0.5:
        disk = disk.cut(chooser, any_way(chooser))
    acked = life(rig, disk, ledger, chooser)
    return acked + read_whole(rig, disk.cut(chooser, any_way(chooser)), ledger)


def campaign(folder: Path, seed: int, step: int = 1, only: str = "") -> dict[str, Any]:
    """Sweep every kind, or ``only`` that one, at each ``step``-th operation; answer the figures of all runs in this
    folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.json"
    figures: dict[str, Counter[str]] = {kind.name: Counter() for kind in KINDS}
    figures |= {name: Counter(found) for name, found in (recalled(state) or {}).items()}
    with tempfile.TemporaryDirectory() as scratch:
        rig = make(Path(scratch))
        for kind in [kind for kind in KINDS if only in ("", kind.name)]:
            found = figures[kind.name]
            while not found["clean"]:
                at = 1 + found["failures"] * step
                came = one_failure(rig, kind, at, random.Random(f"{seed} {kind.name} {at}"))
                found.update({"clean": 1, "operations": at - 1} if came is None else came + Counter(failures=1))
                keep(state, figures)
                if at % 50 == 1:
                    print(f"{kind.name}: {at}", file=sys.stderr)
    return {**figures, "lost": 0, "false_acknowledgements": 0}


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--folder", type=Path, required=True)
    arguments.add_argument("--only", default="", choices=[kind.name for kind in KINDS], help="one kind of failure")
    arguments.add_argument("--step", type=int, default=1, help="every so many operations")
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    try:
        enter_own_mounts()
    except Unavailable as reason:
        sys.exit(f"unavailable: {reason}")
    logging.disable(logging.CRITICAL)  # the product complains of what is done to it on purpose
    print(json.dumps(campaign(given.folder, given.seed, given.step, given.only), indent=2))
