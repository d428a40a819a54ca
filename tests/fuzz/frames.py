"""What the trusting side reads that it has not written itself: answers of jails, parcels, gateways, browsers.

Rules kept here:

- Each reader says what it may raise; everything else is a finding.
- Inputs are what the other side may write, mutated, and now and then bytes of no form at all.

>>> sorted(READERS)[:3]
['answer of a jail', 'answer of a runner', 'browser']
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import msgspec
from fuzz.findings import Finding, unexpected
from fuzz.mutate import mutated
from fuzz.seeds import Seed
from support.raw_websocket import UPGRADE
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State

from sanitizer import clamd, extraction, parcel, runner, wire
from sanitizer.formats.base import Change
from sanitizer.wire import Answer, BadAnswer, Status
from server.frames import Broken, Frames, Read
from server.icap import messages
from server.icap.body import Body, Gone, Wire
from server.rate_limits import Bucket, Rate
from server.routes import uploads
from server.session import Session


@dataclass(frozen=True)
class Reader:
    """``samples``: what the other side writes; ``read``: raises nothing but what is in ``raises``."""

    samples: Sequence[bytes]
    read: Callable[[bytes], object]
    raises: tuple[type[Exception], ...] = ()

    def make(self, chance: Random) -> Seed:
        if chance.random() < 0.05:
            return "", chance.randbytes(chance.choice((0, 1, 8, 100, 4000)))
        return "", mutated(chance.choice(self.samples), chance.choice(self.samples), chance)

    def take(self, given: Seed) -> str:
        try:
            self.read(given[1])
        except self.raises:
            return "no"
        except Finding:
            raise
        except Exception as error:
            raise unexpected(error) from error
        return "read"


def _answer(data: bytes) -> None:
    """What is accepted is exactly what could have been written."""
    if wire.write_answer(wire.read_answer(data)) != data:
        raise Finding("answer", "another answer")


def _parcel(data: bytes) -> None:
    descriptor = os.memfd_create("parcel")
    try:
        os.write(descriptor, data)
        entries = parcel.read_index(descriptor, len(data), 1000)
    finally:
        os.close(descriptor)
    if any(not 0 <= entry.offset <= entry.offset + entry.size <= len(data) for entry in entries):
        raise Finding("answer", "member outside of its parcel")


def _packed(*members: tuple[str, bytes, str, str]) -> bytes:
    descriptor = os.memfd_create("parcel")
    try:
        writer = parcel.Writer(descriptor, 1 << 20)
        for name, data, code, mime in members:
            writer.add(name, data, code=code, mime=mime)
        return os.pread(descriptor, writer.finish(), 0)
    finally:
        os.close(descriptor)


def _parts(data: bytes) -> None:
    parts = extraction.split(data, 300)
    if sum(len(part) for _, part in parts) > len(data):
        raise Finding("answer", "parts of nothing")


def _icap_head(data: bytes) -> None:
    head = messages.read_head(data)
    messages.preview_of(head.fields)
    messages.listed(head.fields, "allow")
    if head.method != "OPTIONS":
        messages.sections_of(head)


def _http_head(data: bytes) -> None:
    for read in (messages.read_request, messages.read_response):
        try:
            head = read(data)
        except messages.BadMessage:
            continue
        head.having(("Via", "1.1 a")).encode()
        assert head.target if read is messages.read_request else head.status


class _Transport(asyncio.Transport):
    """Takes everything and keeps nothing."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        return

    closed = False

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


async def _body(data: bytes) -> None:
    """A chunked body behind a preview of nine bytes, to its end."""
    loop = asyncio.get_running_loop()
    stream = asyncio.StreamReader(limit=messages.MAX_HEADS)
    stream.feed_data(data)
    stream.feed_eof()
    link = asyncio.StreamWriter(_Transport(), asyncio.StreamReaderProtocol(stream), None, loop)
    body = Body(Wire(stream, link, 1.0), 9)
    try:
        await body.peek()
        while await body.read():
            pass
    finally:
        link.close()


def _browser(data: bytes) -> None:
    """A session that reads lines, the first its hello."""
    session = Session("ja", None, Bucket(Rate(50.0, 500.0), 0.0))
    for line in data.split(b"\n"):
        session.received(line, 0.0)


def _socket(data: bytes) -> None:
    """The same is heard whether it comes at once or in pieces."""
    if _heard([data]) != _heard([data[at : at + 7] for at in range(0, len(data), 7)]):
        raise Finding("answer", "another reading in pieces")


def _heard(pieces: Sequence[bytes]) -> list[Read]:
    """What a connection that was just opened hears, up to its end."""
    frames = Frames(4096)
    (request,) = frames.read(UPGRADE)
    assert isinstance(request, Request)
    frames.respond(frames.accept(request))
    frames.to_send()
    heard: list[Read] = []
    for piece in pieces:
        for read in frames.read(piece):
            heard.append(read)
            if isinstance(read, Broken):
                return heard
        frames.to_send()
        if frames.state is not State.OPEN:
            break
    return heard


