"""Frames of a picture as pages, for comparison: upright, in sRGB, on white, as a viewer shows them.

Rules kept here:

- Received and rebuilt bytes are decoded by the same code; nothing but pixels of the frames asked for is used.
- A frame of an animation is what is on the screen then, not the part that changes.

>>> draw(b"GIF89a", "image/gif", 0, Limits())
Drawing(total=0, pages=[])
"""

from __future__ import annotations

import warnings

from PIL import Image, ImageFile

from sanitizer.formats.base import Drawing, Page, Refused
from sanitizer.formats.image_colour import upright_srgb
from sanitizer.formats.image_open import UNREADABLE, decoded, open_image
from sanitizer.formats.pixels import page_of
from sanitizer.limits import Limits


def draw(data: bytes, mime: str, first: int, limits: Limits) -> Drawing:
    """Frames from ``first`` (from 0) on; none where the picture cannot be read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of what is no matter here
        try:
            image = open_image(data, mime, limits)
            total = min(int(getattr(image, "n_frames", 1)), limits.max_frames)
            if total == 1:
                return Drawing(1, [] if first else [shown(decoded(data, mime, limits)[0], limits.drawn_side)])
            last = min(total, first + limits.drawn_at_once)
            return Drawing(total, [_frame(image, number, limits.drawn_side) for number in range(first, last)])
        except (Refused, *UNREADABLE):
            return Drawing(0, [])


def _frame(image: ImageFile.ImageFile, number: int, side: int) -> Page:
    image.seek(number)
    return shown(image.copy(), side)


def shown(image: Image.Image, side: int) -> Page:
    """One decoded picture as a page."""
    plain, transparency = upright_srgb(image, [])
    if transparency is not None:
        plain.info["transparency"] = transparency
    return page_of(plain, side)
