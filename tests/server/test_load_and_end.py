"""Many clients, slow clients, other kinds of sockets, and the end of the server."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.memory_engine import MemoryEngine
from support.raw_websocket import CLOSE, TEXT, Raw, encode, handshake
from support.served import GENEROUS, Served, receive, receive_until, send, served
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from server.binding import MOST_UNSENT
from server.rate_limits import UNLIMITED
from server.websocket_endpoint import SocketLimits

BIG = "関" * 10_000  # 30 kB


async def lazy(town: Served, login: str, cursors: dict[str, int] | None = None) -> Raw:
    """A client that has said hello and reads only when asked."""
    raw, answer = await handshake(town, receive_buffer=4096)
    assert answer.startswith(b"HTTP/1.1 101 ")
    hello = {"op": "hello", "token": town.engine.add_session(login), "cursors": cursors or {}}
    raw.send(encode(TEXT, json.dumps(hello).encode()))
    return raw


async def read_to_end(raw: Raw) -> tuple[list[int], list[str], int]:
    """(seqs of the events, other ops, close code)."""
    seqs: list[int] = []
    ops: list[str] = []
    while True:
        opcode, payload = await raw.frame()
        if opcode == CLOSE:
            return seqs, ops, int.from_bytes(payload[:2], "big")
        frame = json.loads(payload)
        if frame["op"] == "event":
            seqs.append(frame["seq"])
        else:
            ops.append(frame["op"])


async def speak(engine: MemoryEngine, room: str, count: int) -> None:
    for _ in range(count):
        engine.say(room, BIG)
        await asyncio.sleep(0)


async def test_a_slow_reader_is_told_to_resync_and_others_do_not_notice() -> None:
    async with served(GENEROUS) as town:
        town.engine.add_room("r_1", "sato", "suzuki")
        sleeper = await lazy(town, "sato")
        async with town.login("suzuki") as suzuki:
            await receive_until(suzuki, "ready")
            await asyncio.sleep(0.1)
            for seq in range(1, 401):
                town.engine.say("r_1", BIG)
                assert (await receive(suzuki))["seq"] == seq
        assert town.endpoint.resyncs == 1
        assert not town.endpoint.full and not town.hub.connections_of("p_sato")
        seqs, ops, code = await read_to_end(sleeper)
        assert (ops, code) == (["ready", "resync"], 4008)
        assert seqs == list(range(1, len(seqs) + 1)) and 0 < len(seqs) < 400
        sleeper.writer.close()
        async with town.login("sato", {"r_1": len(seqs)}) as sato:
            await receive_until(sato, "ready")
            for seq in range(len(seqs) + 1, 401):
                assert (await receive(sato))["seq"] == seq


async def test_a_reader_that_stays_full_too_long_is_cut() -> None:
    limits = SocketLimits(slow_seconds=1.0, linger_seconds=1.0, write_buffer=16 * 1024 * 1024)
    async with served(limits) as town:
        town.engine.add_room("r_1", "sato")
        sleeper = await lazy(town, "sato")
        await asyncio.sleep(0.1)
        await speak(town.engine, "r_1", 200)
        assert len(town.endpoint.full) == 1
        await asyncio.sleep(2.3)
        assert town.endpoint.resyncs == 1
        await asyncio.sleep(2.3)
        assert not town.endpoint.connections
        sleeper.writer.close()


async def test_the_sum_of_all_buffers_is_bounded() -> None:
    limits = SocketLimits(write_buffer=16 * 1024 * 1024, write_buffers_total=8 * 1024 * 1024)
    async with served(limits) as town:
        town.engine.add_room("r_1", "sato")
        sleepers = [await lazy(town, "sato") for _ in range(4)]
        await asyncio.sleep(0.2)
        await speak(town.engine, "r_1", 250)
        assert sum(each.buffered() for each in town.endpoint.full) > limits.write_buffers_total
        town.endpoint.cut_slow_readers()
        assert sum(each.buffered() for each in town.endpoint.full) <= limits.write_buffers_total
        for each in sleepers:
            each.writer.transport.abort()


async def test_a_replay_never_counts_as_slow_and_buffers_little() -> None:
    limits = SocketLimits(slow_seconds=1.0, frames=UNLIMITED)
    async with served(limits) as town:
        for room in ("r_long", "r_live"):
            town.engine.add_room(room, "sato")
        for _ in range(300):
            town.engine.commit("r_long", BIG)
        town.engine.publish_all()
        sleeper = await lazy(town, "sato", {"r_long": 0})
        for _ in range(25):
            await asyncio.sleep(0.1)
            town.engine.say("r_live", "x" * 10_000)
            assert all(each.buffered() < 4 * limits.high_water for each in town.endpoint.full)
        assert town.endpoint.full and town.endpoint.resyncs == 0
        seen: dict[str, list[int]] = {"r_long": [], "r_live": []}
        while len(seen["r_long"]) < 300 or len(seen["r_live"]) < 25:
            opcode, payload = await sleeper.frame()
            assert opcode == TEXT
            frame = json.loads(payload)
            if frame["op"] == "event":
                seen[frame["room"]].append(frame["seq"])
        assert seen == {"r_long": list(range(1, 301)), "r_live": list(range(1, 26))}
        assert min(town.engine.pages) < 100
        town.engine.say("r_long", "live again")
        assert json.loads((await sleeper.frame())[1])["seq"] == 301
        sleeper.writer.close()


async def test_a_client_that_posts_and_does_not_read_is_bounded() -> None:
    limits = SocketLimits(write_buffer=128 * 1024, frames=UNLIMITED, posts=UNLIMITED, linger_seconds=1.0)
    async with served(limits) as town:
        town.engine.add_room("r_1", "sato")
        sleeper = await lazy(town, "sato")
        ping = encode(0x9, b"x" * 125) * 500
        with pytest.raises(ConnectionError):
            for _ in range(2000):
                sleeper.send(ping)
                await asyncio.wait_for(sleeper.writer.drain(), 20)
                assert all(each.buffered() < 4 * 1024 * 1024 for each in town.endpoint.connections)
        sleeper.writer.close()


async def test_a_herd_comes_back_at_once() -> None:
    """R16, small: everyone is cut at the same moment and returns with cursors while talk goes on."""
    herd = 300
    async with served(GENEROUS) as town:
        logins = [f"load{number}" for number in range(herd)]
        town.engine.add_room("r_1", *logins)
        seen: dict[str, list[int]] = {login: [] for login in logins}

        async def live(login: str, until: int) -> None:
            async with town.login(login, {"r_1": len(seen[login])}) as socket:
                while len(seen[login]) < until:
                    frame = await receive(socket, 20)
                    if frame["op"] == "event":
                        seen[login].append(frame["seq"])
                socket.transport.abort()

        for until in (20, 60):
            clients = [asyncio.create_task(live(login, until)) for login in logins]
            for _ in range(until - len(town.engine.events_of["r_1"])):
                town.engine.say("r_1", "x")
                await asyncio.sleep(0.005)
            await asyncio.gather(*clients)
        assert all(seqs == list(range(1, 61)) for seqs in seen.values())


async def test_both_zones_in_one_process_keep_to_themselves() -> None:
    async with served() as town:
        town.engine.add_room("r_1", "sato")
        async with town.login("sato", zone="internet") as outside, town.login("sato", zone="lgwan") as inside:
            assert (await receive(outside))["zone"] == "internet"
            assert (await receive(inside))["zone"] == "lgwan"
            await send(inside, op="post", ref=1, room="r_1", client_msg_id="c", text="x")
            assert (await receive_until(inside, "event"))["event"]["message"]["made_in"] == "lgwan"
            assert (await receive_until(outside, "event"))["event"]["message"]["made_in"] == "lgwan"
        assert {origin.zone for origin in town.engine.origins} == {"internet", "lgwan"}


# The end -------------------------------------------------------------------------------------------------------------


class Child:
    """The transport in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        text = await asyncio.wait_for(self.process.stdout.readline(), 15)
        decoded: dict[str, Any] = json.loads(text)
        return decoded


