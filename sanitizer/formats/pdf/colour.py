"""Colour spaces (ISO 32000-1, 8.6), always written direct, their streams shared.

Rules kept here:

- Nesting is bounded, so that a colour space that contains itself ends.
- The number of components is known for every colour space that is written; images need it.
- An ICC profile stays only if its header and tag table are sound; else the device space with as many components.

>>> sorted(DEVICE.values())
[b'/DeviceCMYK', b'/DeviceGray', b'/DeviceRGB']
"""

from __future__ import annotations

import struct

import pikepdf

from sanitizer.formats.pdf.build import Builder, table
from sanitizer.formats.pdf.filters import Decoded, decode
from sanitizer.formats.pdf.functions import function
from sanitizer.formats.pdf.rules import array_of, direct, first_of, number, numbers, of
from sanitizer.formats.pdf.values import Value, is_name, is_ref, spell_bytes, spell_name, string_bytes

DEEPEST = 5
DEVICE = {"/DeviceGray": b"/DeviceGray", "/DeviceRGB": b"/DeviceRGB", "/DeviceCMYK": b"/DeviceCMYK"}
SHORT = {"/G": "/DeviceGray", "/RGB": "/DeviceRGB", "/CMYK": "/DeviceCMYK", "/I": "/Indexed"}
BY_COMPONENTS = {1: b"/DeviceGray", 3: b"/DeviceRGB", 4: b"/DeviceCMYK"}
PROFILE_SPACES = {b"GRAY": 1, b"RGB ": 3, b"Lab ": 3, b"CMYK": 4}
FIXED = {"/DeviceGray": 1, "/DeviceRGB": 3, "/DeviceCMYK": 4, "/CalGray": 1, "/CalRGB": 3, "/Lab": 3} | {
    "/Indexed": 1,
    "/Separation": 1,
}

CAL = table(
    "Cal",
    WhitePoint=numbers(3, 3),
    BlackPoint=numbers(3, 3),
    Gamma=first_of(number, numbers(3, 3)),
    Matrix=numbers(9, 9),
    Range=numbers(4, 4),
    defaults={"WhitePoint": "[0.9505 1 1.089]"},
)
ICC = table("ICC", Range=numbers(2, 8))
_inks = array_of(of(spell_name), 1, 32)


def components(v: Value, b: Builder) -> int | None:
    """How many numbers a colour in space ``v`` has; None where unknown."""
    v = b.source.resolve(v)
    if is_name(v):
        return FIXED.get(SHORT.get(v, v))
    if type(v) is not list or not v:
        return None
    family = b.source.resolve(v[0])
    if family == "/ICCBased":
        n = b.source.get(v[1], "/N") if len(v) > 1 else None
        return n if n in (1, 3, 4) else None
    if family == "/DeviceN":
        inks = b.source.resolve(v[1]) if len(v) > 1 else None
        return len(inks) if type(inks) is list else None
    return FIXED.get(SHORT.get(family, family)) if type(family) is str else None


def space(v: Value, b: Builder, depth: int = 0) -> bytes | None:
    """cs"""
    v = b.source.resolve(v)
    if is_name(v):
        v = [v]
    if type(v) is not list or not v or depth >= DEEPEST:
        return None
    family = b.source.resolve(v[0])
    family = SHORT.get(family, family) if type(family) is str else None
    if family in DEVICE:
        return DEVICE[str(family)]
    if family == "/Pattern":
        base = space(v[1], b, depth + 1) if len(v) > 1 else None
        return b"[/Pattern " + base + b"]" if base else b"/Pattern"
    make = _FAMILIES.get(family or "") if len(v) > 1 else None
    return make(v, b, depth) if make else None


def _cal(v: list[Value], b: Builder, depth: int) -> bytes | None:
    d = direct(CAL)(v[1], b)
    return d and b"[" + str(b.source.resolve(v[0])).encode() + b" " + d + b"]"


