"""Campaign: the power is cut under the storage writer, on a disk that forgets what was not fsynced.

Shows: what the real writer acknowledged, posts and files, is there when the store is opened from what survived; rooms
have no gaps; nothing is there by half; the audit tree goes on from its kept head; an installation that is cut while it
is made can be started, and a restore that said it was done is there. The control, the same writer with
``synchronous=NORMAL``, must lose: else the rig is broken.

>>> python -m campaigns.cut_power --cuts 5000 --folder DIR   # doctest: +SKIP

Each life: a child forked from a warm parent opens what the last cut left, holds it against all that was acknowledged,
and writes; the power is cut ahead of some change of the disk (``support.forgetful_disk`` says what then survives). One
cut in ten comes at any moment from the fork on, so that opening and recovery are cut too. After every 50 cuts a child
reads the whole store, runs ``integrity_check``, and a new installation is begun, whose making is cut first. A run that
was ended goes on with the next 50.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaigns.forked import Talk
from campaigns.on_disk import Cutter, live
from campaigns.state import counted, keep
from campaigns.warm_writer import Ledger, Life, Town, found, read_all, reading
from support.forgetful_disk import Disk, Way, any_way
from support.fuse import Unavailable, enter_own_mounts

from ops import cli
from ops.restore import restore
from rooms.store.database import MOST_IN_LOG
from server.installation import DATABASE, StartRefused, lock_folder, open_database

PEOPLE, ROOMS, UPLOADERS = 4, 2, 2
CUTS_OF_ONE_STORE = 50
CUTS_OF_MAKING = 5  # before each store
CONTROLS = 20  # in each run
MOST_CHANGES = 300  # from the first acknowledgement to the cut
ANY_MOMENT, FIRST_CHANGES = 0.1, 60  # share of cuts that come within so many changes from the fork on


@dataclass
class Rig:
    """Where disks are mounted, a new installation to copy, and the backup of another on a disk of the machine."""

    point: Path
    template: Disk
    town: Town
    changes_of_making: int
    backup: Path

    @property
    def data(self) -> Path:
        return self.point / "data"


def make(scratch: Path) -> Rig:
    """The installation that every store begins as. Everything its maker was told is durable when the maker ends."""
    point = scratch / "mount"
    point.mkdir()
    disk, cutter, towns = Disk(), Cutter(), []

    def work(talk: Talk) -> None:
        town = asyncio.run(found(point / "data", PEOPLE, ROOMS))
        talk.say("made", town.people, town.rooms)

    for word, *more in live(disk, point, work, cutter):
        assert word == "made", more[0]
        towns.append(Town(*more))
    asyncio.run(found(scratch / "other", PEOPLE, 1))  # in this process, so that children find everything imported
    backup = scratch / "other.backup"
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        assert cli.main(["backup", "--data", str(scratch / "other"), "-o", str(backup)]) == 0
    return Rig(point, disk.cut(random.Random(0), Way("drop")), towns[0], cutter.changes, backup)


def life(rig: Rig, disk: Disk, ledger: Ledger, chooser: random.Random, synchronous: str = "FULL") -> Counter[str]:
    """One child, cut; answers what it acknowledged. Some have their log checkpointed often, some are watched."""
    pages, watched = chooser.choice((MOST_IN_LOG, 40)), chooser.random() < 0.5
    cutter = Cutter()
    if chooser.random() < ANY_MOMENT:
        cutter.left = chooser.randrange(1, FIRST_CHANGES)
    after = chooser.randrange(1, MOST_CHANGES)

    def heard(lines: list[list[Any]]) -> None:
        if cutter.left is None and any(word == "ack" for word, *_ in lines):
            cutter.left = after

    def work(talk: Talk) -> None:
        asyncio.run(Life(rig.data, rig.town, ledger, talk, UPLOADERS, synchronous, pages, watched=watched).run())

    acked = ledger.note(live(disk, rig.point, work, cutter, heard))
    acked.update({f"{name}s": cutter.seen[name] for name in ("write", "fsync")})
    return acked


def look(rig: Rig, disk: Disk, ledger: Ledger) -> None:
    """Open what survived and hold it against what was acknowledged; raises AssertionError."""

    def work(talk: Talk) -> None:
        asyncio.run(Life(rig.data, rig.town, ledger, talk, only_look=True).run())

    ledger.note(live(disk, rig.point, work, Cutter()))


def read_whole(rig: Rig, disk: Disk, ledger: Ledger) -> Counter[str]:
    """Everything in the store, read by a child; raises AssertionError with what it found."""
    for word, *more in live(disk, rig.point, lambda talk: read_all(rig.data, *ledger.claims(), talk), Cutter()):
        assert word == "whole", more[0]
        return Counter(messages=more[0], leaves=more[1])
    raise AssertionError("the child that read the whole store said nothing")


def cut_making(rig: Rig, chooser: random.Random) -> None:
    """An installation cut while it is made, then started."""
    disk = Disk()
    cutter = Cutter(chooser.randrange(1, rig.changes_of_making))
    live(disk, rig.point, lambda talk: asyncio.run(_made(rig.data)), cutter)
    look(rig, disk.cut(chooser, any_way(chooser)), Ledger())


async def _made(folder: Path) -> None:
    await found(folder, PEOPLE, ROOMS)


def cut_restoring(rig: Rig, chooser: random.Random) -> Counter[str]:
    """A restore, cut at any moment or right after it said that it was done: what it said it did is there."""
    disk, cutter = Disk(), Cutter(chooser.choice((None, chooser.randrange(1, FIRST_CHANGES))))

    def work(talk: Talk) -> None:
        restore(rig.backup, rig.data, None, without_keys=True)
        talk.say("restored")

    said = live(disk, rig.point, work, cutter)
    assert all(line == ["restored"] for line in said), said
    after = disk.cut(chooser, Way("drop") if said else any_way(chooser))
    found_there = live(after, rig.point, lambda talk: _count_people(rig.data, talk), Cutter())
    assert not said or found_there == [["people", PEOPLE]], f"a restore said that it was done; then {found_there}"
    return Counter(cuts_of_restoring=1, restored=len(said))


def _count_people(folder: Path, talk: Talk) -> None:
    """How many are in an installation that can be started; why not, in one that cannot."""
    try:
        with lock_folder(folder):
            open_database(folder).close_writer()
            with closing(reading(folder)) as database:
                talk.say("people", *database.execute("SELECT count(*) FROM people").fetchone())
    except StartRefused as refused:
        talk.say("refused", refused.code)


def one_store(rig: Rig, cuts: int, chooser: random.Random) -> Counter[str]:
    """So many cuts of one installation, then all of it read."""
    figures: Counter[str] = Counter()
    for _ in range(CUTS_OF_MAKING):
        cut_making(rig, chooser)
        figures["cuts_of_making"] += 1
    figures += cut_restoring(rig, chooser)
    disk, ledger = rig.template.copy(), Ledger()
    for _ in range(cuts):
        way = any_way(chooser)
        figures += life(rig, disk, ledger, chooser)
        figures["in_checkpoints"] += _in_checkpoint(disk)
        disk = disk.cut(chooser, way)
        figures[way.kind] += 1
    return figures + read_whole(rig, disk, ledger) + Counter(cuts=cuts)


def _in_checkpoint(disk: Disk) -> bool:
    """Whether the database file itself, and not only its log, was being written."""
    return any(path == f"data/{DATABASE}" and file.changes for path, file in disk.walk())


def control(rig: Rig, controls: int, chooser: random.Random, synchronous: str) -> Counter[str]:
    """The writer that does not fsync at each commit: in how many cuts something acknowledged was lost."""
    figures: Counter[str] = Counter()
    for _ in range(controls):
        disk, ledger = rig.template.copy(), Ledger()
        life(rig, disk, ledger, chooser, synchronous)
        figures["controls"] += 1
        try:
            look(rig, disk.cut(chooser, any_way(chooser)), ledger)
        except AssertionError:
            figures["controls_that_lost"] += 1
    return figures


def campaign(
    folder: Path, cuts: int, seed: int, controls: int = CONTROLS, synchronous: str = "NORMAL"
) -> dict[str, Any]:
    """Run up to ``cuts`` in all and answer the figures of all runs in this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.json"
    figures = counted(state)
    with tempfile.TemporaryDirectory() as scratch:
        rig = make(Path(scratch))
        figures += control(rig, controls, random.Random(f"{seed} {figures['cuts']} control"), synchronous)
        assert figures["controls_that_lost"], "the control lost nothing: this rig shows nothing"
        while figures["cuts"] < cuts:
            begun = time.monotonic()
            chooser = random.Random(f"{seed} {figures['cuts']}")
            figures += one_store(rig, min(CUTS_OF_ONE_STORE, cuts - figures["cuts"]), chooser)
            figures["milliseconds"] += round(1000 * (time.monotonic() - begun))
            keep(state, figures)
            print(f"cut {figures['cuts']}: {figures['acknowledged']} acknowledged", file=sys.stderr)
    return {**figures, "lost": 0}


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cuts", type=int, default=5_000)
    arguments.add_argument("--folder", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--controls", type=int, default=CONTROLS, help="cuts of the writer that must lose")
    arguments.add_argument("--control", default="NORMAL", help="with FULL nothing is lost, and the campaign fails")
    given = arguments.parse_args()
    try:
        enter_own_mounts()
    except Unavailable as reason:
        sys.exit(f"unavailable: {reason}")
    logging.disable(logging.CRITICAL)  # the product complains of what is done to it on purpose
    print(json.dumps(campaign(given.folder, given.cuts, given.seed, given.controls, given.control), indent=2))
