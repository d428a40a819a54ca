"""Embedded font programs: told apart by their bytes, tables taken over one by one (docs/grammar-pdf.md, 5.7 to 5.9).

Rules kept here:

- What a program is follows from its bytes, not from the key it was found under.
- An sfnt is written anew: known tables only, in tag order, aligned, no gaps; names, signatures and unknown tables go.
- A Type 1 program is split at ``eexec`` and its FontMatrix is six numbers; a CFF has four sound INDEX structures.
- What is none of these gives None: the font stays, its program goes.

>>> program(b"MZ") is None
True
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise

from sanitizer.patterns import compile_pattern

TABLES = frozenset(
    b"BASE CFF2 GDEF GPOS GSUB LTSH OS/2 VDMX VORG cmap fpgm gasp glyf hdmx head hhea hmtx kern loca maxp post prep "
    b"vhea vmtx".split()
) | {b"CFF ", b"cvt "}
SFNT = (b"\0\1\0\0", b"true", b"OTTO")
_MATRIX = compile_pattern(rb"/FontMatrix")
_NUMBER = rb"[+-]?(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?"
_WS = rb"[\0\t\n\f\r ]"
_SOUND_MATRIX = compile_pattern(
    rb"/FontMatrix"
    + _WS
    + rb"*+[\[{]"
    + _WS
    + rb"*+("
    + _NUMBER
    + (_WS + rb"++" + _NUMBER) * 5
    + rb")"
    + _WS
    + rb"*+[\]}]"
)


@dataclass(frozen=True, slots=True)
class Program:
    """A font program. ``key``: FontFile, FontFile2 or FontFile3; ``entries``: what its stream dictionary says."""

    key: str
    entries: tuple[bytes, ...]
    data: bytes


def program(data: bytes, *, cid: bool = False) -> Program | None:
    """The program in ``data``, rebuilt. ``cid``: the font is a CIDFont."""
    if data[:4] == b"ttcf" and len(data) >= 16:
        first = struct.unpack_from(">I", data, 12)[0]
        return _sfnt_program(data, first)
    if data[:4] in SFNT:
        return _sfnt_program(data)
    if data[:1] == b"\x80":
        data = _unwrapped(data)
    if data[:2] == b"%!":
        return _type1(data)
    if data[:1] == b"\x01" and sound_cff(data):
        return Program("FontFile3", (b"/Subtype /CIDFontType0C" if cid else b"/Subtype /Type1C",), data)
    return None


def _sfnt_program(data: bytes, at: int = 0) -> Program | None:
    rebuilt = sfnt(data, at)
    if rebuilt is None:
        return None
    if rebuilt[:4] == b"OTTO":
        return Program("FontFile3", (b"/Subtype /OpenType",), rebuilt)
    return Program("FontFile2", (b"/Length1 %d" % len(rebuilt),), rebuilt)


def sfnt(data: bytes, at: int = 0) -> bytes | None:
    """A TrueType or OpenType file with known tables only; tables that reach beyond the end are cut there.

    ``at``: where its directory stands (not 0 in a collection, of which the first font is taken)."""
    if len(data) < at + 12 or data[at : at + 4] not in SFNT:
        return None
    (count,) = struct.unpack_from(">H", data, at + 4)
    found: dict[bytes, tuple[bytes, bytes]] = {}
    for i in range(at + 12, min(at + 12 + 16 * count, len(data) - 15), 16):
        tag, checksum, offset, length = struct.unpack_from(">4s4sII", data, i)
        if tag in TABLES and tag not in found and offset < len(data):
            found[tag] = (checksum, data[offset : offset + length])
    if not found or len(found) > 64:
        return None
    tags = sorted(found)
    n = len(tags)
    power = n.bit_length() - 1
    head = data[at : at + 4] + struct.pack(">HHHH", n, 16 << power, power, 16 * n - (16 << power))
    rows, bodies, offset = [], [], 12 + 16 * n
    for tag in tags:
        checksum, body = found[tag]
        rows.append(struct.pack(">4s4sII", tag, checksum, offset, len(body)))
        bodies.append(body + bytes(-len(body) % 4))
        offset += len(bodies[-1])
    return head + b"".join(rows) + b"".join(bodies)


def _unwrapped(data: bytes) -> bytes:
    """A PFB file without its segment headers."""
    out, i = [], 0
    while data[i : i + 1] == b"\x80" and data[i + 1 : i + 2] in (b"\1", b"\2") and i + 6 <= len(data):
        (length,) = struct.unpack_from("<I", data, i + 2)
        out.append(data[i + 6 : i + 6 + length])
        i += 6 + length
    return b"".join(out)


def _type1(data: bytes) -> Program | None:
    at = data.find(b"eexec")
    if at < 0:
        return None
    clear = at + 5
    while clear < len(data) and data[clear] in b"\t\n\r ":
        clear += 1
    head = data[:clear]
    if len(_MATRIX.findall(head)) != len(_SOUND_MATRIX.findall(head)):
        return None
    head, body = _SOUND_MATRIX.sub(rb"/FontMatrix [\1]", head), data[clear:]
    mark = body.rfind(b"cleartomark")
    length3 = len(body) - len(body[:mark].rstrip(b"0\t\n\r ")) if mark >= 0 else 0
    lengths = (len(head), len(body) - length3, length3)
    return Program("FontFile", tuple(b"/Length%d %d" % (i, x) for i, x in enumerate(lengths, 1)), head + body)


def sound_cff(data: bytes) -> bool:
    """Whether the four leading INDEX structures are sound (Adobe technical note 5176)."""
    if len(data) < 4 or data[2] < 4:
        return False
    counts = []
    at: int | None = data[2]
    for _ in range(4):
        if at is None:
            return False
        counts.append(struct.unpack_from(">H", data, at)[0] if at + 2 <= len(data) else 0)
        at = _after_index(data, at)
    return at is not None and counts[0] == counts[1] >= 1


def _after_index(data: bytes, at: int) -> int | None:
    if at + 2 > len(data):
        return None
    (count,) = struct.unpack_from(">H", data, at)
    if count == 0:
        return at + 2
    size = data[at + 2] if at + 2 < len(data) else 0
    end = at + 3 + (count + 1) * size
    if not 1 <= size <= 4 or end > len(data):
        return None
    raw = data[at + 3 : end]
    offsets = [int.from_bytes(raw[i : i + size], "big") for i in range(0, len(raw), size)]
    sound = offsets[0] == 1 and all(x <= y for x, y in pairwise(offsets))
    return end - 1 + offsets[-1] if sound and end - 1 + offsets[-1] <= len(data) else None
