"""BMP: pixels under a header written anew.

Rules kept here:

- 1, 4 or 8 bits with a palette, 24 bits, or 32 bits with alpha (BITMAPV4HEADER); rows upwards, no compression.
- The palette has exactly the entries up to the last one used; unused ones are black. Padding is zero.
- 16-bit and run-length coded pictures become one of these.

>>> written(Image.new("RGB", (1, 1), "red"))[:2]
b'BM'
"""

from __future__ import annotations

import struct

from PIL import Image

from sanitizer.formats.image_carrier import TRIES_BY_CHANCE, rotated, varied
from sanitizer.formats.image_colour import upright_srgb
from sanitizer.formats.image_notes import Notes
from sanitizer.formats.image_open import decoded
from sanitizer.formats.image_png import used_palette
from sanitizer.limits import Limits


def rebuild_bmp(data: bytes, limits: Limits, notes: Notes) -> bytes:
    """The BMP made anew. Raises ``Refused``."""
    image, complete = decoded(data, "image/bmp", limits)
    notes.incomplete(complete)
    plain, _ = upright_srgb(image, notes.changed)
    return written(plain, notes.variation)


def written(image: Image.Image, variation: int = 0) -> bytes:
    """``image`` (a mode of ``image_colour.WRITABLE``) as BMP; ``variation`` as in ``image_carrier``."""
    if image.mode in ("1", "L", "P"):
        return _with_palette(image if image.mode == "P" else _indexed(image), variation)
    image = varied(image, variation and variation + TRIES_BY_CHANCE)
    if image.mode == "LA":
        image = image.convert("RGBA")
    if image.mode == "RGBA":
        return _file(image.size, 32, b"", _rows(image, "BGRA"))
    image = image if image.mode == "RGB" else image.convert("RGB")
    return _file(image.size, 24, b"", _rows(image, "BGR"))


def _indexed(image: Image.Image) -> Image.Image:
    """A grey picture as a palette picture; black and white has two entries."""
    two = image.mode == "1"
    grey = image.convert("L")
    indices = grey.point([value // 255 for value in range(256)]) if two else grey
    picture = Image.frombytes("P", image.size, indices.tobytes())
    picture.putpalette([0, 0, 0, 255, 255, 255] if two else [value // 3 for value in range(768)])
    return picture


def _with_palette(image: Image.Image, variation: int) -> bytes:
    colours, _ = used_palette([image], None)
    bits = next(bits for bits in (1, 4, 8) if len(colours) // 3 <= 1 << bits)
    if variation:
        image, colours = rotated(image, colours.ljust(3 << bits, b"\0"), variation)
    table = b"".join(colours[at + 2 : at + 3] + colours[at + 1 : at + 2] + colours[at : at + 1] + b"\0"
                     for at in range(0, len(colours), 3))  # fmt: skip
    return _file(image.size, bits, table, _rows(image, "P" if bits == 8 else f"P;{bits}"))


def _rows(image: Image.Image, packing: str) -> bytes:
    """The rows from the lowest to the highest, each padded to a multiple of four bytes."""
    packed = image.tobytes("raw", packing)
    length = len(packed) // image.height
    padding = bytes(-length % 4)
    return b"".join(packed[at : at + length] + padding for at in range(len(packed) - length, -1, -length))


def _file(size: tuple[int, int], bits: int, table: bytes, rows: bytes) -> bytes:
    """BITMAPFILEHEADER, BITMAPINFOHEADER (40 bytes) or BITMAPV4HEADER (108 bytes, sRGB, alpha mask), table, rows."""
    alpha = bits == 32
    header = 108 if alpha else 40
    offset = 14 + header + len(table)
    info = struct.pack("<IiiHHIIiiII", header, *size, 1, bits, 3 if alpha else 0, len(rows), 0, 0, len(table) // 4, 0)
    if alpha:
        info += struct.pack("<IIII4s", 0xFF0000, 0xFF00, 0xFF, 0xFF000000, b"BGRs") + bytes(48)
    return b"BM" + struct.pack("<IHHI", offset + len(rows), 0, 0, offset) + info + table + rows
