"""Compressed rich text of Outlook.

Rules kept here:

- The text is at most as long as its head says, and at most ``LONGEST``; what breaks off gives what came before.

Source: [MS-OXRTFCP] 2.1, 3.1.

>>> decompressed(bytes.fromhex("2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af46c686c09e065"))[:10]
b'{\\\\rtf1\\\\ans'
"""

from __future__ import annotations

import struct

LONGEST = 32 << 20
_START = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor "
    rb"MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_COMPRESSED, _PLAIN = b"LZFu", b"MELA"


def decompressed(data: bytes) -> bytes:
    """The rich text; empty for what is none."""
    if len(data) < 16:
        return b""
    length = min(struct.unpack_from("<I", data, 4)[0], LONGEST)
    if data[8:12] == _PLAIN:
        return data[16 : 16 + length]
    return _expanded(data, length) if data[8:12] == _COMPRESSED else b""


def _expanded(data: bytes, length: int) -> bytes:
    """Literals and references into the 4,096 bytes before, eight to a control byte."""
    out = bytearray(_START)
    end = len(out) + length
    at = 16
    while at < len(data) and len(out) < end:
        control = data[at]
        at += 1
        for bit in range(8):
            if len(out) >= end or at >= len(data):
                break
            if not control >> bit & 1:
                out.append(data[at])
                at += 1
                continue
            token = int.from_bytes(data[at : at + 2], "big")
            at += 2
            place, count = token >> 4, (token & 15) + 2
            back = (len(out) - place) % 4096
            if not back:
                return bytes(out[len(_START) :])
            for _ in range(count):
                out.append(out[-back] if back <= len(out) else 0)
    return bytes(out[len(_START) : end])
