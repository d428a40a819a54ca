"""Pages turned into pictures and back into a canonical PDF, with their text behind them.

Rules kept here:

- The input is rebuilt bytes; what comes out holds pictures drawn from it, text read from it, and nothing else.
- Pages of text become greys of four bits, with colours a palette of 128; photographs become JPEG where that is plainly
  smaller (grey pages of the corpus: 27 kB each; coloured ones: 80 kB, full colour 290 kB, JPEG 195 kB).
- Resolution is 150 dpi, less for very large pages.

>>> DPI
150
"""

from __future__ import annotations

import io
import zlib

import pypdfium2
from PIL import Image, ImageChops, ImageStat

from sanitizer.formats.base import Refused
from sanitizer.formats.image_raster import idat
from sanitizer.formats.pdf import jpeg
from sanitizer.formats.pdf.build import dictionary
from sanitizer.formats.pdf.rendering import draw, opened
from sanitizer.formats.pdf.text_layer import TextLayer, empty_font, words_of
from sanitizer.formats.pdf.values import Real, ref, spell_bytes, spell_number
from sanitizer.formats.pdf.writer import write
from sanitizer.limits import Limits

DPI = 150
QUALITY = 80
COLOURS = 128
CLOSE = 0.5  # mean difference of a channel, of 255, that a palette may make
COLOURFUL = 12  # a difference between channels that is seen as colour
LARGE = 60_000  # bytes: below, a picture is not worth losing sharpness

FONT = b"<</BaseFont /Invisible /DescendantFonts [%b] /Encoding /Identity-H /Subtype /Type0 /ToUnicode %b /Type /Font>>"
CID_FONT = (
    b"<</BaseFont /Invisible /CIDSystemInfo <</Ordering (Identity) /Registry (Adobe) /Supplement 0>> /CIDToGIDMap %b "
    b"/DW 1000 /FontDescriptor %b /Subtype /CIDFontType2 /Type /Font>>"
)
DESCRIPTOR = (
    b"<</Ascent 1000 /CapHeight 1000 /Descent 0 /Flags 4 /FontBBox [0 0 1000 1000] /FontFile2 %b /FontName /Invisible "
    b"/ItalicAngle 0 /StemV 80 /Type /FontDescriptor>>"
)
PAGE = b"<</Contents %b /MediaBox [0 0 %b %b] /Parent %b /Resources %b /Type /Page>>"


class _Flat:
    """The new file while it is made."""

    def __init__(self) -> None:
        self.bodies: dict[int, bytes] = {}
        self.streams: dict[int, tuple[bytes, bytes]] = {}
        self._last = 0
        self.layer = TextLayer()

    def new(self) -> int:
        self._last += 1
        return self._last

    def stream(self, entries: list[bytes], data: bytes, *, packed: bool = False) -> bytes:
        """A reference to a new stream; ``packed``: ``data`` is already in the filter that ``entries`` name."""
        if not packed:
            data = zlib.compress(data, 9)
            entries = [*entries, b"/Filter /FlateDecode"]
        n = self.new()
        self.streams[n] = dictionary([*entries, b"/Length %d" % len(data)]), data
        return ref(n)

    def body(self, body: bytes, n: int | None = None) -> bytes:
        n = self.new() if n is None else n
        self.bodies[n] = body
        return ref(n)


def flatten(data: bytes, limits: Limits) -> tuple[bytes, int]:
    """(the flattened file, its number of pages)."""
    flat = _Flat()
    tree, font = flat.new(), flat.new()
    pages = []
    size = 0
    with opened(data) as document:
        for i in range(len(document)):
            page = document[i]
            pages.append(_page(flat, page, tree, font))
            size = sum(len(d) for _, d in flat.streams.values())
            if size > limits.max_output:
                raise Refused("output-too-large")
            page.close()
    _write_font(flat, font)
    flat.body(b"<</Count %d /Kids [%b] /Type /Pages>>" % (len(pages), b" ".join(pages)), tree)
    catalogue = flat.new()
    flat.body(b"<</Pages %b /Type /Catalog>>" % ref(tree), catalogue)
    return write(flat.bodies, flat.streams, catalogue), len(pages)


