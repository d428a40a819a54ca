"""AVIF pictures, made anew from their pixels in their own type.

Rules kept here:

- What leaves is in the canonical form of ``docs/grammar-image.md``, section AVIF: one still picture, with or without
  transparency, 8 bits, 4:2:0 or, where the received file was, 4:4:4.
- An animation becomes its first picture, and the report says so. Orientation is applied, colours become sRGB.
- One thread: the jail has no other.

>>> quality_steps(1000, 10)
(80, 71, 62, 53, 44)
"""

from __future__ import annotations

import io
import warnings

from PIL import AvifImagePlugin, ExifTags, Image, TiffImagePlugin

from sanitizer.formats.base import Change, Drawing, Job, Picture, Rebuilt, Refused
from sanitizer.formats.heif_boxes import boxes, carried
from sanitizer.formats.image_carrier import TRIES, is_fine, varied
from sanitizer.formats.image_colour import upright_srgb
from sanitizer.formats.image_drawing import shown
from sanitizer.formats.image_kinds import KINDS
from sanitizer.formats.image_open import UNREADABLE, check_size, out_of_memory
from sanitizer.formats.image_raster import thumbnail_of
from sanitizer.limits import Limits

__all__ = ["KINDS", "draw", "pictures", "rebuild", "text", "thumbnail"]

AvifImagePlugin.DEFAULT_MAX_THREADS = 1
_LOADED = (ExifTags, TiffImagePlugin)  # Pillow imports these when it meets EXIF, too late in a jail
LARGE = 2_000_000  # pixels above which fewer qualities are tried, at a faster speed
GROWTH, ROOM = 1.08, 200


def rebuild(data: bytes, job: Job) -> Rebuilt:
    """The first picture made anew. Raises ``Refused``."""
    changed: list[Change] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = _decoded(data, job.limits)
        removed = carried(data, image.getexif())
        if getattr(image, "n_frames", 1) > 1:
            removed.append(Change("animation", 1))
        plain, _ = upright_srgb(image, changed)
        made = _encoded(plain, data)
    return Rebuilt(made, job.mime, removed, changed)


def _decoded(data: bytes, limits: Limits) -> Image.Image:
    try:
        image = AvifImagePlugin.AvifImageFile(io.BytesIO(data))
        check_size(image.size, limits)
        image.load()
    except (*UNREADABLE, RuntimeError) as error:
        if out_of_memory(error):
            raise MemoryError from error
        raise Refused("unreadable", type(error).__name__) from error
    return image


def _encoded(image: Image.Image, received: bytes) -> bytes:
    """The bytes, encoded again as often as they spell a carrier."""
    if image.mode == "RGBA" and image.getchannel("A").getextrema()[0] == 255:
        image = image.convert("RGB")
    if image.mode not in ("L", "RGB", "RGBA"):
        image = image.convert("RGBA" if image.mode in ("LA", "PA") else "RGB")
    image = image.copy()  # an animation's first picture alone
    sampling = "4:4:4" if image.mode != "L" and _is_full_chroma(received) else None
    for variation in range(TRIES):
        made = _near_size(varied(image, variation), len(received), variation, sampling)
        if is_fine(made, variation):
            return made
    raise Refused("verification-failed", "pixels spell a carrier")


def _near_size(image: Image.Image, size: int, variation: int, sampling: str | None) -> bytes:
    made = b""
    for quality in quality_steps(image.width, image.height):
        made = _avif(image, quality - variation, sampling)
        if len(made) <= size * GROWTH + ROOM:
            break
    return made


def quality_steps(width: int, height: int) -> tuple[int, ...]:
    """The qualities tried one after another until the file is no larger than the received one."""
    return (80, 71, 62, 53, 44) if width * height <= LARGE else (66, 48)


def _avif(image: Image.Image, quality: int, sampling: str | None) -> bytes:
    out = io.BytesIO()
    speed = 7 if image.width * image.height <= LARGE else 9
    extra = {"subsampling": sampling} if sampling else {}
    image.save(out, "AVIF", quality=quality, speed=speed, max_threads=1, autotiling=False, **extra)
    return out.getvalue()


def _is_full_chroma(data: bytes) -> bool:
    """Whether the first AV1 configuration says 4:4:4 (AV1 in ISOBMFF, 2.3.3)."""
    at, end = 0, len(data)
    for wanted, skipped in ((b"meta", 4), (b"iprp", 0), (b"ipco", 0), (b"av1C", 0)):
        found = next(((start, stop) for name, start, stop in boxes(data, at, end) if name == wanted), None)
        if found is None:
            return False
        at, end = found[0] + skipped, found[1]
    return end - at >= 3 and not data[at + 2] & 0x1C


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """A canonical PNG, at most ``limits.thumbnail_side`` pixels a side."""
    return thumbnail_of(_decoded(data, limits), limits.thumbnail_side)


def text(data: bytes, limits: Limits) -> str:
    """A picture says nothing in characters."""
    return ""


def pictures(data: bytes, limits: Limits) -> list[Picture]:
    """The picture itself."""
    return [Picture("image/avif", data)]


def draw(data: bytes, mime: str, first: int, limits: Limits) -> Drawing:
    """The first picture as a page, for comparison."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Drawing(1, [] if first else [shown(_decoded(data, limits), limits.drawn_side)])
