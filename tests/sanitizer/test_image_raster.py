"""The canonical PNG that thumbnails and page pictures share."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from sanitizer.formats.image_raster import canonical_png, thumbnail_of


def names_of(png: bytes) -> list[bytes]:
    found, at = [], 8
    while at < len(png):
        (size,) = struct.unpack_from(">I", png, at)
        found.append(png[at + 4 : at + 8])
        at += 12 + size
    return found


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBa", "La", "CMYK", "I", "I;16", "F", "LAB"]
)
def test_every_mode_becomes_three_chunks_of_eight_bits(mode: str) -> None:
    png = canonical_png(Image.new(mode, (5, 3)))
    width, height, depth, colour = struct.unpack_from(">IIBB", png, 16)
    channels = {2: 3, 6: 4}[colour]
    assert (width, height, depth) == (5, 3, 8)
    assert names_of(png) == [b"IHDR", b"IDAT", b"IEND"]
    (size,) = struct.unpack_from(">I", png, 33)
    assert len(zlib.decompress(png[41 : 41 + size])) == 3 * (1 + 5 * channels)


def test_pixels_stay_and_attributes_go() -> None:
    image = Image.new("RGB", (2, 1), (10, 20, 30))
    image.info.update(comment=b"secret words", icc_profile=b"secret words", dpi=(72, 72))
    png = canonical_png(image)
    assert b"secret" not in png
    assert Image.open(io.BytesIO(png)).getpixel((1, 0)) == (10, 20, 30)


def test_declared_transparency_becomes_alpha() -> None:
    image = Image.new("P", (2, 1), 0)
    image.putpalette([1, 2, 3, 4, 5, 6])
    image.info["transparency"] = 0
    assert Image.open(io.BytesIO(canonical_png(image))).getpixel((0, 0)) == (1, 2, 3, 0)


def test_sixteen_bits_keep_their_upper_byte() -> None:
    image = Image.frombytes("I;16", (2, 1), struct.pack("<HH", 0x1234, 0xFF00))
    assert [Image.open(io.BytesIO(canonical_png(image))).getpixel((x, 0)) for x in (0, 1)] == [(18,) * 3, (255,) * 3]


@pytest.mark.parametrize("size", [(3000, 10), (10, 3000), (400, 300), (12, 9)])
def test_thumbnail_fits_its_side(size: tuple[int, int]) -> None:
    thumb = Image.open(io.BytesIO(thumbnail_of(Image.new("RGB", size, "red"), 320)))
    assert max(thumb.size) == min(320, max(size))
