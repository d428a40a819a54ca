"""Campaign: tasks are cancelled at random moments: callers that wait for the writer, HTTP handlers, sockets at work.

Shows: whatever was acknowledged is there, once; nothing is there by half; nobody ever hears "locked"; every reader is
given back, so that the server goes on answering.

>>> python -m campaigns.cancel --cancellations 10000 --folder DIR   # doctest: +SKIP

The whole server runs in this process, over real sockets on loopback, so that its tasks can be reached. Three in five
cancellations are of callers, three in ten of HTTP handlers (posting, reading, listing, searching), one in ten of
sockets that log in, replay or wait for an answer. Resumable: the same folder is gone on with.
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
import logging
import os
import random
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from pathlib import Path
from types import CoroutineType
from typing import Any

import httpx
import websockets
from campaigns.state import counted, keep
from campaigns.whole_store import Claim, Whole, assert_kept, integrity_check
from support.installation import Client, Installation, installed
from support.sockets import on_socket

from rooms.commands import Origin
from rooms.commands.posting import MarkRead, PostMessage
from rooms.store.database import READERS
from rooms.world import Posted
from server.installation import DATABASE

AT_ONCE = 16
ROUND = 1_000


class Complaints(logging.Handler):
    """What the server logs of a locked database, as text."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.locked: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if "locked" in text or "another row available" in text:
            self.locked.append(text)


class Storm:
    """What one run does to one server. ``claims`` is what was acknowledged, ``counts`` what was cancelled."""

    def __init__(self, town: Installation, clients: list[Client], room: str, chooser: random.Random) -> None:
        self.town = town
        self.people: dict[str, str] = dict(town.rows("SELECT login, id FROM people"))
        self.clients = clients
        self.room = room
        self.chooser = chooser
        self.claims: list[Claim] = []
        self.counts: Counter[str] = Counter()
        self.run = f"{os.urandom(4).hex()}"
        self._number = 0

    def _next(self) -> str:
        self._number += 1
        return f"{self.run}-{self._number}"

    def _note(self, login: str, client_msg_id: str, message_id: str, seq: int) -> None:
        person = self.people[login]
        self.claims.append(Claim(person, self.room, client_msg_id, message_id, seq))
        self.counts["acknowledged"] += 1

    async def _a_moment(self) -> None:
        """Some turns of the loop, or some milliseconds: wherever the drain is by then."""
        if self.chooser.random() < 0.5:
            for _ in range(self.chooser.randrange(6)):
                await asyncio.sleep(0)
        else:
            await asyncio.sleep(self.chooser.uniform(0, 0.012))

    # Callers of the writer -------------------------------------------------------------------------------------------

    async def cancel_callers(self, count: int) -> None:
        """A crowd of callers, of whom some are cancelled (the task that waits, or the future itself) and some not."""
        while self.counts["callers"] < count:
            callers = [asyncio.create_task(self._call()) for _ in range(AT_ONCE)]
            await self._a_moment()
            for task in self.chooser.sample(callers, AT_ONCE - 2):
                self.counts["callers"] += task.cancel()
            await asyncio.gather(*callers, return_exceptions=True)

    async def _call(self) -> None:
        login = self.chooser.choice(("sato", "suzuki"))
        origin = Origin("lgwan", self.people[login], "campaign", "127.0.0.1", "r")
        if self.chooser.random() < 0.1:
            await self.town.application.submit(MarkRead(origin, self.room, self._number))
            return
        client_msg_id = self._next()
        command = PostMessage(origin, self.room, client_msg_id, "取り消された報告", os.urandom(16))
        answer = (await self.town.application.submit(command)).answer
        assert isinstance(answer, Posted), answer
        self._note(login, client_msg_id, answer.message_id, answer.seq)

    # HTTP ------------------------------------------------------------------------------------------------------------

    async def cancel_handlers(self, count: int) -> None:
        """Requests at work, whose handlers are cancelled under them; a post without an answer is sent again."""
        asks: list[Callable[[Client], Awaitable[None]]] = [self._post, self._post, self._read, self._list, self._search]
        while self.counts["handlers"] < count:
            chosen = [(self.chooser.choice(asks), self.chooser.choice(self.clients)) for _ in range(AT_ONCE)]
            working = [asyncio.create_task(_quietly(ask(client))) for ask, client in chosen]
            while not all(task.done() for task in working):
                await self._a_moment()
                handlers = _handlers()
                if handlers and self.chooser.random() < 0.7:
                    self.counts["handlers"] += self.chooser.choice(handlers).cancel()
            await asyncio.gather(*working)

    async def _post(self, client: Client) -> None:
        body = {"client_msg_id": self._next(), "text": "途中で切られた報告"}
        for _ in range(20):
            with suppress(httpx.TransportError):
                answer = await client.post(f"rooms/{self.room}/messages", json=body)
                if answer.status_code < 300:
                    message = answer.json()
                    self._note(client.login_name, body["client_msg_id"], message["message_id"], message["seq"])
                    return
                assert answer.status_code >= 500, answer.text
            self.counts["sent_again"] += 1

    async def _read(self, client: Client) -> None:
        await client.get(f"rooms/{self.room}/events", params={"limit": 100})

    async def _list(self, client: Client) -> None:
        await client.get("rooms")

    async def _search(self, client: Client) -> None:
        await client.get("search", params={"q": "報告"})

    # Sockets ---------------------------------------------------------------------------------------------------------

    async def cancel_sockets(self, count: int) -> None:
        """Sockets that come with an old cursor and post; the server's end of each is aborted under them."""
        while self.counts["sockets"] < count:
            talking = [asyncio.create_task(self._talk(self.chooser.choice(self.clients))) for _ in range(4)]
            while not all(task.done() for task in talking):
                await self._a_moment()
                at_work = [c for c in self.town.application.endpoint.connections if c._task or c.session.in_flight]
                if at_work and self.chooser.random() < 0.5:
                    self.chooser.choice(at_work).abort()
                    self.counts["sockets"] += 1
            await asyncio.gather(*talking)

    async def _talk(self, client: Client) -> None:
        with suppress(websockets.WebSocketException, OSError, TimeoutError, EOFError):
            async with on_socket(self.town, client, {self.room: max(0, self._number - 300)}) as socket:
                sent = {ref: self._next() for ref in range(1, 6)}
                for ref, client_msg_id in sent.items():
                    await socket.say("post", ref=ref, room=self.room, client_msg_id=client_msg_id, text="切断")
                for _ in sent:
                    ack = await socket.frame("ack")
                    self._note(client.login_name, sent[ack["ref"]], ack["message_id"], ack["seq"])
                socket.connection.transport.abort()  # no farewell behind a replay that nobody reads


