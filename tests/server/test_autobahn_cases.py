"""The cases of the Autobahn Testsuite, by their numbers, against the endpoint as it is.

The suite wants an echo; our endpoint answers what it understands (``read`` → ``read_mark``) and refuses what it does
not (``malformed``), so a case is seen by pongs, answers and close codes. The suite itself, all 517 cases, is
``make campaign-autobahn`` (docs/campaigns.md), with an echo in place of the session.

What does not apply: 12.* and 13.* (216 cases; compression is declined); 9.3.* to 9.6.* measure speed with messages of
megabytes, which are too big here (1009, as in 9.1.*). Binary messages (1.2.*, 9.2.*) apply as what they are: 1003.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
from support.raw_websocket import BINARY, CLOSE, CONT, PING, PONG, READ, TEXT, Raw, encode, opened
from support.served import GENEROUS, Served, served

STAYS = 0
PROTOCOL, UNSUPPORTED, NOT_TEXT, TOO_BIG = 1002, 1003, 1007, 1009


class Case(NamedTuple):
    """``frames`` are sent in one write, or an octet at a time where ``octets``. ``pongs``: payloads that must come
    back, in order. ``ends``: the close code, ``STAYS`` where the connection goes on."""

    number: str
    frames: tuple[bytes, ...]
    ends: int = STAYS
    pongs: tuple[bytes, ...] = ()
    octets: bool = False


def text(payload: bytes = READ, **more: bool) -> bytes:
    return encode(TEXT, payload, **more)


def chopped(opcode: int, payload: bytes, size: int) -> tuple[bytes, ...]:
    """One message in fragments of ``size`` octets."""
    parts = [payload[at : at + size] for at in range(0, len(payload), size)]
    kinds = [opcode] + [CONT] * (len(parts) - 1)
    pairs = enumerate(zip(kinds, parts, strict=True), 1)
    return tuple(encode(kind, part, fin=number == len(parts)) for number, (kind, part) in pairs)


def framing() -> list[Case]:
    sizes = (0, 125, 126, 127, 128, 65535, 65536, 65536)
    cases = [Case(f"1.1.{n}", (text(b"*" * size),)) for n, size in enumerate(sizes, 1)]
    return cases + [Case(f"1.2.{n}", (encode(BINARY, b"\xfe" * size),), UNSUPPORTED) for n, size in enumerate(sizes, 1)]


def pings() -> list[Case]:
    binary, longest = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"\xfe" * 125
    ten = tuple(f"payload-{n}".encode() for n in range(10))
    return [
        Case("2.1", (encode(PING),), pongs=(b"",)),
        Case("2.2", (encode(PING, b"Hello, world!"),), pongs=(b"Hello, world!",)),
        Case("2.3", (encode(PING, binary),), pongs=(binary,)),
        Case("2.4", (encode(PING, longest),), pongs=(longest,)),
        Case("2.5", (encode(PING, longest + b"\xfe"),), PROTOCOL),
        Case("2.6", (encode(PING, longest),), pongs=(longest,), octets=True),
        Case("2.7", (encode(PONG),)),
        Case("2.8", (encode(PONG, b"unsolicited pong payload"),)),
        Case("2.9", (encode(PONG, b"unsolicited"), encode(PING, b"ping")), pongs=(b"ping",)),
        Case("2.10", tuple(encode(PING, payload) for payload in ten), pongs=ten),
        Case("2.11", tuple(encode(PING, payload) for payload in ten), pongs=ten, octets=True),
    ]


def reserved() -> list[Case]:
    def bad(number: int) -> bytes:
        return encode(TEXT, READ, rsv=number)

    return [
        Case("3.1", (bad(1),), PROTOCOL),
        Case("3.2", (text(), bad(2), encode(PING)), PROTOCOL),
        Case("3.3", (text(), bad(3), encode(PING)), PROTOCOL),
        Case("3.4", (text(), bad(4), encode(PING)), PROTOCOL, octets=True),
        Case("3.5", (encode(BINARY, b"x", rsv=5),), PROTOCOL),
        Case("3.6", (encode(PING, b"x", rsv=6),), PROTOCOL),
        Case("3.7", (encode(CLOSE, b"", rsv=7),), PROTOCOL),
    ]


def opcodes() -> list[Case]:
    cases = []
    for chapter, first in (("4.1", 3), ("4.2", 11)):
        cases += [
            Case(f"{chapter}.1", (encode(first),), PROTOCOL),
            Case(f"{chapter}.2", (encode(first + 1, b"reserved opcode payload"),), PROTOCOL),
            Case(f"{chapter}.3", (text(), encode(first + 2), encode(PING)), PROTOCOL),
            Case(f"{chapter}.4", (text(), encode(first + 3, b"payload"), encode(PING)), PROTOCOL),
            Case(f"{chapter}.5", (text(), encode(first + 4, b"payload"), encode(PING)), PROTOCOL, octets=True),
        ]
    return cases


def fragments() -> list[Case]:
    halves = chopped(TEXT, READ, len(READ) // 2 + 1)
    pinged = (halves[0], encode(PING, b"ping"), halves[1])
    five = chopped(TEXT, READ, len(READ) // 5 + 1)
    twice = (*five[:2], encode(PING, b"1"), *five[2:4], encode(PING, b"2"), *five[4:])
    nothing = encode(CONT, b"non-continuation payload")
    open_end = encode(CONT, b"non-continuation payload", fin=False)
    return [
        Case("5.1", (encode(PING, b"a", fin=False), encode(CONT, b"b")), PROTOCOL),
        Case("5.2", (encode(PONG, b"a", fin=False), encode(CONT, b"b")), PROTOCOL),
        *(Case(f"5.{number}", halves, octets=number == 5) for number in (3, 4, 5)),
        *(Case(f"5.{number}", pinged, pongs=(b"ping",), octets=number == 8) for number in (6, 7, 8)),
        *(Case(f"5.{number}", (nothing, text()), PROTOCOL, octets=number == 11) for number in (9, 10, 11)),
        *(Case(f"5.{number}", (open_end, text()), PROTOCOL, octets=number == 14) for number in (12, 13, 14)),
        Case("5.15", (*halves, open_end, text()), PROTOCOL),
        Case("5.16", (open_end, *halves) * 2, PROTOCOL),
        Case("5.17", (nothing, *halves) * 2, PROTOCOL),
        Case("5.18", (text(b"fragment1", fin=False), text(b"fragment2")), PROTOCOL),
        Case("5.19", twice, pongs=(b"1", b"2")),
        Case("5.20", twice, pongs=(b"1", b"2"), octets=True),
    ]


UTF8 = """
6.5 68656c6c6f24776f726c64 68656c6c6fc2a2776f726c64 68656c6c6fe282ac776f726c64 68656c6c6ff0a4ada2776f726c64
     cebae1bdb9cf83cebcceb5
