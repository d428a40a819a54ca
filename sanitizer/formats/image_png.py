"""PNG: pixels to the smallest of a few plain encodings; animations frame by frame.

Rules kept here:

- Depth and colour type follow the pixels: 1-bit, grey, grey with alpha, palette, RGB, RGBA, 16-bit grey stay what they
  are; 16-bit colour becomes 8-bit.
- Palette entries that no pixel uses become black and opaque, so that nothing hides there.
- An animation keeps its frames, places, delays, and how each is disposed and blended; numbers are written anew. A
  default picture outside the animation goes. An animation that breaks APNG's rules goes: the still picture stays.

>>> rebuild_png(canonical_png(Image.new("RGB", (2, 2), "red")), Limits(), Notes())[:4]
b'\\x89PNG'
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from PIL import Image

from sanitizer.formats.base import Change, Refused
from sanitizer.formats.deflating import TIGHT
from sanitizer.formats.image_carrier import rotated, varied
from sanitizer.formats.image_colour import upright_srgb
from sanitizer.formats.image_notes import Notes
from sanitizer.formats.image_open import UNREADABLE, check_size, decoded
from sanitizer.formats.image_raster import (
    HEADERS,
    SIGNATURE,
    Png,
    canonical_png,
    chunk,
    idat,
    idat_filtered,
    idat_unfiltered,
)
from sanitizer.limits import Limits

__all__ = ["canonical_png", "rebuild_png"]
SMALL = 4_000_000  # pixels up to which both ways of filtering are tried
TINY = 4096  # bytes of pixels that zlib packs at once
LITTLE = 0.25  # of the bytes of the pixels: above it both ways are tried at once
FRAME = 57  # bytes of a file around its stream: signature, IHDR, heads of IDAT and IEND
LEVELS = (6, 9, 4, 5, 7, 3, 8, 2)  # of compression, one for each variation
LARGE = 25_000_000  # pixels above which time counts more than the last percent
PPM = range(400, 100_001)  # resolutions that are kept, pixels per metre


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of an animation as received: place, timing, and its zlib stream."""

    size: tuple[int, int]
    at: tuple[int, int]
    delay: tuple[int, int]
    dispose: int
    blend: int
    stream: bytes


def rebuild_png(data: bytes, limits: Limits, notes: Notes) -> bytes:
    """The PNG made anew. Raises ``Refused``."""
    walked = list(_walk(data))
    if any(name == b"acTL" for name, _ in walked):
        animation = _rebuilt_animation(walked, limits, notes)
        if animation is not None:
            return animation
        notes.removed.append(Change("animation", 1))
    resolution, essential = _resolution(walked), _essential(walked)
    walked.clear()  # large pictures: what is no longer needed goes before more is made
    image, complete = decoded(essential, "image/png", limits)
    del essential
    notes.incomplete(complete)
    if struct.unpack_from(">BB", data, 24) in ((16, 2), (16, 4), (16, 6)):
        notes.changed.append(Change("bit-depth", 1))
    plain, transparency = upright_srgb(image, notes.changed)
    frame = FRAME + len(chunk(b"pHYs", bytes(9))) * (resolution is not None)
    parts = encoded(varied(plain, notes.variation), transparency, len(data) - frame, notes.variation)
    return replace(parts, ppm=resolution).encode()


