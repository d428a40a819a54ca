"""Brings decoded pixels to what a viewer shows without metadata: upright, in sRGB, in a mode that the writers know.

Rules kept here:

- Orientation (EXIF) is applied to the pixels.
- Colours that an embedded profile says are not sRGB are converted; a profile that cannot be used is dropped. Grey
  pictures keep their values. Palettes are converted entry by entry.
- CMYK, YCbCr and Lab become RGB; 32-bit and floating-point samples become 8 bits; 16-bit grey stays 16 bits.
- The result carries no attribute of the file: ``info`` is empty.

>>> upright_srgb(Image.new("CMYK", (1, 1)), [])[0].mode
'RGB'
"""

from __future__ import annotations

import io

from PIL import Image, ImageCms, ImageOps

from sanitizer.formats.base import Change
from sanitizer.formats.image_open import UNREADABLE
from sanitizer.formats.image_raster import to_eight_bits

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
WRITABLE = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
_COLOUR_MODES = {"RGB ": ("RGB", "RGBA", "P"), "CMYK": ("CMYK",), "GRAY": (), "Lab ": ("LAB",)}


def upright_srgb(image: Image.Image, changed: list[Change]) -> tuple[Image.Image, int | bytes | None]:
    """The pixels as viewers show them, and the transparency of a palette (index or alpha values) if it has one.

    Adds to ``changed`` what was done.
    """
    image = _upright(image, changed)
    image = _in_srgb(image, changed)
    image, transparency = _writable(image, changed)
    image.info = {}
    return image, transparency


def _upright(image: Image.Image, changed: list[Change]) -> Image.Image:
    try:
        orientation = image.getexif().get(0x0112, 1)
        if orientation not in range(2, 9):
            return image
        turned = ImageOps.exif_transpose(image)
    except UNREADABLE:
        return image
    changed.append(Change("orientation", 1))
    return turned


def _in_srgb(image: Image.Image, changed: list[Change]) -> Image.Image:
    """The picture in sRGB. Without a profile, CMYK and Lab are converted by Pillow's formula."""
    profile = image.info.get("icc_profile")
    converted = _by_profile(image, profile) if isinstance(profile, bytes) and profile else None
    if converted is not None:
        changed.append(Change("colour-space", 1))
        return converted
    if image.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        changed.extend([] if image.mode == "YCbCr" else [Change("colour-space", 1)])
        return _with_info(image.convert("RGB"), image)
    return image


def _with_info(image: Image.Image, source: Image.Image) -> Image.Image:
    image.info = source.info
    return image


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    """The picture converted from ``profile`` to sRGB; None where nothing is to be done or the profile is no use."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if image.mode not in _COLOUR_MODES.get(source.profile.xcolor_space, ()) or _is_srgb(source):
            return None
        if image.mode == "P":
            return _palette_converted(image, source)
        target = "RGBA" if image.mode == "RGBA" else "RGB"
        converted = ImageCms.profileToProfile(image, source, SRGB, outputMode=target)
    except (ImageCms.PyCMSError, *UNREADABLE):
        return None
    return None if converted is None else _with_info(converted, image)


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    """Whether a profile means what viewers assume anyway; by its primaries, not by its name."""
    mine, other = SRGB.profile, profile.profile
    for band in ("red_colorant", "green_colorant", "blue_colorant"):
        ours, theirs = getattr(mine, band), getattr(other, band)
        if theirs is None or any(abs(a - b) > 0.003 for a, b in zip(ours[0], theirs[0], strict=True)):
            return False
    probe = Image.frombytes("RGB", (5, 1), bytes(value for level in (16, 64, 128, 192, 240) for value in [level] * 3))
    shown = ImageCms.profileToProfile(probe, profile, SRGB)
    return shown is not None and max(abs(a - b) for a, b in zip(probe.tobytes(), shown.tobytes(), strict=True)) <= 2


def _palette_converted(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    colours = bytes(image.getpalette("RGB") or [])
    row = Image.frombytes("RGB", (len(colours) // 3, 1), colours)
    shown = ImageCms.profileToProfile(row, source, SRGB)
    if shown is not None:
        image.putpalette(shown.tobytes())
    return image


def _writable(image: Image.Image, changed: list[Change]) -> tuple[Image.Image, int | bytes | None]:
    """The picture in one of the modes ``WRITABLE``, with transparency as an alpha band or, for palettes, as a value."""
    transparency = image.info.get("transparency")
    if image.mode == "P":
        return _plain_palette(image, transparency)
    if image.mode in ("I", "F"):
        changed.append(Change("bit-depth", 1))
        return to_eight_bits(image), None
    if image.mode.startswith("I;16"):
        return _sixteen_bits(image, transparency)
    if transparency is not None and image.mode in ("1", "L", "RGB"):
        return image.convert("RGBA" if image.mode == "RGB" else "LA"), None
    if image.mode in WRITABLE:
        return image, None
    target = {"La": "LA", "PA": "RGBA", "RGBa": "RGBA", "RGBX": "RGB"}.get(image.mode, "RGB")
    return image.convert(target), None


def _plain_palette(image: Image.Image, transparency: object) -> tuple[Image.Image, int | bytes | None]:
    """A palette picture with an RGB palette; alpha inside the palette becomes a list of alpha values."""
    if image.palette is not None and image.palette.mode == "RGBA" and not isinstance(transparency, (int, bytes)):
        transparency = bytes((image.getpalette("RGBA") or [])[3::4])
    return image, transparency if isinstance(transparency, (int, bytes)) else None


def _sixteen_bits(image: Image.Image, transparency: object) -> tuple[Image.Image, int | bytes | None]:
    """16-bit grey in native order; with a transparent value, 8-bit grey with alpha."""
    if image.mode != "I;16":
        image = image.convert("I").convert("I;16")
    if not isinstance(transparency, int):
        return image, None
    opaque = image.convert("I").point([0 if value == transparency else 255 for value in range(65536)], "L")
    grey = to_eight_bits(image)
    return Image.merge("LA", (grey, opaque)), None
