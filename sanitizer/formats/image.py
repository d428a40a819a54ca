"""Pictures: PNG, JPEG, GIF, WebP, TIFF and BMP, made anew from their pixels in their own type.

Rules kept here:

- A file keeps its type. What leaves is in the canonical form of ``docs/grammar-image.md`` and holds pixels,
  transparency, animation and resolution; nothing else of the received file does.
- ``flatten`` is the same as ``rebuild``: a picture has nothing but pixels.
- What the file carried besides is counted in ``removed``; what was done to the pixels is in ``changed``.

>>> rebuild(canonical_png(Image.new("RGB", (1, 1))), Job("image/png", "rebuild", "a.png", None, Limits())).mime
'image/png'
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

from PIL import Image, ImageSequence

from sanitizer.formats.base import Change, Job, Picture, Rebuilt, Refused
from sanitizer.formats.image_bmp import rebuild_bmp
from sanitizer.formats.image_carrier import TRIES, is_fine
from sanitizer.formats.image_drawing import draw
from sanitizer.formats.image_gif import rebuild_gif
from sanitizer.formats.image_jpeg import rebuild_jpeg
from sanitizer.formats.image_kinds import KINDS
from sanitizer.formats.image_notes import Notes
from sanitizer.formats.image_open import UNREADABLE, open_image, signature_type
from sanitizer.formats.image_png import rebuild_png
from sanitizer.formats.image_raster import canonical_png, thumbnail_of
from sanitizer.formats.image_tiff import rebuild_tiff
from sanitizer.formats.image_walk import carried, has_bad_checksum
from sanitizer.formats.image_webp import rebuild_webp
from sanitizer.limits import Limits

__all__ = ["KINDS", "REBUILDERS", "canonical_png", "draw", "pictures", "rebuild", "thumbnail"]

REBUILDERS: dict[str, Callable[[bytes, Limits, Notes], bytes]] = {
    "image/png": rebuild_png,
    "image/jpeg": rebuild_jpeg,
    "image/gif": rebuild_gif,
    "image/webp": rebuild_webp,
    "image/tiff": rebuild_tiff,
    "image/bmp": rebuild_bmp,
}


def rebuild(data: bytes, job: Job) -> Rebuilt:
    """The picture made anew from its pixels. Raises ``Refused``."""
    if job.mime not in REBUILDERS:
        raise Refused("unsupported-image")
    notes = Notes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of what we take out anyway
        made = _rebuilt(data, job, notes)
        notes.removed.extend(carried(data, job.mime))
    if job.mime == "image/png" and has_bad_checksum(data):
        notes.changed.append(Change("checksum", 1))
    return Rebuilt(made, job.mime, _merged(notes.removed), _merged(notes.changed))


def _rebuilt(data: bytes, job: Job, notes: Notes) -> bytes:
    """The rebuilt bytes, encoded again as often as they spell a carrier."""
    for variation in range(TRIES):
        attempt = Notes(variation=variation)
        try:
            made = REBUILDERS[job.mime](data, job.limits, attempt)
        except UNREADABLE as error:
            raise Refused("unreadable", type(error).__name__) from error
        if is_fine(made, variation):
            notes.removed, notes.changed = attempt.removed, attempt.changed
            return made
    raise Refused("verification-failed", "pixels spell a carrier")


def _merged(changes: list[Change]) -> list[Change]:
    """One entry of each kind, counts added, in the order of ``KINDS``."""
    counts: dict[str, int] = {}
    for change in changes:
        counts[change.kind] = counts.get(change.kind, 0) + change.count
    return [Change(kind, counts[kind]) for kind in KINDS if kind in counts]


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """A canonical PNG of the first picture, at most ``limits.thumbnail_side`` pixels a side."""
    mime = signature_type(data)
    if mime is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image: Image.Image = open_image(data, mime, limits)
        side = limits.thumbnail_side
        image.draft("RGB" if image.mode != "L" else "L", (side * 2, side * 2))
        return thumbnail_of(next(iter(ImageSequence.Iterator(image))), side)


def pictures(data: bytes, limits: Limits) -> list[Picture]:
    """The picture itself."""
    mime = signature_type(data)
    return [Picture(mime, data)] if mime else []


def text(data: bytes, limits: Limits) -> str:
    """A picture says nothing in characters: what is painted in it is not read."""
    return ""
