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
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from campaigns.forked import PATIENCE, fork
from campaigns.state import keep, recalled
from campaigns.warm_writer import Ledger, Life, Town, found, read_all

CYCLES_OF_ONE_STORE = 100
EARLIEST, LATEST = 0.030, 0.080
ANY_MOMENT = 0.1  # share of kills that come at any moment from the fork on


def cycle(folder: Path, town: Town, ledger: Ledger, chooser: random.Random) -> Counter[str]:
    """One child and its end; answers what it acknowledged (see ``Ledger.note``)."""
    child = fork(lambda talk: asyncio.run(Life(folder, town, ledger, talk).run()))
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
    return ledger.note(said)


def whole(folder: Path, ledger: Ledger) -> dict[str, int]:
    """Read the whole store in a child; raises AssertionError with what it found."""
    child = fork(lambda talk: read_all(folder, *ledger.claims(), talk))
    for word, *more in child.rest():
        assert word == "whole", more[0]
        return {"messages": more[0], "leaves": more[1]}
    raise AssertionError("the child that read the whole store said nothing")


def campaign(folder: Path, cycles: int, seed: int) -> dict[str, Any]:
    """Run up to ``cycles`` in all and answer the figures of all runs in this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.json"
    empty = {"cycles": 0, "acknowledged": 0, "repeated": 0, "messages": 0, "leaves": 0, "seconds": 0.0, "silent": 0}
    figures: dict[str, Any] = recalled(state) or empty
    template, store = folder / "template", folder / "store"
    shutil.rmtree(template, ignore_errors=True)
    town = asyncio.run(found(template))
    while figures["cycles"] < cycles:
        begun = time.monotonic()
        shutil.rmtree(store, ignore_errors=True)
        shutil.copytree(template, store)
        ledger, chooser = Ledger(), random.Random(f"{seed} {figures['cycles']}")
        these = min(CYCLES_OF_ONE_STORE, cycles - figures["cycles"])
        acked = [cycle(store, town, ledger, chooser) for _ in range(these)]
        read = whole(store, ledger)
        figures["cycles"] += these
        figures["acknowledged"] += sum(one["acknowledged"] for one in acked)
        figures["repeated"] += sum(one["repeated"] for one in acked)
        figures["silent"] += sum(not one for one in acked)
        figures["messages"] += read["messages"]
        figures["leaves"] += read["leaves"]
        figures["seconds"] = round(figures["seconds"] + time.monotonic() - begun, 1)
        keep(state, figures)
        print(f"cycle {figures['cycles']}: {figures['acknowledged']} acknowledged", file=sys.stderr)
    return {**figures, "lost": 0, "twice": 0}


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cycles", type=int, default=10_000)
    arguments.add_argument("--folder", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    print(json.dumps(campaign(given.folder, given.cycles, given.seed), indent=2))
