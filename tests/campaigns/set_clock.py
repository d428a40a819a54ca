"""Campaign: somebody sets the machine's clock while people post: an hour, a year, a leap second, a clock that stands.

Shows: every post is acknowledged in one gapless order; nobody is logged out, locked out for longer, or let in sooner by
the rate limits; uploads under way stay, files get their verdicts, logins go on; the record is intact, in the order
of the monotonic clock, its signed heads in that of their times. Then the server starts with its clock a year off.

>>> python -m campaigns.set_clock --rounds 20 --folder DIR   # doctest: +SKIP

The real server over loopback, its wall clock by libfaketime (Debian's ``faketime``), which leaves the monotonic clock
as it is. Each round sets the clock through all ``SITUATIONS`` in random order during some 500 posts. Resumable by
rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import random
import shutil
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import websockets
from campaigns.served import PROTOCOL, Server, people, read_room, verify_record
from campaigns.state import counted, keep
from campaigns.whole_store import Whole, integrity_check
from websockets.asyncio.client import ClientConnection

from ops.setup.system import clock_library
from server.installation import DATABASE

POSTERS = 4
POSTS_EACH = 15  # of each poster in each situation
PACE = 0.08
RATE, BURST = 20, 40
SEEN_WITHIN = 1.2  # seconds; libfaketime reads its file once a second
HOUR, YEAR = 3600, 365 * 24 * 3600
SITUATIONS = ("hour ahead", "hour back", "year ahead", "year back", "right", "stands", "leap second", "second back")
PASSWORD = "kasumigahama-2026"
TUS = {"tus-resumable": "1.0.0"}
LIMITS = {
    "posts_per_second": RATE, "posts_at_once": BURST, "frames_per_second": 0, "requests_per_second": 0,
}  # fmt: skip


class Clock:
    """The wall clock of the programs that are started with ``environment``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.environment = {
            "LD_PRELOAD": clock_library(),
            "FAKETIME_TIMESTAMP_FILE": str(path.resolve()),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "TZ": "UTC",
        }
        self.off_by(0)

    def off_by(self, seconds: float) -> None:
        """It goes on, so many seconds off the right time."""
        self._say(f"{seconds:+.3f}")

    def stands(self) -> None:
        """It shows the right time of now, and goes on showing that."""
        self._say(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}")

    def _say(self, what: str) -> None:
        partial = self._path.with_suffix(".partial")
        partial.write_text(what + "\n")
        partial.rename(self._path)

    async def be(self, situation: str) -> None:
        """Be set so, and wait until the programs have seen it."""
        match situation:
            case "stands":
                self.stands()
            case "leap second":
                await self._leap()
            case _:
                offsets = {"hour": HOUR, "year": YEAR, "second": 1, "right": 0}
                size = offsets[situation.split()[0]]
                self.off_by(size if situation.endswith("ahead") else -size)
        await asyncio.sleep(SEEN_WITHIN)

    async def _leap(self) -> None:
        """23:59:60 as POSIX clocks tell it: the last second of the year comes twice."""
        last = datetime(2028, 12, 31, 23, 59, 59, tzinfo=UTC)
        off = (last - timedelta(seconds=SEEN_WITHIN) - datetime.now(UTC)).total_seconds()
        self.off_by(off)
        await asyncio.sleep(SEEN_WITHIN + 1)
        self.off_by(off - 1)


@dataclass
class Poster:
    """One connection that stays open through everything. ``acked``: the seqs of its own posts, in order."""

    who: dict[str, str]
    socket: ClientConnection
    acked: list[int] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)
    refused: int = 0
    number: int = 0

    async def listen(self) -> None:
        async for data in self.socket:
            frame = json.loads(data)
            if frame["op"] == "ack":
                self.acked.append(frame["seq"])
            elif frame["op"] == "refused":
                assert frame["code"] == "rate_limited", frame
                self.refused += 1
            elif frame["op"] == "event":
                self.shown.append(frame["seq"])

    async def post(self, count: int, pace: float) -> None:
        for _ in range(count):
            self.number += 1
            name = f"{self.who['login']}-{self.number}"
            post = {"op": "post", "ref": self.number, "room": self.who["room"], "client_msg_id": name, "text": name}
            await self.socket.send(json.dumps(post))
            await asyncio.sleep(pace)

    async def answered(self, before: int) -> int:
        """Wait until everything is answered; how many were accepted since there were ``before``."""
        async with asyncio.timeout(20):
            while len(self.acked) + self.refused < self.number:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        return len(self.acked) - before


