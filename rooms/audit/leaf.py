"""One audit record: what a leaf says, and the only bytes that say it.

Rules kept here:
- A leaf has exactly one encoding: RFC 8785 canonical JSON (members sorted, no blanks, no floating point). Its index is
  not inside: the place in the tree is the index.
- A leaf holds no message text and no My Number. A value that may have to be erased is written as a ``commitment`` and
  the value with its salt stays in a side table; erasing both keeps every proof valid.
- ``mono`` is text in the encoding, because nanoseconds since boot pass 2^53 after 104 days (RFC 8785 appendix D).

>>> leaf = Leaf(at=1, mono=2, boot="b", actor=None, zone="lgwan", action="login", outcome="refused", reason="throttled",
...             policy="1")
>>> encode_leaf(leaf)[:31]
b'{"action":"login","actor":null,'
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Literal

import msgspec
from msgspec import Struct

Outcome = Literal["done", "refused"]
Note = str | int | bool | None

MAX_LEAF = 64 * 1024
MAX_INTEGER = 2**53 - 1
SALT_BYTES = 16

_NOTE_KEY_BYTES = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_.-")


class Leaf(Struct, frozen=True, kw_only=True):
    """One act, as the server saw it.

    ``at`` is milliseconds since the epoch UTC, ``mono`` nanoseconds of the monotonic clock of the boot named ``boot``;
    the writer stamps both in the order of the leaves. ``actor`` is a person id, ``zone`` the listener's. ``action``
    names the act ("message.post"), ``object`` what it was done to, ``reason`` the refusal's code. ``notes`` is small:
    keys of lower-case ASCII, values text, whole numbers, truth values or null; sensitive ones only as ``commitment``.
    """

    at: int
    mono: int
    boot: str
    actor: str | None
    action: str
    outcome: Outcome
    policy: str
    role: str = ""
    zone: str | None = None
    device: str | None = None
    address: str | None = None
    request: str | None = None
    object: str | None = None
    reason: str | None = None
    approvals: list[str] = []
    notes: dict[str, Note] = {}


class _Canonical(Struct, forbid_unknown_fields=True):
    """The encoding of a leaf: members in RFC 8785 order, none left out."""

    action: str
    actor: str | None
    address: str | None
    approvals: list[str]
    at: int
    boot: str
    device: str | None
    mono: str
    notes: dict[str, Note]
    object: str | None
    outcome: Outcome
    policy: str
    reason: str | None
    request: str | None
    role: str
    zone: str | None


_ENCODER = msgspec.json.Encoder(order="deterministic")


@lru_cache(maxsize=256)
def _may_be_key(key: str) -> bool:
    """The same few keys come again and again."""
    return bool(key) and _NOTE_KEY_BYTES.issuperset(key)


_DECODER = msgspec.json.Decoder(_Canonical)


def encode_leaf(leaf: Leaf) -> bytes:
    """The leaf's one encoding (about 1 µs). Raises ValueError if the leaf breaks a rule: then the act must fail."""
    if leaf.notes:
        _check_notes(leaf.notes)
    if not (0 <= leaf.at <= MAX_INTEGER and leaf.mono >= 0):
        raise ValueError("leaf: time outside 0..2^53-1 ms")
    data = _ENCODER.encode(
        _Canonical(
            leaf.action, leaf.actor, leaf.address, leaf.approvals, leaf.at, leaf.boot, leaf.device, str(leaf.mono),
            leaf.notes, leaf.object, leaf.outcome, leaf.policy, leaf.reason, leaf.request, leaf.role, leaf.zone,
        )
    )  # fmt: skip
    if len(data) > MAX_LEAF:
        raise ValueError(f"leaf: {len(data)} bytes, at most {MAX_LEAF} are allowed")
    return data


def decode_leaf(data: bytes) -> Leaf:
    """The leaf that ``data`` encodes. Raises ValueError unless ``data`` is what ``encode_leaf`` gives for it."""
    try:
        c = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"leaf: {error}") from error
    if not (c.mono.isascii() and c.mono.isdigit()):
        raise ValueError("leaf: mono is not a number")
    leaf = Leaf(
        at=c.at, mono=int(c.mono), boot=c.boot, actor=c.actor, action=c.action, outcome=c.outcome, policy=c.policy,
        role=c.role, zone=c.zone, device=c.device, address=c.address, request=c.request, object=c.object,
        reason=c.reason, approvals=c.approvals, notes=c.notes,
    )  # fmt: skip
    if encode_leaf(leaf) != data:
        raise ValueError("leaf: not the canonical encoding")
    return leaf


def commitment(salt: bytes, value: str) -> str:
    """``commit:`` and the hex SHA-256 of salt and value. The salt is 16 random bytes of its own for every value."""
    if len(salt) != SALT_BYTES:
        raise ValueError("commitment: the salt must be 16 bytes")
    return "commit:" + hashlib.sha256(salt + value.encode()).hexdigest()


def _check_notes(notes: dict[str, Note]) -> None:
    for key, value in notes.items():
        if not _may_be_key(key):
            raise ValueError("leaf: note keys are lower-case ASCII letters, digits, '_', '.' and '-'")
        kind = type(value)
        if kind is int:
            if not -MAX_INTEGER <= value <= MAX_INTEGER:  # type: ignore[operator]
                raise ValueError("leaf: a number in notes is outside what JSON carries exactly")
        elif kind is not str and kind is not bool and value is not None:
            raise ValueError("leaf: note values are text, whole numbers, truth values or null")
