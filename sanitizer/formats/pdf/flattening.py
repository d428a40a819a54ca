"""Pages turned into pictures and back into a canonical PDF, with their text behind them.

Rules kept here:

- The input is rebuilt bytes; what comes out holds pictures drawn from it, text read from it, and nothing else.
- A page becomes the smallest palette that looks the same: four colours, sixteen, 128; else full colour. Photographs
  become JPEG where that is plainly smaller.
- Resolution is 150 dpi, less for very large pages.

>>> DPI
150
"""

from __future__ import annotations

import io

import pypdfium2
from PIL import Image, ImageChops, ImageStat

from sanitizer.formats.base import Refused
from sanitizer.formats.deflating import TIGHTEST, zlib_stream
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
PALETTES = (2, 4, 5, 7)  # bits of a palette's entries, tried in this order; five and seven are written as eight
CLOSE = 3.0  # mean difference of a pixel, of 255, that a palette may make
FAR = ((24, 0.005), (48, 0.0005))  # what share of the pixels may differ by so much; a seal has twice the second
NEARLY = 6
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
            data = _flate(data)
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
        photograph = any(b"/DeviceRGB" in entry and b"Indexed" not in entry for entry in exact[0])
        best = lossy if (1 if photograph else 2) * len(lossy[1]) < len(exact[1]) else exact
    return flat.stream(head + best[0], best[1], packed=True)


def _is_grey(picture: Image.Image) -> bool:
    red, green, blue = picture.split()
    return all(ImageChops.difference(red, other).getextrema()[1] <= COLOURFUL for other in (green, blue))  # type: ignore[operator]


def _exact(picture: Image.Image, *, grey: bool) -> tuple[list[bytes], bytes]:
    """The smallest palette that looks the same, sixteen greys, or full colour, under Flate."""
    for bits in PALETTES:
        few = _palette(picture, 1 << bits)
        if _looks_like(few, picture):
            table = bytes(few.getpalette() or [])[: 3 << bits]
            space = b"/ColorSpace [/Indexed /DeviceRGB %d %b]" % (len(table) // 3 - 1, spell_bytes(table) or b"()")
            depth = bits if bits <= 4 else 8
            return [space, b"/BitsPerComponent %d" % depth, b"/Filter /FlateDecode"], _flate(_packed(few, depth))
        if grey and bits >= 4:
            return _greys(picture)
    parms = b"/DecodeParms <</BitsPerComponent 8 /Colors 3 /Columns %d /Predictor 15>>" % picture.width
    return [b"/ColorSpace /DeviceRGB", b"/BitsPerComponent 8", b"/Filter /FlateDecode", parms], idat(picture)


def _palette(picture: Image.Image, colours: int) -> Image.Image:
    """``picture`` in its best ``colours``, chosen from every second pixel of every second row."""
    part = picture.resize((-(-picture.width // 2), -(-picture.height // 2)), Image.Resampling.NEAREST)
    chosen = part.quantize(colours, kmeans=2 if colours <= 16 else 0, dither=Image.Dither.NONE)
    few = picture.quantize(palette=chosen, dither=Image.Dither.NONE)
    few.putpalette([_paper_or_ink(chosen.getpalette() or [], place) for place in range(3 * colours)])
    return few


def _paper_or_ink(palette: list[int], place: int) -> int:
    """A value of a palette; what is nearly white or black becomes so, or the paper would turn grey."""
    colour = palette[place - place % 3 :][:3] or [255]
    return 255 if min(colour) >= 255 - NEARLY else 0 if max(colour) <= NEARLY else palette[place]


def _looks_like(few: Image.Image, picture: Image.Image) -> bool:
    """Whether a reader sees no difference: compared at half the resolution, where the smooth edges of letters even out
    and flat areas, lines and seals do not."""
    red, green, blue = ImageChops.difference(few.convert("RGB").reduce(2), picture.reduce(2)).split()
    worst = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    histogram = worst.histogram()
    seen = any(sum(histogram[far:]) > share * sum(histogram) for far, share in FAR)
    return ImageStat.Stat(worst).mean[0] <= CLOSE and not seen


def _greys(picture: Image.Image) -> tuple[list[bytes], bytes]:
    levels = picture.convert("L").point(lambda x: (x + 8) // 17)
    return [b"/ColorSpace /DeviceGray", b"/BitsPerComponent 4", b"/Filter /FlateDecode"], _flate(_packed(levels, 4))


def _flate(data: bytes) -> bytes:
    return zlib_stream(data, TIGHTEST)


def _packed(levels: Image.Image, bits: int) -> bytes:
    """Samples of one byte as samples of 2, 4 or 8 bits, rows padded."""
    each = 8 // bits
    wide = Image.new("L", (-(-levels.width // each) * each, levels.height))
    wide.paste(Image.frombytes("L", levels.size, levels.tobytes()))
    raw, packed = wide.tobytes(), 0
    for place in range(each):
        packed |= int.from_bytes(raw[place::each], "big") << (8 - bits * (place + 1))
    return packed.to_bytes(len(raw) // each, "big")


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