@pytest.fixture
async def child() -> AsyncIterator[Child]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "support.transport_process",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": str(Path(__file__).parents[1])},
        cwd=Path(__file__).parents[2],
    )
    yield Child(process)
    if process.returncode is None:
        process.kill()
    await process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_under_load_closes_with_1001_and_loses_nothing(child: Child, number: signal.Signals) -> None:
    url = (await child.line())["ready"]["internet"]
    acked: list[int] = []
    codes: list[int | None] = []

    async def client(login: str, name: str) -> None:
        ws = url.replace("http", "ws") + "/api/v1/ws"
        async with connect(ws, subprotocols=[Subprotocol("sekisho.v1")], compression=None, proxy=None) as socket:
            await send(socket, op="hello", token=f"token-{login}-internet")
            await asyncio.gather(post(socket, name), listen(socket))
            codes.append(socket.close_code)

    async def post(socket: ClientConnection, name: str) -> None:
        try:
            for ref in range(100_000):
                await send(socket, op="post", ref=ref, room="r_1", client_msg_id=f"{name}-{ref}", text="x")
                await asyncio.sleep(0.005)
        except ConnectionClosed:
            return

    async def listen(socket: ClientConnection) -> None:
        try:
            while True:
                frame = await receive(socket, 20)
                if frame["op"] == "ack":
                    acked.append(frame["seq"])
        except ConnectionClosed:
            return

    clients = [asyncio.create_task(client(("sato", "suzuki")[n % 2], f"c{n}")) for n in range(6)]
    await asyncio.sleep(1.0)
    started = time.monotonic()
    child.process.send_signal(number)
    durable = (await child.line())["durable"]
    assert await child.line() == {"ended": True}
    assert await asyncio.wait_for(child.process.wait(), 10) == 0
    assert time.monotonic() - started < 10
    await asyncio.gather(*clients)
    assert codes == [1001] * 6
    assert len(acked) > 100 and set(acked) <= set(durable)
    stderr = await child.process.stderr.read() if child.process.stderr else b""
    assert [json.loads(line)["detail"] for line in stderr.splitlines()] == ["a part that does not end well"]


