"""Encrypted packages: opened with the right password, or with none where Excel needs none.

Rules kept here:

- AES with the two schemes that Office has written since 2007; older or other ones are unreadable here.
- A password is tried once. Hash rounds are bounded, so that a file cannot make us compute for ever.

Source: [MS-OFFCRYPTO] 2.3.4.5-2.3.4.15.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from lxml import etree

from sanitizer.formats.base import NeedsPassword, Refused
from sanitizer.formats.ooxml.compound import CompoundFile
from sanitizer.formats.package.xml_source import parse

_READ_ONLY = "VelvetSweatshop"  # the password of workbooks that Excel opens without asking
_ROUNDS = 1_000_000
_SEGMENT = 4096
_HASHES = {"SHA1": "sha1", "SHA-1": "sha1", "SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512"}
_FOR_INPUT = bytes.fromhex("fea7d2763b4b9e79")
_FOR_VALUE = bytes.fromhex("d7aa0f6d3061344e")
_FOR_KEY = bytes.fromhex("146e0be7abacd0d6")
_ENCRYPTION = "{http://schemas.microsoft.com/office/2006/encryption}"
_PASSWORD = "{http://schemas.microsoft.com/office/2006/keyEncryptor/password}"
__all__ = ["decrypted"]


def decrypted(data: bytes, password: str | None, *, opens_unasked: bool = True) -> bytes:
    """The package inside. ``opens_unasked``: its program tries a password of its own before it asks, as Excel and
    PowerPoint do and Word does not. Raises ``NeedsPassword``, or ``Refused`` for what is no encrypted package."""
    container = CompoundFile(data)
    info, package = container.stream("EncryptionInfo"), container.stream("EncryptedPackage")
    if info is None or package is None or len(info) < 8 or len(package) < 8:
        raise Refused("unreadable", "no encrypted package")
    if password is None and not opens_unasked:
        raise NeedsPassword(wrong=False)
    scheme = _agile if struct.unpack_from("<HH", info) == (4, 4) else _standard
    try:
        opened = scheme(info, package, password if password is not None else _READ_ONLY)
    except (struct.error, ValueError, TypeError, IndexError, binascii.Error) as error:
        raise Refused("unreadable", "encryption") from error
    if opened is None:
        raise NeedsPassword(wrong=password is not None)
    return opened[: struct.unpack_from("<Q", package)[0]]


def _aes(key: bytes, iv: bytes | None, data: bytes) -> bytes:
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv) if iv is not None else modes.ECB()).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def _sized(key: bytes, length: int) -> bytes:
    return key[:length].ljust(length, b"\x36")


def _agile(info: bytes, package: bytes, password: str) -> bytes | None:
    root = parse(info[8:])
    data = root.find(f"{_ENCRYPTION}keyData") if root is not None else None
    by_password = next(root.iter(f"{_PASSWORD}encryptedKey"), None) if root is not None else None
    if data is None or by_password is None or data.get("cipherAlgorithm") != "AES":
        raise Refused("unreadable", "encryption scheme")
    key = _agile_key(by_password, password)
    if key is None:
        return None
    hash_name, salt = _hash_of(data), base64.b64decode(data.get("saltValue") or "")
    pieces = []
    for number, at in enumerate(range(8, len(package) - 15, _SEGMENT)):
        segment = package[at : at + _SEGMENT]
        iv = _sized(hashlib.new(hash_name, salt + struct.pack("<I", number)).digest(), 16)
        pieces.append(_aes(key, iv, segment[: len(segment) & ~15]))
    return b"".join(pieces)


def _hash_of(e: etree._Element) -> str:
    return _HASHES[e.get("hashAlgorithm") or ""] if e.get("hashAlgorithm") in _HASHES else _unknown()


def _unknown() -> str:
    raise Refused("unreadable", "encryption scheme")


def _agile_key(e: etree._Element, password: str) -> bytes | None:
    """The key of the package, or None for a wrong password."""
    hash_name, salt = _hash_of(e), base64.b64decode(e.get("saltValue") or "")
    rounds, length = int(e.get("spinCount") or 0), int(e.get("keyBits") or 0) // 8
    if not 0 <= rounds <= _ROUNDS or length not in (16, 24, 32):
        raise Refused("unreadable", "encryption scheme")
    hashed = hashlib.new(hash_name, salt + password.encode("utf-16-le")).digest()
    hash_of = getattr(hashlib, hash_name)  # found once: half the time of ``hashlib.new``
    for number in range(rounds):
        hashed = hash_of(struct.pack("<I", number) + hashed).digest()

    def opened(purpose: bytes, attribute: str) -> bytes:
        key = _sized(hashlib.new(hash_name, hashed + purpose).digest(), length)
        return _aes(key, _sized(salt, 16), base64.b64decode(e.get(attribute) or ""))

    tried = hashlib.new(hash_name, opened(_FOR_INPUT, "encryptedVerifierHashInput")[: len(salt)]).digest()
    expected = opened(_FOR_VALUE, "encryptedVerifierHashValue")[: len(tried)]
    return opened(_FOR_KEY, "encryptedKeyValue")[:length] if hmac.compare_digest(tried, expected) else None


def _standard(info: bytes, package: bytes, password: str) -> bytes | None:
    (header,) = struct.unpack_from("<I", info, 8)
    algorithm, _, bits = struct.unpack_from("<III", info, 20)
    if algorithm not in (0x660E, 0x660F, 0x6610) or bits not in (128, 192, 256):
        raise Refused("unreadable", "encryption scheme")
    verifier = 12 + header
    salt, proof = info[verifier + 4 : verifier + 20], info[verifier + 20 : verifier + 36]
    expected = info[verifier + 40 : verifier + 72]
    hashed = hashlib.sha1(salt + password.encode("utf-16-le")).digest()
    for number in range(50_000):
        hashed = hashlib.sha1(struct.pack("<I", number) + hashed).digest()
    hashed = hashlib.sha1(hashed + bytes(4)).digest().ljust(64, b"\0")
    halves = (bytes(byte ^ pad for byte in hashed) for pad in (0x36, 0x5C))
    key = b"".join(hashlib.sha1(half).digest() for half in halves)[: bits // 8]
    if not hmac.compare_digest(hashlib.sha1(_aes(key, None, proof)).digest(), _aes(key, None, expected)[:20]):
        return None
    body = package[8:]
    return _aes(key, None, body[: len(body) & ~15])
