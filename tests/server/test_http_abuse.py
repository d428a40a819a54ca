"""Clients that send too much, too slowly, or read nothing: what one of them may cost, over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from support.served import Served, served

from server.http_protocol import MAX_HEAD, MAX_PIPELINE


@pytest.fixture
async def town() -> AsyncIterator[Served]:
    async with served() as running:
        yield running


class Raw:
    """Bytes in, bytes out."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        self.reader = reader
        self.writer = writer
        self.host = f"Host: 127.0.0.1:{port}\r\n".encode()

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def rest(self) -> bytes:
        """Everything up to the end of the connection, however it ends."""
        got = b""
        try:
            while piece := await asyncio.wait_for(self.reader.read(65536), 8):
                got += piece
        except ConnectionError:
            pass
        self.writer.close()
        return got


@pytest.fixture
async def raw(town: Served) -> Raw:
    reader, writer = await asyncio.open_connection("127.0.0.1", town.port())
    return Raw(reader, writer, town.port())


def assert_refused(answer: bytes, status: int, code: str) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    problem = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % status), head
    assert b"application/problem+json" in head
    assert (problem["status"], problem["code"]) == (status, code)


@pytest.mark.parametrize("end", [b"\r\n\r\n", b""], ids=["whole", "endless"])
async def test_a_head_is_bounded(raw: Raw, end: bytes) -> None:
    fields = b"".join(b"X-%d: %s\r\n" % (i, b"a" * 1000) for i in range(1 + MAX_HEAD // 1000))
    raw.send(b"GET /who HTTP/1.1\r\n" + raw.host + fields * 4 + end)
    assert_refused(await raw.rest(), 431, "too_large")


@pytest.mark.parametrize("start", [b"GET /", b"GET /who HTTP/1.1\r\nX: "], ids=["target", "field"])
async def test_one_endless_line_is_bounded(raw: Raw, start: bytes) -> None:
    raw.send(start)
    try:
        for _ in range(64):
            raw.send(b"a" * 65536)
            await asyncio.wait_for(raw.writer.drain(), 5)
            await asyncio.sleep(0)
    except ConnectionError:
        return
    assert b" 431 " in (await raw.rest()).split(b"\r\n")[0]


async def test_a_large_head_within_the_bound_is_served(raw: Raw) -> None:
    field = b"X-A: " + b"a" * (MAX_HEAD - 2000) + b"\r\n"
    raw.send(b"GET /who HTTP/1.1\r\n" + raw.host + field + b"Connection: close\r\n\r\n")
    assert (await raw.rest()).startswith(b"HTTP/1.1 200 ")


async def test_what_cannot_be_read_is_a_problem(raw: Raw) -> None:
    raw.send(b"\x16\x03\x01 no http\r\n\r\n")
    assert_refused(await raw.rest(), 400, "malformed")


async def test_trailers_are_no_header_fields(raw: Raw) -> None:
    """A proxy checks the fields of the head; what comes after the body must not pass for them."""
    raw.send(b"POST /who HTTP/1.1\r\n" + raw.host + b"Transfer-Encoding: chunked\r\nTrailer: X-Zone\r\n")
    raw.send(b"Connection: close\r\n\r\n2\r\nhi\r\n0\r\nX-Zone: lgwan\r\nHost: evil.example\r\n\r\n")
    head, _, body = (await raw.rest()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head
    assert json.loads(body)["forwarded"] is False and json.loads(body)["size"] == 2


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Content-Length: +5\r\n",
    ],
)
async def test_ambiguous_framing_is_refused(raw: Raw, framing: bytes) -> None:
    """RFC 9112 section 6.3: nothing may be smuggled behind a length that two readers read differently."""
    raw.send(b"POST /who HTTP/1.1\r\n" + raw.host + framing + b"\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n")
    answer = await raw.rest()
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1") == 1


async def test_pipelined_requests_are_answered_and_bounded(raw: Raw) -> None:
    one = b"GET /who HTTP/1.1\r\n" + raw.host + b"\r\n"
    raw.send(one * 8 + one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert (await raw.rest()).count(b"HTTP/1.1 200 ") == 9


async def test_a_flood_of_pipelined_requests_ends_the_connection(raw: Raw) -> None:
    raw.send((b"GET /who HTTP/1.1\r\n" + raw.host + b"\r\n") * (20 * MAX_PIPELINE))
    assert b"HTTP/1.1 400 " in await raw.rest()


async def test_a_body_that_does_not_come_ends_the_connection(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.http_protocol.PACE_SECONDS", 1.0)
    raw.send(b"POST /who HTTP/1.1\r\n" + raw.host + b"Content-Length: 100\r\n\r\n{")
    assert await asyncio.wait_for(raw.rest(), 6) == b""


async def test_a_body_that_comes_slowly_is_taken(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.http_protocol.PACE_SECONDS", 1.0)
    raw.send(b"POST /upload HTTP/1.1\r\n" + raw.host + b"Connection: close\r\nContent-Length: 40960\r\n\r\n")
    for _ in range(10):
        await asyncio.sleep(0.3)
        raw.send(b"x" * 4096)
    assert b'"size":40960' in await raw.rest()
