"""Drawn pages as bytes, how like two of them are, and a drawn page as PNG: no format of files is read here.

Rules kept here:

- What travels between jails is a head of three numbers, then for each page two numbers and its pixels; anything that is
  not exactly so is refused, so that a jail taken over by a file can hand over pixels and nothing else.
- Likeness is the mean structural similarity (Wang et al. 2004, IEEE TIP 13(4); K1 0.01, K2 0.03) of the grey pictures
  over blocks of 8 × 8 pixels in four positions, half a block apart. Equal pixels are 1 exactly.
- A page differs where its likeness is below ``DIFFERS``, or where a part of it has become something else:
  at least ``CHANGED`` of its blocks are below ``OTHER``. The place is the box around all blocks below ``LIKE``.

>>> white = Page(8, 8, b"\\xff" * 192)
>>> compared(white, white)
Score(likeness=1.0, differs=False, box=None)
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from PIL import Image, ImageMath

from sanitizer.formats.base import Drawing, Page
from sanitizer.formats.image_carrier import TRIES, is_fine, varied
from sanitizer.formats.image_raster import canonical_png, rgb_or_rgba
from sanitizer.limits import Limits

DIFFERS = 0.98
OTHER, CHANGED = 0.5, 0.001  # of a block; share of the blocks of a page
LIKE = 0.9
BLOCK = 8
_POSITIONS = ((0, 0), (4, 0), (0, 4), (4, 4))
_C1, _C2 = 6.5025, 58.5225
_HEAD, _SIZE = struct.Struct("<4sII"), struct.Struct("<HH")
_MAGIC = b"SKP1"
_RESULT = struct.Struct("<IB4H")
PER_PAGE = _RESULT.size  # bytes that ``results`` has for each page
WHOLE = 1_000_000  # what a likeness of 1 is in ``results``

Box = tuple[int, int, int, int]


class Score(NamedTuple):
    """How like two pages are, 0 … 1; where they differ: left, top, right, bottom in thousandths of the page."""

    likeness: float
    differs: bool
    box: Box | None


def packed(drawing: Drawing) -> bytes:
    """A drawing as it leaves its jail."""
    head = _HEAD.pack(_MAGIC, min(drawing.total, 0xFFFFFFFF), len(drawing.pages))
    return head + b"".join(_SIZE.pack(page.width, page.height) + page.rgb for page in drawing.pages)


def unpacked(data: bytes, limits: Limits) -> Drawing:
    """What another jail has drawn. Raises ``ValueError`` for anything else."""
    if len(data) < _HEAD.size:
        raise ValueError("head")
    magic, total, count = _HEAD.unpack_from(data)
    if magic != _MAGIC or count > limits.drawn_at_once:
        raise ValueError("head")
    pages, at = [], _HEAD.size
    for _ in range(count):
        width, height = _SIZE.unpack_from(data.ljust(at + _SIZE.size, b"\0"), at)
        at += _SIZE.size
        size = width * height * 3
        if not (0 < width <= limits.drawn_side and 0 < height <= limits.drawn_side) or at + size > len(data):
            raise ValueError("page")
        pages.append(Page(width, height, data[at : at + size]))
        at += size
    if at != len(data):
        raise ValueError("length")
    return Drawing(total, pages)


def results(one: Drawing, other: Drawing) -> bytes:
    """The scores of the pages that both have, ``PER_PAGE`` bytes each: likeness in millionths, whether it differs, box
    (all 0 for none)."""
    scores = [compared(a, b) for a, b in zip(one.pages, other.pages, strict=False)]
    return b"".join(_RESULT.pack(int(s.likeness * WHOLE), s.differs, *(s.box or (0, 0, 0, 0))) for s in scores)


def compared(one: Page, other: Page) -> Score:
    """How like ``other`` is to ``one``. A page of another shape is not like it at all."""
    if one == other:
        return Score(1.0, False, None)
    if abs(one.width * other.height - other.width * one.height) > 0.02 * one.width * other.height:
        return Score(0.0, True, (0, 0, 1000, 1000))
    first, second = _grey(one), _grey(other)
    if first.size != second.size:
        second = second.resize(first.size, Image.Resampling.BILINEAR)
    maps = [_similarity(_shifted(first, at), _shifted(second, at)) for at in _POSITIONS]
    values = [value for each in maps for value in _values(each)]
    likeness = min(max(sum(values) / len(values), 0.0), 1.0)
    differs = likeness < DIFFERS or sum(value < OTHER for value in values) >= max(CHANGED * len(values), 4)
    return Score(likeness, differs, _box(maps, first.size))


def png(page: Page, limits: Limits) -> bytes | None:
    """The page as a canonical PNG whose bytes spell nothing; None if there is none."""
    image = Image.frombytes("RGB", (page.width, page.height), page.rgb)
    for variation in range(TRIES):
        made = canonical_png(varied(image, variation))
        if len(made) <= limits.thumbnail_bytes and is_fine(made, variation):
            return made
    return None


def page_of(image: Image.Image, side: int) -> Page:
    """A picture as a page: on white, no side longer than ``side``."""
    plain = rgb_or_rgba(image)
    if plain.mode == "RGBA":
        plain, clear = Image.new("RGB", plain.size, "white"), plain
        plain.paste(clear, mask=clear.getchannel("A"))
    plain = plain.copy() if plain is image else plain
    plain.thumbnail((side, side), Image.Resampling.BOX, reducing_gap=2.0)
    return Page(plain.width, plain.height, plain.tobytes())


def _grey(page: Page) -> Image.Image:
    return Image.frombytes("RGB", (page.width, page.height), page.rgb).convert("L")


def _shifted(image: Image.Image, at: tuple[int, int]) -> Image.Image:
    """The picture from ``at`` on, as numbers; a picture smaller than two blocks stays whole."""
    small = image.width < 2 * BLOCK or image.height < 2 * BLOCK
    return (image if small else image.crop((*at, *image.size))).convert("F")


def _similarity(x: Image.Image, y: Image.Image) -> Image.Image:
    """The structural similarity of each block, as a picture of numbers."""

    def product(a: Image.Image, b: Image.Image) -> Image.Image:
        return _of(lambda n: n["a"] * n["b"], a=a, b=b).reduce(BLOCK)

    return _of(
        lambda n: (
            ((n["mx"] * n["my"] * 2 + _C1) * ((n["xy"] - n["mx"] * n["my"]) * 2 + _C2))
            / (
                (n["mx"] * n["mx"] + n["my"] * n["my"] + _C1)
                * (n["xx"] - n["mx"] * n["mx"] + n["yy"] - n["my"] * n["my"] + _C2)
            )
        ),
        mx=x.reduce(BLOCK), my=y.reduce(BLOCK), xx=product(x, x), yy=product(y, y), xy=product(x, y),
    )  # fmt: skip


def _of(formula: Any, **images: Image.Image) -> Image.Image:
    made: Image.Image = ImageMath.lambda_eval(formula, **images)
    return made


def _values(image: Image.Image) -> list[float]:
    return list(memoryview(image.tobytes()).cast("f"))


def _box(maps: list[Image.Image], size: tuple[int, int]) -> Box | None:
    """Around all blocks that are not like, in thousandths; None where all are."""
    found: list[Box] = []
    for (left, top), each in zip(_POSITIONS, maps, strict=True):
        below = _of(lambda n: n["m"] < LIKE, m=each).convert("L").getbbox()
        if below:
            found.append(tuple(BLOCK * edge + (left, top)[i % 2] for i, edge in enumerate(below)))  # type: ignore[arg-type]
    if not found:
        return None
    edges = min(b[0] for b in found), min(b[1] for b in found), max(b[2] for b in found), max(b[3] for b in found)
    scaled = [min(1000, edge * 1000 // size[i % 2]) for i, edge in enumerate(edges)]
    return scaled[0], scaled[1], max(scaled[2], scaled[0] + 1), max(scaled[3], scaled[1] + 1)