@dataclass
class Trial:
    """One round: people who post, one who posts too much, sessions, an upload that waits."""

    server: Server
    clock: Clock
    posters: list[Poster]
    greedy: Poster
    tokens: list[str]
    upload: str
    last_burst: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)

    async def situation(self, name: str) -> None:
        await self.clock.be(name)
        await asyncio.gather(*(poster.post(POSTS_EACH, PACE) for poster in self.posters), self._post_too_much(name))
        for poster in self.posters:
            await poster.answered(0)
            assert poster.refused == 0, f"{name}: a poster below the rate was limited"
        await self._ask(name)

    async def _post_too_much(self, name: str) -> None:
        """What is accepted of a burst is what the monotonic clock has let in since the last one."""
        begun, before = time.monotonic(), len(self.greedy.acked)
        await self.greedy.post(BURST + 20, 0)
        accepted = await self.greedy.answered(before)
        most = min(BURST, (time.monotonic() - self.last_burst) * RATE) + (time.monotonic() - begun) * RATE + 1
        assert accepted <= most, f"{name}: {accepted} posts were let in, {most:.1f} are the most"
        if self.counts["situations"]:
            assert accepted >= 1, f"{name}: the rate limit lets nothing in any more"
        self.last_burst = begun
        self.counts.update(situations=1, let_in=accepted, limited=BURST + 20 - accepted)

    async def _ask(self, name: str) -> None:
        """Every session lives, a new one opens, the upload waits, a file is received."""
        async with httpx.AsyncClient(base_url=self.server.http, timeout=20, trust_env=False) as client:
            login = await client.post("/login", json={"login": "tokei", "password": PASSWORD})
            assert login.status_code == 200, f"{name}: {login.text}"
            client.cookies.clear()
            self.tokens.append(login.json()["token"])
            for token in self.tokens:
                me = await client.get("/me", headers={"Authorization": f"Bearer {token}"})
                assert me.status_code == 200, f"{name}: a session has ended: {me.text}"
            bearer = {"Authorization": f"Bearer {self.posters[0].who['token']}"}
            waiting = await client.head(self.upload, headers=bearer | TUS)
            assert waiting.status_code == 200, f"{name}: the upload is gone"
            query = {"room": self.posters[0].who["room"], "name": "時刻.txt"}
            sent = await client.post("/attachments", params=query, content=name.encode(), headers=bearer)
            assert sent.status_code == 202, f"{name}: {sent.text}"
            await self._judged(client, sent.json()["id"], bearer)

    async def _judged(self, client: httpx.AsyncClient, attachment: str, bearer: dict[str, str]) -> None:
        async with asyncio.timeout(60):
            while True:
                view = (await client.get(f"/attachments/{attachment}", headers=bearer)).json()
                states = {zone["state"] for zone in view["zones"].values()}
                if states == {"released"}:
                    return
                assert states <= {"released", "quarantined"}, view
                await asyncio.sleep(0.1)

    async def nobody_is_locked_out_for_a_year(self) -> None:
        """A lock that began while the clock was right is over at once where the clock goes back."""
        async with httpx.AsyncClient(base_url=self.server.http, timeout=20, trust_env=False) as client:
            await self.clock.be("right")
            tries = [{"login": "shippai", "password": "chigau-password"}] * 6
            right = {"login": "shippai", "password": PASSWORD}
            for body in [*tries, right]:
                answer = await client.post("/login", json=body)
                assert answer.status_code == 401, answer.text
                await asyncio.sleep(0.5)  # who fails hears so at once; the failure is counted a little later
            self.clock.off_by(-YEAR)
            await asyncio.sleep(2 * SEEN_WITHIN)
            late = await client.post("/login", json=right)
            assert late.status_code == 200, late.text


async def _connect(server: Server, who: dict[str, str]) -> ClientConnection:
    socket = await websockets.connect(server.ws, subprotocols=[PROTOCOL], compression=None, proxy=None)
    await socket.send(json.dumps({"op": "hello", "token": who["token"]}))
    assert json.loads(await socket.recv())["op"] == "ready"
    return socket


async def _begin_upload(server: Server, who: dict[str, str]) -> str:
    room, name = (base64.b64encode(text.encode()).decode() for text in (who["room"], "計画.txt"))
    headers = TUS | {"Authorization": f"Bearer {who['token']}", "upload-length": "100"}
    headers["upload-metadata"] = f"room {room},filename {name}"
    async with httpx.AsyncClient(timeout=20, trust_env=False) as client:
        begun = await client.post(f"{server.http}/uploads/", headers=headers)
    assert begun.status_code == 201, begun.text
    location: str = httpx.URL(server.http).join(begun.headers["location"]).__str__()
    return location


