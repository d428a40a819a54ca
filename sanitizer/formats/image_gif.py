"""GIF: the frames one by one, as colour indices, into a container written anew.

Rules kept here:

- The container is read by the walker below; each frame goes through Pillow as a GIF of its own and comes back as
  indices: no frame is composed, quantised or grown. Frames keep place, delay, disposal and transparency.
- Colours that no pixel uses become black: nothing hides in a colour table. A table that all frames share is written
  once.
- Only the looping extension NETSCAPE2.0 is written anew; comments, plain text and other extensions go. Not interlaced.
- A frame outside the canvas is cut to it (the first one enlarges it, as browsers do). A file cut short keeps its whole
  frames and what could be read of the last.

>>> read_gif(b"GIF89a\\1\\0\\1\\0\\0\\0\\0;").canvas
(1, 1)
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field, replace

from PIL import Image, ImageFile

from sanitizer.formats.base import Refused
from sanitizer.formats.image_carrier import rotated
from sanitizer.formats.image_notes import Notes
from sanitizer.formats.image_open import check_size, decoded
from sanitizer.limits import Limits


@dataclass(frozen=True, slots=True)
class Control:
    """A graphic control extension: delay in hundredths of a second, disposal 0–3, transparent index or None."""

    delay: int = 0
    disposal: int = 0
    transparent: int | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as received: place, its colour table, and the blocks of its LZW stream."""

    at: tuple[int, int]
    size: tuple[int, int]
    flags: int
    table: bytes
    stream: bytes
    control: Control


