"""Encrypted OpenDocument files: opened with the right password.

Rules kept here:

- What ODF 1.2 and 1.3 write (AES in CBC, Blowfish in CFB, keys by PBKDF2), and what LibreOffice has written since
  2024 (a whole package in one member, AES in GCM, keys by Argon2id); other schemes are unreadable here.
- A password is tried once, on the content. Rounds and memory of key derivation are bounded, so that a file cannot make
  us compute for ever.

Source: OASIS OpenDocument 1.3 part 2, 3.4 and 4.8; LibreOffice's ``package/source/zipapi``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import zlib
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.algorithms import Blowfish
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from lxml import etree

from sanitizer.formats.base import NeedsPassword, Refused
from sanitizer.formats.odf.kinds import Report
from sanitizer.formats.package.members import Archive, Budget
from sanitizer.formats.package.xml_source import parse

_MANIFEST = "{urn:oasis:names:tc:opendocument:xmlns:manifest:1.0}"
_PACKAGE, _CONTENT = "encrypted-package", "content.xml"
_ROUNDS, _ARGON_ROUNDS, _ARGON_KIB, _ARGON_LANES = 1_000_000, 16, 1 << 18, 16
_CHECKED = 1024  # bytes of the packed data that a checksum of the form "1k" covers


@dataclass(frozen=True, slots=True)
class Scheme:
    """How one member is encrypted: words of the manifest, in lower case, and numbers."""

    algorithm: str
    iv: bytes
    derivation: str
    salt: bytes
    rounds: int
    memory: int
    lanes: int
    key_size: int
    start_key: str
    checksum_type: str
    checksum: bytes


def opened(archive: Archive, budget: Budget, password: str | None, report: Report) -> Archive:
    """The archive with its members in the clear. Raises ``NeedsPassword``, or ``Refused`` for an unknown scheme."""
    manifest = parse(archive.read("META-INF/manifest.xml") or b"")
    schemes = _schemes(manifest) if manifest is not None else {}
    tried = next((name for name in (_PACKAGE, _CONTENT, *schemes) if name in schemes), None)
    if tried is None:
        return archive
    if password is None:
        raise NeedsPassword(wrong=False)
    for name, scheme in schemes.items():
        archive.openers[name.lower()] = _Opener(scheme, password, budget)
    if tried not in archive:
        raise Refused("unreadable", "encrypted member is missing")
    data = archive.read(tried)
    if data is None:
        raise NeedsPassword(wrong=True)
    report.add("encryption")
    return opened(Archive(data, budget), budget, password, report) if tried == _PACKAGE else archive


def _schemes(manifest: etree._Element) -> dict[str, Scheme]:
    found: dict[str, Scheme] = {}
    for entry in manifest.iter(f"{_MANIFEST}file-entry"):
        data = entry.find(f"{_MANIFEST}encryption-data")
        if data is not None:
            try:
                found[entry.get(f"{_MANIFEST}full-path") or ""] = _scheme(data)
            except (ValueError, binascii.Error) as error:
                raise Refused("unreadable", "encryption scheme") from error
    return found


def _scheme(data: etree._Element) -> Scheme:
    words: dict[str, str] = {}
    for e in data.iter():
        if isinstance(e.tag, str):
            part = e.tag.rpartition("}")[2]
            words.update({f"{part}/{str(name).rpartition('}')[2]}": str(value) for name, value in e.items()})

    def word(name: str) -> str:
        return words.get(name, "").lower()

    def number(name: str, usual: int) -> int:
        return int(words.get(f"key-derivation/{name}") or usual)

    return Scheme(
        word("algorithm/algorithm-name"),
        base64.b64decode(words.get("algorithm/initialisation-vector", "")),
        word("key-derivation/key-derivation-name"),
        base64.b64decode(words.get("key-derivation/salt", "")),
        number("argon2-iterations", 0) or number("iteration-count", 0),
        number("argon2-memory", 0),
        number("argon2-lanes", 0),
        number("key-size", 16),
        word("start-key-generation/start-key-generation-name") or "sha1",
        word("encryption-data/checksum-type"),
        base64.b64decode(words.get("encryption-data/checksum", "")),
    )


class _Opener:
    """Opens one member; None for a wrong password or damaged data."""

    def __init__(self, scheme: Scheme, password: str, budget: Budget) -> None:
        self._scheme = scheme
        self._password = password
        self._budget = budget

    def __call__(self, data: bytes) -> bytes | None:
        scheme = self._scheme
        key = _key(self._password, scheme.start_key, scheme)
        try:
            packed = _decrypted(scheme, key, data)
        except (ValueError, InvalidTag):
            return None
        if packed is None or not _is_whole(scheme, packed):
            return None
        return self._inflated(packed)

    def _inflated(self, packed: bytes) -> bytes | None:
        unpacker = zlib.decompressobj(-15)
        try:
            made = unpacker.decompress(packed, max(self._budget.inflated, 1))
        except zlib.error:
            return packed if self._scheme.checksum or "gcm" in self._scheme.algorithm else None  # sealed as it is
        self._budget.take(inflated=len(made) + (1 if unpacker.unconsumed_tail else 0))
        return made


@lru_cache(maxsize=8)
def _key(password: str, start_key: str, scheme: Scheme) -> bytes:
    name = "sha256" if "sha256" in start_key else "sha1"
    start = hashlib.new(name, password.encode("utf-8")).digest()
    if "argon2id" in scheme.derivation:
        bounds = ((scheme.rounds, _ARGON_ROUNDS), (scheme.memory, _ARGON_KIB), (scheme.lanes, _ARGON_LANES))
        if any(not 1 <= value <= limit for value, limit in bounds):
            raise Refused("unreadable", "key derivation")
        return Argon2id(
            salt=scheme.salt,
            length=scheme.key_size,
            iterations=scheme.rounds,
            lanes=scheme.lanes,
            memory_cost=scheme.memory,
        ).derive(start)
    if "pbkdf2" not in scheme.derivation or not 1 <= scheme.rounds <= _ROUNDS or scheme.key_size not in (16, 24, 32):
        raise Refused("unreadable", "key derivation")
    return hashlib.pbkdf2_hmac("sha1", start, scheme.salt, scheme.rounds, scheme.key_size)


def _decrypted(scheme: Scheme, key: bytes, data: bytes) -> bytes | None:
    """The packed member; raises ``ValueError`` or ``InvalidTag`` for what does not fit the key."""
    if "gcm" in scheme.algorithm:
        body = data[len(scheme.iv) :] if data.startswith(scheme.iv) else data
        return AESGCM(key).decrypt(scheme.iv, body, None)
    if "aes" in scheme.algorithm:
        decryptor = Cipher(AES(key), CBC(scheme.iv)).decryptor()
        made = decryptor.update(data) + decryptor.finalize()
        padding = made[-1] if made else 0
        return made[:-padding] if 1 <= padding <= 16 else None
    if "blowfish" in scheme.algorithm:
        decryptor = Cipher(Blowfish(key), CFB(scheme.iv)).decryptor()
        return decryptor.update(data) + decryptor.finalize()
    raise Refused("unreadable", "encryption scheme")


def _is_whole(scheme: Scheme, packed: bytes) -> bool:
    """True if the checksum, where there is one that we know, is that of the packed data."""
    kind = scheme.checksum_type
    name = "sha256" if "sha256" in kind else "sha1" if "sha1" in kind else ""
    if not name or not scheme.checksum:
        return True
    covered = packed[:_CHECKED] if kind.endswith("1k") else packed
    return hmac.compare_digest(hashlib.new(name, covered).digest(), scheme.checksum)
