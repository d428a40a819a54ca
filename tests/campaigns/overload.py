"""Campaign: more than the server can do, over the whole product on real sockets: a flood of posts, searches beside it.

Shows: the level rises while posts wait for their commit, searches are given up before them, no post is refused because
of it, every post is acknowledged, and the level goes down by itself.

>>> python -m campaigns.overload --seconds 20 --folder DIR   # doctest: +SKIP
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import websockets
from campaigns.served import PROTOCOL, Server, people
from websockets.asyncio.client import ClientConnection

UNDER_WAY = 60  # of one sender; a session takes 64
SENDERS = 160
BACK_WITHIN = 150.0


@asynccontextmanager
async def opened(server: Server, who: dict[str, str], *, notices: bool = False) -> AsyncIterator[ClientConnection]:
    """A WebSocket that has its ``ready``."""
    async with websockets.connect(server.ws, subprotocols=[PROTOCOL], compression=None, max_queue=None) as socket:
        await socket.send(json.dumps({"op": "hello", "token": who["token"], "notices": notices}))
        assert json.loads(await socket.recv())["op"] == "ready"
        yield socket


async def flood(server: Server, who: dict[str, str], name: str, until: float) -> tuple[int, int, float]:
    """(sent, acknowledged, longest wait of a window in seconds); every window is answered before the next is sent."""
    sent = acknowledged = 0
    longest = 0.0
    async with opened(server, who) as socket:
        while time.monotonic() < until:
            begun = time.monotonic()
            for number in range(sent, sent + UNDER_WAY):
                key = f"{name}-{number}"
                post = {"op": "post", "ref": number, "room": who["room"], "client_msg_id": key, "text": "避難"}
                await socket.send(json.dumps(post))
            sent += UNDER_WAY
            while acknowledged < sent:
                text = await socket.recv(decode=False)
                assert b'"op":"refused"' not in text, text
                acknowledged += b'"op":"ack"' in text
            longest = max(longest, time.monotonic() - begun)
    return sent, acknowledged, longest


async def listen(server: Server, who: dict[str, str], said: list[list[str]]) -> None:
    """Note what rests, as a client is told."""
    async with opened(server, who, notices=True) as socket:
        async for text in socket:
            frame = json.loads(text)
            if frame["op"] == "notice":
                said.append(frame["paused"])


async def search(server: Server, who: dict[str, str], until: float, answers: Counter[str]) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        client.headers["authorization"] = f"Bearer {who['token']}"
        while time.monotonic() < until:
            answered = await client.get(f"{server.http}/search", params={"q": "避難"})
            assert answered.status_code in (200, 503), answered.text
            reason = "found" if answered.status_code == 200 else answered.json()["reason"]
            assert reason in ("found", "search_paused"), reason
            answers[reason] += 1
            await asyncio.sleep(0.1)


async def run(server: Server, everyone: list[dict[str, str]], seconds: float, senders: int) -> dict[str, Any]:
    said: list[list[str]] = []
    answers: Counter[str] = Counter()
    listening = asyncio.create_task(listen(server, everyone[0], said))
    until = time.monotonic() + seconds
    posters = [flood(server, everyone[n % len(everyone)], f"s{n}", until) for n in range(senders)]
    results = await asyncio.gather(*posters, search(server, everyone[0], until, answers))
    floods = [one for one in results if one is not None]
    ended = time.monotonic()
    highest = max(map(len, said), default=0)
    while said and said[-1] and time.monotonic() - ended < BACK_WITHIN:  # noqa: ASYNC110
        await asyncio.sleep(0.2)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    return {
        "posts": sum(sent for sent, _, _ in floods),
        "acknowledged": sum(acknowledged for _, acknowledged, _ in floods),
        "longest_wait_s": round(max(longest for _, _, longest in floods), 2),
        "level": highest,
        "searches": dict(answers),
        "calm_again": not (said and said[-1]),
        "calm_after_s": round(time.monotonic() - ended, 1),
    }


def campaign(folder: Path, seconds: float, senders: int = SENDERS) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    server = Server(folder)
    server.start()
    try:
        figures = asyncio.run(run(server, people(server, senders, senders // 2, 2), seconds, senders))
    finally:
        server.stop()
    assert figures["acknowledged"] == figures["posts"], figures
    assert figures["calm_again"], figures
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description="more than the server can do")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--senders", type=int, default=SENDERS)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    print(json.dumps(campaign(given.folder.resolve(), given.seconds, given.senders), indent=2))


if __name__ == "__main__":
    main()