@dataclass(slots=True)
class Received:
    """What a received GIF holds; ``loops`` is None without a looping extension, ``whole`` False if it was cut short."""

    canvas: tuple[int, int]
    frames: list[Frame] = field(default_factory=list)
    loops: int | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame to be written: indices (mode L), the colours of the indices it uses, and its control."""

    at: tuple[int, int]
    indices: Image.Image
    colours: bytes
    control: Control


def rebuild_gif(data: bytes, limits: Limits, notes: Notes) -> bytes:
    """The GIF made anew. Raises ``Refused``."""
    received = read_gif(data)
    check_size(received.canvas, limits)
    if not received.frames:
        raise Refused("unreadable", "no frame")
    if len(received.frames) > limits.max_frames:
        raise Refused("too-many-pages")
    if sum(frame.size[0] * frame.size[1] for frame in received.frames) > limits.max_pixels:
        raise Refused("too-many-pixels")
    first = received.frames[0]
    canvas = (
        max(received.canvas[0], first.at[0] + first.size[0]),
        max(received.canvas[1], first.at[1] + first.size[1]),
    )
    check_size(canvas, limits)
    pictures, complete = _pictures(received, canvas, limits)
    notes.incomplete(complete and received.whole)
    if notes.variation:
        pictures = [_rotated(picture, notes.variation) for picture in pictures]
    return _written(canvas, pictures, received.loops)


def read_gif(data: bytes) -> Received:
    """The frames of a GIF (GIF89a specification, sections 17–27), as far as the blocks are whole. Never raises."""
    width, height, flags = struct.unpack_from("<HHB", data.ljust(13, b"\0"), 6)
    received = Received((width, height))
    at, shared = colour_table(data, 13, flags)
    control = Control()
    while at < len(data):
        kind = data[at]
        if kind == 0x3B:
            received.whole = True
            break
        if kind == 0x21 and at + 1 < len(data):
            body, end = blocks(data, at + 2)
            control = _control(body) if data[at + 1] == 0xF9 else control
            received.loops = _loops(data, at, body, received.loops)
        elif kind == 0x2C and at + 10 < len(data):
            frame, end = _frame(data, at, shared, control)
            received.frames.append(frame)
            control = Control()
        else:
            break
        at = end
    return received


def colour_table(data: bytes, at: int, flags: int) -> tuple[int, bytes]:
    size = 3 << (flags & 7) + 1 if flags & 0x80 else 0
    return at + size, data[at : at + size]


def blocks(data: bytes, at: int) -> tuple[list[bytes], int]:
    """The sub-blocks from ``at`` and where they end."""
    found = []
    while at < len(data) and data[at]:
        found.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return found, at + 1


def _control(body: list[bytes]) -> Control:
    if not body or len(body[0]) < 4:
        return Control()
    flags, delay, transparent = struct.unpack_from("<BHB", body[0])
    disposal = flags >> 2 & 7
    return Control(delay, disposal if disposal <= 3 else 0, transparent if flags & 1 else None)


def _loops(data: bytes, at: int, body: list[bytes], before: int | None) -> int | None:
    is_loop = data[at + 1] == 0xFF and len(body) > 1 and body[0] in (b"NETSCAPE2.0", b"ANIMEXTS1.0")
    if is_loop and len(body[1]) == 3 and body[1][0] == 1:
        return int.from_bytes(body[1][1:], "little")
    return before


def _frame(data: bytes, at: int, shared: bytes, control: Control) -> tuple[Frame, int]:
    left, top, width, height, flags = struct.unpack_from("<HHHHB", data, at + 1)
    start, own = colour_table(data, at + 10, flags)
    _, end = blocks(data, start + 1)
    return Frame((left, top), (width, height), flags, own or shared, data[start:end], control), end


def _pictures(received: Received, canvas: tuple[int, int], limits: Limits) -> tuple[list[Picture], bool]:
    """The frames as pictures; a frame that cannot be read ends the animation, and says that the file is incomplete."""
    pictures: list[Picture] = []
    for frame in received.frames:
        try:
            indices, complete = _indices(frame, limits)
        except Refused:
            if not pictures:
                raise
            return pictures, False
        picture = _cut(frame, indices, canvas)
        pictures.extend([picture] if picture else [])
        if not complete:
            return pictures, False
    return pictures, True


def _indices(frame: Frame, limits: Limits) -> tuple[Image.Image, bool]:
    """The colour indices of one frame, decoded by Pillow as a GIF of its own without colours worth mentioning."""
    check_size(frame.size, limits)
    colours = bytes(value * 7 % 256 for value in range(768))
    head = b"GIF87a" + struct.pack("<HHBBB", *frame.size, 0xF7, 0, 0) + colours
    place = b"," + struct.pack("<HHHHB", 0, 0, *frame.size, frame.flags & 0x40)
    image, complete = decoded(head + place + frame.stream + b";", "image/gif", limits)
    return Image.frombytes("L", image.size, image.tobytes()), complete


def _cut(frame: Frame, indices: Image.Image, canvas: tuple[int, int]) -> Picture | None:
    """The frame inside the canvas, with the colours of unused indices blanked."""
    room = (canvas[0] - frame.at[0], canvas[1] - frame.at[1])
    if room[0] < 1 or room[1] < 1:
        return None
    if indices.width > room[0] or indices.height > room[1]:
        indices = indices.crop((0, 0, min(indices.width, room[0]), min(indices.height, room[1])))
    counts = indices.histogram()
    table = frame.table.ljust(768, b"\0")
    size = max(index for index, count in enumerate(counts) if count) + 1
    colours = b"".join(table[3 * at : 3 * at + 3] if counts[at] else b"\0\0\0" for at in range(size))
    transparent = frame.control.transparent
    if transparent is not None and not counts[transparent]:
        transparent = None
    return Picture(frame.at, indices, colours, Control(frame.control.delay, frame.control.disposal, transparent))


def _rotated(picture: Picture, variation: int) -> Picture:
    """The same frame with its indices and colours turned by ``variation`` places (see ``image_carrier``)."""
    indices, colours = rotated(picture.indices, picture.colours.ljust(768, b"\0"), variation)
    transparent, control = picture.control.transparent, picture.control
    if transparent is not None:
        control = replace(control, transparent=(transparent + variation) % 256)
    return Picture(picture.at, indices, colours, control)


def _written(canvas: tuple[int, int], pictures: list[Picture], loops: int | None) -> bytes:
    """The canonical GIF: header, shared table, [loop], and per frame [control], descriptor, [own table], stream."""
    shared = _shared_table(pictures)
    flags = 0x70 | (0x80 | _depth(shared) - 1 if shared else 0)
    out = [b"GIF89a", struct.pack("<HHBBB", *canvas, flags, 0, 0), _padded(shared)]
    if loops is not None and len(pictures) > 1:
        out.append(b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", loops) + b"\0")
    for picture in pictures:
        out.extend((_control_block(picture.control, len(pictures) > 1), _image_block(picture, shared)))
    return b"".join([*out, b";"])


def _shared_table(pictures: list[Picture]) -> bytes:
    """One table for all frames, if no two of them want different colours for one index; else none."""
    merged: dict[int, bytes] = {}
    for picture in pictures:
        counts = picture.indices.histogram()
        for index in range(len(picture.colours) // 3):
            colour = picture.colours[3 * index : 3 * index + 3]
            if counts[index] and merged.setdefault(index, colour) != colour:
                return b""
    return b"".join(merged.get(index, b"\0\0\0") for index in range(max(merged) + 1))


def _depth(colours: bytes) -> int:
    """Bits of an index into a table of so many colours, 1–8."""
    return max(1, (len(colours) // 3 - 1).bit_length())


def _padded(colours: bytes) -> bytes:
    return colours.ljust(3 << _depth(colours), b"\0") if colours else b""


def _control_block(control: Control, animated: bool) -> bytes:
    if not animated and control.transparent is None:
        return b""
    flags = (control.disposal << 2) | (control.transparent is not None)
    delay = control.delay if animated else 0
    return b"!\xf9\x04" + struct.pack("<BHB", flags, delay, control.transparent or 0) + b"\0"


def _image_block(picture: Picture, shared: bytes) -> bytes:
    own = b"" if shared else picture.colours
    flags = 0x80 | _depth(own) - 1 if own else 0
    place = struct.pack("<HHHHB", *picture.at, *picture.indices.size, flags)
    return b"," + place + _padded(own) + _lzw(picture.indices, max(2, _depth(shared or own)))


def _lzw(indices: Image.Image, bits: int) -> bytes:
    """The LZW stream of indices in sub-blocks, with its code size before and the terminator behind."""
    out = io.BytesIO()
    indices.encoderconfig = (bits, 0)  # bits, not interlaced
    ImageFile._save(indices, out, [ImageFile._Tile("gif", (0, 0, *indices.size), 0, "L")])
    return bytes([bits]) + out.getvalue() + b"\0"
