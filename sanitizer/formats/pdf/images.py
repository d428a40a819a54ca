"""Image XObjects (ISO 32000-1, 8.9.5): samples checked against their size, codecs kept, rebuilt or transcoded.

Rules kept here:

- Flate samples may be shorter than the picture, never longer: what follows the last row is cut off.
- JPEG is rebuilt marker by marker; CCITT keeps its data and known parameters; JBIG2 and JPEG 2000 become Flate.
- An image that cannot be decoded becomes one that paints nothing, so that the page around it stays.

>>> parms({"/Columns": 3, "/Colors": 1})
b'/DecodeParms <</Colors 1 /Columns 3>>'
"""

from __future__ import annotations

from typing import Any

import pikepdf

from sanitizer.formats.base import Refused
from sanitizer.formats.deflating import TIGHT, zlib_stream
from sanitizer.formats.pdf import jpeg
from sanitizer.formats.pdf.build import Builder, dictionary, table
from sanitizer.formats.pdf.colour import components, space
from sanitizer.formats.pdf.filters import Decoded, decode, row_bytes
from sanitizer.formats.pdf.rules import array_of, boolean, integer, names, numbers, one_of
from sanitizer.formats.pdf.transcode import PIXEL_MODES, Pixels, decode_pixels
from sanitizer.formats.pdf.values import Value

INTENT = names("AbsoluteColorimetric RelativeColorimetric Saturation Perceptual")
_COMMON = {"Interpolate": boolean, "Intent": INTENT}
NOTHING = [b"/Width 1", b"/Height 1", b"/ImageMask true", b"/BitsPerComponent 1"]  # with the sample FF: nothing painted


def samples(v: Value, b: Builder) -> bytes | None:
    """cs of an image: any but Pattern"""
    spelled = space(v, b)
    return None if spelled is None or spelled.startswith((b"/Pattern", b"[/Pattern")) else spelled


def _mask(v: Value, b: Builder) -> bytes | None:
    if b.source.stream(v) is not None:
        return mask_image(v, b)
    return array_of(integer(0, 65535), 2, 64)(v, b)


def mask_image(v: Value, b: Builder) -> bytes | None:
    """&MaskImage"""
    return b.stream("MaskImage", v, _make_mask)


def image(v: Value, b: Builder) -> bytes | None:
    """&Image"""
    return b.stream("Image", v, _make_image)


def struct_parent(v: Value, b: Builder) -> bytes | None:
    """StructParent(s): only where there is a structure tree"""
    return integer(0)(v, b) if b.structured else None


_bits = one_of(1, 2, 4, 8, 16)
IMAGE = table(
    "Image", "Type XObject Subtype Image", Mask=_mask, SMask=mask_image, StructParent=struct_parent, common=_COMMON
)
MASK = table("MaskImage", "Type XObject Subtype Image", Matte=numbers(1, 32), common=_COMMON)
STENCIL = table("Image", "Type XObject Subtype Image", StructParent=struct_parent, common=_COMMON)


def _make_image(b: Builder, n: int, d: dict[str, Value], handle: pikepdf.Object) -> None:
    _Maker(b, n, d, handle, mask=False).make()


def _make_mask(b: Builder, n: int, d: dict[str, Value], handle: pikepdf.Object) -> None:
    _Maker(b, n, d, handle, mask=True).make()


def _shortened(decoded: Decoded, most: int) -> Decoded:
    """Samples without a predictor, no longer than the picture (other filters than Flate are not bounded earlier)."""
    if decoded.predictor is None and len(decoded.data) > most:
        return Decoded(decoded.data[:most], cut=True)
    return decoded


def parms(values: dict[str, Any]) -> bytes:
    """The DecodeParms entry."""
    spelled = [f"{k} {str(v).lower() if isinstance(v, bool) else v}".encode() for k, v in values.items()]
    return b"/DecodeParms " + dictionary(spelled)


CCITT_FLAGS = ("/BlackIs1", "/EncodedByteAlign", "/EndOfBlock", "/EndOfLine")
CCITT_NUMBERS = ("/Columns", "/DamagedRowsBeforeError", "/K", "/Rows")


def ccitt_parms(b: Builder, given: Value) -> dict[str, Any]:
    """The known CCITTFaxDecode parameters (ISO 32000-1, table 11)."""
    out: dict[str, Any] = {}
    for key in CCITT_FLAGS:
        x = b.source.get(given, key)
        if type(x) is bool:
            out[key] = x
    for key in CCITT_NUMBERS:
        x = b.source.get(given, key)
        if type(x) is int and abs(x) < 1 << 20 and (x >= 0 or key == "/K"):
            out[key] = x
    return out


