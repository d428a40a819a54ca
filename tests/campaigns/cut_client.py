"""Campaign: clients that are cut off at random points and come back with their cursors, while others go on talking.

Shows: nothing missed, nothing twice, the same order; a cursor that is no longer good gets an explicit ``reset``, and
what is loaded then is the room as it is; over the whole product.

>>> python -m campaigns.cut_client --cuts 10000 --folder DIR   # doctest: +SKIP

A cut comes after a random number of bytes, in the middle of a frame as a rule, or after a random while: before the
handshake is answered, in a replay, or live. Now and then a client stays away while much more is said than one page of a
replay holds, or comes with a cursor that cannot be good: beyond the head, or of a history that a restore has given up.
Every 2,500 cuts the record is verified and a new store is begun; a run that was ended goes on with the next of them.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import shutil
import struct
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import websockets
from campaigns.served import PROTOCOL, Server, people, read_room, verify_record
from campaigns.state import counted, keep

PAUSE = 0.004
MOST_UNDER_WAY = 32
CLIENTS = 8
CUTS_OF_ONE_STORE = 2_500
BAD_CURSOR = 0.03
LONG_AWAY = 0.02
LONGEST_AWAY = 1.5  # seconds in which some hundred messages are said
MOST_BYTES = 40_000
GIVEN_UP = "i_of_a_history_that_was_given_up"


async def talk(server: Server, who: dict[str, str], enough: asyncio.Event) -> int:
    """Post at an even pace until told that it is enough; answers how many were acknowledged."""
    async with websockets.connect(server.ws, subprotocols=[PROTOCOL], compression=None, proxy=None) as socket:
        await socket.send(json.dumps({"op": "hello", "token": who["token"]}))
        acked = 0
        number = 0
        while not enough.is_set() or acked < number:
            if not enough.is_set() and number - acked < MOST_UNDER_WAY:
                number += 1
                frame = {"op": "post", "ref": number, "room": who["room"], "client_msg_id": f"t{number}", "text": "話"}
                await socket.send(json.dumps(frame))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PAUSE):
                    while True:
                        frame = json.loads(await socket.recv())
                        assert frame["op"] != "refused", frame
                        acked += frame["op"] == "ack"
        return acked


@dataclass
class Listener:
    """One client. ``seen``: what it was shown, in order, as (seq, message id); ``head`` in ``ready`` comes first."""

    server: Server
    who: dict[str, str]
    chance: random.Random
    seen: list[tuple[int, str]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def cursor(self) -> int:
        return self.seen[-1][0] if self.seen else 0

    async def come(
        self, most_bytes: int, seconds: float, *, cursor: int | None = None, said: str | None = None
    ) -> None:
        """Come with the cursor, take in so many bytes at most or for so long, and vanish without a word."""
        hello = {"op": "hello", "token": self.who["token"], "cursors": {self.who["room"]: cursor or self.cursor}}
        if said is not None:
            hello["incarnation"] = said
        writer = None
        try:
            async with asyncio.timeout(seconds):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
                writer.write(_handshake(self.server.port))
                head = await reader.read(most_bytes)
                if not head.endswith(b"\r\n\r\n"):
                    return  # cut before the handshake was answered
                assert head.startswith(b"HTTP/1.1 101"), head
                writer.write(_masked(json.dumps(hello).encode()))
                await self._take_in(reader, most_bytes - len(head))
        except TimeoutError:
            self.counts["cut_by_time"] += 1
        finally:
            if writer is not None:
                writer.transport.abort()

    async def _take_in(self, reader: asyncio.StreamReader, most: int) -> None:
        """What came whole within so many bytes counts; the rest was never received."""
        data, taken = b"", 0
        while taken < most:
            more = await reader.read(min(65536, most - taken))
            assert more, f"the server closed: {data[:200]!r}"
            taken += len(more)
            data += more
            while (found := _frame(data)) is not None:
                payload, data = found
                self._note(json.loads(payload))

    def _note(self, frame: dict[str, Any]) -> None:
        assert frame["op"] in ("ready", "event", "reset"), frame
        if frame["op"] == "reset":
            self.counts["resets"] += 1
            assert frame["room"] == self.who["room"]
            self.seen = [(frame["head"], "")]
        elif frame["op"] == "event" and frame["room"] == self.who["room"]:
            expected = self.cursor + 1
            assert frame["seq"] == expected, f"{frame['seq']} came where {expected} was next"
            event = frame["event"]
            self.seen.append((frame["seq"], event["message"]["id"] if event["type"] == "message.posted" else ""))

    async def be_cut(self) -> None:
        """One cut, of one kind or another."""
        self.counts["cuts"] += 1
        kind = self.chance.random()
        if kind < BAD_CURSOR:
            await self._come_with_a_bad_cursor()
            return
        if kind < BAD_CURSOR + LONG_AWAY:
            self.counts["long_away"] += 1
            await asyncio.sleep(self.chance.uniform(0.2, LONGEST_AWAY))
        before = self.cursor
        most = self.chance.choice((self.chance.randrange(1, 700), self.chance.randrange(1, MOST_BYTES)))
        await self.come(most, self.chance.choice((0.01, 0.03, 0.1, 0.3)))
        self.counts["empty"] += self.cursor == before

    async def _come_with_a_bad_cursor(self) -> None:
        """The answer is a reset, whatever else; what was held before is loaded afresh."""
        resets, seen = self.counts["resets"], self.seen
        bad = {"cursor": 1 << 40} if self.chance.random() < 0.5 else {"cursor": self.cursor or 1, "said": GIVEN_UP}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(20):
                while self.counts["resets"] == resets:
                    await self.come(3_000, 0.5, **bad)
        assert self.counts["resets"] > resets, f"{bad} was not answered by a reset"
        loaded = await asyncio.to_thread(read_room, self.server, self.who, seen[-1][0] if seen else 0)
        first_new, last_new = self.seen[0][0], self.seen[-1][0]
        self.seen = [*seen, *((seq, name) for seq, name in _shown(loaded) if seq <= last_new)]
        assert self.cursor == last_new >= first_new, "what was loaded does not join what the reset told"


def _handshake(port: int) -> bytes:
    lines = [
        "GET /api/v1/ws HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {PROTOCOL}", "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def _masked(payload: bytes) -> bytes:
    """A client's text frame (RFC 6455 section 5.2); the mask of zeros changes nothing."""
    size = len(payload)
    head = bytes([0x81, 0x80 | size]) if size < 126 else struct.pack("!BBH", 0x81, 0xFE, size)
    return head + bytes(4) + payload


