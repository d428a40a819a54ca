"""What a client's bytes say, however they are cut, and that a connection which waits keeps no parser."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.raw_websocket import UPGRADE
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State

from server import wire
from server.frames import CLOSE_INVALID_TEXT, Broken, Frames, Read, Sign

LONGEST = 4_096
TEXT, PING, PONG = Frame(Opcode.TEXT, "防災".encode()), Frame(Opcode.PING, b"?"), Frame(Opcode.PONG, b"")
PARTS = [Frame(Opcode.TEXT, "防".encode()[:2], False), PING, Frame(Opcode.CONT, "防災".encode()[2:], True)]
SAID: dict[str, tuple[list[Frame], list[Read]]] = {
    "a text": ([TEXT], ["防災".encode()]),
    "a ping": ([PING], [Sign.PING]),
    "a pong": ([PONG], []),
    "a text in parts, a ping between": (PARTS, [Sign.FRAGMENT, Sign.PING, Sign.FRAGMENT, "防災".encode()]),
}


def opened() -> Frames:
    """After the handshake."""
    frames = Frames(LONGEST)
    (request,) = frames.read(UPGRADE)
    assert isinstance(request, Request)
    assert not frames.silent
    frames.respond(frames.accept(request))
    assert frames.to_send()[0].startswith(b"HTTP/1.1 101 ")
    return frames


def masked(frames: list[Frame]) -> bytes:
    return b"".join(frame.serialize(mask=True) for frame in frames)


def pieces(data: bytes, chance: random.Random) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size = chance.choice((1, 2, 5, 11, 100))
        yield data[at : at + size]
        at += size


@given(st.lists(st.sampled_from(sorted(SAID)), max_size=6), st.randoms(use_true_random=False))
def test_the_same_is_heard_however_the_bytes_are_cut(names: list[str], chance: random.Random) -> None:
    frames = opened()
    heard: list[Read] = []
    for piece in pieces(masked([frame for name in names for frame in SAID[name][0]]), chance):
        heard += frames.read(piece)
        frames.to_send()
    assert heard == [read for name in names for read in SAID[name][1]]


@pytest.mark.parametrize("name", SAID)
def test_who_waits_keeps_no_parser(name: str) -> None:
    frames = opened()
    assert (frames.silent, frames.state) == (True, State.OPEN)
    list(frames.read(masked(SAID[name][0])))
    answers = frames.to_send()
    assert answers == [Frame(Opcode.PONG, b"?").serialize(mask=False)] * SAID[name][0].count(PING)
    assert (frames.silent, frames.state) == (True, State.OPEN)


@pytest.mark.parametrize("begun", [masked([TEXT])[:-1], masked([TEXT])[:1], masked(PARTS[:2])], ids=str)
def test_what_has_begun_is_remembered(begun: bytes) -> None:
    frames = opened()
    list(frames.read(begun))
    frames.to_send()
    assert not frames.silent


@pytest.mark.parametrize(
    ("frame", "broken"),
    [
        (Frame(Opcode.TEXT, b"\xff"), Broken(CLOSE_INVALID_TEXT, "invalid UTF-8")),
        (Frame(Opcode.TEXT, b"\xff", False), Broken(CLOSE_INVALID_TEXT, "invalid UTF-8")),
        (Frame(Opcode.BINARY, b"x"), Broken(wire.CLOSE_UNSUPPORTED, "text only")),
    ],
)
def test_what_may_not_be_said_fails_the_connection(frame: Frame, broken: Broken) -> None:
    frames = opened()
    assert list(frames.read(masked([frame]))) == [broken]
    frames.fail(*broken)
    assert Close.parse(frames.to_send()[0][2:]).code == broken.code
    assert frames.state is State.CLOSING
    assert list(frames.read(masked([TEXT]))) == []


def test_a_farewell_is_heard_and_answered() -> None:
    frames = opened()
    frames.close(1001, "going away")
    assert frames.farewell_heard is False
    farewell = Frame(Opcode.CLOSE, Close(1001, "").serialize())
    assert list(frames.read(masked([farewell]))) == [Sign.CLOSE]
    assert (frames.farewell_heard, frames.silent) == (True, False)
