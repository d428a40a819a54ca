"""Campaign: the storage writer runs out of memory, and is killed soon after.

Shows: what the real writer acknowledged is in the store, once; rooms have no gaps; nothing is there by half; whoever
heard no may come again, and the next start is whole.

>>> python -m campaigns.starve_writer --runs 500 --folder DIR   # doctest: +SKIP

Each run: a child opens the store, holds it against all that was acknowledged, and writes; from its first
acknowledgement on it may have no more address space than it has, or few MiB more (``RLIMIT_AS``), while something in it
takes ever more; so memory is refused wherever it is asked for next: in the drain, in SQLite, in the event loop. It dies
of that, or is killed up to 300 ms later, as the system's out-of-memory killer would. Every 50 runs a child reads the
whole store.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import resource
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from campaigns.forked import PATIENCE, Talk, fork
from campaigns.kill_writer import whole
from campaigns.state import counted, keep
from campaigns.warm_writer import Ledger, Life, Town, found

from rooms.commands import Origin
from rooms.commands.posting import PostMessage
from rooms.perform import Performer
from rooms.world import Posted

RUNS_OF_ONE_STORE = 50
MIB = 1 << 20
LARGEST_BITE, SMALLEST_BITE, BITES = 64 << 10, 64, 100  # bytes; the small ones also come out of Python's own arenas
LATEST = 0.300  # seconds from the limit to the kill


class Starving(Life):
    """A life whose posters take no for an answer, and come again."""

    more: int = 0  # bytes beyond what it has when the limit is set

    async def _post(self, writer: Performer, poster: int, person: str, room: str) -> None:
        origin = Origin("lgwan", person, "campaign", "127.0.0.1", "r")
        number = self.ledger.next.get(poster, 0)
        while True:
            client_msg_id = f"{poster}-{number}"
            command = PostMessage(origin, room, client_msg_id, f"第{number}報 避難所の状況", os.urandom(16))
            answer = (await writer.submit(command)).answer
            if not isinstance(answer, Posted):
                self.talk.say("refused", answer.code)
                await asyncio.sleep(0.001)
                continue
            claim = (person, room, client_msg_id, answer.message_id, answer.seq)
            self.talk.say("ack", poster, number, answer.repeated, claim)
            if poster == 0 and number == self.ledger.next.get(0, 0):
                self._hunger = asyncio.create_task(self._starve())
            number += 1

    async def _starve(self) -> None:
        _limit(self.more)
        self.talk.say("limited")
        taken: list[bytes] = []
        size = LARGEST_BITE
        while True:
            try:
                taken += [bytes(size) for _ in range(BITES)]
            except MemoryError:
                if size == LARGEST_BITE:
                    self.talk.say("starved")
                size = max(SMALLEST_BITE, size // 2)
            await asyncio.sleep(0)


def _limit(more: int) -> None:
    """No more address space than there is, and so much."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * os.sysconf("SC_PAGESIZE") + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def run(folder: Path, town: Town, ledger: Ledger, chooser: random.Random) -> Counter[str]:
    """One child and its end; answers what it acknowledged, and what became of it."""
    more = chooser.choice((0, chooser.randrange(8 * MIB)))

    def work(talk: Talk) -> None:
        life = Starving(folder, town, ledger, talk)
        life.more = more
        asyncio.run(life.run())

    child = fork(work)
    said: list[list[Any]] = []
    until, limited = time.monotonic() + PATIENCE, False
    while (left := until - time.monotonic()) > 0:
        lines = child.lines(left)
        if lines is None:
            break
        said += lines
        if not limited and any(word == "limited" for word, *_ in lines):
            limited, until = True, time.monotonic() + chooser.uniform(0, LATEST)
    died = left > 0
    os.kill(child.process, signal.SIGKILL)
    said += child.rest()
    return ledger.note([line for line in said if not _starved(line)]) + Counter(
        {
            "died" if died else "killed": 1,
            "starved": sum(line[0] == "starved" for line in said),
            "refused": sum(line[0] == "refused" for line in said),
        }
    )


def _starved(line: list[Any]) -> bool:
    """Whether a child's last word is that it had no memory; anything else that it fails of is a finding."""
    return line[0] == "failed" and "MemoryError" in line[1]


def campaign(folder: Path, runs: int, seed: int) -> dict[str, Any]:
    """Run up to ``runs`` in all and answer the figures of all runs in this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.json"
    figures = counted(state)
    template, store = folder / "template", folder / "store"
    shutil.rmtree(template, ignore_errors=True)
    town = asyncio.run(found(template))
    while figures["runs"] < runs:
        shutil.rmtree(store, ignore_errors=True)
        shutil.copytree(template, store)
        ledger, chooser = Ledger(), random.Random(f"{seed} {figures['runs']}")
        these = min(RUNS_OF_ONE_STORE, runs - figures["runs"])
        for _ in range(these):
            figures += run(store, town, ledger, chooser)
        figures += Counter(whole(store, ledger)) + Counter(runs=these)
        keep(state, figures)
        print(f"run {figures['runs']}: {figures['acknowledged']} acknowledged", file=sys.stderr)
    return {**figures, "lost": 0, "twice": 0}


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=500)
    arguments.add_argument("--folder", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    logging.disable(logging.CRITICAL)  # the product complains of what is done to it on purpose
    print(json.dumps(campaign(given.folder, given.runs, given.seed), indent=2))