def _page(flat: _Flat, page: pypdfium2.PdfPage, tree: int, font: int) -> bytes:
    width, height = page.get_size()
    picture = draw(page, DPI / 72)
    image = _picture(flat, picture)
    w, h = _spell(width), _spell(height)
    text = flat.layer.content(words_of(page))
    content = flat.stream([], b"q\n%b 0 0 %b 0 0 cm\n/I Do\nQ\n%b" % (w, h, text))
    fonts = b"/Font <</F %b>> " % ref(font) if text else b""
    resources = b"<<%b/XObject <</I %b>>>>" % (fonts, image)
    return flat.body(PAGE % (content, w, h, ref(tree), resources))


def _spell(x: float) -> bytes:
    return spell_number(Real(f"{x:.2f}")) or b"1"


def _picture(flat: _Flat, picture: Image.Image) -> bytes:
    head = [b"/Type /XObject", b"/Subtype /Image", b"/Width %d" % picture.width, b"/Height %d" % picture.height]
    grey = _is_grey(picture)
    exact = _exact(picture, grey=grey)
    best = exact
    if len(exact[1]) > LARGE:
        lossy = _lossy(picture.convert("L") if grey else picture)
        best = lossy if 2 * len(lossy[1]) < len(exact[1]) else exact
    return flat.stream(head + best[0], best[1], packed=True)


def _is_grey(picture: Image.Image) -> bool:
    red, green, blue = picture.split()
    return all(ImageChops.difference(red, other).getextrema()[1] <= COLOURFUL for other in (green, blue))  # type: ignore[operator]


def _exact(picture: Image.Image, *, grey: bool) -> tuple[list[bytes], bytes]:
    """Sixteen greys, a palette, or full colour under Flate."""
    if grey:
        levels = picture.convert("L").point(lambda x: (x + 8) // 17)
        data = zlib.compress(_four_bits(levels), 9)
        return [b"/ColorSpace /DeviceGray", b"/BitsPerComponent 4", b"/Filter /FlateDecode"], data
    few = picture.quantize(COLOURS, dither=Image.Dither.NONE)
    if max(ImageStat.Stat(ImageChops.difference(few.convert("RGB"), picture)).mean) <= CLOSE:
        palette = bytes(few.getpalette() or [])[: 3 * COLOURS]
        table = spell_bytes(palette) or b"()"
        space = b"/ColorSpace [/Indexed /DeviceRGB %d %b]" % (len(palette) // 3 - 1, table)
        return [space, b"/BitsPerComponent 8", b"/Filter /FlateDecode"], zlib.compress(few.tobytes(), 9)
    parms = b"/DecodeParms <</BitsPerComponent 8 /Colors 3 /Columns %d /Predictor 15>>" % picture.width
    return [b"/ColorSpace /DeviceRGB", b"/BitsPerComponent 8", b"/Filter /FlateDecode", parms], idat(picture)


def _four_bits(levels: Image.Image) -> bytes:
    """Two samples in a byte, rows padded."""
    if levels.width % 2:
        wide = Image.new("L", (levels.width + 1, levels.height))
        wide.paste(levels)
        levels = wide
    raw = levels.tobytes()
    high = int.from_bytes(raw[::2], "big") << 4
    return (high | int.from_bytes(raw[1::2], "big")).to_bytes(len(raw) // 2, "big")


def _lossy(picture: Image.Image) -> tuple[list[bytes], bytes]:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY, optimize=True)
    data = jpeg.rebuild(out.getvalue(), picture.width * picture.height)
    assert data is not None
    space = b"/DeviceGray" if picture.mode == "L" else b"/DeviceRGB"
    return [b"/ColorSpace " + space, b"/BitsPerComponent 8", b"/Filter /DCTDecode"], data


def _write_font(flat: _Flat, font: int) -> None:
    program = empty_font()
    file = flat.stream([b"/Length1 %d" % len(program)], program)
    descriptor = flat.body(DESCRIPTOR % file)
    descendant = flat.body(CID_FONT % (flat.stream([], bytes(2 * 65536)), descriptor))
    flat.body(FONT % (descendant, flat.stream([], flat.layer.to_unicode())), font)
