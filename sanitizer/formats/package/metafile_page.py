"""A page of PDF on which a metafile is drawn, for PDFium to turn into pixels; it never leaves a jail.

Rules kept here:

- Everything is written by this module from numbers, colours, pixels and fonts of this machine; no byte of a metafile
  goes into it as it is.
- Lengths are points, measured from the upper left corner; the page turns them over.

>>> page = Page(10, 10)
>>> page.fill([page.moved(0, 0), page.lined(5, 5)], (255, 0, 0), even_odd=True, clip=())
>>> page.document()[:8]
b'%PDF-1.7'
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from PIL import Image

from sanitizer.formats.package.metafile_fonts import Font

_MOST = 16 << 20  # characters of a page
Colour = tuple[int, int, int]
Clip = tuple[tuple[str, bool], ...]  # paths, and whether each counts by the even-odd rule


class Page:
    """Gathers what is drawn. ``clip``: what of the page may be drawn on; nothing: all."""

    def __init__(self, width: float, height: float) -> None:
        self._size = width, height
        self._out: list[str] = ["q"]
        self._left = _MOST
        self._clip: Clip = ()
        self._fonts: list[Font] = []
        self._images: list[tuple[tuple[int, int], bytes]] = []

    def moved(self, x: float, y: float) -> str:
        """A path goes to a point."""
        return f"{x:.3f} {self._size[1] - y:.3f} m"

    def lined(self, x: float, y: float) -> str:
        """A line to a point."""
        return f"{x:.3f} {self._size[1] - y:.3f} l"

    def curved(self, points: Sequence[tuple[float, float]]) -> str:
        """A Bézier curve by three points."""
        return " ".join(f"{x:.3f} {self._size[1] - y:.3f}" for x, y in points) + " c"

    def fill(self, path: Sequence[str], colour: Colour, *, even_odd: bool, clip: Clip) -> None:
        """Fills a path."""
        self._draw(f"{_colour(colour)} rg {' '.join(path)} {'f*' if even_odd else 'f'}", clip)

    def stroke(self, path: Sequence[str], colour: Colour, width: float, ends: tuple[int, int], clip: Clip) -> None:
        """Draws a path; ``ends``: line cap and line join as PDF counts them."""
        cap, join = ends
        self._draw(f"{_colour(colour)} RG {width:.3f} w {cap} J {join} j {' '.join(path)} S", clip)

    def text(
        self,
        glyphs: Sequence[tuple[bytes, float]],
        at: tuple[float, float],
        font: Font,
        size: tuple[float, float],
        colour: Colour,
        clip: Clip,
    ) -> None:
        """Letters (in Windows' Latin encoding, each with its place along the line) from a point on the base line;
        ``size``: across and down."""
        if font not in self._fonts:
            self._fonts.append(font)
        stretch, base = size[0] / size[1], self._size[1] - at[1]
        shown = " ".join(f"{stretch:.4f} 0 0 1 {at[0] + x:.3f} {base:.3f} Tm <{one.hex()}> Tj" for one, x in glyphs)
        self._draw(f"{_colour(colour)} rg BT /F{self._fonts.index(font)} {size[1]:.3f} Tf {shown} ET", clip)

    def picture(self, image: Image.Image, box: tuple[float, float, float, float], clip: Clip) -> None:
        """A picture in a box: left, top, width, height; negative ones mirror it."""
        left, top, width, height = box
        self._images.append((image.size, zlib.compress(image.convert("RGB").tobytes(), 1)))
        place = f"{width:.3f} 0 0 {height:.3f} {left:.3f} {self._size[1] - top - height:.3f} cm"
        self._draw(f"q {place} /I{len(self._images) - 1} Do Q", clip)

    def _draw(self, what: str, clip: Clip) -> None:
        if clip != self._clip:
            clips = " ".join(f"{path} {'W*' if even_odd else 'W'} n" for path, even_odd in clip)
            what = f"Q q {clips} {what}"
            self._clip = clip
        self._left -= len(what)
        if self._left < 0:
            raise ValueError("too much to draw")
        self._out.append(what)

    def document(self) -> bytes:
        """The PDF, with this one page."""
        fonts = " ".join(f"/F{n} {10 + 3 * n} 0 R" for n in range(len(self._fonts)))
        first = 10 + 3 * len(self._fonts)
        images = " ".join(f"/I{n} {first + n} 0 R" for n in range(len(self._images)))
        width, height = self._size
        objects = {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            3: f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {width:.3f} {height:.3f}]/Contents 4 0 R"
            f"/Resources<</Font<<{fonts}>>/XObject<<{images}>>>>>>".encode(),
            4: _stream("", "\n".join([*self._out, "Q"]).encode("ascii")),
        }
        for number, font in enumerate(self._fonts):
            objects |= _font(10 + 3 * number, font)
        for number, ((across, down), pixels) in enumerate(self._images):
            head = f"/Type/XObject/Subtype/Image/Width {across}/Height {down}/ColorSpace/DeviceRGB/BitsPerComponent 8"
            objects[first + number] = _stream(f"{head}/Filter/FlateDecode", pixels)
        return _file(objects)


def _colour(colour: Colour) -> str:
    return " ".join(f"{part / 255:.4f}" for part in colour)


def _stream(entries: str, data: bytes) -> bytes:
    return f"<<{entries}/Length {len(data)}>>stream\n".encode() + data + b"\nendstream"


def _font(number: int, font: Font) -> dict[int, bytes]:
    """A simple TrueType font, its descriptor and its file; widths are not needed where each letter has its place."""
    return {
        number: f"<</Type/Font/Subtype/TrueType/BaseFont/F{number}/Encoding/WinAnsiEncoding"
        f"/FontDescriptor {number + 1} 0 R>>".encode(),
        number + 1: f"<</Type/FontDescriptor/FontName/F{number}/Flags 32/FontFile2 {number + 2} 0 R>>".encode(),
        number + 2: _stream("", font.mapped[:]),
    }


def _file(objects: dict[int, bytes]) -> bytes:
    out, places = bytearray(b"%PDF-1.7\n"), dict[int, int]()
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start, size = len(out), max(objects) + 1
    entries = (b"%010d 00000 n \n" % places[n] if n in places else b"0000000000 65535 f \n" for n in range(size))
    out += b"xref\n0 %d\n%b" % (size, b"".join(entries))
    return bytes(out + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (size, start))
