"""Signed heads of the audit tree: C2SP tlog-checkpoint inside a C2SP signed note, Ed25519 (c2sp.org, v1.0.0).

Rules kept here:
- A note is read back only if writing it again gives the same characters: no byte of it is free.
- The time is one extension line, ``time`` and milliseconds since the epoch. It strictly increases from one checkpoint
  of a log to the next (``next_checkpoint_time``), also when the machine's clock is set back.
- A checkpoint's signer signs nothing else: receipts have a key of their own.

>>> from rooms.audit import EMPTY_ROOT
>>> signer = NoteSigner(bytes(32), "town.example/audit")
>>> note = checkpoint("town.example/audit", 0, EMPTY_ROOT, 1700000000000, signer)
>>> verify_checkpoint(note, signer.public_key, signer.name).size
0
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from rooms.audit.tree import HASH_BYTES

MAX_NOTE = 16 * 1024
MAX_SIGNATURES = 32
_ED25519 = b"\x01"
_NAME = re.compile(r"[!-*,-~]{1,255}")  # printable ASCII without space and plus
_BODY = re.compile(r"(?P<origin>[!-~]+)\n(?P<size>0|[1-9][0-9]{0,15})\n(?P<root>[A-Za-z0-9+/]{43}=)\n"
                   r"time (?P<at>0|[1-9][0-9]{0,15})\n")  # fmt: skip
_SIGNATURE = re.compile(r"— (?P<name>[^ +\n]+) (?P<value>[A-Za-z0-9+/]+={0,2})\n")


class CheckpointError(ValueError):
    """The note is not a checkpoint, or not signed by the key that was asked for."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says: the log ``origin`` had ``size`` leaves with root ``root`` at ``at_ms``."""

    origin: str
    size: int
    root: bytes
    at_ms: int

    def body(self) -> str:
        """The signed text, with its final newline."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\ntime {self.at_ms}\n"


class NoteSigner:
    """An Ed25519 key under a name (the log's origin). ``seed`` is the 32-byte secret."""

    def __init__(self, seed: bytes, name: str) -> None:
        _check_name(name)
        self.name = name
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._key.public_key().public_bytes_raw()
        self.key_id = key_id(name, self.public_key)

    def sign(self, text: str) -> str:
        """The signed note over ``text``, which ends in a newline."""
        signature = b64encode(self.key_id + self._key.sign(text.encode())).decode()
        return f"{text}\n— {self.name} {signature}\n"


def checkpoint(origin: str, size: int, root: bytes, at_ms: int, signer: NoteSigner) -> str:
    """The signed note for this head. Raises ValueError if a part cannot be written in the format."""
    _check_name(origin)
    if size < 0 or at_ms < 0 or len(root) != HASH_BYTES:
        raise ValueError("checkpoint: size and time are not negative and a root has 32 bytes")
    return signer.sign(Checkpoint(origin, size, root, at_ms).body())


def next_checkpoint_time(last_at_ms: int | None, now_ms: int) -> int:
    """The time to write into the next checkpoint: now, but always later than the last one."""
    return now_ms if last_at_ms is None else max(now_ms, last_at_ms + 1)


def verify_checkpoint(note: str, public_key: bytes, name: str) -> Checkpoint:
    """What ``note`` says, if the key ``public_key`` (32 bytes) named ``name`` signed it.

    Signatures of other keys are ignored, as the note format demands. Raises CheckpointError otherwise.
    """
    text, signatures = _split_note(note)
    wanted = key_id(name, public_key)
    mine = [value[4:] for signed_by, value in signatures if signed_by == name and value[:4] == wanted]
    if not mine:
        raise CheckpointError(f"the note is not signed by {name}")
    for signature in mine:
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(signature, text.encode())
        except InvalidSignature:
            raise CheckpointError(f"the signature of {name} is wrong") from None
    return _parse_body(text)


def parse_checkpoint(note: str) -> Checkpoint:
    """What ``note`` says, without looking at its signatures: for the log's own, already trusted rows."""
    return _parse_body(_split_note(note)[0])


def key_id(name: str, public_key: bytes) -> bytes:
    """The four bytes by which a note names a key: SHA-256(name, newline, 0x01, public key)[:4]."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:4]


def verifier_key(name: str, public_key: bytes) -> str:
    """The key in the note format's text form: ``name+id+base64``. This is what is given to those who check."""
    _check_name(name)
    return f"{name}+{key_id(name, public_key).hex()}+{b64encode(_ED25519 + public_key).decode()}"


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError("checkpoint: a name is 1 to 255 printable ASCII characters without space and plus")


def _parse_body(text: str) -> Checkpoint:
    match = _BODY.fullmatch(text)
    if match is None:
        raise CheckpointError("the note's text is not a checkpoint with a time")
    found = Checkpoint(match["origin"], int(match["size"]), b64decode(match["root"]), int(match["at"]))
    if found.body() != text:
        raise CheckpointError("the checkpoint is not in its canonical form")
    return found


def _split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The signed text and its signatures as (name, key id and signature)."""
    text, separator, tail = note.rpartition("\n\n")
    if len(note) > MAX_NOTE or not separator:
        raise CheckpointError("this is not a signed note")
    lines = tail.splitlines(keepends=True)
    if not 0 < len(lines) <= MAX_SIGNATURES:
        raise CheckpointError("a note has between 1 and 32 signatures")
    return text + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    match = _SIGNATURE.fullmatch(line)
    try:
        value = b64decode(match["value"], validate=True) if match else b""
    except Base64Error:
        value = b""
    if match is None or len(value) <= 4 or b64encode(value).decode() != match["value"]:
        raise CheckpointError("a signature line is malformed")
    return match["name"], value
