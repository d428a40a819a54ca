"""HEIC and other HEIF pictures: decoded, and left as JPEG, or as PNG if anything is transparent.

Rules kept here:

- Only the primary picture is shown, upright and in sRGB; burst pictures, thumbnails, depth and other auxiliary
  pictures, EXIF with the place, XMP and profiles stay behind and are counted.
- What leaves is a JPEG or PNG of ``docs/grammar-image.md``.
- The decoder (libheif with libde265; no encoder is on board) needs a thread of its own, which only the jail of a file
  that is called ``.heic``, ``.heif`` or ``.hif`` may start (see ``sanitizer.cell``).

>>> from sanitizer.limits import Limits
>>> text(b"", Limits())
''
"""

from __future__ import annotations

import threading
import warnings
from functools import partial

import pi_heif
from pi_heif import options
from PIL import ExifTags, Image, TiffImagePlugin

from sanitizer.formats import image as picture
from sanitizer.formats.base import Change, Drawing, Job, Rebuilt, Refused
from sanitizer.formats.heif_boxes import carried, exif_of
from sanitizer.formats.image_carrier import TRIES, is_fine, varied
from sanitizer.formats.image_colour import upright_srgb
from sanitizer.formats.image_drawing import shown
from sanitizer.formats.image_jpeg import encode_jpeg, near_size
from sanitizer.formats.image_kinds import KINDS
from sanitizer.formats.image_open import UNREADABLE, check_size, out_of_memory
from sanitizer.formats.image_raster import canonical_png
from sanitizer.limits import Limits

__all__ = ["KINDS", "draw", "rebuild", "text", "thumbnail"]

options.DECODE_THREADS = 0
options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
_LOADED = (ExifTags, TiffImagePlugin)  # Pillow imports these when it meets EXIF, too late in a jail
QUALITY = 90  # of the JPEG; phones write HEIC of about this likeness
GROWTH = 3  # HEIC needs about half of what JPEG needs for the same picture
_UNREADABLE = (*UNREADABLE, RuntimeError)


def rebuild(data: bytes, job: Job) -> Rebuilt:
    """The primary picture as JPEG or PNG. Raises ``Refused``."""
    _need_a_thread()
    changed: list[Change] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image, others = _decoded(data, job.limits)
        removed = carried(data, exif_of(image))
        plain, _ = upright_srgb(image, changed)
        made, mime = _encoded(plain, len(data))
    if others:
        removed.append(Change("embedded-image", others))
    return Rebuilt(made, mime, removed, [Change("type", 1), *changed])


def _need_a_thread() -> None:
    """Without its thread the decoder would end the process; the sentence of the refusal asks for a JPEG."""
    try:
        probe = threading.Thread(target=bool)
        probe.start()
    except RuntimeError as error:
        raise Refused("unsupported-heif", "not called .heic or .heif") from error
    probe.join()


def _decoded(data: bytes, limits: Limits) -> tuple[Image.Image, int]:
    """The primary picture and the number of others."""
    try:
        file = pi_heif.open_heif(data, convert_hdr_to_8bit=True)
        check_size(file.size, limits)
        return file.to_pillow(), len(file) - 1
    except _UNREADABLE as error:
        if out_of_memory(error):
            raise MemoryError from error
        raise Refused("unreadable", type(error).__name__) from error


def _encoded(image: Image.Image, size: int) -> tuple[bytes, str]:
    """Bytes and type, encoded again as often as they spell a carrier."""
    transparent = image.mode in ("LA", "RGBA") and image.getchannel("A").getextrema()[0] != 255
    for variation in range(TRIES):
        turned = varied(image, variation)
        if transparent:
            made, mime = canonical_png(turned), "image/png"
        else:
            plain = turned.convert("L" if turned.mode in ("L", "LA") else "RGB")
            made, mime = (
                near_size(partial(encode_jpeg, plain, sampling=2), size * GROWTH, QUALITY - variation),
                "image/jpeg",
            )
        if is_fine(made, variation):
            return made, mime
    raise Refused("verification-failed", "pixels spell a carrier")


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """Of what left: a JPEG or PNG."""
    return picture.thumbnail(data, limits)


def text(data: bytes, limits: Limits) -> str:
    """A picture says nothing in characters."""
    return ""


def draw(data: bytes, mime: str, first: int, limits: Limits) -> Drawing:
    """The primary picture of a received file as a page, for comparison."""
    _need_a_thread()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Drawing(1, [] if first else [shown(_decoded(data, limits)[0], limits.drawn_side)])