def encoded(image: Image.Image, transparency: int | bytes | None, target: int, variation: int = 0) -> Png:
    """``image`` (a mode of ``image_colour.WRITABLE``) as PNG parts, trying harder while stream and palette are
    above ``target`` bytes; ``variation`` as in ``image_carrier``."""
    depth, colour = HEADERS[image.mode]
    plte, trns, bits = b"", b"", 8
    if image.mode == "P":
        plte, trns = used_palette([image], transparency)
        bits = _bits_for(len(plte) // 3)
        depth = bits
        if variation:
            image, plte, trns = _turned_palette(image, plte.ljust(3 << bits, b"\0"), trns, variation)
        image.putpalette(plte.ljust(3 << bits, b"\0"))
    elif image.mode == "L":
        bits = depth = _grey_bits(image)
    target -= sum(12 + len(one) for one in (plte, trns) if one)
    stream = idat(image, LEVELS[variation], bits) if variation else _smallest(image, bits, target)
    return Png(image.size, depth, colour, stream, plte, trns)


def _turned_palette(image: Image.Image, plte: bytes, trns: bytes, variation: int) -> tuple[Image.Image, bytes, bytes]:
    """The same picture with indices, colours and alpha values turned by ``variation`` places."""
    count = len(plte) // 3
    alpha = trns.ljust(count, b"\xff")
    turn = variation % count
    image, plte = rotated(image, plte, variation)
    return image, plte, (alpha[count - turn :] + alpha[: count - turn]).rstrip(b"\xff")


def used_palette(frames: list[Image.Image], transparency: int | bytes | None) -> tuple[bytes, bytes]:
    """PLTE and tRNS of palette pictures that share a palette, with the entries that no pixel uses blanked."""
    used = [sum(counts) > 0 for counts in zip(*(frame.histogram() for frame in frames), strict=True)]
    size = max(index for index, is_used in enumerate(used) if is_used) + 1
    colours = bytes(frames[0].getpalette("RGB") or []).ljust(768, b"\0")
    plte = b"".join(colours[3 * at : 3 * at + 3] if used[at] else b"\0\0\0" for at in range(size))
    if isinstance(transparency, int):
        transparency = b"\xff" * transparency + b"\0"
    alpha = (transparency or b"").ljust(size, b"\xff")
    trns = bytes(alpha[at] if used[at] else 255 for at in range(size)).rstrip(b"\xff")
    return plte, trns


def _bits_for(colours: int) -> int:
    return next(bits for bits in (1, 2, 4, 8) if colours <= 1 << bits)


def _grey_bits(image: Image.Image) -> int:
    """The smallest depth whose grey levels are the ones in the picture (PNG 12.4 scales by repetition)."""
    levels = [level for level, count in enumerate(image.histogram()) if count]
    return next(bits for bits in (1, 2, 4, 8) if all(level % (255 // ((1 << bits) - 1)) == 0 for level in levels))


def _smallest(image: Image.Image, bits: int, target: int) -> bytes:
    """The stream of the rows: without filters, which is the smaller one for drawings and pictures of screens and takes
    a fifth of the time; for what shrinks little, as photographs do, also with filters. With more effort only while it
    is above ``target`` bytes, so that a rebuilt picture stays as it is when it is rebuilt again."""
    if image.width * image.height > SMALL:
        return idat(image, 6 if image.width * image.height <= LARGE else 3, bits)
    packed = _packed(image, bits)
    row_bytes = len(packed) // image.height
    best = idat(image, 6, bits) if len(packed) <= TINY else idat_unfiltered(image, row_bytes, packed, TIGHT)
    if len(best) > LITTLE * len(packed):
        best = min(best, idat_filtered(image, bits), key=len)
    if len(best) > target:
        best = min(best, idat_unfiltered(image, row_bytes, packed), key=len)
    if len(best) > target:
        best = min(best, idat_filtered(image, bits), idat(image, 9, bits), key=len)
    return best


def _packed(image: Image.Image, bits: int) -> bytes:
    """The rows of the picture as PNG packs them, without filter bytes."""
    if image.mode == "I;16":
        return _swapped(image.tobytes())
    if image.mode in ("L", "P") and bits < 8:
        return image.tobytes("raw", f"{image.mode};{bits}")
    return image.tobytes()


def _swapped(samples: bytes) -> bytes:
    turned = bytearray(len(samples))
    turned[::2], turned[1::2] = samples[1::2], samples[::2]
    return bytes(turned)


def _walk(data: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a received file; the last may be cut short."""
    found, at = [], len(SIGNATURE)
    while at + 8 < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
        if found[-1][0] == b"IEND":
            break
    return found


def _essential(walked: list[tuple[bytes, bytes]]) -> bytes:
    """The received picture without what the rebuild has no use for, with checksums that fit: a damaged one in a comment
    does not hide the picture, damaged pixels are found by their own checksum."""
    wanted = (b"IHDR", b"PLTE", b"tRNS", b"iCCP", b"eXIf", b"IDAT", b"IEND")
    return SIGNATURE + b"".join(chunk(name, body) for name, body in walked if name in wanted)


def _resolution(walked: list[tuple[bytes, bytes]]) -> tuple[int, int] | None:
    """The resolution of pHYs in pixels per metre, where it is a plausible one."""
    for name, body in walked:
        if name == b"pHYs" and len(body) == 9 and body[8] == 1:
            across, down = struct.unpack_from(">II", body)
            return (across, down) if across in PPM and down in PPM else None
    return None


def _rebuilt_animation(walked: list[tuple[bytes, bytes]], limits: Limits, notes: Notes) -> bytes | None:
    """The animation made anew; None where it breaks the rules of APNG."""
    try:
        first = dict(reversed(walked))
        canvas = struct.unpack_from(">II", first[b"IHDR"])
        check_size(canvas, limits)
        frames = _frames(walked, canvas, limits)
        loops = struct.unpack(">II", first[b"acTL"])[1]
        return _animation(walked, canvas, frames, loops, limits, notes)
    except UNREADABLE:
        return None


def _frames(walked: list[tuple[bytes, bytes]], canvas: tuple[int, int], limits: Limits) -> list[Frame]:
    frames: list[Frame] = []
    for name, body in walked:
        if name == b"fcTL":
            _, width, height, left, top, over, under, dispose, blend = struct.unpack(">IIIIIHHBB", body)
            frames.append(Frame((width, height), (left, top), (over, under), dispose, blend, b""))
        elif frames and name in (b"IDAT", b"fdAT"):
            frames[-1] = replace(frames[-1], stream=frames[-1].stream + body[4 * (name == b"fdAT") :])
    if len(frames) > limits.max_frames:
        raise Refused("too-many-pages")
    if sum(frame.size[0] * frame.size[1] for frame in frames) > limits.max_pixels:
        raise Refused("too-many-pixels")
    if not frames or frames[0].size != canvas or not all(_is_inside(frame, canvas) for frame in frames):
        raise ValueError("frames")
    return frames


def _is_inside(frame: Frame, canvas: tuple[int, int]) -> bool:
    (width, height), (left, top) = frame.size, frame.at
    fits = 0 < width <= canvas[0] - left and 0 < height <= canvas[1] - top
    return fits and frame.dispose <= 2 and frame.blend <= 1 and bool(frame.stream)


def _animation(
    walked: list[tuple[bytes, bytes]],
    canvas: tuple[int, int],
    frames: list[Frame],
    loops: int,
    limits: Limits,
    notes: Notes,
) -> bytes:
    """The canonical APNG: IHDR, acTL, [PLTE], [tRNS], then fcTL and IDAT, and fcTL and fdAT of every further frame."""
    changed: list[Change] = []
    shown = [_frame_pixels(walked, frame, limits, changed) for frame in frames]
    pictures = [picture for picture, _ in shown]
    if pictures[0].mode == "1":
        pictures = [picture.convert("L") for picture in pictures]
    if pictures[0].mode == "I;16":
        pictures = [_grey(picture) for picture in pictures]
    notes.changed.extend(dict.fromkeys(change for change in changed if change.kind != "orientation"))
    depth, colour = HEADERS[pictures[0].mode]
    plte, trns = used_palette(pictures, shown[0][1]) if colour == 3 else (b"", b"")
    head = Png(canvas, depth, colour, b"", plte, trns)
    out, number = [SIGNATURE, head.ihdr(), chunk(b"acTL", struct.pack(">II", len(frames), loops)), head.palette()], 0
    for frame, picture in zip(frames, pictures, strict=True):
        place = (*frame.size, *frame.at, *frame.delay, frame.dispose, frame.blend)
        out.append(chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, *place)))
        varying = LEVELS[notes.variation] if notes.variation else 0
        picture = varied(picture, notes.variation)
        stream = idat(picture, varying) if varying else _smallest(picture, 8, len(frame.stream))
        out.append(chunk(b"fdAT", struct.pack(">I", number + 1) + stream) if number else chunk(b"IDAT", stream))
        number += 2 if number else 1
    return b"".join([*out, chunk(b"IEND", b"")])


def _grey(picture: Image.Image) -> Image.Image:
    return Image.frombytes("L", picture.size, picture.tobytes(), "raw", "L;16")


def _frame_pixels(
    walked: list[tuple[bytes, bytes]], frame: Frame, limits: Limits, changed: list[Change]
) -> tuple[Image.Image, int | bytes | None]:
    """The pixels of one frame, decoded as a picture of its own with the palette and profile of the file."""
    header = next(body for name, body in walked if name == b"IHDR")
    shared = b"".join(chunk(name, body) for name, body in walked if name in (b"PLTE", b"tRNS", b"iCCP"))
    ihdr = chunk(b"IHDR", struct.pack(">II", *frame.size) + header[8:13])
    alone = SIGNATURE + ihdr + shared + chunk(b"IDAT", frame.stream) + chunk(b"IEND", b"")
    image, complete = decoded(alone, "image/png", limits)
    if not complete:
        raise ValueError("frame")
    return upright_srgb(image, changed)
