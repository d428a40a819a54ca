"""Samples of the campaigns: the same code, fewer rounds. The whole ones are ``make campaign-…``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import websockets
from campaigns.cut_client import campaign as cut_client
from campaigns.kill_server import PROTOCOL, Server, people, read_room
from campaigns.kill_server import campaign as kill_server
from campaigns.peek import campaign as peek


def test_kill_minus_nine(tmp_path: Path) -> None:
    figures = kill_server(tmp_path, 3, seed=7)
    assert figures["acknowledged_messages"] > 0
    assert figures["acknowledged_uploads"] > 0
    assert set(figures["states"]) == {"released"}


def test_cut_and_resumed(tmp_path: Path) -> None:
    figures = cut_client(tmp_path, 150, seed=7)
    assert figures["messages"] > 100


def test_asking_while_the_verdict_is_pending(tmp_path: Path) -> None:
    figures = peek(tmp_path, 300)
    assert figures["bytes_of_the_original"] == 0
    assert figures["statuses"][409] > 100


async def _talk_until_closed(server: Server, who: dict[str, str], acked: list[int]) -> int:
    """Post without a pause; answers the close code."""
    async with websockets.connect(server.ws, subprotocols=[PROTOCOL], compression=None) as socket:
        await socket.send(json.dumps({"op": "hello", "token": who["token"]}))

        async def send() -> None:
            for number in range(100_000):
                frame = {"op": "post", "ref": number, "room": who["room"], "client_msg_id": f"n{number}", "text": "x"}
                await socket.send(json.dumps(frame))
                await asyncio.sleep(0.002)

        sending = asyncio.create_task(send())
        try:
            async for data in socket:
                frame = json.loads(data)
                if frame["op"] == "ack":
                    acked.append(frame["seq"])
        finally:
            sending.cancel()
        assert socket.close_code is not None
        return socket.close_code


def test_sigterm_under_load(tmp_path: Path) -> None:
    """Sockets closed with 1001, what was acknowledged is there, exit 0 within ten seconds."""
    server = Server(tmp_path)
    server.start()
    who = people(server)[0]
    acked: list[int] = []

    async def story() -> int:
        talking = asyncio.create_task(_talk_until_closed(server, who, acked))
        await asyncio.sleep(1.5)
        assert server.process is not None
        server.process.terminate()
        return await talking

    assert asyncio.run(story()) == 1001
    assert server.process is not None
    assert server.process.wait(10) == 0
    server.start()
    try:
        seqs = {event["seq"] for event in read_room(server, who)}
        assert len(acked) > 50
        assert set(acked) <= seqs
    finally:
        server.stop()
