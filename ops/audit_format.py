"""The bytes of the record as its offline reader understands them: canonical JSON, keys, signed notes, tree, leaf.

Rules kept here:
- Nothing is shared with the code that writes the record: Python's library and ``cryptography`` only. The files
  that check can be carried away and run alone; ``docs/audit.md`` says how, and lays down the formats.
- What is read is written again and compared: each thing has exactly one encoding.

>>> Tree().root().hex()[:8]
'e3b0c442'
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MAX_LEAF = 64 * 1024
MAX_INTEGER = 2**53 - 1


class UnreadableError(Exception):
    """The check could not be made. Carries the Japanese and the English sentence."""

    def __init__(self, ja: str, en: str) -> None:
        super().__init__(en)
        self.ja, self.en = ja, en


# Canonical JSON (RFC 8785; member names here are ASCII, numbers whole) ------------------------------------------------

_loads = json.JSONDecoder().decode
dumps = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def canonical(data: bytes) -> Any:
    """The value that ``data`` encodes. Raises ValueError unless writing it again gives ``data``."""
    try:
        value = _loads(data.decode())
        again = dumps(value).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if again != data:
        raise ValueError("not canonical")
    return value


# Keys and signed notes (c2sp.org/signed-note, c2sp.org/tlog-checkpoint) ----------------------------------------------

_VERIFIER_KEY = re.compile(r"([!-*,-~]{1,255})\+([0-9a-f]{8})\+([A-Za-z0-9+/=]{44})")
_NOTE = re.compile(
    r"((?P<origin>[!-~]{1,255})\n(?P<size>0|[1-9][0-9]{0,15})\n(?P<root>[A-Za-z0-9+/]{43}=)\n"
    r"time (?P<at>0|[1-9][0-9]{0,15})\n)\n(?P<signatures>(?:— [^ \n]{1,255} [A-Za-z0-9+/=]{1,8192}\n){1,32})"
)


@dataclass(frozen=True)
class Key:
    """A log's public key under its name in notes."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        return sha256(self.name.encode() + b"\n\x01" + self.public).digest()[:4]


@dataclass(frozen=True)
class SignedHead:
    """A checkpoint as read, not yet believed. ``signatures``: (name, key id and signature)."""

    text: str
    origin: str
    size: int
    root: bytes
    at: int
    signatures: tuple[tuple[str, bytes], ...]

    def signed_by(self, key: Key) -> bool:
        mine = [value[4:] for name, value in self.signatures if name == key.name and value[:4] == key.id]
        return bool(mine) and all(signature_holds(key.public, one, self.text.encode()) for one in mine)


def signature_holds(public: bytes, signature: bytes, message: bytes) -> bool:
    """True if the Ed25519 key signed the message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def exact_base64(text: str) -> bytes:
    """The bytes; raises ValueError unless encoding them again gives ``text``."""
    value = b64decode(text, validate=True)
    if b64encode(value).decode() != text:
        raise ValueError("not the canonical base64")
    return value


def parse_verifier_key(text: str) -> Key:
    """``name+id+base64`` of the note format. Raises ValueError."""
    match = _VERIFIER_KEY.fullmatch(text)
    if match is None:
        raise ValueError("not a verifier key")
    value = exact_base64(match[3])
    key = Key(match[1], value[1:])
    if len(value) != 33 or value[0] != 1 or key.id.hex() != match[2]:
        raise ValueError("not an Ed25519 verifier key")
    return key


def parse_note(note: str) -> SignedHead:
    """The checkpoint in a signed note. Raises ValueError."""
    match = _NOTE.fullmatch(note)
    if match is None:
        raise ValueError("not a checkpoint")
    lines = [line[2:].split(" ") for line in match["signatures"].split("\n")[:-1]]
    signatures = tuple((name, exact_base64(value)) for name, value in lines)
    root = exact_base64(match["root"])
    return SignedHead(match[1], match["origin"], int(match["size"]), root, int(match["at"]), signatures)


def fingerprint(public: bytes) -> str:
    """How a key is named to people: ``SHA256:`` and the hex hash of its 32 bytes."""
    return "SHA256:" + sha256(public).hexdigest()


# The tree (RFC 6962 section 2.1) as a binary counter of complete subtrees --------------------------------------------


class Tree:
    """A growing tree: ``levels[k]`` is the root of a complete subtree of 2^k leaves, or None."""

    def __init__(self, levels: Iterable[bytes | None] = ()) -> None:
        self.levels: list[bytes | None] = list(levels)

    def push(self, value: bytes) -> None:
        levels = self.levels
        for height, left in enumerate(levels):
            if left is None:
                levels[height] = value
                return
            value = sha256(b"\x01" + left + value).digest()
            levels[height] = None
        levels.append(value)

    def root(self) -> bytes:
        value: bytes | None = None
        for left in self.levels:
            if left is not None:
                value = left if value is None else sha256(b"\x01" + left + value).digest()
        return sha256(b"").digest() if value is None else value


# One leaf -------------------------------------------------------------------------------------------------------------

_MEMBERS = ("action", "actor", "address", "approvals", "at", "boot", "device", "mono", "notes", "object", "outcome",
            "policy", "reason", "request", "role", "zone")  # fmt: skip
_TEXTS = ("action", "boot", "policy", "role")
_TEXTS_OR_NULL = ("actor", "address", "device", "object", "reason", "request", "zone")
_MONO = re.compile(r"0|[1-9][0-9]{0,19}")
_NOTE_NAME = re.compile(r"[a-z0-9_.-]+")
_NULL = type(None)


def read_leaf(data: bytes) -> dict[str, Any] | None:
    """The record in ``data``, or None if it is not in the one form that a record has."""
    try:
        leaf = canonical(data)
    except ValueError:
        return None
    if len(data) > MAX_LEAF or type(leaf) is not dict or tuple(leaf) != _MEMBERS:
        return None
    fine = (
        all(type(leaf[name]) is str for name in _TEXTS)
        and all(type(leaf[name]) in (str, _NULL) for name in _TEXTS_OR_NULL)
        and leaf["outcome"] in ("done", "refused")
        and is_whole(leaf["at"], least=0)
        and type(leaf["mono"]) is str
        and _MONO.fullmatch(leaf["mono"]) is not None
        and type(leaf["approvals"]) is list
        and all(type(one) is str for one in leaf["approvals"])
        and type(leaf["notes"]) is dict
        and all(_NOTE_NAME.fullmatch(name) and _is_note(value) for name, value in leaf["notes"].items())
    )
    return leaf if fine else None


def is_whole(value: object, least: int = -MAX_INTEGER) -> bool:
    return type(value) is int and least <= value <= MAX_INTEGER


def _is_note(value: object) -> bool:
    return type(value) in (str, bool, _NULL) or is_whole(value)
