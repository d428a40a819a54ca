"""One member of a ZIP as a ZIP of its own, so that the library decrypts or unpacks it and sees nothing else.

Rules kept here:

- Everything is written anew but the packed bytes and the field of WinZip's AES; the name is ``m``.
- ZipCrypto checks the password against the CRC or, where a descriptor follows the data, the time: both stay.

Source: APPNOTE.TXT 6.3.10, 4.3 and 6.1; WinZip, AES Encryption Information.
"""

from __future__ import annotations

import struct

from sanitizer.formats.archive.zip_directory import DESCRIPTOR, ENCRYPTED, Entry, extra_field

SUPPORT = ("filter_none", "format_zip_seekable")
_AES = 0x9901
_VERSION = 63


def archive(entry: Entry, packed: bytes) -> bytes:
    """A ZIP with this member only."""
    flags = entry.flags & (ENCRYPTED | DESCRIPTOR | 6)  # 6: parameters of the method
    field = extra_field(entry.extra, _AES)
    extra = struct.pack("<HH", _AES, len(field)) + field if field else b""
    sizes = struct.pack("<III", entry.crc, len(packed), entry.size)
    common = struct.pack("<HHHHH", _VERSION, flags, entry.method, entry.time, 0x21) + sizes
    common += struct.pack("<HH", 1, len(extra))
    local = b"PK\x03\x04" + common + b"m" + extra + packed
    if flags & DESCRIPTOR:
        local += b"PK\x07\x08" + sizes
    central = b"PK\x01\x02" + struct.pack("<H", _VERSION) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + b"m" + extra
    return local + central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)


def checks_itself(entry: Entry) -> bool:
    """True for AES, whose seal the library checks; its CRC field may be empty (AE-2)."""
    return bool(extra_field(entry.extra, _AES))
