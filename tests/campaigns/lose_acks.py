"""Campaign: acknowledgements get lost and clients send again with the same ``client_msg_id``.

Shows: every message is shown exactly once, in the order of its seq; however often it comes, it is answered the same;
what was acknowledged, whether the client heard it or not, is in the store.

>>> python -m campaigns.lose_acks --sends 100000 --folder DIR   # doctest: +SKIP

The whole server over real sockets on loopback. 30 % of the acknowledgements are lost on their way to the client: most
are dropped where they arrive; now and then the line is cut while posts are under way, so that the server has some of
them, all, or none. A reader that stays connected keeps what it is shown. Resumable: the same folder is gone on with.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sqlite3
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import websockets
from campaigns.state import counted, keep
from campaigns.whole_store import Claim, Whole, assert_kept, integrity_check
from support.installation import Client, Installation, installed
from support.sockets import Socket, on_socket

from server.installation import DATABASE

LOST = 0.3
CUT = 0.05  # share of rounds in which the line is cut
WINDOW = 40  # posts under way; the server takes 64 of one connection
SENDERS = ("sato", "suzuki")
ROUND = 10_000


class Sender:
    """One person's client: sends what has no answer until it has one. ``answers`` keeps lost ones too."""

    def __init__(
        self, town: Installation, client: Client, room: str, messages: list[str], chance: random.Random
    ) -> None:
        self.town = town
        self.client = client
        self.room = room
        self.unsent = messages
        self.unanswered: list[str] = []
        self.answers: dict[str, tuple[str, int]] = {}
        self.counts: Counter[str] = Counter()
        self.chance = chance

    async def run(self) -> None:
        while self.unsent or self.unanswered:
            with suppress(websockets.ConnectionClosed, OSError):
                async with on_socket(self.town, self.client) as socket:
                    await self._talk(socket)

    async def _talk(self, socket: Socket) -> None:
        while self.unsent or self.unanswered:
            new = WINDOW - len(self.unanswered)
            self.unanswered += self.unsent[:new]
            del self.unsent[:new]
            self.counts["sent"] += len(self.unanswered)
            for ref, name in enumerate(self.unanswered):
                await socket.say("post", ref=ref, room=self.room, client_msg_id=name, text=name)
            if self.chance.random() < CUT:
                await asyncio.sleep(self.chance.uniform(0, 0.02))
                socket.connection.transport.abort()
                self.counts["cut"] += 1
            await self._hear(socket)

    async def _hear(self, socket: Socket) -> None:
        """One answer for each post of the round; of these so many are lost."""
        asked, heard = list(self.unanswered), 0
        while heard < len(asked):
            frame = await socket.next(30)
            socket.frames.clear()
            assert frame["op"] in ("ack", "event", "read_mark"), frame
            if frame["op"] != "ack":
                continue
            heard += 1
            self._answered(asked[frame["ref"]], (frame["message_id"], frame["seq"]))

    def _answered(self, name: str, place: tuple[str, int]) -> None:
        first = self.answers.setdefault(name, place)
        assert first == place, f"{name} was answered {first} and then {place}"
        if self.chance.random() < LOST:
            self.counts["lost"] += 1
        else:
            self.counts["heard"] += 1
            self.unanswered.remove(name)


async def _read(socket: Socket, room: str, shown: list[str], count: int) -> None:
    """What a reader is shown, in the order of its seq."""
    while len(shown) < count:
        frame = await socket.next(60)
        socket.frames.clear()
        if frame["op"] == "event" and frame["room"] == room and frame["event"]["type"] == "message.posted":
            assert frame["seq"] == len(shown) + 1, f"{frame['seq']} came where {len(shown) + 1} was next"
            shown.append(frame["event"]["message"]["client_msg_id"])


async def _one_round(folder: Path, sends: int, chance: random.Random) -> Counter[str]:
    """A start of the server and ``sends`` messages through it."""
    async with installed(folder) as town:
        clients = [await town.login(login, "lgwan") for login in SENDERS]
        reader = await town.login("tanaka", "internet")
        body = {"kind": "group", "name": "応答", "members": ["suzuki", "tanaka"]}
        room = (await clients[0].post("rooms", json=body)).json()["id"]
        names = [f"{os.urandom(4).hex()}-{n}" for n in range(sends)]
        senders = [Sender(town, client, room, names[n :: len(clients)], chance) for n, client in enumerate(clients)]
        shown: list[str] = []
        async with on_socket(town, reader) as socket, asyncio.TaskGroup() as group:
            group.create_task(_read(socket, room, shown, sends))
            for sender in senders:
                group.create_task(sender.run())
        people: dict[str, str] = dict(town.rows("SELECT login, id FROM people"))
    assert sorted(shown) == sorted(names), "not every message was shown exactly once"
    claims = [
        Claim(people[sender.client.login_name], room, name, *place)
        for sender in senders
        for name, place in sender.answers.items()
    ]
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as database:
        integrity_check(database)
        assert_kept(database, claims)
        Whole().read_on(database)
    return sum((sender.counts for sender in senders), Counter(messages=sends))


def campaign(folder: Path, sends: int, seed: int) -> dict[str, Any]:
    """Send up to ``sends`` messages in all and answer the figures of all runs in this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.json"
    figures = counted(state)
    while figures["messages"] < sends:
        done = figures["messages"]
        figures += asyncio.run(_one_round(folder / "data", min(ROUND, sends - done), random.Random(f"{seed} {done}")))
        keep(state, figures)
    share = figures["lost"] / (figures["lost"] + figures["heard"])
    return {**figures, "lost_share": round(share, 3), "shown_twice": 0, "never_shown": 0}


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sends", type=int, default=100_000)
    arguments.add_argument("--folder", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    print(json.dumps(campaign(given.folder, given.sends, given.seed), indent=2))
