"""JPEG files inside PDFs, rebuilt marker by marker (ITU-T T.81, annex B).

Rules kept here:

- Only segments that decoding needs stay: frame (baseline, extended, progressive), tables, scans, JFIF without
  thumbnail, Adobe. No comments, EXIF, profiles, thumbnails, nothing before SOI or after EOI.
- In entropy-coded data every FF is followed by 00 or a restart marker; other bytes end the scan.
- What is not such a JPEG gives None: the image is transcoded from pixels or left out.

>>> rebuild(b"not a JPEG", 100) is None
True
"""

from __future__ import annotations

import re
import struct

FRAMES = frozenset((0xC0, 0xC1, 0xC2))
TABLES = frozenset((0xC4, 0xDB, 0xDD))
SCAN = 0xDA
END = 0xD9
_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7]")
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
JFIF = b"\xff\xe0\x00\x10JFIF\x00"


def rebuild(data: bytes, max_pixels: int) -> bytes | None:
    """The JPEG in ``data`` made anew, or None."""
    start = data.find(b"\xff\xd8")
    if start < 0:
        return None
    out = [b"\xff\xd8"]
    i = start + 2
    frames = scans = 0
    while (found := _marker(data, i)) is not None:
        marker, i = found
        if marker == END:
            break
        segment = _segment(data, i)
        if segment is None:
            break
        i += len(segment)
        kept = _kept(marker, segment, max_pixels)
        if kept is None:
            return None
        frames += marker in FRAMES
        out.append(kept)
        if marker == SCAN:
            if not frames:
                return None
            scans += 1
            end = _scan_end(data, i)
            out.append(data[i:end])
            i = end
    return b"".join(out) + b"\xff\xd9" if frames == 1 and scans else None


def _marker(data: bytes, i: int) -> tuple[int, int] | None:
    """The next marker and where its segment begins; stray bytes and restart markers are skipped."""
    found = _MARKER.search(data, i)
    return (data[found.start() + 1], found.end()) if found else None


def _segment(data: bytes, i: int) -> bytes | None:
    if i + 2 > len(data):
        return None
    (length,) = struct.unpack_from(">H", data, i)
    return data[i : i + length] if length >= 2 and i + length <= len(data) else None


def _kept(marker: int, segment: bytes, max_pixels: int) -> bytes | None:
    """What stays of a segment (perhaps nothing); None where the file cannot be kept as JPEG."""
    head = bytes((0xFF, marker))
    if marker in FRAMES:
        if len(segment) < 8:
            return None
        height, width = struct.unpack_from(">HH", segment, 3)
        return head + segment if 1 <= height * width <= max_pixels else None
    if marker in TABLES or marker == SCAN:
        return head + segment
    if marker == 0xE0 and segment[2:7] == b"JFIF\0" and len(segment) >= 14:
        return JFIF + segment[7:14] + b"\0\0"
    if marker == 0xEE and segment[2:7] == b"Adobe" and len(segment) >= 14:
        return head + b"\x00\x0e" + segment[2:14]
    if marker == 0xFE or 0xE0 <= marker <= 0xEF:
        return b""
    return None


def _scan_end(data: bytes, i: int) -> int:
    found = _SCAN_END.search(data, i)
    end = found.start() if found else len(data)
    while end > i and data[end - 1] == 0xFF:  # a fill byte, or half a marker at the end of the file
        end -= 1
    return end
