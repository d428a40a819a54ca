"""Public keys that signed an installation's record before its present one: ``keys/former``, one verifier key a line.

Rules: written by a restore without the secret keys, read by ``audit export``, so that checkpoints of before can still
be checked; a key that signed nothing is not named, for the check would find it.

>>> former_keys(Path("/var/lib/sekisho"))                                                 # doctest: +SKIP
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from rooms.audit import verifier_key
from rooms.perform import Keys
from server.installation import KEYS

FORMER = "former"


def former_keys(folder: Path) -> list[str]:
    """The former keys of the installation in ``folder``, newest first."""
    path = folder / KEYS / FORMER
    return path.read_text(encoding="ascii").splitlines() if path.exists() else []


def write_former_keys(folder: Path, keys: Sequence[str]) -> None:
    """Durable when this returns; nothing is written for no keys."""
    if not keys:
        return
    descriptor = os.open(folder / KEYS / FORMER, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.writelines(f"{key}\n" for key in keys)
        file.flush()
        os.fsync(file.fileno())


def public_keys(folder: Path, keys: Keys) -> list[str]:
    """Every key of the record, the present one first, each once."""
    present = verifier_key(keys.origin, keys.checkpoint.public_key)
    return [present, *(key for key in former_keys(folder) if key != present)]


def used_keys(known: Sequence[str], notes: Iterable[str]) -> list[str]:
    """The first key, and of the others those that signed one of ``notes``."""
    signed = {signer for note in notes for signer in _signers(note)} if len(known) > 1 else set()
    return [known[0], *(key for key in known[1:] if key.split("+")[1] in signed)]


def _signers(note: str) -> Iterable[str]:
    """Hex ids of the keys whose signature lines the note has."""
    for line in note.splitlines():
        if line.startswith("— "):
            try:
                yield base64.b64decode(line.rpartition(" ")[2])[:4].hex()
            except (binascii.Error, ValueError):
                continue
