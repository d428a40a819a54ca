"""Ways to tamper with a file that a verifier accepts.

>>> sorted(tampered(b"abcdef", random.Random(1), 3)) == sorted(tampered(b"abcdef", random.Random(1), 3))
True
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from support.canonical_archive import archive

ARCHIVE = archive({"a.txt": b"a\n"})
PROGRAM = b"MZ\x90\0" + bytes(60)
FOREIGN: dict[str, bytes] = {
    "one byte": b"\0",
    "archive": ARCHIVE,
    "page": b"<html><body onload=alert(1)>",
    "script": b"<script>alert(1)</script>",
    "pdf": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(x)>>>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
    "program": PROGRAM,
    "image": b"GIF89a\1\0\1\0\x70\0\0;",
}


def _flipped(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def _overwritten(data: bytes, chance: random.Random) -> bytes:
    at, words = chance.randrange(len(data)), chance.randbytes(chance.choice((1, 2, 4, 8)))
    return data[:at] + words + data[at + len(words) :]


def _inserted(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice([*FOREIGN.values(), chance.randbytes(1), b" ", b"\n"]) + data[at:]


def _two(data: bytes, chance: random.Random) -> tuple[int, int]:
    one, other = sorted((chance.randrange(len(data)), chance.randrange(len(data))))
    return one, min(other, one + chance.choice((1, 2, 4, 16, 200, len(data))))


def _shortened(data: bytes, chance: random.Random) -> bytes:
    start, end = _two(data, chance)
    return data[:start] + data[end:]


def _doubled(data: bytes, chance: random.Random) -> bytes:
    start, end = _two(data, chance)
    return data[:end] + data[start:end] + data[end:]


def _swapped(data: bytes, chance: random.Random) -> bytes:
    one, other = _two(data, chance)
    size = min(chance.choice((1, 2, 4, 16, 64)), other - one)
    end = other + size
    return data[:one] + data[other:end] + data[one + size : other] + data[one : one + size] + data[end:]


WAYS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "flipped": _flipped,
    "overwritten": _overwritten,
    "inserted": _inserted,
    "shortened": _shortened,
    "doubled": _doubled,
    "swapped": _swapped,
}


def tampered(data: bytes, chance: random.Random, count: int) -> Iterator[bytes]:
    """``count`` files for each way, none of which is ``data``."""
    for way in WAYS.values():
        for _ in range(count):
            changed = way(data, chance)
            if changed != data:
                yield changed