def _frame(data: bytes) -> tuple[bytes, bytes] | None:
    """The payload of the first whole frame of a server and what follows it."""
    if len(data) < 2:
        return None
    assert data[0] == 0x81, f"no text frame: {data[:20]!r}"
    size, begin = data[1], 2
    if size >= 126:
        begin = 4 if size == 126 else 10
        if len(data) < begin:
            return None
        size = int.from_bytes(data[2:begin], "big")
    return (data[begin : begin + size], data[begin + size :]) if len(data) >= begin + size else None


def _shown(events: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return [(e["seq"], e["event"]["message"]["id"] if e["event"]["type"] == "message.posted" else "") for e in events]


async def run(server: Server, everyone: list[dict[str, str]], cuts: int, chance: random.Random) -> Counter[str]:
    """So many cuts, over all clients together; then each has seen exactly what the room holds."""
    enough = asyncio.Event()
    talking = asyncio.create_task(talk(server, everyone[0], enough))
    clients = [Listener(server, everyone[1 + n % 4], random.Random(chance.random())) for n in range(CLIENTS)]
    shares = [cuts // CLIENTS + (n < cuts % CLIENTS) for n in range(CLIENTS)]

    async def cut(client: Listener, times: int) -> None:
        for _ in range(times):
            await client.be_cut()

    try:
        async with asyncio.TaskGroup() as group:
            for client, times in zip(clients, shares, strict=True):
                group.create_task(cut(client, times))
    finally:
        enough.set()
    posted = await talking
    truth = _shown(read_room(server, everyone[0]))
    for client in clients:
        until = time.monotonic() + 60
        while client.cursor < truth[-1][0] and time.monotonic() < until:
            await client.come(1 << 30, 2)
        assert client.seen == truth, "a client was shown something else than the room holds"
    return sum((client.counts for client in clients), Counter(messages=posted))


def campaign(folder: Path, cuts: int, seed: int) -> dict[str, Any]:
    """Run up to ``cuts`` in all and answer the figures of all runs in this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.json"
    figures = counted(state)
    while figures["cuts"] < cuts:
        begun = time.monotonic()
        shutil.rmtree(folder / "store", ignore_errors=True)
        server = Server(folder / "store")
        server.start()
        these = min(CUTS_OF_ONE_STORE, cuts - figures["cuts"])
        try:
            chance = random.Random(f"{seed} {figures['cuts']}")
            figures += asyncio.run(run(server, people(server), these, chance))
            assert server.stop() == 0
            verify_record(server)
        finally:
            server.end()
        figures["seconds"] += round(time.monotonic() - begun)
        keep(state, figures)
        print(f"{figures['cuts']} cuts over {figures['messages']} messages", file=sys.stderr)
    return {**figures, "missed": 0, "twice": 0, "out_of_order": 0, "load_average": round(os.getloadavg()[1], 1)}


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cuts", type=int, default=10_000)
    arguments.add_argument("--folder", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    print(json.dumps(campaign(given.folder, given.cuts, given.seed), indent=2))
