"""TIFF: every page decoded, encoded anew, and laid out without a gap.

Rules kept here:

- Layout: header, then per page its strips, its values that do not fit into a field, its directory; the first directory
  is found through the header, each next one through the one before. Little-endian. Every byte belongs to something.
- Black and white is CCITT group 4 or Deflate, whichever is shorter; grey, palette and colour are Deflate with
  horizontal prediction; what came as JPEG leaves as JPEG, one strip per page that is a whole JFIF file.
- Tags per page are those of ``docs/grammar-image.md`` and no others; resolution stays, everything else goes.
- Pages stay in their order, thumbnails and reduced copies too, since viewers show them; nested directories go.

>>> layout([Page((1, 1), 1, (8,), 1, [b"x"], 1)])[:4]
b'II*\\x00'
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

from PIL import Image, ImageFile, TiffImagePlugin

from sanitizer.formats.base import Change, Refused
from sanitizer.formats.image_carrier import varied
from sanitizer.formats.image_colour import upright_srgb
from sanitizer.formats.image_jpeg import encode_jpeg, nearest_quality
from sanitizer.formats.image_notes import Notes
from sanitizer.formats.image_open import UNREADABLE, check_size, is_flat, open_image
from sanitizer.formats.image_png import used_palette
from sanitizer.limits import Limits

SHORT, LONG, RATIONAL = 3, 4, 5
GROUP4, JPEG, DEFLATE, PLAIN = 4, 7, 8, 1
PHOTOMETRIC = {"1": 1, "L": 1, "LA": 1, "I;16": 1, "P": 3, "RGB": 2, "RGBA": 2}
SAMPLES = {"1": (1,), "L": (8,), "LA": (8, 8), "I;16": (16,), "P": (8,), "RGB": (8,) * 3, "RGBA": (8,) * 4}
RESOLUTION = range(1, 100_001)


@dataclass(frozen=True, slots=True)
class Page:
    """One page to be laid out. ``colour_map``: 768 values of 16 bits; ``resolution``: unit (1–3), across, down in
    hundredths; ``sampling``: chroma subsampling of JPEG."""

    size: tuple[int, int]
    compression: int
    bits: tuple[int, ...]
    photometric: int
    strips: list[bytes]
    rows: int
    predictor: int = 1
    alpha: bool = False
    colour_map: tuple[int, ...] = ()
    resolution: tuple[int, int, int] | None = None
    sampling: tuple[int, int] | None = None


def rebuild_tiff(data: bytes, limits: Limits, notes: Notes) -> bytes:
    """The TIFF made anew. Raises ``Refused``."""
    image = open_image(data, "image/tiff", limits)
    assert isinstance(image, TiffImagePlugin.TiffImageFile)
    pages, number, pixels = [], 0, 0
    while _is_page(image, number):
        if number >= limits.max_frames:
            raise Refused("too-many-pages")
        check_size(image.size, limits)
        pixels += image.width * image.height
        if pixels > limits.max_pixels * 4:
            raise Refused("too-many-pixels")
        turned = int(image.tag_v2.get(274, 1))  # Pillow applies the orientation of TIFF, and forgets it, while loading
        image, complete = _loaded(image, data, number, limits)
        if not complete:
            notes.incomplete(complete)
        notes.changed.extend([Change("orientation", 1)] if turned in range(2, 9) else [])
        pages.append(_page(image, turned in range(5, 9), notes))
        number += 1
    if not pages:
        raise Refused("no-page")
    return layout(pages)


def _is_page(image: TiffImagePlugin.TiffImageFile, number: int) -> bool:
    """Goes to a page; False where there is none."""
    try:
        image.seek(number)
    except UNREADABLE:
        return False
    return True


def _loaded(
    image: TiffImagePlugin.TiffImageFile, data: bytes, number: int, limits: Limits
) -> tuple[TiffImagePlugin.TiffImageFile, bool]:
    """The page with its pixels; a page that is cut short as far as it goes."""
    try:
        image.load()
        return image, True
    except UNREADABLE:
        ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        again = open_image(data, "image/tiff", limits)
        assert isinstance(again, TiffImagePlugin.TiffImageFile)
        again.seek(number)
        again.load()
    except UNREADABLE as error:
        raise Refused("unreadable", "pixels") from error
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False
    if is_flat(again):
        raise Refused("unreadable", "nothing decoded")
    return again, False


def _page(image: TiffImagePlugin.TiffImageFile, is_turned: bool, notes: Notes) -> Page:
    """One page encoded anew. ``image`` is loaded and upright; ``is_turned``: it lay on its side before."""
    changed = notes.changed
    resolution, was_jpeg = _resolution(image), image.info.get("compression") == "jpeg"
    if resolution and is_turned:
        resolution = (resolution[0], resolution[2], resolution[1])
    if max(image.tag_v2.get(258, (1,)) or (1,)) > 8 and image.mode in ("RGB", "RGBA", "L"):
        changed.append(Change("bit-depth", 1))
    frame = image.copy()
    frame.info = {key: image.info[key] for key in ("icc_profile", "transparency") if key in image.info}
    plain, _ = upright_srgb(frame, changed)
    plain = varied(plain, notes.variation)
    if was_jpeg and plain.mode in ("L", "RGB"):
        return _jpeg_page(plain, image, resolution, notes.variation)
    return _deflate_page(plain, resolution, notes.variation)


def _jpeg_page(
    plain: Image.Image, source: TiffImagePlugin.TiffImageFile, resolution: tuple[int, int, int] | None, variation: int
) -> Page:
    tables = _jpeg_tables(source)
    sampling = tuple(source.tag_v2.get(530, (2, 2)))[:2] if plain.mode == "RGB" else (1, 1)
    kind = {(1, 1): 0, (2, 1): 1}.get((sampling[0], sampling[1]), 2)
    strip = encode_jpeg(plain, max(1, nearest_quality(tables) - variation), kind)
    grey = plain.mode == "L"
    chroma = None if grey else ((1, 1), (2, 1), (2, 2))[kind]
    return Page(
        plain.size, JPEG, SAMPLES[plain.mode], 1 if grey else 6, [strip], plain.height, resolution=resolution,
        sampling=chroma,
    )  # fmt: skip


def _jpeg_tables(source: TiffImagePlugin.TiffImageFile) -> dict[int, list[int]]:
    """The quantisation tables of the shared JPEGTables, in row order; none if the file has none."""
    shared = source.tag_v2.get(347)
    if not isinstance(shared, bytes):
        return {}
    return _tables_in(shared)


def _tables_in(stream: bytes) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    at = stream.find(b"\xff\xdb")
    while at >= 0 and at + 4 < len(stream):
        (length,) = struct.unpack_from(">H", stream, at + 2)
        body = stream[at + 4 : at + 2 + length]
        while len(body) >= 65 and body[0] < 16:
            table = [0] * 64
            for place, value in zip(_ZIGZAG, body[1:65], strict=True):
                table[place] = value
            found[body[0]] = table
            body = body[65:]
        at = stream.find(b"\xff\xdb", at + 2 + length)
    return found


def _zigzag() -> list[int]:
    cells = [(row, column) for row in range(8) for column in range(8)]
    order = sorted(cells, key=lambda c: (c[0] + c[1], c[0] if (c[0] + c[1]) % 2 else c[1]))
    return [8 * row + column for row, column in order]


_ZIGZAG = _zigzag()


def _deflate_page(plain: Image.Image, resolution: tuple[int, int, int] | None, variation: int) -> Page:
    """A page without loss: group 4 for black and white, Deflate for the rest, by libtiff; only the strips are taken."""
    colour_map: tuple[int, ...] = ()
    if plain.mode == "P":
        plte, _ = used_palette([plain], None)
        bands = [plte.ljust(768, b"\0")[band::3] for band in range(3)]
        colour_map = tuple(value * 257 for band in bands for value in band)
        plain = Image.frombytes("L", plain.size, plain.tobytes())
        mode = "P"
    else:
        mode = plain.mode
    if mode == "1":
        return _bilevel_page(plain, resolution, variation)
    strips, rows, _ = _strips(_by_libtiff(plain, "tiff_adobe_deflate", {317: 2}, variation))
    return Page(
        plain.size, DEFLATE, SAMPLES[mode], PHOTOMETRIC[mode], strips, rows, 2, mode in ("LA", "RGBA"), colour_map,
        resolution,
    )  # fmt: skip


def _bilevel_page(plain: Image.Image, resolution: tuple[int, int, int] | None, variation: int) -> Page:
    """Black and white by group 4, or by Deflate where that is shorter (dithered pictures)."""
    ways = {
        code: _strips(_by_libtiff(plain, name, {}, variation))
        for code, name in ((GROUP4, "group4"), (DEFLATE, "tiff_adobe_deflate"))
    }
    code = min(ways, key=lambda code: sum(map(len, ways[code][0])))
    strips, rows, photometric = ways[code]
    return Page(plain.size, code, SAMPLES["1"], photometric, strips, rows, resolution=resolution)


def _by_libtiff(plain: Image.Image, compression: str, tags: dict[int, int], variation: int) -> bytes:
    out = io.BytesIO()
    if variation:
        tags = {**tags, 278: max(1, plain.height // (variation + 1))}
    plain.save(out, "TIFF", compression=compression, tiffinfo=tags)
    return out.getvalue()


def _strips(data: bytes) -> tuple[list[bytes], int, int]:
    """Strips, rows per strip and photometric interpretation of a TIFF that this process wrote itself."""
    image = TiffImagePlugin.TiffImageFile(io.BytesIO(data))
    offsets, counts = image.tag_v2[273], image.tag_v2[279]
    strips = [data[offset : offset + count] for offset, count in zip(offsets, counts, strict=True)]
    return strips, min(image.tag_v2.get(278, image.height), image.height), image.tag_v2[262]


def _resolution(image: TiffImagePlugin.TiffImageFile) -> tuple[int, int, int] | None:
    """Unit, and resolution across and down in hundredths, where they are plausible."""
    try:
        unit, across, down = image.tag_v2.get(296, 2), image.tag_v2[282], image.tag_v2[283]
        found = (int(unit), round(float(across) * 100), round(float(down) * 100))
    except (*UNREADABLE, ZeroDivisionError, OverflowError):
        return None
    return found if found[0] in (1, 2, 3) and all(value in RESOLUTION for value in found[1:]) else None


def layout(pages: list[Page]) -> bytes:
    """The whole file: TIFF 6.0, sections 2 and 8, little-endian, everything in file order and nothing between."""
    out = bytearray(b"II*\0\0\0\0\0")
    link = 4
    for page in pages:
        offsets = []
        for strip in page.strips:
            offsets.append(len(out))
            out += strip + bytes(len(strip) & 1)
        fields, at = _fields(page, offsets), []
        for _, kind, values in fields:
            at.append(len(out))
            packed = _values(kind, values)
            out += packed if len(packed) > 4 else b""
        struct.pack_into("<I", out, link, len(out))
        out += struct.pack("<H", len(fields))
        for (tag, kind, values), offset in zip(fields, at, strict=True):
            packed = _values(kind, values)
            count = len(values) // 2 if kind == RATIONAL else len(values)
            out += struct.pack("<HHI", tag, kind, count)
            out += packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack("<I", offset)
        link = len(out)
        out += bytes(4)
    return bytes(out)


def _values(kind: int, values: tuple[int, ...]) -> bytes:
    return struct.pack(f"<{len(values)}{'H' if kind == SHORT else 'I'}", *values)


def _fields(page: Page, offsets: list[int]) -> list[tuple[int, int, tuple[int, ...]]]:
    """Tag, type and values of a page's directory, ascending."""
    width, height = page.size
    fields: list[tuple[int, int, tuple[int, ...]]] = [
        (256, LONG, (width,)),
        (257, LONG, (height,)),
        (258, SHORT, page.bits),
        (259, SHORT, (page.compression,)),
        (262, SHORT, (page.photometric,)),
        (273, LONG, tuple(offsets)),
        (277, SHORT, (len(page.bits),)),
        (278, LONG, (page.rows,)),
        (279, LONG, tuple(map(len, page.strips))),
        (284, SHORT, (1,)),
    ]
    if page.resolution:
        unit, across, down = page.resolution
        fields += [(282, RATIONAL, (across, 100)), (283, RATIONAL, (down, 100)), (296, SHORT, (unit,))]
    fields += [(317, SHORT, (page.predictor,))] if page.predictor != 1 else []
    fields += [(320, SHORT, page.colour_map)] if page.colour_map else []
    fields += [(338, SHORT, (2,))] if page.alpha else []
    fields += [(530, SHORT, page.sampling)] if page.sampling else []
    return sorted(fields)
