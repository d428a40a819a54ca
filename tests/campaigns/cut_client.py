"""Campaign: a client that is cut off at random points and comes back with its cursors, while others go on talking.

Shows: nothing missed, nothing twice, the same order; over the whole product.

>>> python -m campaigns.cut_client --cuts 1000 --folder DIR   # doctest: +SKIP
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
from pathlib import Path
from typing import Any

import websockets
from campaigns.kill_server import PROTOCOL, Server, people

PAUSE = 0.004
MOST_UNDER_WAY = 32


async def talk(server: Server, who: dict[str, str], enough: asyncio.Event) -> int:
    """Post at an even pace until told that it is enough; answers how many were acknowledged."""
    async with websockets.connect(server.ws, subprotocols=[PROTOCOL], compression=None) as socket:
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


async def listen_once(server: Server, who: dict[str, str], seen: list[int], frames: int) -> None:
    """Come with the cursor, read some frames, then vanish without a word."""
    socket = await websockets.connect(server.ws, subprotocols=[PROTOCOL], compression=None)
    try:
        cursor = {who["room"]: seen[-1] if seen else 0}
        await socket.send(json.dumps({"op": "hello", "token": who["token"], "cursors": cursor}))
        for _ in range(frames):
            note(json.loads(await socket.recv()), who["room"], seen)
    finally:
        socket.transport.abort()


def note(frame: dict[str, Any], room: str, seen: list[int]) -> None:
    assert frame["op"] in ("ready", "event"), frame
    if frame["op"] == "event" and frame["room"] == room:
        expected = seen[-1] + 1 if seen else 1
        assert frame["seq"] == expected, f"{frame['seq']} came where {expected} was next"
        seen.append(frame["seq"])


async def run(server: Server, everyone: list[dict[str, str]], cuts: int, seed: int) -> dict[str, Any]:
    chooser = random.Random(seed)
    enough = asyncio.Event()
    talking = asyncio.create_task(talk(server, everyone[0], enough))
    seen: list[int] = []
    for _ in range(cuts):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(chooser.choice((0.01, 0.03, 0.2))):
                await listen_once(server, everyone[1], seen, chooser.randrange(0, 12))
    enough.set()
    posted = await talking
    while len(seen) < posted:
        await asyncio.wait_for(listen_once(server, everyone[1], seen, posted - len(seen) + 1), 30)
    assert seen == list(range(1, posted + 1))
    return {"cuts": cuts, "messages": posted, "missed": 0, "twice": 0, "out_of_order": 0}


def campaign(folder: Path, cuts: int, seed: int) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    server = Server(folder)
    server.start()
    try:
        return asyncio.run(run(server, people(server), cuts, seed))
    finally:
        server.stop()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cuts", type=int, default=1000)
    arguments.add_argument("--folder", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    print(json.dumps(campaign(given.folder, given.cuts, given.seed), indent=2))
