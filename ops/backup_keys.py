"""The installation's secret keys, sealed under a passphrase for a backup.

Rules kept here:
- the sealed form is the mark ``sekisho-keys/1`` and a line end, 16 bytes of salt, 12 of nonce, then AES-256-GCM
  (NIST SP 800-38D) of the keys' JSON; the key comes from the passphrase by scrypt (RFC 7914), N = 2^17, r = 8, p = 1
  (128 MiB, about half a second);
- mark and installation are authenticated with it: sealed keys of one town do not open as another's;
- a passphrase is at least ``MIN_LENGTH`` characters, for the file may be attacked at leisure.

>>> seal({"checkpoint.key": b"…"}, "…", "sekisho/ab12", chance)                           # doctest: +SKIP
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from ops.place import WrongUse

MARK = b"sekisho-keys/1\n"
SALT, NONCE = 16, 12
CHANCE = SALT + NONCE
MIN_LENGTH, MAX_LENGTH = 16, 1024


def seal(keys: Mapping[str, bytes], passphrase: str, origin: str, chance: bytes) -> bytes:
    """The sealed form. ``chance``: ``CHANCE`` fresh random bytes."""
    salt, nonce = chance[:SALT], chance[SALT:CHANCE]
    plain = msgspec.json.encode({name: base64.b64encode(key).decode() for name, key in sorted(keys.items())})
    return MARK + chance[:CHANCE] + AESGCM(_derived(passphrase, salt)).encrypt(nonce, plain, _bound_to(origin))


def unseal(sealed: bytes, passphrase: str, origin: str) -> dict[str, bytes] | None:
    """The keys by name, or None if the passphrase does not fit."""
    if not sealed.startswith(MARK):
        return None
    chance, box = sealed[len(MARK) : len(MARK) + CHANCE], sealed[len(MARK) + CHANCE :]
    if len(chance) < CHANCE:
        return None
    try:
        plain = AESGCM(_derived(passphrase, chance[:SALT])).decrypt(chance[SALT:], box, _bound_to(origin))
    except (InvalidTag, ValueError):
        return None
    return {name: base64.b64decode(key) for name, key in msgspec.json.decode(plain, type=dict[str, str]).items()}


def read_passphrase(path: Path | None) -> str | None:
    """The first line of the file, None for no file. Raises ``WrongUse``."""
    if path is None:
        return None
    try:
        passphrase = path.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUse(f"{path}: {error}") from None
    if not MIN_LENGTH <= len(passphrase) <= MAX_LENGTH:
        raise WrongUse(
            f"{path}: 1行目に{MIN_LENGTH}文字以上の合言葉を書いてください / "
            f"write a passphrase of at least {MIN_LENGTH} characters in the first line"
        )
    return passphrase


def _derived(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=1 << 17, r=8, p=1).derive(passphrase.encode())


def _bound_to(origin: str) -> bytes:
    return MARK + origin.encode()
