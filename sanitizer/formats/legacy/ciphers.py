"""The passwords of Office 97 to 2003: RC4 in two key schedules, and the older exclusive-or.

Rules kept here:

- A password is tried once; a wrong one is told apart from an unknown scheme.
- Deciphering keeps the length; the caller puts back what was never enciphered.

Source: [MS-OFFCRYPTO] 2.3.5 (RC4 CryptoAPI), 2.3.6 (RC4), 2.3.7 (XOR obfuscation).

>>> xor_verifier("VelvetSweatshop") == 0x9A0A
True
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import Cipher

from sanitizer.formats.base import NeedsPassword, Refused

READ_ONLY = "VelvetSweatshop"  # the password of workbooks that Excel opens without asking
_MAX_PASSWORD = 255
_PADDING = bytes.fromhex("bbffffbaffffb98000be0f00bf0f00")
_XOR_CHARACTERS = 15

Key = Callable[[int], bytes]
"""Number of a block → its RC4 key."""


@dataclass(frozen=True, slots=True)
class Rc4:
    """RC4 with a key of its own for each block."""

    key: Key

    def block(self, data: bytes, number: int) -> bytes:
        """One block, from its beginning."""
        return _arc4(self.key(number), data)

    def stream(self, data: bytes, block_size: int) -> bytes:
        """A whole stream, whose blocks are numbered from 0."""
        starts = range(0, len(data), block_size)
        return b"".join(self.block(data[at : at + block_size], at // block_size) for at in starts)


def opened(header: bytes, password: str) -> Rc4:
    """The cipher of an encryption header that begins with its version; raises ``NeedsPassword`` where the password is
    wrong, ``Refused`` for a scheme that no legacy document has."""
    major, minor = struct.unpack_from("<HH", header)
    words = password[:_MAX_PASSWORD].encode("utf-16-le")
    if (major, minor) == (1, 1):
        return _checked(_old_key(words, header[4:20]), header[20:36], header[36:52], "md5")
    if major in (2, 3, 4) and minor == 2:
        (size,) = struct.unpack_from("<I", header, 8)
        (bits,) = struct.unpack_from("<I", header, 12 + 16)
        proof = header[12 + size :]
        key = _capi_key(words, proof[4:20], bits or 40)
        return _checked(key, proof[20:36], proof[40:60], "sha1")
    raise Refused("unreadable", "encryption scheme")


def _checked(key: Key, proof: bytes, expected: bytes, name: str) -> Rc4:
    clear = _arc4(key(0), proof + expected)
    if not hmac.compare_digest(hashlib.new(name, clear[:16]).digest(), clear[16:]):
        raise NeedsPassword(wrong=True)
    return Rc4(key)


def _old_key(words: bytes, salt: bytes) -> Key:
    half = hashlib.md5(words).digest()[:5]
    base = hashlib.md5((half + salt) * 16).digest()[:5]
    return lambda number: hashlib.md5(base + struct.pack("<I", number)).digest()


def _capi_key(words: bytes, salt: bytes, bits: int) -> Key:
    if bits % 8 or not 40 <= bits <= 128:
        raise Refused("unreadable", "encryption scheme")
    base = hashlib.sha1(salt + words).digest()

    def key(number: int) -> bytes:
        made = hashlib.sha1(base + struct.pack("<I", number)).digest()[: bits // 8]
        return made.ljust(16, b"\0") if bits == 40 else made

    return key


def _arc4(key: bytes, data: bytes) -> bytes:
    return Cipher(ARC4(key), mode=None).decryptor().update(data)


def xor_verifier(password: str) -> int:
    """The two bytes that a workbook keeps to know the password by."""
    letters = _letters(password)
    verifier = len(letters) ^ 0xCE4B if letters else 0
    for number, letter in enumerate(letters, 1):
        turn = number % _XOR_CHARACTERS
        verifier ^= (letter << turn | letter >> (_XOR_CHARACTERS - turn)) & 0x7FFF
    return verifier


def xor_key(password: str) -> int:
    """The two bytes that every second byte of the array is crossed with."""
    key, base, end = 0, 0x8000, 0xFFFF
    for letter in reversed(_letters(password)):
        for bit in range(8):
            base, end = _turned(base), _turned(end)
            key ^= base if (letter & 0x7F) >> bit & 1 else 0
    return key ^ end


def xor_array(password: str, turn: int) -> bytes:
    """The sixteen bytes that are used in turn; ``turn``: bits to rotate them by, 2 in Excel and 7 in Word."""
    filled = (_letters(password) + _PADDING)[:16]
    key = struct.pack("<H", xor_key(password))
    crossed = [byte ^ key[number & 1] for number, byte in enumerate(filled)]
    return bytes((byte << turn | byte >> (8 - turn)) & 0xFF for byte in crossed)


def _turned(word: int) -> int:
    word = (word << 1 | word >> 15) & 0xFFFF
    return word ^ 0x1020 if word & 1 else word


def _letters(password: str) -> bytes:
    return password.encode("cp1252", "replace")[:_XOR_CHARACTERS]
