"""A small enhanced metafile: a filled rectangle that covers the right half of a frame of 50 × 25 millimetres."""

from __future__ import annotations

import struct


def emf(*, known: bool = False) -> bytes:
    """[MS-EMF]: header, stock brush, rectangle, end; unless all of it shall be ``known`` to our own drawing, with a
    record that changes nothing and that it leaves to LibreOffice."""
    flags = b"" if known else struct.pack("<III", 16, 12, 0)  # EMR_SETMAPPERFLAGS
    brush = struct.pack("<III", 37, 12, 0x80000004)  # EMR_SELECTOBJECT, BLACK_BRUSH
    box = struct.pack("<II4i", 43, 24, 250, 0, 499, 249)  # EMR_RECTANGLE
    end = struct.pack("<IIIII", 14, 20, 0, 16, 20)
    size = 88 + len(flags + brush + box + end)
    bounds, frame = struct.pack("<4i", 0, 0, 499, 249), struct.pack("<4i", 0, 0, 5000, 2500)
    counts = struct.pack("<4sIIIHHIII", b" EMF", 0x10000, size, 4 if known else 5, 1, 0, 0, 0, 0)
    screen = struct.pack("<4i", 1000, 1000, 100, 100)  # pixels, millimetres
    return struct.pack("<II", 1, 88) + bounds + frame + counts + screen + flags + brush + box + end
