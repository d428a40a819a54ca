"""Enhanced metafiles that are drawn here: those that hold nothing but what this module knows.

Rules kept here:

- A record is drawn, or has no bearing on what is seen, or the whole metafile is left to LibreOffice: nothing is guessed
  and nothing is left out. That goes for every unknown record, mode, pen, brush, font and letter, and for an early end.
- Records, points and pixels are counted. Lengths of a record are checked before it is read.
- What comes of it is a page (``metafile_page``), later pixels; no byte of a record goes on as it is.

Source: [MS-EMF] 2.1 and 2.3.

>>> drawn(b"", (10.0, 10.0)) is None
True
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import accumulate

from PIL import BmpImagePlugin

from sanitizer.formats.package.metafile_fonts import Font, known
from sanitizer.formats.package.metafile_page import Clip, Colour, Page

_RECORDS, _PIXELS, _SAVED, _CLIPS = 100_000, 25_000_000, 256, 16
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)
_SOURCE_COPY, _COPY_PEN, _TRANSPARENT = 0x00CC0020, 13, 1
_NO_BEARING = frozenset((13, 21, 25, 58, 98))  # origin of brushes, ways to stretch, background, mitres, colours
_CAPS, _JOINS = {0: 1, 0x100: 2, 0x200: 0}, {0: 1, 0x1000: 2, 0x2000: 0}
_STOCK_FILLS = {0: _WHITE, 1: (192, 192, 192), 2: (128, 128, 128), 3: (64, 64, 64), 4: _BLACK, 5: None}


class NotDrawn(Exception):
    """Something that this module does not know."""


@dataclass(frozen=True, slots=True)
class Pen:
    """``width`` in logical units, 0 for the thinnest; ``ends``: cap and join as PDF counts them."""

    colour: Colour | None
    width: float = 0.0
    ends: tuple[int, int] = (1, 1)


@dataclass(frozen=True, slots=True)
class Brush:
    """``colour``: None fills nothing."""

    colour: Colour | None


@dataclass(frozen=True, slots=True)
class Letters:
    """``font``: None if there is no such one here; ``height`` as the record has it."""

    font: Font | None
    height: int


_STOCK = {0x80000000 | number: Brush(colour) for number, colour in _STOCK_FILLS.items()} | {
    0x80000006: Pen(_WHITE),
    0x80000007: Pen(_BLACK),
    0x80000008: Pen(None),
}


@dataclass(slots=True)
class State:
    """The part of the playing device that is saved and restored."""

    origin: tuple[int, int] = (0, 0)
    extent: tuple[int, int] = (1, 1)
    view_origin: tuple[int, int] = (0, 0)
    view_extent: tuple[int, int] = (1, 1)
    mode: int = 1
    pen: Pen = _STOCK[0x80000007]  # type: ignore[assignment]
    brush: Brush = _STOCK[0x80000000]  # type: ignore[assignment]
    letters: Letters | None = None
    colour: Colour = _BLACK
    align: int = 0
    background: int = 2
    even_odd: bool = True
    at: tuple[int, int] = (0, 0)
    clip: Clip = ()


def drawn(data: bytes, size: tuple[float, float]) -> bytes | None:
    """The metafile on a page of PDF of ``size`` points; None if it holds something that is not known here."""
    try:
        return _Player(data, size).play()
    except (NotDrawn, struct.error, ValueError, IndexError, ZeroDivisionError, OverflowError, OSError, SyntaxError):
        return None


@dataclass(slots=True)
class _Path:
    """A path that is being built, or has been."""

    steps: list[str] = field(default_factory=list)
    open: bool = False


class _Player:
    """Plays the records of one metafile."""

    def __init__(self, data: bytes, size: tuple[float, float]) -> None:
        self._data = data
        frame, device, millimetres = (struct.unpack_from(form, data, at) for form, at in _HEADER)
        left, top, right, bottom = frame
        if data[40:44] != b" EMF" or min(*device, *millimetres, right - left, bottom - top) <= 0:
            raise NotDrawn
        self._page = Page(*size)
        self._scale = size[0] / (right - left), size[1] / (bottom - top)
        self._step = millimetres[0] * 100 / device[0], millimetres[1] * 100 / device[1]  # of a pixel of the device
        self._corner = left, top
        self._objects: dict[int, Pen | Brush | Letters] = {}
        self._saved: list[State] = []
        self._state = State()
        self._path = _Path()
        self._pixels = _PIXELS

    def play(self) -> bytes:
        """All records; the last one has to be the end."""
        at = struct.unpack_from("<I", self._data, 4)[0]
        for _ in range(_RECORDS):
            kind, size = struct.unpack_from("<II", self._data, at)
            if size < 8 or size % 4 or at + size > len(self._data):
                raise NotDrawn
            if kind == 14:
                return self._page.document()
            if kind not in _NO_BEARING:
                action = _ACTIONS.get(kind)
                if action is None:
                    raise NotDrawn
                action(self, self._data[at + 8 : at + size])
            at += size
        raise NotDrawn

    # places

    def _point(self, x: float, y: float) -> tuple[float, float]:
        """Logical units to points of the page."""
        state = self._state
        if state.mode != 1:
            x = (x - state.origin[0]) * state.view_extent[0] / state.extent[0] + state.view_origin[0]
            y = (y - state.origin[1]) * state.view_extent[1] / state.extent[1] + state.view_origin[1]
        else:
            x, y = x - state.origin[0] + state.view_origin[0], y - state.origin[1] + state.view_origin[1]
        step, corner, scale = self._step, self._corner, self._scale
        return (x * step[0] - corner[0]) * scale[0], (y * step[1] - corner[1]) * scale[1]

    def _length(self) -> tuple[float, float]:
        """Points of one logical unit, across and down."""
        (left, top), (right, bottom) = self._point(0, 0), self._point(1, 1)
        return right - left, bottom - top

    # what is set

    def save(self, body: bytes) -> None:
        if len(self._saved) >= _SAVED:
            raise NotDrawn
        self._saved.append(replace(self._state))

    def restore(self, body: bytes) -> None:
        (which,) = struct.unpack("<i", body)
        if not -len(self._saved) <= which < 0:
            raise NotDrawn
        self._state = self._saved[which]
        del self._saved[which:]

    def set_mode(self, body: bytes) -> None:
        (self._state.mode,) = struct.unpack("<I", body)
        if self._state.mode not in (1, 8):
            raise NotDrawn

    def set_pair(self, body: bytes, name: str) -> None:
        setattr(self._state, name, struct.unpack("<ii", body))

    def set_one(self, body: bytes, name: str, allowed: tuple[int, ...]) -> None:
        (value,) = struct.unpack("<I", body)
        if value not in allowed:
            raise NotDrawn
        if name == "even_odd":
            self._state.even_odd = value == 1
        elif name:
            setattr(self._state, name, value)

    def set_colour(self, body: bytes) -> None:
        self._state.colour = _colour(body)

    def comment(self, body: bytes) -> None:
        if body[4:8] == b"EMF+":
            raise NotDrawn  # another way to say the same, which other programs prefer

    # objects

    def make_pen(self, body: bytes) -> None:
        number, style, width, _ = struct.unpack_from("<IIii", body)
        self._objects[number] = _pen(style, width, _colour(body[16:20]))

    def make_long_pen(self, body: bytes) -> None:
        number = struct.unpack_from("<I", body)[0]
        style, width, brush = struct.unpack_from("<III", body, 20)
        if brush != 0 and style & 0xF != 5:
            raise NotDrawn
        self._objects[number] = _pen(style, width if style & 0x10000 else 0, _colour(body[32:36]))

    def make_brush(self, body: bytes) -> None:
        number, style = struct.unpack_from("<II", body)
        if style not in (0, 1):
            raise NotDrawn
        self._objects[number] = Brush(_colour(body[8:12]) if style == 0 else None)

    def make_font(self, body: bytes) -> None:
        number, height, width, escapement, orientation, weight = struct.unpack_from("<Iiiiii", body)
        italic, underlined, struck = body[24:27]
        if width or escapement or orientation or underlined or struck:
            raise NotDrawn
        family = body[32:96].decode("utf-16-le").partition("\0")[0]
        self._objects[number] = Letters(known(family, bold=weight >= 600, italic=bool(italic)), height)

    def select(self, body: bytes) -> None:
        (number,) = struct.unpack("<I", body)
        found = self._objects.get(number) or _STOCK.get(number)
        match found:
            case Pen():
                self._state.pen = found
            case Brush():
                self._state.brush = found
            case Letters():
                self._state.letters = found
            case _ if 0x8000000A <= number <= 0x80000011:
                self._state.letters = None
            case _:
                raise NotDrawn

    def forget(self, body: bytes) -> None:
        self._objects.pop(struct.unpack("<I", body)[0], None)

    # paths

    def begin_path(self, body: bytes) -> None:
        self._path = _Path(open=True)

    def end_path(self, body: bytes) -> None:
        self._path.open = False

    def close_figure(self, body: bytes) -> None:
        if not self._path.open:
            raise NotDrawn
        self._path.steps.append("h")

    def paint_path(self, body: bytes, filled: bool, stroked: bool) -> None:
        path, self._path = self._path, _Path()
        if path.open:
            raise NotDrawn
        self._paint(path.steps, filled=filled, stroked=stroked)

    def clip_path(self, body: bytes) -> None:
        (way,) = struct.unpack("<I", body)
        path, self._path = self._path, _Path()
        if path.open or not path.steps or way not in (1, 5):
            raise NotDrawn
        self._clip(path.steps, self._state.even_odd, self._state.clip if way == 1 else ())

    def clip_box(self, body: bytes) -> None:
        left, top, right, bottom = struct.unpack("<4i", body)
        self._clip(self._box(left, top, right, bottom), True, self._state.clip)

    def _clip(self, steps: list[str], even_odd: bool, before: Clip) -> None:
        if len(before) >= _CLIPS:
            raise NotDrawn
        self._state.clip = (*before, (" ".join(steps), even_odd))

    def clip_region(self, body: bytes) -> None:
        size, way = struct.unpack_from("<II", body)
        if size or way != 5:
            raise NotDrawn
        self._state.clip = ()

    def _box(self, left: int, top: int, right: int, bottom: int) -> list[str]:
        page, corners = self._page, ((left, top), (right, top), (right, bottom), (left, bottom))
        first, *rest = (self._point(*corner) for corner in corners)
        return [page.moved(*first), *(page.lined(*one) for one in rest), "h"]

    def _paint(self, steps: list[str], *, filled: bool, stroked: bool) -> None:
        state = self._state
        if filled and state.brush.colour is not None and steps:
            self._page.fill(steps, state.brush.colour, even_odd=state.even_odd, clip=state.clip)
        if stroked and state.pen.colour is not None and steps:
            across, down = self._length()
            width = state.pen.width * (abs(across) + abs(down)) / 2
            self._page.stroke(steps, state.pen.colour, width, state.pen.ends, state.clip)

    def _shape(self, steps: list[str], *, filled: bool, stroked: bool = True) -> None:
        """A shape of its own: painted, or added to the path that is being built."""
        if self._path.open:
            self._path.steps += steps
        else:
            self._paint(steps, filled=filled, stroked=stroked)

    def move(self, body: bytes) -> None:
        x, y = self._state.at = struct.unpack("<ii", body)
        if self._path.open:
            self._path.steps.append(self._page.moved(*self._point(x, y)))

    def line(self, body: bytes) -> None:
        self._lines([struct.unpack("<ii", body)])

    def lines_on(self, body: bytes, form: str) -> None:
        self._lines(_points(body, form))

    def _lines(self, points: list[tuple[int, ...]]) -> None:
        steps = [self._page.lined(*self._point(*one)) for one in points]
        self._go_on(steps, points)

    def curves_on(self, body: bytes, form: str) -> None:
        points = _points(body, form)
        if len(points) % 3:
            raise NotDrawn
        groups = (points[at : at + 3] for at in range(0, len(points), 3))
        self._go_on([self._page.curved([self._point(*one) for one in group]) for group in groups], points)

    def _go_on(self, steps: list[str], points: list[tuple[int, ...]]) -> None:
        """From where the last line has ended."""
        here, self._state.at = self._state.at, (points[-1][0], points[-1][1])
        if self._path.open:
            if not self._path.steps:
                steps.insert(0, self._page.moved(*self._point(*here)))
            self._path.steps += steps
        else:
            self._paint([self._page.moved(*self._point(*here)), *steps], filled=False, stroked=True)

    def lines(self, body: bytes, form: str, closed: bool) -> None:
        first, *rest = (self._point(*one) for one in _points(body, form))
        steps = [self._page.moved(*first), *(self._page.lined(*one) for one in rest)]
        self._shape([*steps, "h"] if closed else steps, filled=closed)

    def box(self, body: bytes) -> None:
        left, top, right, bottom = struct.unpack("<4i", body)
        self._shape(self._box(left, top, right, bottom), filled=True)

    # letters and pictures

    def text(self, body: bytes) -> None:
        state, letters = self._state, self._state.letters
        x, y, count, at, options = struct.unpack_from("<iiIII", body, 28)
        (distances,) = struct.unpack_from("<I", body, 64)
        if letters is None or letters.font is None or self._path.open or options not in (0, 0x100):
            raise NotDrawn
        if state.background != _TRANSPARENT or state.align not in (0, 2, 6, 8, 10, 14, 24, 26, 30):
            raise NotDrawn
        said = body[at - 8 : at - 8 + 2 * count].decode("utf-16-le")
        if count > 4096 or len(said) != count or any(letter < " " for letter in said):
            raise NotDrawn
        steps = struct.unpack_from(f"<{count}I", body, distances - 8)
        across, down = self._length()
        size = letters.font.ascent + letters.font.descent if letters.height > 0 else 1.0
        height = abs(letters.height) * down / size
        if height <= 0 or across <= 0:
            raise NotDrawn
        start, base = self._point(x, y)
        start -= sum(steps) * across * {0: 0.0, 2: 1.0, 6: 0.5}[state.align & 6]
        base += height * {0: letters.font.ascent, 8: -letters.font.descent, 24: 0.0}[state.align & 24]
        places = [place * across for place in accumulate((0, *steps[:-1]))]
        glyphs = [(letter.encode("cp1252"), place) for letter, place in zip(said, places, strict=True)]
        self._page.text(glyphs, (start, base), letters.font, (height * across / down, height), state.colour, state.clip)

    def picture(self, body: bytes) -> None:
        left, top, source_x, source_y, source_width, source_height = struct.unpack_from("<6i", body, 16)
        info, info_size, bits, bits_size, usage, operation = struct.unpack_from("<6I", body, 40)
        width, height = struct.unpack_from("<2i", body, 64)
        if operation != _SOURCE_COPY or usage or source_x or source_y or info_size < 40 or min(info, bits) < 80:
            raise NotDrawn
        header, pixels = body[info - 8 : info - 8 + info_size], body[bits - 8 : bits - 8 + bits_size]
        across, down = struct.unpack_from("<ii", header, 4)
        if (across, abs(down)) != (source_width, source_height) or not 0 < across * abs(down) <= self._pixels:
            raise NotDrawn
        self._pixels -= across * abs(down)
        start = struct.pack("<2sIHHI", b"BM", 14 + len(header) + len(pixels), 0, 0, 14 + len(header))
        image = BmpImagePlugin.BmpImageFile(io.BytesIO(start + header + pixels))
        image.load()
        (x, y), (right, bottom) = self._point(left, top), self._point(left + width, top + height)
        self._page.picture(image, (x, y, right - x, bottom - y), self._state.clip)


_HEADER = ("<4i", 24), ("<2i", 72), ("<2i", 80)  # frame; size of the device in pixels, in millimetres


def _colour(written: bytes) -> Colour:
    red, green, blue, kind = written
    if kind not in (0, 2):
        raise NotDrawn
    return red, green, blue


def _pen(style: int, width: float, colour: Colour) -> Pen:
    if style & 0xF == 5:
        return Pen(None)
    if style & 0xF not in (0, 6) or style & ~0x1F3F0F & ~0x10000 or width < 0:
        raise NotDrawn
    cap, join = _CAPS.get(style & 0xF00), _JOINS.get(style & 0xF000)
    if cap is None or join is None:
        raise NotDrawn
    return Pen(colour, width, (cap, join))


def _points(body: bytes, form: str) -> list[tuple[int, ...]]:
    """The points of a record, behind its bounds; ``form``: of one coordinate."""
    (count,) = struct.unpack_from("<I", body, 16)
    if not count or count > len(body):
        raise NotDrawn
    numbers = struct.unpack_from(f"<{2 * count}{form}", body, 20)
    return list(zip(numbers[::2], numbers[1::2], strict=True))


_Action = Callable[[_Player, bytes], None]


def _with(action: Callable[..., None], *arguments: object) -> _Action:
    return lambda player, body: action(player, body, *arguments)


_ACTIONS: dict[int, _Action] = {
    3: _with(_Player.lines, "i", True),
    4: _with(_Player.lines, "i", False),
    5: _with(_Player.curves_on, "i"),
    6: _with(_Player.lines_on, "i"),
    9: _with(_Player.set_pair, "extent"),
    10: _with(_Player.set_pair, "origin"),
    11: _with(_Player.set_pair, "view_extent"),
    12: _with(_Player.set_pair, "view_origin"),
    17: _Player.set_mode,
    18: _with(_Player.set_one, "background", (1, 2)),
    19: _with(_Player.set_one, "even_odd", (1, 2)),
    20: _with(_Player.set_one, "", (_COPY_PEN,)),
    22: _with(_Player.set_one, "align", tuple(range(32))),
    24: _Player.set_colour,
    27: _Player.move,
    30: _Player.clip_box,
    33: _Player.save,
    34: _Player.restore,
    37: _Player.select,
    38: _Player.make_pen,
    39: _Player.make_brush,
    40: _Player.forget,
    43: _Player.box,
    54: _Player.line,
    59: _Player.begin_path,
    60: _Player.end_path,
    61: _Player.close_figure,
    62: _with(_Player.paint_path, True, False),
    63: _with(_Player.paint_path, True, True),
    64: _with(_Player.paint_path, False, True),
    67: _Player.clip_path,
    70: _Player.comment,
    75: _Player.clip_region,
    81: _Player.picture,
    82: _Player.make_font,
    84: _Player.text,
    86: _with(_Player.lines, "h", True),
    87: _with(_Player.lines, "h", False),
    88: _with(_Player.curves_on, "h"),
    89: _with(_Player.lines_on, "h"),
    95: _Player.make_long_pen,
}
