"""The short ways of a posted message: frames read directly, the line that is to be cut, the writer's thread."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from typing import Any

import pytest
from campaigns.virtual_time import Line
from hypothesis import given
from hypothesis import strategies as st
from support.memory_engine import MemoryEngine
from support.raw_websocket import HOST, UPGRADE
from websockets.frames import Frame, Opcode

from rooms.store.writer_thread import WriterThread
from server.admission import Listener
from server.fanout import Hub
from server.framing import missing_of, whole_text
from server.websocket_endpoint import SocketLimits, WebSocketEndpoint

SIZES = (0, 1, 125, 126, 127, 300, 65_535, 65_536, 70_000)


def frame_of(size: int, opcode: Opcode = Opcode.TEXT, *, fin: bool = True) -> bytes:
    return Frame(opcode, b"x" * size, fin).serialize(mask=True)


@pytest.mark.parametrize("size", SIZES)
def test_a_plain_text_is_what_the_frame_holds(size: int) -> None:
    data = frame_of(3) + frame_of(size)
    found = whole_text(data, len(frame_of(3)), 1 << 20)
    assert found == ((b"x" * size, len(data)) if size < 65_536 else None)
    assert whole_text(data[:-1], len(frame_of(3)), 1 << 20) is None
    if size:
        assert whole_text(data, len(frame_of(3)), size - 1) is None


@pytest.mark.parametrize(
    "data",
    [
        frame_of(5, fin=False),
        frame_of(5, Opcode.BINARY),
        frame_of(5, Opcode.PING),
        frame_of(5, Opcode.CONT),
        Frame(Opcode.TEXT, b"hello", True).serialize(mask=False),
        bytes((0xC1,)) + frame_of(5)[1:],
    ],
)
def test_whatever_is_not_plain_is_left_to_the_protocol(data: bytes) -> None:
    assert whole_text(data, 0, 1 << 20) is None


@given(st.lists(st.sampled_from(SIZES[:-1]), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_what_is_missing_of_a_frame_is_known_or_said_to_be_unknown(sizes: list[int], chance: random.Random) -> None:
    stream = b"".join(frame_of(size) for size in sizes)
    ends = [sum(len(frame_of(size)) for size in sizes[: n + 1]) for n in range(len(sizes))]
    at = missing = 0
    while at < len(stream) and missing >= 0:
        step = chance.choice((1, 2, 3, 7, 200, 70_000))
        missing = missing_of(stream[at : at + step], missing)
        at = min(at + step, len(stream))
        assert missing in (-1, next(end for end in [0, *ends] if end >= at) - at)


class Town:
    """An endpoint over an engine in memory, and a line to it."""

    def __init__(self, limits: SocketLimits | None = None) -> None:
        self.hub = Hub()
        self.engine = MemoryEngine(self.hub)
        self.engine.add_room("r_1", "sato")
        self.engine.add_room("r_2", "sato")
        self.token = self.engine.add_session("sato")
        self.endpoint = WebSocketEndpoint(self.engine, self.hub, limits)
        self.connection = self.endpoint.connection(Listener("internet", "internet", frozenset({HOST})))
        self.heard = b""
        self.line = Line(self.connection, self._hear, lambda: None, 1 << 20, 0.001)
        self.connection.connection_made(self.line)

    def _hear(self, data: bytes) -> None:
        self.heard += data

    async def log_in(self) -> None:
        self.connection.data_received(UPGRADE)
        self.say(op="hello", token=self.token)
        await self.until(b'"op":"ready"')

    def say(self, **fields: Any) -> None:
        self.connection.data_received(Frame(Opcode.TEXT, json.dumps(fields).encode()).serialize(mask=True))

    async def until(self, words: bytes) -> None:
        async with asyncio.timeout(5):
            while words not in self.heard:  # noqa: ASYNC110
                await asyncio.sleep(0.002)


def post(ref: int) -> bytes:
    text = json.dumps({"op": "post", "ref": ref, "room": "r_1", "client_msg_id": f"c{ref}", "text": f"text {ref}"})
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=True)


def in_parts(ref: int) -> bytes:
    """The same post in two fragments, with a ping between them (RFC 6455 section 5.4)."""
    text = json.dumps({"op": "post", "ref": ref, "room": "r_1", "client_msg_id": f"c{ref}", "text": f"text {ref}"})
    first, second = text.encode()[:20], text.encode()[20:]
    parts = (Frame(Opcode.TEXT, first, False), Frame(Opcode.PING, b""), Frame(Opcode.CONT, second))
    return b"".join(part.serialize(mask=True) for part in parts)


@pytest.mark.parametrize("seed", range(20))
async def test_posts_arrive_however_the_stream_is_cut_into_pieces(seed: int) -> None:
    chance = random.Random(seed)
    town = Town()
    await town.log_in()
    stream = b"".join(chance.choice((post, post, in_parts))(ref) for ref in range(1, 31))
    while stream:
        step = chance.choice((1, 5, 90, 91, 1000)) if seed % 2 else chance.choice((len(post(1)), 400))
        town.connection.data_received(stream[:step])
        stream = stream[step:]
        if chance.random() < 0.3:
            await asyncio.sleep(0)
    await town.until(b'"op":"ack","ref":30,')
    assert sorted(town.engine.answers) == sorted(("p_sato", "r_1", f"c{ref}") for ref in range(1, 31))
    town.line.abort()


async def test_a_text_amid_the_fragments_of_another_ends_the_connection() -> None:
    town = Town()
    await town.log_in()
    town.connection.data_received(in_parts(1)[:30])
    town.connection.data_received(post(2))
    town.connection.data_received(post(3))
    await asyncio.sleep(0.02)
    assert not town.engine.answers
    town.line.abort()


async def test_nothing_is_said_after_what_a_line_that_is_cut_has_missed() -> None:
    """The socket becomes free in the very turn in which the cut is due: what comes then must not follow on a gap."""
    town = Town(limits=SocketLimits(high_water=1_000, write_buffer=2_000))
    town.line._pace = 1 << 20
    await town.log_in()
    town.line._pace = 0
    for number in range(40):
        town.engine.say("r_1", f"{number} " + "あ" * 50)
    town.connection.resume_writing()
    town.engine.say("r_1", "after the gap")
    town.engine.say("r_2", "in the other room")
    await asyncio.sleep(0)
    town.line._pace = 1 << 20
    await town.until(b'"op":"resync"')
    assert b"after the gap" not in town.heard
    assert b"in the other room" not in town.heard
    seen = [number for number in range(40) if f'"text":"{number} '.encode() in town.heard]
    assert seen == list(range(len(seen)))
    assert 0 < len(seen) < 40
    town.line.abort()


async def test_the_writers_thread_works_in_order_and_tells_what_it_met() -> None:
    thread, done = WriterThread("w"), []

    def work(number: int) -> int:
        done.append((number, threading.current_thread().name))
        if number == 2:
            raise ValueError(number)
        return number

    futures = [thread.run(lambda n=n: work(n)) for n in range(5)]  # type: ignore[misc]
    futures[3].cancel()
    answers = await asyncio.gather(*futures, return_exceptions=True)
    assert [answers[n] for n in (0, 1, 4)] == [0, 1, 4]
    assert isinstance(answers[2], ValueError)
    assert done == [(n, "w") for n in range(5)]
    thread.close()
    assert await thread.run(lambda: "again") == "again"
    thread.close()


def test_work_whose_loop_has_ended_is_done_and_harms_nobody() -> None:
    thread, begun, gone, done = WriterThread("w"), threading.Event(), threading.Event(), []

    def work() -> None:
        begun.set()
        gone.wait(5)
        done.append(1)

    async def give() -> None:
        thread.run(work)
        await asyncio.to_thread(begun.wait, 5)

    asyncio.run(give())
    gone.set()
    thread.close()
    assert done == [1]