async def run(server: Server, clock: Clock, everyone: Sequence[dict[str, str]], order: Sequence[str]) -> Counter[str]:
    """One round over a server that has just started."""
    sockets = [await _connect(server, who) for who in everyone[: POSTERS + 1]]
    *posters, greedy = [Poster(who, socket) for who, socket in zip(everyone, sockets, strict=False)]
    upload = await _begin_upload(server, everyone[0])
    trial = Trial(server, clock, posters, greedy, [who["token"] for who in everyone], upload)
    listening = [asyncio.create_task(poster.listen()) for poster in (*posters, greedy)]
    try:
        for name in order:
            await trial.situation(name)
        await trial.nobody_is_locked_out_for_a_year()
        assert not any(task.done() for task in listening), "a connection was closed"
        _assert_one_order((*posters, greedy))
    finally:
        clock.off_by(0)
        for socket in sockets:
            await socket.close()
        await asyncio.gather(*listening)
    trial.counts["posts"] = sum(len(poster.acked) for poster in (*posters, greedy))
    return trial.counts


def _assert_one_order(posters: Sequence[Poster]) -> None:
    """Everybody was shown the same, in one gapless order, and each ack names a seq of its own."""
    acked = [seq for poster in posters for seq in poster.acked]
    assert len(acked) == len(set(acked))
    for poster in posters:
        assert poster.acked == sorted(poster.acked)
        first, last = poster.shown[0], poster.shown[-1]
        assert poster.shown == list(range(first, last + 1))
        assert set(acked) <= set(poster.shown), "an acknowledged post was not shown"


def check_record(folder: Path) -> None:
    """Leaves in the order of the monotonic clock of each boot, signed heads in the order of their times."""
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as database:
        integrity_check(database)
        Whole().read_on(database)
        mono: dict[str, int] = {}
        for (leaf,) in database.execute("SELECT leaf FROM audit_leaves ORDER BY idx"):
            said = json.loads(leaf)
            assert int(said["mono"]) >= mono.get(said["boot"], 0), "a leaf is older than the one before it"
            mono[said["boot"]] = int(said["mono"])
        times = [at for (at,) in database.execute("SELECT at FROM audit_checkpoints ORDER BY size")]
        assert times == sorted(set(times)), "signed heads are not in the order of their times"


def one_round(folder: Path, order: Sequence[str], starts: Sequence[int]) -> Counter[str]:
    """A new installation, situations in their order, ``starts`` with the clock so many seconds off, and the checks."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    clock = Clock(folder / "clock")
    server = Server(folder, LIMITS, clock.environment)
    server.start()
    everyone = people(server, POSTERS + 1, 1, POSTERS + 1)
    (folder / "password").write_text(f"{PASSWORD}\n")
    for login in ("tokei", "shippai"):
        words = ("--name", login, "--password-file", folder / "password", "--data", server.data)
        server.run("user", "add", login, *words)
    try:
        counts = asyncio.run(run(server, clock, everyone, order))
        head = len(read_room(server, everyone[0]))
        for seconds in starts:
            assert server.stop() == 0
            clock.off_by(seconds)
            server.start()
            counts["starts"] += 1
        assert server.stop() == 0
        verify_record(server)
        check_record(server.data)
        with closing(sqlite3.connect(server.data / DATABASE)) as database:
            kept = database.execute("SELECT count(*) FROM events WHERE room = ?", (everyone[0]["room"],)).fetchone()
        assert kept == (head,)
    finally:
        server.end()
    return counts


def campaign(folder: Path, rounds: int, seed: int) -> dict[str, Any]:
    """Run up to ``rounds`` in all and answer the figures of all runs in this folder."""
    if not clock_library():
        raise SystemExit("libfaketime is missing; run: apt-get install faketime")
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.json"
    figures = counted(state)
    while figures["rounds"] < rounds:
        chooser = random.Random(f"{seed} {figures['rounds']}")
        order = chooser.sample(SITUATIONS, len(SITUATIONS))
        figures += one_round(folder / "store", order, (YEAR, -YEAR, 0))
        figures["rounds"] += 1
        keep(state, figures)
        print(f"round {figures['rounds']}: {figures['posts']} posts", file=sys.stderr)
    return {**figures, "lost": 0, "out_of_order": 0, "sessions_ended": 0}


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=20)
    arguments.add_argument("--folder", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    print(json.dumps(campaign(given.folder, given.rounds, given.seed), indent=2))