async def _quietly(asked: Awaitable[None]) -> None:
    with suppress(httpx.TransportError):
        await asked


def _handlers() -> list[asyncio.Task[Any]]:
    """The tasks in which uvicorn runs the product's requests, and which have begun to."""
    return [task for task in asyncio.all_tasks() if not task.done() and _is_a_request_at_work(task.get_coro())]


def _is_a_request_at_work(work: object) -> bool:
    if not isinstance(work, CoroutineType) or not work.__qualname__.endswith("run_asgi"):
        return False
    return inspect.getcoroutinestate(work) == inspect.CORO_SUSPENDED


async def _one_round(folder: Path, cancellations: int, chooser: random.Random) -> Counter[str]:
    """A start of the server, its cancellations, and what came of them."""
    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    try:
        async with installed(folder) as town:
            clients = [await town.login(login, "lgwan") for login in ("sato", "suzuki")]
            for client in clients:
                client.event_hooks = {}  # a cancelled handler's 500 is uvicorn's own and not described
            opened = await clients[0].post("rooms", json={"kind": "group", "name": "取消", "members": ["suzuki"]})
            assert opened.status_code == 201, opened.text
            storm = Storm(town, clients, opened.json()["id"], chooser)
            await storm.cancel_callers(cancellations * 6 // 10)
            await storm.cancel_handlers(cancellations * 3 // 10)
            await storm.cancel_sockets(cancellations - cancellations * 6 // 10 - cancellations * 3 // 10)
            await asyncio.wait_for(_still_answers(storm), 30)
    finally:
        logging.getLogger().removeHandler(complaints)
    assert not complaints.locked, complaints.locked[0]
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as database:
        integrity_check(database)
        assert_kept(database, storm.claims)
        Whole().read_on(database)
    return storm.counts


async def _still_answers(storm: Storm) -> None:
    """No reader is missing and the writer works: more reads at once than there are readers, then a post."""
    client = storm.clients[0]
    read = await asyncio.gather(*(client.get(f"rooms/{storm.room}/events") for _ in range(2 * READERS)))
    assert [answer.status_code for answer in read] == [200] * 2 * READERS
    await storm._post(client)


def campaign(folder: Path, cancellations: int, seed: int) -> dict[str, Any]:
    """Run up to ``cancellations`` in all and answer the figures of all runs in this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.json"
    figures = counted(state)
    kinds = ("callers", "handlers", "sockets")
    while (done := sum(figures[kind] for kind in kinds)) < cancellations:
        chooser = random.Random(f"{seed} {done}")
        figures += asyncio.run(_one_round(folder / "data", min(ROUND, cancellations - done), chooser))
        keep(state, figures)
    return {"cancellations": done, **figures, "locked": 0, "half_commits": 0, "lost": 0}


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cancellations", type=int, default=10_000)
    arguments.add_argument("--folder", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    print(json.dumps(campaign(given.folder, given.cancellations, given.seed), indent=2))
