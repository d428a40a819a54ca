"""Pictures that are drawn by instructions (EMF, WMF, PICT, SVM): drawn here or by the converter, taken as pixels.

Rules kept here:

- An enhanced metafile that holds nothing but what ``metafile_records`` knows is drawn by it. Of all others no
  instruction is read, only the size in the header. The converter draws those: it gets one document with one metafile on
  each page, and gives pages.
- A page is drawn to pixels by PDFium, and the pixels become a canonical PNG.
- A document is first built without them, so that they are found in the same order each time; then, with the pages at
  hand, once more. What was not drawn keeps its place: a transparent picture of one pixel, and is reported.
- At most ``_MOST`` metafiles and ``_BYTES`` bytes of them are drawn for one document, at most ``_SIDE`` pixels a side.

Source: [MS-EMF] 2.3.4.2, [MS-WMF] 2.3.2.2; docs/grammar-image.md.

>>> is_metafile(b"\\xd7\\xcd\\xc6\\x9a")
True
"""

from __future__ import annotations

import base64
import hashlib
import struct
import zlib

import pypdfium2

from sanitizer.formats.image_png import encoded
from sanitizer.formats.package import metafile_records

_MOST, _BYTES = 200, 64 << 20
_SIDE, _SMALLEST = 1600, 400
_ANY_SIZE = 1 << 40  # bytes: no more effort than the first is made for a small file
_POINTS = 72 / 25.4  # in a millimetre
_PER_POINT = 200 / 72  # pixels, where that is between the two
_LARGEST, _LEAST = 180.0, 10.0  # millimetres: within every usual page
_USUAL = (120.0, 90.0)
_PLACEABLE = b"\xd7\xcd\xc6\x9a"
_SPACES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" '
    'xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"'
)


def is_metafile(data: bytes) -> bool:
    """True for the beginning of a metafile, packed or not."""
    return bool(_plain(data, 1024))


def _plain(data: bytes, most: int) -> bytes:
    """The metafile without its packing, at most so many bytes; nothing if it is none."""
    if data[:2] == b"\x1f\x8b":
        try:
            data = zlib.decompressobj(31).decompress(data, most)
        except zlib.error:
            return b""
    windows = data[40:44] == b" EMF" or data[:4] in (_PLACEABLE, b"\x01\x00\x09\x00", b"\x02\x00\x09\x00")
    macintosh = data[522:526] == b"\x00\x11\x02\xff" or data[522:524] == b"\x11\x01"
    return data if windows or macintosh or data[:6] == b"VCLMTF" else b""


class Metafiles:
    """The metafiles of one document, in the order in which they are asked for."""

    def __init__(self) -> None:
        self.found: list[bytes] = []
        self._places: dict[bytes, int] = {}
        self._own: dict[bytes, bytes | None] = {}  # by hash: drawn here, or left to the converter
        self._left = _BYTES
        self._document: pypdfium2.PdfDocument | None = None

    def picture(self, data: bytes) -> bytes | None:
        """The metafile as a PNG; None where it has not been drawn."""
        key = hashlib.sha256(data).digest()
        if key not in self._own:
            self._own[key] = _drawn_here(_plain(data, self._left + 1))
        if (own := self._own[key]) is not None:
            return own
        number = self._number(data)
        if number is None or self._document is None or number >= len(self._document):
            return None
        return _pixels(self._document[number], _size(self.found[number]))

    def document(self) -> bytes:
        """All of them, for the converter."""
        return _document(self.found)

    def take(self, drawn: bytes) -> None:
        """The pages that the converter made of ``document()``."""
        try:
            self._document = pypdfium2.PdfDocument(drawn)
        except pypdfium2.PdfiumError:
            self._document = None

    def _number(self, data: bytes) -> int | None:
        key = hashlib.sha256(data).digest()
        if key not in self._places:
            plain = _plain(data, self._left + 1)
            if len(self.found) >= _MOST or not 0 < len(plain) <= self._left:
                return None
            self._left -= len(plain)
            self._places[key] = len(self.found)
            self.found.append(plain)
        return self._places[key]


def _drawn_here(data: bytes) -> bytes | None:
    """A simple metafile as a PNG; None for one that the converter has to draw."""
    size = _size(data)
    page = metafile_records.drawn(data, (size[0] * _POINTS, size[1] * _POINTS)) if data[40:44] == b" EMF" else None
    try:
        return _pixels(pypdfium2.PdfDocument(page)[0], size) if page is not None else None
    except pypdfium2.PdfiumError:
        return None


def _pixels(page: pypdfium2.PdfPage, size: tuple[float, float]) -> bytes | None:
    """The part of the page that the metafile covers, from its upper left corner."""
    width, height = (one * _POINTS for one in size)
    longest = max(width, height)
    scale = min(max(longest * _PER_POINT, _SMALLEST), _SIDE) / longest
    right, below = page.get_width() - width, page.get_height() - height
    try:
        bitmap = page.render(
            scale=scale,
            crop=(0, max(below, 0), max(right, 0), 0),
            fill_color=(255, 255, 255, 0),
            rev_byteorder=True,
        )
        picture = bitmap.to_pil()
    except (pypdfium2.PdfiumError, ValueError):
        return None
    if picture.mode == "RGBA" and picture.getchannel("A").getextrema() == (255, 255):
        picture = picture.convert("RGB")
    return encoded(picture, None, _ANY_SIZE).encode()


def _size(data: bytes) -> tuple[float, float]:
    """Width and height in millimetres, by the header; a usual size where it says nothing sensible."""
    width, height = 0.0, 0.0
    if data[40:44] == b" EMF":
        left, top, right, bottom = struct.unpack_from("<4i", data, 24)
        width, height = (right - left) / 100, (bottom - top) / 100
    elif data[:4] == _PLACEABLE and len(data) >= 16:
        left, top, right, bottom, inch = struct.unpack_from("<4hH", data, 6)
        width, height = (abs(one) * 25.4 / (inch or 1440) for one in (right - left, bottom - top))
    if not (width > 0 and height > 0 and 0.01 < width / height < 100):
        return _USUAL
    scale = min(max(max(width, height), _LEAST), _LARGEST) / max(width, height)
    return max(width * scale, 0.5), max(height * scale, 0.5)


def _document(metafiles: list[bytes]) -> bytes:
    """A flat OpenDocument drawing, one metafile a page, in the upper left corner of it."""
    pages = []
    for number, data in enumerate(metafiles):
        width, height = _size(data)
        pages.append(
            f'<draw:page draw:name="p{number}" draw:master-page-name="m"><draw:frame svg:x="0mm" svg:y="0mm"'
            f' svg:width="{width:.2f}mm" svg:height="{height:.2f}mm"><draw:image><office:binary-data>'
            f"{base64.b64encode(data).decode()}</office:binary-data></draw:image></draw:frame></draw:page>"
        )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document {_SPACES} office:version="1.3"'
        ' office:mimetype="application/vnd.oasis.opendocument.graphics">'
        f"<office:body><office:drawing>{''.join(pages)}</office:drawing></office:body></office:document>"
    ).encode()
