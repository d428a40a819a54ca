"""Fonts (ISO 32000-1, 9): dictionaries by table, programs and CMaps by their own modules.

Rules kept here:

- A font without a known subtype is not written; the viewer's fallback shows its text.
- Encodings and CMaps are names or known structures; a CMap stream that is no CMap becomes Identity.
- A descriptor has at most one program, under the key that fits its bytes.

>>> SIMPLE.name
'Font'
"""

from __future__ import annotations

import pikepdf

from sanitizer.formats.deflating import QUICKEST
from sanitizer.formats.pdf import cmaps
from sanitizer.formats.pdf.build import Builder, Table, table
from sanitizer.formats.pdf.content import content_of
from sanitizer.formats.pdf.filters import decode
from sanitizer.formats.pdf.font_programs import Program, program
from sanitizer.formats.pdf.rules import array_of, direct, either, first_of, integer, map_of, names, number, numbers, of
from sanitizer.formats.pdf.values import Value, is_ref, ref, spell_ascii, spell_ident, spell_name

IDENT = of(spell_ident)
NAME = of(spell_name)
CODE = integer(0, 255)


def font(v: Value, b: Builder) -> bytes | None:
    """&Font"""
    subtype = b.source.get(v, "/Subtype")
    t = _BY_SUBTYPE.get(subtype) if type(subtype) is str else None
    if t is None or (subtype == "/Type0" and not _descendants(b, v)):
        return None
    return b.shared(t, v)


def _descendants(b: Builder, v: Value) -> list[Value]:
    d = b.source.resolve(v)
    given = b.source.items(d.get("/DescendantFonts"))[:1]
    return [x for x in given if b.source.get(x, "/Subtype") in ("/CIDFontType0", "/CIDFontType2")]


def _encoding(v: Value, b: Builder) -> bytes | None:
    return first_of(IDENT, either(ENCODING))(v, b)


def _type0_encoding(v: Value, b: Builder) -> bytes | None:
    if b.source.stream(v) is not None:
        return b.stream("CMap", v, _make_cmap)
    return IDENT(v, b)


def to_unicode(v: Value, b: Builder) -> bytes | None:
    """&ToUnicode | ident"""
    if b.source.stream(v) is not None:
        return b.stream("ToUnicode", v, _make_to_unicode)
    return IDENT(v, b)


def _make_to_unicode(b: Builder, n: int, d: dict[str, Value], handle: pikepdf.Object) -> None:
    decoded = decode(b.source, d, handle.read_raw_bytes())
    b.note(d)
    b.put_stream(n, [], cmaps.to_unicode(decoded.data if decoded else b""))


def _make_cmap(b: Builder, n: int, d: dict[str, Value], handle: pikepdf.Object) -> None:
    decoded = decode(b.source, d, handle.read_raw_bytes())
    name = IDENT(d.get("/CMapName"), b) or b"/Custom"
    info = direct(CID_SYSTEM_INFO)(d.get("/CIDSystemInfo"), b) or IDENTITY_INFO
    mode, use = integer(0, 1)(d.get("/WMode"), b), IDENT(d.get("/UseCMap"), b)
    lines = [use + b" usecmap\n"] if use else []
    lines += [b"/CIDSystemInfo %b def\n/CMapName %b def\n/CMapType 1 def\n" % (info, name)]
    lines += [b"/WMode %b def\n" % mode] if mode else []
    entries = [b"/Type /CMap", b"/CMapName " + name, b"/CIDSystemInfo " + info]
    entries += [b"/WMode " + mode] if mode else []
    entries += [b"/UseCMap " + use] if use else []
    b.put_stream(n, entries, cmaps.cid_map(decoded.data if decoded else b"", b"".join(lines)))


def glyph(v: Value, b: Builder) -> bytes | None:
    """&Content of a Type 3 glyph"""
    return b.stream("Glyph", v, _make_glyph)


def _make_glyph(b: Builder, n: int, d: dict[str, Value], handle: pikepdf.Object) -> None:
    data, kept = content_of(b, [(d, handle)], None)
    b.put_stream(n, [], data, kept)


def _raw_lookup(v: Value, b: Builder) -> bytes | None:
    return b.stream("Lookup", v, _make_lookup)


def _make_lookup(b: Builder, n: int, d: dict[str, Value], handle: pikepdf.Object) -> None:
    decoded = decode(b.source, d, handle.read_raw_bytes())
    data = decoded.data[: 2 * 65536] if decoded else b""
    b.put_stream(n, [], data, decoded.kept if decoded and data == decoded.data else None)


def _later_resources(v: Value, b: Builder) -> bytes | None:
    from sanitizer.formats.pdf.graphics import resources  # fonts stand in resources, and Type 3 fonts have some

    return resources(v, b)


def descriptor(v: Value, b: Builder) -> bytes | None:
    """&FontDescriptor of a simple font"""
    return _describe(v, b, cid=False)


def cid_descriptor(v: Value, b: Builder) -> bytes | None:
    """&FontDescriptor of a CIDFont"""
    return _describe(v, b, cid=True)


