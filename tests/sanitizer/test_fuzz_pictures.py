"""Pictures that mutation has found: facts about a picture that cannot be read are no reason to refuse it."""

from __future__ import annotations

import io

from PIL import Image
from support.heic_samples import PHOTO

from sanitizer.formats import heif
from sanitizer.formats.base import Job
from sanitizer.limits import Limits


def test_a_photo_with_broken_exif_is_rebuilt() -> None:
    order = next(one for one in (b"II*\0", b"MM\0*") if one in PHOTO)
    for photo in (PHOTO, PHOTO.replace(order, b"XXXX"), PHOTO.replace(order, order[:2] + b"\xff\xff")):
        made = heif.rebuild(photo, Job("image/heif", "rebuild", "a.heic", None, Limits()))
        assert Image.open(io.BytesIO(made.data)).size == (64, 48)
