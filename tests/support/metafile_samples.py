"""A small enhanced metafile: a filled rectangle that covers the right half of a frame of 50 × 25 millimetres."""

from __future__ import annotations

import struct


def emf() -> bytes:
    """[MS-EMF]: header, stock brush, rectangle, end."""
    brush = struct.pack("<III", 37, 12, 0x80000004)  # EMR_SELECTOBJECT, BLACK_BRUSH
    box = struct.pack("<II4i", 43, 24, 250, 0, 499, 249)  # EMR_RECTANGLE
    end = struct.pack("<IIIII", 14, 20, 0, 16, 20)
    size = 88 + len(brush) + len(box) + len(end)
    bounds, frame = struct.pack("<4i", 0, 0, 499, 249), struct.pack("<4i", 0, 0, 5000, 2500)
    counts = struct.pack("<4sIIIHHIII", b" EMF", 0x10000, size, 4, 1, 0, 0, 0, 0)
    screen = struct.pack("<4i", 1000, 1000, 100, 100)  # pixels, millimetres
    return struct.pack("<II", 1, 88) + bounds + frame + counts + screen + brush + box + end