def _describe(v: Value, b: Builder, *, cid: bool) -> bytes | None:
    d = b.source.resolve(v)
    if type(d) is not dict:
        return None
    known = b.descriptors.get((v, cid)) if is_ref(v) else None
    if known is not None:
        return ref(known)
    number_ = b.new()
    if is_ref(v):
        b.descriptors[v, cid] = number_
    b.later(lambda: b.put(number_, b.body(DESCRIPTOR, d, _program_entry(d, b, cid=cid))))
    return ref(number_)


def _program_entry(d: dict[str, Value], b: Builder, *, cid: bool) -> list[bytes]:
    for key in ("/FontFile", "/FontFile2", "/FontFile3"):
        found = b.source.stream(d.get(key))
        if found is None or found[0].get("/F") is not None:
            continue
        known = b.programs.get((d[key], cid))
        if known is None:
            known = b.programs[d[key], cid] = _put_program(b, *found, cid=cid)
        if known:
            return [known]
        b.report.removed("font-program")
    return []


def _put_program(b: Builder, d: dict[str, Value], handle: pikepdf.Object, *, cid: bool) -> bytes:
    """The entry that leads to the program, written at once; nothing where it cannot be kept."""
    decoded = decode(b.source, d, handle.read_raw_bytes())
    b.note(d)
    found: Program | None = program(decoded.data, cid=cid) if decoded else None
    if decoded is None or found is None:
        return b""
    n = b.new()
    kept = decoded.kept if found.data == decoded.data else None
    b.put_stream(n, list(found.entries), found.data, kept, QUICKEST)
    return b"/%b %b" % (found.key.encode(), ref(n))


CID_SYSTEM_INFO = table(
    "CIDSystemInfo",
    Registry=of(spell_ascii),
    Ordering=of(spell_ascii),
    Supplement=integer(0),
    defaults={"Registry": "(Adobe)", "Ordering": "(Identity)", "Supplement": "0"},
)
IDENTITY_INFO = b"<</Ordering (Identity) /Registry (Adobe) /Supplement 0>>"
ENCODING = table("Encoding", "Type Encoding", BaseEncoding=IDENT, Differences=array_of(first_of(CODE, NAME)))
METRICS = (
    "ItalicAngle",
    "Ascent",
    "Descent",
    "Leading",
    "CapHeight",
    "XHeight",
    "StemV",
    "StemH",
    "AvgWidth",
    "MaxWidth",
    "MissingWidth",
)
DESCRIPTOR = table(
    "FontDescriptor",
    "Type FontDescriptor",
    FontName=NAME,
    FontStretch=IDENT,
    FontWeight=number,
    Flags=integer(0),
    FontBBox=numbers(4, 4),
    common=dict.fromkeys(METRICS, number),
)
_WIDTHS = {
    "FirstChar": CODE,
    "LastChar": CODE,
    "Widths": array_of(number),
    "ToUnicode": to_unicode,
    "FontDescriptor": descriptor,
}
SIMPLE = table(
    "Font",
    "Type Font",
    Subtype=names("Type1 MMType1 TrueType"),
    BaseFont=NAME,
    Encoding=_encoding,
    common=_WIDTHS,
)
TYPE3 = table(
    "Font",
    "Type Font Subtype Type3",
    FontBBox=numbers(4, 4),
    FontMatrix=numbers(6, 6),
    CharProcs=map_of(glyph),
    Encoding=_encoding,
    Resources=_later_resources,
    defaults={"FontBBox": "[0 0 0 0]", "FontMatrix": "[0.001 0 0 0.001 0 0]", "CharProcs": "<<>>"},
    common=_WIDTHS,
)
_WIDE = array_of(first_of(number, array_of(number)))
CID_FONT = table(
    "CIDFont",
    "Type Font",
    Subtype=names("CIDFontType0 CIDFontType2"),
    BaseFont=NAME,
    CIDSystemInfo=direct(CID_SYSTEM_INFO),
    FontDescriptor=cid_descriptor,
    DW=number,
    W=_WIDE,
    DW2=numbers(2, 2),
    W2=_WIDE,
    CIDToGIDMap=first_of(_raw_lookup, names("Identity")),
    defaults={"CIDSystemInfo": IDENTITY_INFO.decode()},
)


def _cid_font(v: Value, b: Builder) -> bytes | None:
    found = [x for x in b.source.items(v)[:1] if b.source.get(x, "/Subtype") in ("/CIDFontType0", "/CIDFontType2")]
    spelled = b.shared(CID_FONT, found[0]) if found else None
    return spelled and b"[" + spelled + b"]"


TYPE0 = table(
    "Font",
    "Type Font Subtype Type0",
    BaseFont=NAME,
    Encoding=_type0_encoding,
    DescendantFonts=_cid_font,
    ToUnicode=to_unicode,
    defaults={"Encoding": "/Identity-H"},
)
_BY_SUBTYPE: dict[str, Table] = {
    "/Type1": SIMPLE,
    "/MMType1": SIMPLE,
    "/TrueType": SIMPLE,
    "/Type3": TYPE3,
    "/Type0": TYPE0,
}
