"""Pixels to PNG bytes: the one place that writes PNG, for pictures, thumbnails and pages alike.

Rules kept here:

- What is written is the signature and IHDR, [PLTE], [tRNS], [pHYs], exactly one IDAT, IEND, and nothing else
  (grammar: ``docs/grammar-image.md``, section PNG).
- Every value comes from pixels in memory: no chunk of a received file is copied.
- No Adam7 interlace; the zlib stream of the IDAT ends exactly with the last row.

>>> canonical_png(Image.new("RGB", (1, 1)))[:8]
b'\\x89PNG\\r\\n\\x1a\\n'
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

from PIL import Image

from sanitizer.formats.deflating import TIGHT, zlib_stream

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UNFILTERED = 9  # libdeflate's level that makes drawings as small as zlib does at 9, in a third of the time
# mode of the picture in memory → (bit depth, colour type) of PNG 11.2.1
HEADERS = {"1": (1, 0), "L": (8, 0), "I;16": (16, 0), "LA": (8, 4), "P": (8, 3), "RGB": (8, 2), "RGBA": (8, 6)}


@dataclass(frozen=True, slots=True)
class Png:
    """The parts of one PNG picture; ``ppm``: pixels per metre (x, y) or None."""

    size: tuple[int, int]
    depth: int
    colour: int
    idat: bytes
    plte: bytes = b""
    trns: bytes = b""
    ppm: tuple[int, int] | None = None

    def ihdr(self) -> bytes:
        """The IHDR chunk: size, depth, colour type, deflate, adaptive filters, not interlaced."""
        return chunk(b"IHDR", struct.pack(">IIBBBBB", *self.size, self.depth, self.colour, 0, 0, 0))

    def palette(self) -> bytes:
        """PLTE and tRNS where there are any."""
        plte = chunk(b"PLTE", self.plte) if self.plte else b""
        return plte + (chunk(b"tRNS", self.trns) if self.trns else b"")

    def physical(self) -> bytes:
        """pHYs where the resolution is known."""
        return chunk(b"pHYs", struct.pack(">IIB", *self.ppm, 1)) if self.ppm else b""

    def encode(self) -> bytes:
        """The whole file."""
        head = SIGNATURE + self.ihdr() + self.palette() + self.physical()
        return head + chunk(b"IDAT", self.idat) + chunk(b"IEND", b"")


def chunk(name: bytes, body: bytes) -> bytes:
    """One PNG chunk with its CRC (PNG 5.3)."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(name)))


def canonical_png(image: Image.Image, level: int = 6) -> bytes:
    """``image`` as the canonical PNG: 8-bit RGB, or RGBA where the picture has transparency; IHDR, IDAT, IEND only.

    Any Pillow mode is taken. The pixels alone are used: profile, text and all else in ``image`` stays behind.
    """
    image = rgb_or_rgba(image)
    depth, colour = HEADERS[image.mode]
    return Png(image.size, depth, colour, idat(image, level)).encode()


def rgb_or_rgba(image: Image.Image) -> Image.Image:
    """The same pixels in mode RGB, or RGBA where any transparency is declared."""
    if image.mode in ("RGB", "RGBA") and "transparency" not in image.info:
        return image
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return to_eight_bits(image).convert("RGB")
    image = image.convert("LA") if image.mode == "La" else image
    has_alpha = image.mode in ("RGBA", "LA", "PA", "RGBa") or "transparency" in image.info
    return image.convert("RGBA" if has_alpha else "RGB")


def to_eight_bits(image: Image.Image) -> Image.Image:
    """A grey picture of 16 or 32 bits (or floats) as mode ``L``: 16 bits by their upper byte, others by their range."""
    if image.mode.startswith("I;16"):
        high = "L;16B" if image.mode == "I;16B" else "L;16"
        return Image.frombytes("L", image.size, image.tobytes(), "raw", high)
    low, top = (float(value) for value in image.convert("F").getextrema())  # type: ignore[arg-type]
    if image.mode == "I" and low >= 0 and 255 < top <= 65535:
        low, top = 0.0, 65535.0
    elif low >= 0 and top <= 255:
        low, top = 0.0, 255.0
    scale = 255.0 / (top - low) if top > low else 1.0
    return image.convert("F").point(lambda value: value * scale - low * scale).convert("L")


def idat(image: Image.Image, level: int = 6, bits: int = 8) -> bytes:
    """The zlib stream of the filtered rows of ``image`` (PNG 7–10); ``bits``: depth of modes L and P.

    ``image.info`` must not matter here: only the stream is taken from what Pillow writes.
    """
    out = io.BytesIO()
    params = {"bits": bits} if image.mode in ("P", "L") else {}
    plain = image.copy() if image.info else image
    plain.info = {}
    plain.save(out, "PNG", compress_level=level, **params)
    return b"".join(body for name, body in chunks(out.getvalue()) if name == b"IDAT")


def idat_filtered(image: Image.Image, bits: int = 8) -> bytes:
    """The same rows as ``idat`` writes, packed by libdeflate: smaller than zlib at 6 in two thirds of the time."""
    return zlib_stream(zlib.decompress(idat(image, 0, bits)), TIGHT)


def idat_unfiltered(image: Image.Image, row_bytes: int, packed: bytes, level: int = _UNFILTERED) -> bytes:
    """The zlib stream of rows with filter 0, the better choice for drawings; ``packed``: the rows alone."""
    rows = b"".join(b"\0" + packed[at : at + row_bytes] for at in range(0, row_bytes * image.height, row_bytes))
    return zlib_stream(rows, level)


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Name and body of each chunk of a PNG that this process wrote itself."""
    found, at = [], len(SIGNATURE)
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return found


def thumbnail_of(image: Image.Image, side: int) -> bytes:
    """A canonical PNG of ``image`` whose longest side is at most ``side`` pixels."""
    small = rgb_or_rgba(image)
    small = small.copy() if small is image else small
    small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return canonical_png(small, level=3)  # for small pictures of pages as small as level 6, and a third faster
