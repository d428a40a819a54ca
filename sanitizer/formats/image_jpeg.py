"""JPEG: pixels to a plain JFIF file of the quality that the received file had.

Rules kept here:

- The quantisation tables are the ones of ITU-T T.81 Annex K scaled to one quality of libjpeg's scale, the one nearest
  to the received tables: nothing can hide in tables, size and likeness stay.
- Chroma subsampling and progressive coding stay (above 40 million pixels it becomes sequential); CMYK becomes RGB;
  grey stays grey.
- Segments are SOI, APP0 (JFIF 1.1, resolution only), DQT, SOF0 or SOF2, DHT, SOS with its scans, EOI.

>>> nearest_quality({0: scaled(LUMA, 75), 1: scaled(CHROMA, 75)})
75
"""

from __future__ import annotations

import io
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PIL import Image, JpegImagePlugin

from sanitizer.formats.image_carrier import varied
from sanitizer.formats.image_colour import upright_srgb
from sanitizer.formats.image_notes import Notes
from sanitizer.formats.image_open import UNREADABLE, decoded
from sanitizer.limits import Limits

# ITU-T T.81 tables K.1 and K.2, row by row.
# fmt: off
LUMA = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
]
CHROMA = [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99, *[99] * 32,
]
# fmt: on
DPI = range(10, 2541)  # resolutions that are kept, dots per inch
GROWTH, ROOM = 1.08, 200  # above this times the received size, and so many bytes, the quality is lowered
LARGE = 40_000_000  # pixels above which the encoder must not hold all coefficients at once (no optimising)
STEP, FARTHEST = 3, 12  # steps of quality, and how far it may fall


def rebuild_jpeg(data: bytes, limits: Limits, notes: Notes) -> bytes:
    """The JPEG made anew. Raises ``Refused``."""
    plain, source = _decoded(data, limits, notes)
    plain = varied(plain, notes.variation)
    encode = partial(encode_jpeg, plain, sampling=source.sampling, progressive=source.progressive, dpi=source.dpi)
    return near_size(encode, len(data), max(1, source.quality - notes.variation))


@dataclass(frozen=True, slots=True)
class _Source:
    """How the received file was encoded."""

    quality: int
    sampling: int
    progressive: bool
    dpi: tuple[int, int] | None


def _decoded(data: bytes, limits: Limits, notes: Notes) -> tuple[Image.Image, _Source]:
    """The picture as viewers show it; the received form of its pixels is given up here, since both are large."""
    image, complete = decoded(data, "image/jpeg", limits)
    assert isinstance(image, JpegImagePlugin.JpegImageFile)
    notes.incomplete(complete)
    dpi, progressive = _resolution(image), bool(image.info.get("progressive"))
    plain, _ = upright_srgb(image, notes.changed)
    if plain.mode not in ("L", "RGB"):
        plain = plain.convert("RGB")
    if plain.size != image.size and dpi:
        dpi = (dpi[1], dpi[0])
    progressive = progressive and plain.width * plain.height <= LARGE
    return plain, _Source(nearest_quality(image.quantization), _sampling(image), progressive, dpi)


def near_size(encode: Callable[[int], bytes], size: int, quality: int) -> bytes:
    """What ``encode`` gives at ``quality``, or a little lower while it would outgrow ``size``."""
    best = encode(quality)
    for lower in range(quality - STEP, max(quality - FARTHEST, 10) - 1, -STEP):
        if len(best) <= size * GROWTH + ROOM:
            break
        best = encode(lower)
    return best


def encode_jpeg(
    image: Image.Image, quality: int, sampling: int, progressive: bool = False, dpi: tuple[int, int] | None = None
) -> bytes:
    """``image`` (L or RGB, empty ``info``) as JFIF; ``sampling``: 0 = 4:4:4, 1 = 4:2:2, 2 = 4:2:0."""
    out = io.BytesIO()
    extra = {"dpi": dpi} if dpi else {}
    subsampling = {} if image.mode == "L" else {"subsampling": sampling}
    optimize = image.width * image.height <= LARGE
    try:
        image.save(out, "JPEG", quality=quality, optimize=optimize, progressive=progressive, **subsampling, **extra)
    except OSError as error:  # what has been decoded can be encoded, unless memory ends
        raise MemoryError from error
    return out.getvalue()


def nearest_quality(tables: dict[int, list[int]]) -> int:
    """The quality 1–100 of libjpeg whose tables are nearest to ``tables`` (row order) in the mean of the logarithms."""
    if not tables:
        return 85
    keys = sorted(tables)
    wanted = [[math.log(max(1, value)) for value in tables[key]] for key in keys[:2]]
    return min(range(1, 101), key=lambda quality: _distance(wanted, quality))


def _distance(wanted: list[list[float]], quality: int) -> float:
    """``wanted``: the logarithms of the luma table and, where there is one, of the chroma table."""
    ours = _LOGARITHMS[quality - 1]
    return sum(sum(map(abs, map(operator.sub, our, their))) for our, their in zip(ours, wanted, strict=False))


def scaled(base: list[int], quality: int) -> list[int]:
    """A table of Annex K at a quality, as libjpeg scales it (jcparam.c, baseline)."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return [min(255, max(1, (value * scale + 50) // 100)) for value in base]


# (luma, chroma) by quality from 1; made once, because each picture is compared with all of them
_LOGARITHMS = [[[math.log(value) for value in scaled(base, q)] for base in (LUMA, CHROMA)] for q in range(1, 101)]


def _sampling(image: JpegImagePlugin.JpegImageFile) -> int:
    """The nearest of 4:4:4, 4:2:2 and 4:2:0, by how many luma samples share a chroma sample."""
    if len(image.layer) < 3:
        return 0
    (_, across, down, _), (_, chroma_across, chroma_down, _) = image.layer[0], image.layer[1]
    ratio = (across * down) / max(1, chroma_across * chroma_down)
    return 0 if ratio < 2 else 1 if ratio < 4 and across > chroma_across else 2


def _resolution(image: Image.Image) -> tuple[int, int] | None:
    """The resolution in dots per inch, where it is a plausible one."""
    try:
        across, down = (round(float(value)) for value in image.info["dpi"])
    except (*UNREADABLE, ZeroDivisionError, OverflowError):
        return None
    return (across, down) if across in DPI and down in DPI else None