def _tus(data: bytes) -> None:
    text = data.decode("latin-1")
    uploads._metadata(text)
    uploads._checksum(text)
    size = uploads._whole(text)
    if size is not None and not 0 <= size < 10**15:
        raise Finding("answer", "size")


_CHANGES = (Change("javascript", 2, "page 3"), Change("macro", 1))
_ANSWERS = [
    wire.write_answer(Answer(Status.DONE, "", "", "application/pdf", "application/pdf", 1234, _CHANGES, _CHANGES)),
    wire.write_answer(Answer(Status.REFUSED, "type-mismatch", "name .pdf, contents image/png")),
    wire.write_answer(Answer(Status.UNPACKED, "", "", "application/zip", "", 99)),
]
_CELL = [
    wire.encode(wire.Ready("full", "", ["no user namespaces"])),
    wire.encode(wire.Started(7)),
    wire.encode(wire.Ended(7, -9, 0.25, 1 << 20)),
]
_TO_CELL = [
    wire.encode(wire.Hello(1, {"text/plain": "sanitizer.formats.text"}, [], True)),
    wire.encode(
        wire.Run(1, "transform", treatment="rebuild", name="届出.pdf", password="x", size=10, limits={"max_input": 1})
    ),
]
_RAN = [msgspec.json.encode(runner.Ran(0, 11418, 0.9, 223000000)), msgspec.json.encode(runner.Ran(70, problem="no"))]
_BUNDLE = [
    (2).to_bytes(extraction._COUNT.size, "little")
    + extraction._ENTRY.pack(0, 3)
    + extraction._ENTRY.pack(1, 2)
    + b"a,b\0\1"
]
_ICAP = [
    b"OPTIONS icap://gate/respmod ICAP/1.0\r\nHost: gate\r\nAllow: 204\r\n\r\n",
    b"RESPMOD icap://gate:1344/respmod?a=b ICAP/1.0\r\nHost: gate\r\nAllow: 204, trailers\r\nPreview: 1024\r\n"
    b"Encapsulated: req-hdr=0, res-hdr=60, res-body=120\r\n\r\n",
]
_HTTP = [
    b"GET http://www.example.jp/%E5%B1%8A.pdf HTTP/1.1\r\nHost: www.example.jp\r\nRange: bytes=0-\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename*=UTF-8''a\r\n\r\n",
]
_CHUNKS = [b"4\r\nabcd\r\n0; ieof\r\n\r\n", b"9\r\nabcdefghi\r\n0\r\n\r\n5;a=b\r\nabcde\r\n0\r\nTrailer: x\r\n\r\n"]
_SPOKEN = [
    b"\n".join(json.dumps(frame).encode() for frame in (
        {"op": "hello", "token": "t", "cursors": {"r": 1}},
        {"op": "post", "ref": 1, "room": "r", "client_msg_id": "c", "text": "回覧", "attachments": ["a"]},
        {"op": "read", "room": "r", "seq": 3},
    ))
]  # fmt: skip
_FRAMES = [
    b"".join(Frame(opcode, words, fin).serialize(mask=True) for opcode, words, fin in (
        (Opcode.TEXT, "回覧".encode(), True),
        (Opcode.PING, b"?", True),
        (Opcode.TEXT, "回".encode(), False),
        (Opcode.PONG, b"", True),
        (Opcode.CONT, "覧".encode() * 50, True),
        (Opcode.CLOSE, b"\x03\xe8", True),
    ))
]  # fmt: skip
_TUS = [b"filename 5bGK5Ye6LnBkZg==,room cg==", b"sha256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", b"123456789"]
_SCANNED = [b"stream: OK", b"stream: Eicar-Test-Signature FOUND", b"INSTREAM size limit exceeded. ERROR"]

READERS: dict[str, Reader] = {
    "answer of a jail": Reader(_ANSWERS, _answer, (BadAnswer,)),
    "members of a container": Reader(
        [_packed(("総務/a.txt", b"hello", "", "text/plain"), ("b/", b"", "", ""), ("c", b"", "unreadable", ""))],
        *(_parcel, (BadAnswer,)),
    ),
    "word of a cell": Reader(_CELL, wire.decode_from_cell, (msgspec.DecodeError,)),
    "order to a cell": Reader(_TO_CELL, wire.decode_to_cell, (msgspec.DecodeError,)),
    "answer of a runner": Reader(_RAN, runner.read_ran, (msgspec.DecodeError,)),
    "parts": Reader(_BUNDLE, _parts),
    "scanner": Reader(_SCANNED, clamd._verdict),
    "head of ICAP": Reader(_ICAP, _icap_head, (messages.BadMessage,)),
    "head within ICAP": Reader(_HTTP, _http_head),
    "chunks of ICAP": Reader(_CHUNKS, lambda data: asyncio.run(_body(data)), (messages.BadMessage, Gone)),
    "browser": Reader(_SPOKEN, _browser),
    "frames of a browser": Reader(_FRAMES, _socket),
    "tus headers": Reader(_TUS, _tus),
}
"""By what they read."""
