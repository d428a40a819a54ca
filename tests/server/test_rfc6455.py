"""RFC 6455 as our endpoint keeps it, byte by byte (in the order of the Autobahn suite's chapters)."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator

import pytest
from support.raw_websocket import ANSWER, BINARY, CLOSE, CONT, PING, PONG, READ, TEXT, Raw, encode, handshake, opened
from support.served import Served, served


@pytest.fixture
async def town() -> AsyncIterator[Served]:
    async with served() as running:
        yield running


@pytest.fixture
async def raw(town: Served) -> AsyncIterator[Raw]:
    async with opened(town) as client:
        yield client


async def test_the_handshake_accepts_and_declines_compression(town: Served) -> None:
    raw, answer = await handshake(town)
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer
    assert b"Sec-WebSocket-Protocol: sekisho.v1" in answer
    assert b"Sec-WebSocket-Extensions" not in answer
    raw.writer.close()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"Sec_WebSocket_Key": "short"}, 400),
        ({"Sec_WebSocket_Key": ""}, 400),
        ({"Sec_WebSocket_Version": "8"}, 400),
        ({"Sec_WebSocket_Protocol": "other"}, 400),
        ({"Host": "evil.example"}, 404),
        ({"Origin": "https://evil.example"}, 403),
        ({"path": "/api/v1/wss"}, 404),
        ({"path": "/"}, 404),
    ],
)
async def test_handshakes_that_are_refused(town: Served, changes: dict[str, str], status: int) -> None:
    raw, answer = await handshake(town, changes)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer
    assert b"application/problem+json" in answer
    assert b'"code"' in await asyncio.wait_for(raw.reader.read(), 5)
    raw.writer.close()


@pytest.mark.parametrize(
    ("query", "header", "first_words"),
    [
        ("?lang=en", "ja", b"The request could not be read"),
        ("?lang=ja", "en", "送られた内容を読み取れませんでした".encode()),
        ("?lang=fr", "en", b"The request could not be read"),
        ("?x=1&lang=", "", "送られた内容を読み取れませんでした".encode()),
    ],
)
async def test_the_address_names_the_language_before_the_header(
    town: Served, query: str, header: str, first_words: bytes
) -> None:
    raw, answer = await handshake(town, {"path": f"/api/v1/ws{query}", "Accept-Language": header})
    assert answer.startswith(b"HTTP/1.1 101 ")
    hello = b'{"op":"hello","token":"%s"}' % town.engine.add_session("sato").encode()
    raw.send(encode(TEXT, hello), encode(TEXT, b"{"))
    await raw.frame()
    assert first_words in (await raw.frame())[1]
    raw.writer.close()


async def test_a_refused_upgrade_speaks_the_language_of_the_address(town: Served) -> None:
    raw, answer = await handshake(town, {"path": "/api/v1/ws?lang=en", "Origin": "https://evil.example"})
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"came from another site" in await asyncio.wait_for(raw.reader.read(), 5)
    raw.writer.close()


async def test_an_upgrade_over_http_1_0_is_no_upgrade(town: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", town.port())
    writer.write(f"GET /api/v1/ws HTTP/1.0\r\nHost: 127.0.0.1:{town.port()}\r\n\r\n".encode())
    assert b" 101 " not in await asyncio.wait_for(reader.read(), 5)
    writer.close()


async def test_octets_may_come_one_by_one(raw: Raw) -> None:
    for octet in encode(TEXT, READ):
        raw.send(bytes([octet]))
        await raw.writer.drain()
        await asyncio.sleep(0)
    assert await raw.frame() == (TEXT, ANSWER)


@pytest.mark.parametrize("payload", [b"", b"x", b"\x00\xff\xfe", b"x" * 125])
async def test_pings_are_answered_with_their_payload(raw: Raw, payload: bytes) -> None:
    raw.send(encode(PING, payload))
    assert await raw.frame() == (PONG, payload)
    await raw.assert_answers()


async def test_pongs_that_nobody_asked_for_are_ignored(raw: Raw) -> None:
    raw.send(encode(PONG, b"unsolicited"), encode(PONG), encode(PING, b"1"))
    assert await raw.frame() == (PONG, b"1")


@pytest.mark.parametrize(
    "frame",
    [
        encode(PING, b"x" * 126),
        encode(PING, fin=False),
        encode(CLOSE, b"\x03\xe8" + b"x" * 124),
        *(encode(TEXT, READ, rsv=rsv) for rsv in range(1, 8)),
        *(encode(opcode, b"x") for opcode in (3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF)),
        encode(CONT, b"x"),
        encode(CONT, b"x", fin=False),
        encode(TEXT, READ, mask=False),
        encode(TEXT, b"a", fin=False) + encode(TEXT, b"b"),
        encode(TEXT, b"a", fin=False) + encode(CONT, b"b") + encode(CONT, b"c"),
        b"\x81\xff\xff" + b"\xff" * 7 + b"mask",
    ],
)
async def test_what_breaks_the_protocol_is_failed(raw: Raw, frame: bytes) -> None:
    raw.send(frame)
    await raw.assert_closed(1002, 1009)


async def test_fragments_with_pings_in_between_are_one_message(raw: Raw) -> None:
    raw.send(
        encode(TEXT, READ[:5], fin=False),
        encode(PING, b"a"),
        encode(CONT, b"", fin=False),
        encode(CONT, READ[5:9], fin=False),
        encode(PING, b"b"),
        encode(CONT, READ[9:]),
    )
    assert sorted([await raw.frame() for _ in range(3)]) == [(TEXT, ANSWER), (PONG, b"a"), (PONG, b"b")]


VALID_UTF8 = ["κόσμε", "関所", "\x00", "\x7f", "\u0800", "\uffff", "\U0010ffff", "\ufffe", "葛\U000e0100城"]
INVALID_UTF8 = [
    b"\xff",
    b"\xc0\xaf",
    b"\xe0\x80\xaf",
    b"\xed\xa0\x80",
    b"\xed\xaf\xbf\xed\xbf\xbf",
    b"\xf4\x90\x80\x80",
    b"\xce\xba\xe1",
    b"\x80",
    b"\xf8\x88\x80\x80\x80",
]


@pytest.mark.parametrize("text", VALID_UTF8)
async def test_valid_utf8_is_text(raw: Raw, text: str) -> None:
    payload = text.encode()
    rest = [encode(CONT, payload[at : at + 1], fin=False) for at in range(1, len(payload))]
    raw.send(encode(TEXT, payload[:1], fin=False), *rest, encode(CONT))
    opcode, answer = await raw.frame()
    assert opcode == TEXT and b'"malformed"' in answer
    await raw.assert_answers()


@pytest.mark.parametrize("payload", INVALID_UTF8)
async def test_invalid_utf8_is_1007(town: Served, payload: bytes) -> None:
    async with opened(town) as raw:
        raw.send(encode(TEXT, b"x" + payload))
        await raw.assert_closed(1007)
    async with opened(town) as raw:
        raw.send(encode(TEXT, b"x" + payload[:1], fin=False), encode(CONT, payload[1:]))
        await raw.assert_closed(1007)


async def test_invalid_utf8_fails_before_the_message_is_whole(raw: Raw) -> None:
    raw.send(encode(TEXT, b"\xce\xba\xe1\xbd", fin=False), encode(CONT, b"\xff", fin=False))
    await raw.assert_closed(1007)


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999])
async def test_a_good_close_is_echoed(raw: Raw, code: int) -> None:
    raw.send(encode(CLOSE, struct.pack("!H", code) + "さようなら".encode()))
    await raw.assert_closed(code)


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
async def test_a_close_code_that_may_not_be_sent_is_1002(raw: Raw, code: int) -> None:
    raw.send(encode(CLOSE, struct.pack("!H", code)))
    await raw.assert_closed(1002)


async def test_an_empty_close_is_echoed_empty(raw: Raw) -> None:
    raw.send(encode(CLOSE))
    assert await raw.frame() == (CLOSE, b"")
    assert await asyncio.wait_for(raw.reader.read(), 5) == b""


@pytest.mark.parametrize("payload", [b"\x03", b"\x03\xe8\xff\xfe"])
async def test_a_close_that_cannot_be_read_is_failed(raw: Raw, payload: bytes) -> None:
    raw.send(encode(CLOSE, payload))
    await raw.assert_closed(1002, 1007)


async def test_a_close_between_fragments_is_echoed(raw: Raw) -> None:
    raw.send(encode(TEXT, READ[:5], fin=False), encode(CLOSE, b"\x03\xe8"), encode(CONT, READ[5:]))
    await raw.assert_closed(1000)


async def test_nothing_after_a_close_is_read(raw: Raw) -> None:
    raw.send(encode(CLOSE, b"\x03\xe8"), encode(TEXT, READ), encode(PING))
    assert (await raw.frame())[0] == CLOSE
    assert await asyncio.wait_for(raw.reader.read(), 5) == b""


async def test_binary_is_1003_even_in_fragments(town: Served) -> None:
    for frame in (encode(BINARY, b""), encode(BINARY, b"x", fin=False) + encode(CONT, b"y")):
        async with opened(town) as raw:
            raw.send(frame)
            await raw.assert_closed(1003)


async def test_a_length_is_judged_before_its_payload_comes(raw: Raw) -> None:
    raw.send(b"\x81\xff" + struct.pack("!Q", 2**40) + b"mask")
    await raw.assert_closed(1009)


async def test_the_close_frame_arrives_while_the_client_is_still_sending(raw: Raw) -> None:
    """Closing over unread bytes would reset the connection and lose the reason."""
    raw.send(encode(TEXT, b"x" * 1_000_000))
    await raw.assert_closed(1009)


async def test_a_connection_that_is_cut_leaves_nothing_behind(town: Served) -> None:
    async with opened(town) as raw:
        raw.writer.transport.abort()
        for _ in range(100):
            await asyncio.sleep(0.01)
            if not town.endpoint.connections:
                break
    assert not town.endpoint.connections and not town.hub.connections_of("p_sato")
