"""Opaque identifiers: a kind, then 128 bits of chance.

Rules: chance is an argument; an id says what it names and nothing else (no time, no count, no host), so that
knowing one id tells nothing about another. ASCII, at most 64 characters.

>>> make_id("room", bytes(16))
'r_aaaaaaaaaaaaaaaaaaaaaaaaaa'
"""

from __future__ import annotations

import hashlib
from typing import Literal

Kind = Literal[
    "room", "message", "attachment", "person", "organisation", "section", "session", "upload", "blob", "key",
    "incarnation",
]  # fmt: skip

_PREFIX: dict[Kind, str] = {
    "room": "r",
    "message": "m",
    "attachment": "a",
    "person": "p",
    "organisation": "o",
    "section": "c",
    "session": "s",
    "upload": "u",
    "blob": "b",
    "key": "k",
    "incarnation": "i",
}
CHANCE_BYTES = 16
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _LETTERS for second in _LETTERS]


def make_id(kind: Kind, chance: bytes) -> str:
    """The id of a new thing of ``kind`` from 16 random bytes."""
    if len(chance) != CHANCE_BYTES:
        raise ValueError("an id takes 16 bytes of chance")
    return f"{_PREFIX[kind]}_{_base32(chance)}"


def _base32(chance: bytes) -> str:
    """16 bytes in the alphabet of RFC 4648 section 6, in small letters and without padding. (Each message needs one:
    2 µs this way, 6 by way of ``base64.b32encode``.)"""
    bits = int.from_bytes(chance, "big") << 2
    return "".join([_PAIRS[bits >> shift & 1023] for shift in range(120, -1, -10)])


def derive_id(kind: Kind, seed: bytes, label: str) -> str:
    """A stable id for a thing that exists once per ``label`` (a direct room per pair), from a secret-free digest."""
    return make_id(kind, hashlib.sha256(seed + b"\0" + label.encode()).digest()[:CHANCE_BYTES])
