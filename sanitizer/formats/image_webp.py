"""WebP: pixels to VP8 of the quality that the received file had, or to VP8L where it was lossless.

Rules kept here:

- The quality comes from the quantiser in the received VP8 frame header (RFC 6386, 9.6), through libwebp's curve.
- Still pictures with transparency are VP8X with ALPH and VP8, or VP8L alone; animations are VP8X with ANIM and ANMF.
- Colour profile, EXIF, XMP and unknown chunks are not written.

>>> quality_of_quantiser(0), round(quality_of_quantiser(127))
(100.0, 0)
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from functools import partial

from PIL import Image, ImageFile

from sanitizer.formats.base import Refused
from sanitizer.formats.image_carrier import varied
from sanitizer.formats.image_colour import upright_srgb
from sanitizer.formats.image_jpeg import near_size
from sanitizer.formats.image_notes import Notes
from sanitizer.formats.image_open import check_size, decoded
from sanitizer.limits import Limits


def rebuild_webp(data: bytes, limits: Limits, notes: Notes) -> bytes:
    """The WebP made anew. Raises ``Refused``."""
    streams = [(name, body) for name, body in riff_chunks(data) if name in (b"VP8 ", b"VP8L")]
    lossless = sum(len(body) for name, body in streams if name == b"VP8L")
    lossy = sum(len(body) for name, body in streams if name == b"VP8 ")
    image, complete = decoded(data, "image/webp", limits)
    notes.incomplete(complete)
    quality = 80.0 if lossless > lossy else _quality(streams)
    if getattr(image, "n_frames", 1) > 1:
        return _animation(image, lossless > lossy, max(1.0, quality - notes.variation), limits)
    plain, _ = upright_srgb(image, notes.changed)
    plain = varied(plain, notes.variation)
    if lossless > lossy:
        return _encoded(plain, 80 - 9 * notes.variation, lossless=True, exact=True)
    encode = partial(_encoded, plain, lossless=False)
    return near_size(encode, len(data), max(1, round(quality) - notes.variation))


def _encoded(image: Image.Image, quality: float, *, lossless: bool, exact: bool = False) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", lossless=lossless, quality=quality, method=4, exact=exact)
    return out.getvalue()


def _animation(image: ImageFile.ImageFile, lossless: bool, quality: float, limits: Limits) -> bytes:
    """The animation with its delays and loop count; bounded in frames and in pixels."""
    count = int(getattr(image, "n_frames", 1))
    if count > limits.max_frames:
        raise Refused("too-many-pages")
    if count * image.width * image.height > limits.max_pixels:
        raise Refused("too-many-pixels")
    loops = int(image.info.get("loop", 0))
    delays, frames = [], []
    for number in range(count):
        image.seek(number)
        check_size(image.size, limits)
        frame = image.convert("RGBA")
        delays.append(int(image.info.get("duration", 0)))
        frame.info = {}
        frames.append(frame)
    out = io.BytesIO()
    frames[0].save(
        out, "WEBP", save_all=True, append_images=frames[1:], duration=delays, loop=loops, lossless=lossless,
        quality=quality, method=4, background=(0, 0, 0, 0),
    )  # fmt: skip
    return out.getvalue()


def riff_chunks(data: bytes, at: int = 12) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a received file, those inside ANMF too, as far as they are whole."""
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + size]
        yield name, body
        if name == b"ANMF":
            yield from riff_chunks(body, 16)
        at += 8 + size + (size & 1)


def _quality(streams: list[tuple[bytes, bytes]]) -> float:
    """The quality of the first lossy frame, 80 where it cannot be read."""
    first = next((body for name, body in streams if name == b"VP8 "), b"")
    try:
        return quality_of_quantiser(quantiser(first))
    except (IndexError, struct.error):
        return 80.0


def quality_of_quantiser(quantiser: int) -> float:
    """The quality 0–100 for which libwebp chooses a quantiser (0–127): its QualityToCompression, inverted."""
    linear = float((1 - quantiser / 127) ** 3)
    return 100 * (linear * 1.5 if linear < 0.5 else (linear + 1) / 2)


def quantiser(frame: bytes) -> int:
    """The mean quantiser of a VP8 key frame: of its segments where it has absolute ones, else of the frame."""
    bits = _BoolDecoder(frame[10:])
    bits.literal(2)  # colour space, clamping
    segments: list[int] = []
    if bits.literal(1):
        update_map, update_data = bits.literal(1), bits.literal(1)
        if update_data:
            absolute = bits.literal(1)
            segments = [_signed(bits, 7) for _ in range(4)] if absolute else _skipped(bits, 7)
            _skipped(bits, 6)
        if update_map:
            [bits.literal(8) for _ in range(3) if bits.literal(1)]
    bits.literal(10)  # filter type, level, sharpness
    if bits.literal(1) and bits.literal(1):
        _skipped(bits, 6), _skipped(bits, 6)
    bits.literal(2)  # partitions
    base = bits.literal(7)
    return round(sum(segments) / 4) if any(segments) else base


def _signed(bits: _BoolDecoder, width: int) -> int:
    if not bits.literal(1):
        return 0
    value = bits.literal(width)
    return -value if bits.literal(1) else value


def _skipped(bits: _BoolDecoder, width: int) -> list[int]:
    for _ in range(4):
        _signed(bits, width)
    return []


class _BoolDecoder:
    """The arithmetic decoder of RFC 6386, section 7.3, for bits of even probability. ``IndexError`` at the end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 2
        self._value, self._range, self._shifted = data[0] << 8 | data[1], 255, 0

    def literal(self, width: int) -> int:
        """An unsigned number of ``width`` bits, the highest first."""
        value = 0
        for _ in range(width):
            value = value << 1 | self._bit()
        return value

    def _bit(self) -> int:
        split = 1 + ((self._range - 1) * 128 >> 8)
        bit = self._value >= split << 8
        self._range = self._range - split if bit else split
        self._value -= split << 8 if bit else 0
        while self._range < 128:
            self._value, self._range, self._shifted = self._value << 1, self._range << 1, self._shifted + 1
            if self._shifted == 8:
                self._shifted = 0
                self._value |= self._data[self._at]
                self._at += 1
        return int(bit)
