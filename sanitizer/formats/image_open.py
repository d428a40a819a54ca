"""Opens one picture of a known type and gets its pixels, complete or as far as they go.

Rules kept here:

- The type is given, never guessed: each type has its one Pillow class, and the bytes must start with its signature.
- The size in the header is checked against ``limits.max_pixels`` before one pixel is decoded.
- A file that is cut short shows what browsers show of it, the part that could be read, and the report says so; if
  nothing but one flat colour could be read, it is refused.
- All Pillow modules are imported here, because inside the jail nothing can be imported any more.

>>> signature_type(b"GIF89a")
'image/gif'
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from sanitizer.formats.base import Refused
from sanitizer.limits import Limits

Image.preinit()
Image.MAX_IMAGE_PIXELS = None  # our own limit is checked, and ends in a verdict instead of a warning
PngImagePlugin.MAX_TEXT_CHUNK = 1 << 24
PngImagePlugin.MAX_TEXT_MEMORY = 1 << 28

CLASSES: dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    "image/png": PngImagePlugin.PngImageFile,
    "image/jpeg": JpegImagePlugin.JpegImageFile,
    "image/gif": GifImagePlugin.GifImageFile,
    "image/webp": WebPImagePlugin.WebPImageFile,
    "image/tiff": TiffImagePlugin.TiffImageFile,
    "image/bmp": BmpImagePlugin.BmpImageFile,
}
SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"RIFF", "image/webp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"BM", "image/bmp"),
)
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error)


def signature_type(data: bytes) -> str | None:
    """The media type that the first bytes announce, None for none of ours."""
    return next((mime for start, mime in SIGNATURES if data.startswith(start)), None)


def open_image(data: bytes, mime: str, limits: Limits) -> ImageFile.ImageFile:
    """The picture with its header read and checked, no pixel decoded yet. Raises ``Refused``."""
    if signature_type(data) != mime:
        raise Refused("unreadable", "signature")
    try:
        image = CLASSES[mime](io.BytesIO(data))
    except UNREADABLE as error:
        raise Refused("unreadable", "header") from error
    check_size(image.size, limits)
    return image


def check_size(size: tuple[int, int], limits: Limits) -> None:
    """Refuses what has more pixels than allowed, or none."""
    width, height = size
    if width < 1 or height < 1:
        raise Refused("unreadable", "size")
    if width * height > limits.max_pixels:
        raise Refused("too-many-pixels")


def out_of_memory(error: BaseException) -> bool:
    """Whether Pillow means by an error that memory did not suffice."""
    return isinstance(error, MemoryError) or "memory" in str(error)


def decoded(data: bytes, mime: str, limits: Limits) -> tuple[ImageFile.ImageFile, bool]:
    """The first picture of a file with its pixels, and whether it was complete. Raises ``Refused``."""
    image = open_image(data, mime, limits)
    try:
        image.load()
        return image, True
    except UNREADABLE as error:
        if out_of_memory(error):
            raise MemoryError from error
        return _as_far_as_it_goes(data, mime, limits), False


def _as_far_as_it_goes(data: bytes, mime: str, limits: Limits) -> ImageFile.ImageFile:
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        image = open_image(data, mime, limits)
        image.load()
    except UNREADABLE as error:
        raise Refused("unreadable", "pixels") from error
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False
    if is_flat(image):
        raise Refused("unreadable", "nothing decoded")
    return image


def is_flat(image: Image.Image) -> bool:
    """Whether all pixels are the same."""
    return image.size != (1, 1) and all(low == high for low, high in _extrema(image))


def _extrema(image: Image.Image) -> list[tuple[float, float]]:
    found = image.getextrema()
    return [band if isinstance(band, tuple) else found for band in found]  # type: ignore[misc]