6.6 ce ceba cebae1 cebae1bd cebae1bdb9 cebae1bdb9cf cebae1bdb9cf83 cebae1bdb9cf83ce cebae1bdb9cf83cebc
     cebae1bdb9cf83cebcce cebae1bdb9cf83cebcceb5
6.7 00 c280 e0a080 f0908080
6.8 f888808080 fc8480808080
6.9 7f dfbf efbfbf f48fbfbf
6.10 f7bfbfbf fbbfbfbfbf fdbfbfbfbfbf
6.11 ed9fbf ee8080 efbfbd f48fbfbf f4908080
6.12 80 bf 80bf 80bf80 80bf80bf 80bf80bf80 80bf80bf80bf
     808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbe
6.13
     c020c120c220c320c420c520c620c720c820c920ca20cb20cc20cd20ce20cf20d020d120d220d320d420d520d620d720d820d920da20db20dc20dd20de20
     e020e120e220e320e420e520e620e720e820e920ea20eb20ec20ed20ee20 f020f120f220f320f420f520f620 f820f920fa20 fc20
6.14 c0 e080 f08080 f8808080 fc80808080 df efbf f7bfbf fbbfbfbf fdbfbfbfbf
6.15 c0e080f08080f8808080fc80808080dfefbff7bfbffbbfbfbffdbfbfbfbf
6.16 fe ff fefeffff
6.17 c0af e080af f08080af f8808080af fc80808080af
6.18 c1bf e09fbf f08fbfbf f887bfbfbf fc83bfbfbfbf
6.19 c080 e08080 f0808080 f880808080 fc8080808080
6.20 eda080 edadbf edae80 edafbf edb080 edbe80 edbfbf
6.21 eda080edb080 eda080edbfbf edadbfedb080 edadbfedbfbf edae80edb080 edae80edbfbf edafbfedb080 edafbfedbfbf
6.22 efbfbe efbfbf f09fbfbe f09fbfbf f0afbfbe f0afbfbf f0bfbfbe f0bfbfbf f18fbfbe f18fbfbf f19fbfbe f19fbfbf
     f1afbfbe f1afbfbf f1bfbfbe f1bfbfbf f28fbfbe f28fbfbf f29fbfbe f29fbfbf f2afbfbe f2afbfbf f2bfbfbe f2bfbfbf
     f38fbfbe f38fbfbf f39fbfbe f39fbfbf f3afbfbe f3afbfbf f3bfbfbe f3bfbfbf f48fbfbe f48fbfbf