def _icc(v: list[Value], b: Builder, depth: int) -> bytes | None:
    n = b.source.get(v[1], "/N")
    if type(n) is not int or n not in BY_COMPONENTS:
        return None
    profile = _profile(b, v[1], n)
    if profile is None:
        return BY_COMPONENTS[n]

    def make(b: Builder, new: int, d: dict[str, Value], handle: pikepdf.Object) -> None:
        b.put_stream(new, b.entries(ICC, d, [b"/N %d" % n]), profile.data, profile.kept)

    stream = b.stream("ICC", v[1], make)
    return stream and b"[/ICCBased " + stream + b"]"


def _profile(b: Builder, reference: Value, n: int) -> Decoded | None:
    if not is_ref(reference):
        return None
    known = b.profiles.get(reference)
    if reference not in b.profiles:
        found = b.source.stream(reference)
        known = decode(b.source, found[0], found[1].read_raw_bytes()) if found else None
        if known is not None and not _cut(known, n):
            known = None
        if known is None:
            b.report.removed("colour-profile")
        b.profiles[reference] = known
    return known


def _cut(profile: Decoded, n: int) -> bool:
    """Whether the profile is sound (ICC.1:2010, 7.2 and 7.3); what follows its end is cut off."""
    data = profile.data
    if len(data) < 132 or data[36:40] != b"acsp" or PROFILE_SPACES.get(data[16:20]) != n:
        return False
    (size,) = struct.unpack_from(">I", data)
    (count,) = struct.unpack_from(">I", data, 128)
    if not 132 + 12 * count <= size <= len(data):
        return False
    if size < len(data):
        profile.data, profile.kept = data[:size], None
    return all(
        offset + length <= size for _, offset, length in struct.iter_unpack(">III", data[132 : 132 + 12 * count])
    )


def _indexed(v: list[Value], b: Builder, depth: int) -> bytes | None:
    base = space(v[1], b, depth + 1)
    top = b.source.resolve(v[2]) if len(v) > 2 else None
    width = components(v[1], b)
    if base is None or len(v) < 4 or type(top) is not int or not 0 <= top <= 255 or width is None:
        return None
    table_ = _lookup(v[3], b, (top + 1) * width)
    spelled = None if table_ is None else spell_bytes(table_)
    return spelled and b"[/Indexed %b %d %b]" % (base, top, spelled)


def _lookup(v: Value, b: Builder, size: int) -> bytes | None:
    found = b.source.stream(v)
    if found is not None:
        decoded = decode(b.source, found[0], found[1].read_raw_bytes())
        return decoded.data[:size] if decoded else None
    return lookup_bytes(b.source.resolve(v), size)


def lookup_bytes(v: Value, size: int) -> bytes | None:
    """The table of an Indexed space given as a string: qpdf decodes what looks like text, ``size`` tells from what."""
    raw = string_bytes(v)
    if raw is not None and len(raw) < size and v[:2] == "u:":
        for mark, encoding in ((b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8")):
            wide = mark + v[2:].encode(encoding, "surrogatepass")
            if len(wide) >= size:
                raw = wide
                break
    return raw and raw[:size]


def _separation(v: list[Value], b: Builder, depth: int) -> bytes | None:
    return _tinted(b"/Separation", spell_name(b.source.resolve(v[1])), v, b, depth)


def _device_n(v: list[Value], b: Builder, depth: int) -> bytes | None:
    inks = b.source.resolve(v[1])
    spelled = _inks(inks, b) if type(inks) is list else None
    return _tinted(b"/DeviceN", spelled if spelled and spelled.count(b"/") == len(inks) else None, v, b, depth)


def _tinted(family: bytes, inks: bytes | None, v: list[Value], b: Builder, depth: int) -> bytes | None:
    if inks is None or len(v) < 4:
        return None
    alternate = space(v[2], b, depth + 1)
    tint = function(v[3], b)
    return alternate and tint and b"[%b %b %b %b]" % (family, inks, alternate, tint)


_FAMILIES = {
    "/CalGray": _cal,
    "/CalRGB": _cal,
    "/Lab": _cal,
    "/ICCBased": _icc,
    "/Indexed": _indexed,
    "/Separation": _separation,
    "/DeviceN": _device_n,
}
