"""Inline images (ISO 32000-1, 8.9.7), decoded and written in hexadecimal so that their end cannot be mistaken.

Rules kept here (docs/grammar-pdf.md, 5.2):

- Samples are decoded and written as hex digits; only JPEG and CCITT data keep their codec under the hex.
- Known keys only, in one order, abbreviated; the samples are never longer than the picture.

>>> END.search(b"\\x00 EI Q").span()
(1, 4)
"""

from __future__ import annotations

import re
import zlib

from sanitizer.formats.base import Refused
from sanitizer.formats.pdf import jpeg
from sanitizer.formats.pdf.build import Builder, dictionary
from sanitizer.formats.pdf.colour import components, lookup_bytes
from sanitizer.formats.pdf.filters import LONG_NAMES, decode
from sanitizer.formats.pdf.images import ccitt_parms
from sanitizer.formats.pdf.lexical import HEX, REGULAR, STRING, string_bytes
from sanitizer.formats.pdf.rules import numbers
from sanitizer.formats.pdf.values import Real, Value, spell_bytes, spell_name_bytes
from sanitizer.patterns import compile_pattern

LONG = {
    "BPC": "BitsPerComponent",
    "CS": "ColorSpace",
    "D": "Decode",
    "DP": "DecodeParms",
    "F": "Filter",
    "H": "Height",
    "I": "Interpolate",
    "IM": "ImageMask",
    "W": "Width",
}
DEVICES = {
    "/DeviceGray": b"/G",
    "/DeviceRGB": b"/RGB",
    "/DeviceCMYK": b"/CMYK",
    "/G": b"/G",
    "/RGB": b"/RGB",
    "/CMYK": b"/CMYK",
}
WIDTHS = {b"/G": 1, b"/RGB": 3, b"/CMYK": 4}
TOKEN = compile_pattern(
    rb"[\0\t\n\f\r ]*+(?:(?P<string>" + STRING + rb"|" + HEX + rb")|(?P<name>/" + REGULAR + rb"*+)"
    rb"|(?P<open>\[|<<)|(?P<close>\]|>>)|(?P<word>" + REGULAR + rb"++))"
)
STEP = 4096
MOST_TOKENS = 200  # of the dictionary
END = compile_pattern(rb"[\0\t\n\f\r ]EI(?![^\0\t\n\f\r ()<>\[\]{}/%])")
_BINARY = compile_pattern(rb"[^\t\n\r\x20-\x7e]")


def inline_image(b: Builder, data: bytes, i: int, resources: Value) -> tuple[int, bytes]:
    """The inline image whose ``BI`` stands at ``i``: (where it ends, its canonical spelling or nothing)."""
    parsed = _dictionary(data, i + 2)
    if parsed is None:
        return i + 2, b""
    d, start = parsed
    space = _resolve_space(b, d, resources)
    size = _size(d, space, b)
    stop, end = _extent(b, d, data, start, size)
    spelled = _spell(b, d, data[start:stop], space, size) if size is not None else None
    return end, spelled or b""


def _dictionary(data: bytes, i: int) -> tuple[dict[str, Value], int] | None:
    """The entries up to ``ID``, keys in full, and where the data begins."""
    stack: list[list[Value]] = [[]]
    for _ in range(MOST_TOKENS):
        m = TOKEN.match(data, i)
        if m is None or len(stack) > 8:
            return None
        i = m.end()
        if m["word"] == b"ID":
            if data[i : i + 1] and data[i] in b"\0\t\n\f\r ":
                i += 1
            flat = zip(stack[0][::2], stack[0][1::2], strict=False)
            return {"/" + LONG.get(k[1:], k[1:]): v for k, v in flat if type(k) is str}, i
        if m["open"]:
            stack.append([])
        elif m["close"]:
            if len(stack) < 2:
                return None
            done = stack.pop()
            pairs = zip(done[::2], done[1::2], strict=False)
            stack[-1].append(done if m["close"] == b"]" else {str(k): x for k, x in pairs})
        elif len(stack) == 1 and len(stack[0]) % 2 == 0 and not m["name"]:
            return None
        else:
            stack[-1].append(_value(m))
    return None


def _value(m: re.Match[bytes]) -> Value:
    if m["name"]:
        return m["name"].decode("utf-8", "replace")
    if m["string"]:
        return "b:" + string_bytes(m["string"]).hex()
    word = m["word"].decode("latin-1")
    if word in ("true", "false"):
        return word == "true"
    return int(word) if re.fullmatch(r"[+-]?[0-9]{1,10}", word) else Real(word)


def _resolve_space(b: Builder, d: dict[str, Value], resources: Value) -> Value:
    """The colour space as given, or as the resources define its name."""
    given = d.get("/ColorSpace")
    if type(given) is str and given not in DEVICES:
        defined = b.source.get(b.source.get(resources, "/ColorSpace"), given)
        return given if defined is None else defined
    return given