6.23 efbfb9 efbfba efbfbb efbfbc efbfbd efbfbe efbfbf
"""  # payloads of 6.5 to 6.23, from Markus Kuhn's decoder test
VALID = {"6.5", "6.7", "6.9", "6.22", "6.23"}
VALID_TOO = {"6.6.2", "6.6.5", "6.6.7", "6.6.9", "6.6.11", "6.11.1", "6.11.2", "6.11.3", "6.11.4"}


def utf8() -> list[Case]:
    begins, breaks, ends = "κόσμε".encode(), b"\xf4\x90\x80\x80", b"edited"
    bad, valid = bytes.fromhex("cebae1bdb9cf83cebcceb5eda080656469746564"), "Hello-µ@ßöäüàá-UTF-8!!".encode()
    late = (text(begins, fin=False), encode(CONT, breaks, fin=False), encode(CONT, ends))
    cases = [
        Case("6.1.1", (text(b""),)),
        Case("6.1.2", (text(b"", fin=False), encode(CONT, fin=False), encode(CONT))),
        Case("6.1.3", (text(b"", fin=False), encode(CONT, b"middle", fin=False), encode(CONT))),
        Case("6.2.1", (text(valid),)),
        Case("6.2.2", chopped(TEXT, valid, 12)),
        Case("6.2.3", chopped(TEXT, valid, 1)),
        Case("6.2.4", chopped(TEXT, begins, 1)),
        Case("6.3.1", (text(bad),), NOT_TEXT),
        Case("6.3.2", chopped(TEXT, bad, 1), NOT_TEXT),
        Case("6.4.1", late, NOT_TEXT),
        Case("6.4.2", (text(begins + breaks[:3], fin=False), encode(CONT, breaks[3:], fin=False)), NOT_TEXT),
        Case("6.4.3", (text(begins + breaks + ends),), NOT_TEXT, octets=True),
        Case("6.4.4", (text(begins + breaks[:2] + ends),), NOT_TEXT, octets=True),
    ]
    chapter, number = "", 0
    for word in UTF8.split():
        if word.startswith("6."):
            chapter, number = word, 0
            continue
        number += 1
        fine = chapter in VALID or f"{chapter}.{number}" in VALID_TOO
        cases.append(Case(f"{chapter}.{number}", (text(bytes.fromhex(word)),), STAYS if fine else NOT_TEXT))
    return cases


def closing() -> list[Case]:
    def close(code: int, reason: bytes = b"") -> bytes:
        return encode(CLOSE, struct.pack("!H", code) + reason)

    good = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
    bad = (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999)
    halves = chopped(TEXT, READ, 20)
    return [
        Case("7.1.1", (text(), close(1000)), 1000),
        Case("7.1.2", (close(1000), close(1000)), 1000),
        Case("7.1.3", (close(1000), encode(PING)), 1000),
        Case("7.1.4", (close(1000), text()), 1000),
        Case("7.1.5", (halves[0], close(1000), halves[1]), 1000),
        Case("7.1.6", (text(b"B" * 65536), close(1000), encode(PING)), 1000),
        Case("7.3.2", (encode(CLOSE, b"a"),), PROTOCOL),
        Case("7.3.3", (close(1000),), 1000),
        Case("7.3.4", (close(1000, b"Hello World!"),), 1000),
        Case("7.3.5", (close(1000, b"*" * 123),), 1000),
        Case("7.3.6", (close(1000, b"*" * 124),), PROTOCOL),
        Case("7.5.1", (close(1000, b"\xce\xba\xed\xa0\x80edited"),), NOT_TEXT),
        *(Case(f"7.7.{number}", (close(code),), code) for number, code in enumerate(good, 1)),
        *(Case(f"7.9.{number}", (close(code),), PROTOCOL) for number, code in enumerate(bad, 1)),
        Case("7.13.1", (close(5000),), PROTOCOL),
        Case("7.13.2", (encode(CLOSE, struct.pack("!I", 65536)),), PROTOCOL),
    ]


def limits() -> list[Case]:
    sizes = (65536, 262144, 1048576, 4194304)
    return [
        *(
            Case(f"9.1.{n}", (text(b"*" * size),), TOO_BIG if size > 65536 else STAYS)
            for n, size in enumerate(sizes, 1)
        ),
        Case("9.2.1", (encode(BINARY, b"\xfe" * 65536),), UNSUPPORTED),
        Case("9.3.1", chopped(TEXT, b"*" * 4194304, 65536), TOO_BIG),
        *(Case(f"9.7.{n}", (text(b"*" * size),) * 1000) for n, size in enumerate((0, 16, 64, 256), 1)),
        Case("10.1.1", chopped(TEXT, b"*" * 65536, 1300)),
    ]


CASES = [*framing(), *pings(), *reserved(), *opcodes(), *fragments(), *utf8(), *closing(), *limits()]


@pytest.fixture
async def town() -> AsyncIterator[Served]:
    async with served(GENEROUS) as running:
        yield running


@pytest.mark.parametrize("chapter", ["1", "2", "3", "4", "5", "6", "7", "9", "10"])
async def test_the_cases_of_a_chapter(town: Served, chapter: str) -> None:
    cases = [case for case in CASES if case.number.split(".")[0] == chapter]
    assert cases
    for case in cases:
        try:
            await _play(town, case)
        except (AssertionError, TimeoutError, ConnectionError, asyncio.IncompleteReadError) as error:
            raise AssertionError(f"case {case.number}: {error!r}") from error


async def test_an_empty_close_is_answered_empty(town: Served) -> None:
    """Case 7.3.1."""
    async with opened(town) as raw:
        raw.send(encode(CLOSE))
        assert await raw.frame() == (CLOSE, b"")


def test_no_case_stands_twice() -> None:
    numbers = [case.number for case in CASES]
    assert len(set(numbers)) == len(numbers) >= 250


async def _play(town: Served, case: Case) -> None:
    async with opened(town) as raw:
        if not case.octets:
            raw.send(*case.frames)
        for octet in b"".join(case.frames) if case.octets else b"":
            raw.send(bytes([octet]))
            await raw.writer.drain()
            await asyncio.sleep(0)
        if case.ends != STAYS:
            await raw.assert_closed(case.ends)
            return
        raw.send(encode(PING, b"the end of the case"))
        assert await _pongs(raw) == [*case.pongs, b"the end of the case"]
        await raw.assert_answers()


async def _pongs(raw: Raw) -> list[bytes]:
    """Those up to the last one; answers in between are not asked about."""
    found: list[bytes] = []
    while not found or found[-1] != b"the end of the case":
        opcode, payload = await raw.frame()
        assert opcode in (TEXT, PONG)
        if opcode == PONG:
            found.append(payload)
    return found