class _Maker:
    """One image on its way."""

    def __init__(self, b: Builder, n: int, d: dict[str, Value], handle: pikepdf.Object, *, mask: bool) -> None:
        self.b, self.n, self.d, self.handle = b, n, d, handle
        get = b.source.get
        self.width, self.height = get(d, "/Width"), get(d, "/Height")
        self.stencil = get(d, "/ImageMask") is True
        self.table = MASK if mask else STENCIL if self.stencil else IMAGE
        self.bits = 1 if self.stencil else get(d, "/BitsPerComponent")

    def make(self) -> None:
        """Writes the image, or one that paints nothing."""
        b = self.b
        if not self._sized() or not self._written():
            b.report.removed("image")
            b.note(self.d)
            kind = [b"/Subtype /Image", b"/Type /XObject"]
            b.put_raw(self.n, [*kind, *NOTHING], b"\xff")

    def _sized(self) -> bool:
        w, h = self.width, self.height
        if type(w) is not int or type(h) is not int or w < 1 or h < 1:
            return False
        if w * h > self.b.source.limits.max_pixels:
            raise Refused("too-many-pixels")
        return True

    def _row(self) -> int | None:
        """Bytes of a row as the samples are declared; None where that is unknown."""
        width = 1 if self.stencil else components(self.d.get("/ColorSpace"), self.b)
        if width is None or self.bits not in (1, 2, 4, 8, 16):
            return None
        return (int(self.width) * width * int(self.bits) + 7) // 8

    def _written(self) -> bool:
        row = self._row()
        most = None if row is None else row * int(self.height)
        decoded = decode(self.b.source, self.d, self.handle.read_raw_bytes(), image=True, most=most, rows=self.height)
        if decoded is None:
            return False
        if decoded.codec == "/DCTDecode":
            return self._jpeg(decoded) or self._transcoded()
        if decoded.codec == "/CCITTFaxDecode":
            return self._ccitt(decoded)
        if decoded.codec:
            return self._transcoded(bilevel=decoded.codec == "/JBIG2Decode")
        return most is not None and self._flate(_shortened(decoded, most))

    def _head(self, *, colour: bool = True) -> list[bytes] | None:
        """Entries common to all ways; None where the samples have no colour space."""
        b, d = self.b, self.d
        entries = [b"/Width %d" % self.width, b"/Height %d" % self.height]
        if self.stencil:
            entries += [b"/ImageMask true", b"/BitsPerComponent 1"]
            decode_array = numbers(2, 2)(d.get("/Decode"), b)
        else:
            decode_array = numbers(2, 64)(d.get("/Decode"), b)
            spelled = samples(d.get("/ColorSpace"), b)
            bits = _bits(self.bits, b)
            if colour and (spelled is None or bits is None):
                return None
            if spelled is not None and bits is not None:
                entries += [b"/ColorSpace " + spelled, b"/BitsPerComponent " + bits]
        if decode_array is not None:
            entries.append(b"/Decode " + decode_array)
        return b.entries(self.table, d, entries)

    def _flate(self, decoded: Decoded) -> bool:
        entries = self._head()
        if entries is None:
            return False
        if decoded.cut:
            self.b.report.removed("stream-slack")
        if decoded.predictor is None:
            self.b.put_stream(self.n, entries, decoded.data, decoded.kept)
            return True
        self._predicted(entries, decoded, row_bytes(decoded.predictor) * int(self.height))
        return True

    def _predicted(self, entries: list[bytes], decoded: Decoded, most: int) -> None:
        data = decoded.kept if decoded.kept is not None and len(decoded.data) <= most else None
        if data is None:
            data = zlib_stream(decoded.data[:most], TIGHT)
        assert decoded.predictor is not None
        self.b.put_raw(self.n, [*entries, b"/Filter /FlateDecode", parms(decoded.predictor)], data)

    def _jpeg(self, decoded: Decoded) -> bool:
        data = jpeg.rebuild(decoded.data, self.b.source.limits.max_pixels)
        entries = self._head(colour=False) if data is not None else None
        if data is None or entries is None:
            return False
        transform = self.b.source.get(decoded.parms, "/ColorTransform")
        if transform in (0, 1) and type(transform) is int:
            entries.append(parms({"/ColorTransform": transform}))
        self.b.put_raw(self.n, [*entries, b"/Filter /DCTDecode"], data)
        return True

    def _ccitt(self, decoded: Decoded) -> bool:
        entries = self._head()
        if entries is None:
            return False
        known = ccitt_parms(self.b, decoded.parms)
        if known:
            entries.append(parms(known))
        self.b.put_raw(self.n, [*entries, b"/Filter /CCITTFaxDecode"], decoded.data)
        return True

    def _transcoded(self, *, bilevel: bool = False) -> bool:
        pixels = decode_pixels(self.handle, bilevel=bilevel or self.stencil, max_pixels=self.b.source.limits.max_pixels)
        if pixels is None:
            return False
        self.b.report.changed("image-transcoded")
        self.b.source.spend(len(pixels.data))
        entries = self._pixel_entries(pixels)
        if pixels.mode == "1":
            self.b.put_stream(self.n, entries, pixels.data)
            return True
        predictor = {
            "/BitsPerComponent": 8,
            "/Colors": PIXEL_MODES[pixels.mode][1],
            "/Columns": pixels.width,
            "/Predictor": 15,
        }
        self.b.put_raw(self.n, [*entries, b"/Filter /FlateDecode", parms(predictor)], pixels.filtered())
        return True

    def _pixel_entries(self, pixels: Pixels) -> list[bytes]:
        b = self.b
        entries = [b"/Width %d" % pixels.width, b"/Height %d" % pixels.height]
        bits = 1 if pixels.mode == "1" else 8
        if self.stencil:
            entries += [b"/ImageMask true", b"/BitsPerComponent 1"]
        else:
            entries += [b"/ColorSpace " + PIXEL_MODES[pixels.mode][0], b"/BitsPerComponent %d" % bits]
        return b.entries(self.table, self.d, entries)