def _size(d: dict[str, Value], space: Value, b: Builder) -> int | None:
    """Bytes of the samples; 0 where the number of components is unknown; None where there is no picture."""
    w, h = d.get("/Width"), d.get("/Height")
    if type(w) is not int or type(h) is not int or w < 1 or h < 1:
        return None
    if w * h > b.source.limits.max_pixels:
        raise Refused("too-many-pixels")
    mask = d.get("/ImageMask") is True
    bits = 1 if mask else d.get("/BitsPerComponent")
    width = 1 if mask else components(space, b)
    return 0 if width is None or bits not in (1, 2, 4, 8, 16) else (w * width * int(bits) + 7) // 8 * h


def _extent(b: Builder, d: dict[str, Value], data: bytes, start: int, size: int | None) -> tuple[int, int]:
    """(where the data ends, where the image ends). A length that is known is believed if ``EI`` follows it."""
    filters = b.source.items(d.get("/Filter"))
    first = LONG_NAMES.get(str(filters[0]), str(filters[0])) if filters else ""
    i = start
    if not first and size:
        i = start + size
    elif first == "/FlateDecode":
        i = _zlib_end(data, start)
    elif first in ("/ASCIIHexDecode", "/ASCII85Decode"):
        i = max(data.find(b">", start), start)
    for at in (i, start) if i != start else (start,):
        found = _end_after(data, at, exact=at != start)
        if found is not None:
            return found
    return len(data), len(data)


def _zlib_end(data: bytes, start: int) -> int:
    """Where the zlib stream at ``start`` ends; ``start`` if it is broken. What it holds is decoded later."""
    z = zlib.decompressobj()
    try:
        for i in range(start, len(data), STEP):
            piece = data[i : i + STEP]
            while piece and not z.eof:
                z.decompress(piece, 64 * STEP)
                piece = z.unconsumed_tail
            if z.eof:
                return min(i + STEP, len(data)) - len(z.unused_data)
    except zlib.error:
        pass
    return start


def _end_after(data: bytes, i: int, *, exact: bool) -> tuple[int, int] | None:
    at = max(i - 1, 0)
    while (m := END.search(data, at)) is not None:
        if exact and m.start() > i + 16:
            return None
        if not _BINARY.search(data, m.end(), m.end() + 20):
            return m.start(), m.end()
        at = m.start() + 1
    return None


def _spell(b: Builder, d: dict[str, Value], raw: bytes, space: Value, size: int) -> bytes | None:
    long = {k: v for k, v in d.items() if k in ("/Filter", "/DecodeParms")}
    decoded = decode(b.source, long, raw, image=True)
    if decoded is not None and decoded.predictor is not None:
        decoded = decode(b.source, long, raw)
    if decoded is None or decoded.codec in ("/JPXDecode", "/JBIG2Decode"):
        return None
    mask = d.get("/ImageMask") is True
    entries = _colour_entries(b, d, mask)
    if entries is None:
        return None
    data, coding = decoded.data, b"/AHx"
    if decoded.codec == "/DCTDecode":
        data, coding = jpeg.rebuild(data, b.source.limits.max_pixels) or b"", b"[/AHx /DCT]"
        if not data:
            return None
    elif decoded.codec == "/CCITTFaxDecode":
        coding = b"[/AHx /CCF]"
        known = ccitt_parms(b, decoded.parms)
        if known:
            spelled = [f"{k} {str(v).lower() if isinstance(v, bool) else v}".encode() for k, v in known.items()]
            entries["DP"] = b"[null " + dictionary(spelled) + b"]"
    elif size:
        data = data[:size]
    elif not mask and "BPC" not in entries and components(space, b) is not None:
        return None  # what readers assume is not uniform
    entries["F"] = coding
    listed = b" ".join(b"/%b %b" % (k.encode(), entries[k]) for k in sorted(entries))
    return b"BI %b ID %b>\nEI" % (listed, data.hex().encode())


def _colour_entries(b: Builder, d: dict[str, Value], mask: bool) -> dict[str, bytes] | None:
    entries = {"W": b"%d" % d["/Width"], "H": b"%d" % d["/Height"]}
    decode_array = numbers(2, 64)(d.get("/Decode"), b)
    if decode_array is not None:
        entries["D"] = decode_array
    if d.get("/Interpolate") is True:
        entries["I"] = b"true"
    if mask:
        return entries | {"IM": b"true", "BPC": b"1"}
    space = _spell_space(d.get("/ColorSpace"))
    if space is not None:
        entries["CS"] = space
    if d.get("/BitsPerComponent") in (1, 2, 4, 8, 16):
        entries["BPC"] = b"%d" % d["/BitsPerComponent"]
    return entries


def _spell_space(v: Value) -> bytes | None:
    if type(v) is str:
        return DEVICES.get(v) or spell_name_bytes(v[1:].encode())
    if type(v) is not list or len(v) != 4 or v[0] not in ("/I", "/Indexed"):
        return None
    if type(v[2]) is not int or not 0 <= v[2] <= 255:
        return None
    base = _spell_space(v[1]) if type(v[1]) is str else None
    raw = lookup_bytes(v[3], (v[2] + 1) * WIDTHS.get(base or b"", 4))
    table = spell_bytes(raw) if raw is not None else None
    return base and table and b"[/I %b %d %b]" % (base, v[2], table)