async def test_a_request_under_way_is_finished_at_the_end() -> None:
    async with served() as town, httpx.AsyncClient(trust_env=False) as client:

        async def slow_body() -> AsyncIterator[bytes]:
            for _ in range(4):
                yield b"x"
                await asyncio.sleep(0.1)

        answer = asyncio.create_task(client.post(f"{town.url()}/upload", content=slow_body()))
        await asyncio.sleep(0.15)
        town.stop.set()
        assert (await answer).json()["size"] == 4
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{town.url()}/who")


async def test_a_person_of_very_many_rooms_gets_a_ready_beyond_the_write_buffer() -> None:
    limits = SocketLimits(write_buffer=128 * 1024, slow_seconds=1.0, frames=UNLIMITED)
    async with served(limits) as town:
        for number in range(5000):
            town.engine.add_room(f"r_{number}", "sato")
        sleeper = await lazy(town, "sato")
        await asyncio.sleep(2.5)
        assert town.endpoint.resyncs == 0
        opcode, payload = await sleeper.frame()
        assert opcode == TEXT and len(json.loads(payload)["rooms"]) == 5000
        town.engine.say("r_4999", "x")
        assert json.loads((await sleeper.frame())[1])["room"] == "r_4999"
        sleeper.writer.close()


async def test_a_reader_who_stands_still_is_given_little_of_the_systems_memory() -> None:
    """The buffer of the server's own fills soon, instead of megabytes of the system's first."""
    async with served(GENEROUS) as town:
        town.engine.add_room("r_1", "sato")
        raw = await lazy(town, "sato")
        await raw.frame()
        (connection,) = town.endpoint.connections
        said = 0
        while not connection.full_since and said < 5 * MOST_UNSENT // len(BIG.encode()):
            await speak(town.engine, "r_1", 1)
            said += 1
        assert connection.full_since > 0
        raw.writer.close()
