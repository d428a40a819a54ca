"""Resources and graphics (ISO 32000-1, 7.8.3, 8.4, 8.7, 8.10 and 11): tables of what may stay.

Rules kept here:

- An XObject is a form or an image; PostScript, reference and alternate XObjects are not.
- What stands in a hidden layer is not written; the rest stands in no layer any more.

>>> FORM.name
'Form'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pikepdf

from sanitizer.formats.pdf.build import Builder, Table, table
from sanitizer.formats.pdf.colour import space
from sanitizer.formats.pdf.content import content_of
from sanitizer.formats.pdf.filters import decode
from sanitizer.formats.pdf.fonts import font
from sanitizer.formats.pdf.functions import function, functions
from sanitizer.formats.pdf.images import INTENT, image, samples, struct_parent
from sanitizer.formats.pdf.rules import (
    array_of,
    boolean,
    either,
    first_of,
    integer,
    map_of,
    names,
    number,
    numbers,
    one_of,
    sequence,
)
from sanitizer.formats.pdf.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable

BLEND = names(
    "Normal Compatible Multiply Screen Overlay Darken Lighten ColorDodge ColorBurn HardLight SoftLight Difference "
    "Exclusion Hue Saturation Color Luminosity"
)
RECT = numbers(4, 4)
MATRIX = numbers(6, 6)


def form(v: Value, b: Builder) -> bytes | None:
    """&Form; None where it stands in a hidden layer"""
    found = b.source.stream(v)
    if found is None:
        return None
    if b.layers.hidden(found[0].get("/OC")):
        b.report.removed("hidden-layer")
        return None
    return b.stream("Form", v, _make_form)


def xobject(v: Value, b: Builder) -> bytes | None:
    """&Form | &Image"""
    found = b.source.stream(v)
    if found is None:
        return None
    subtype = b.source.get(found[0], "/Subtype")
    if subtype == "/Image":
        if b.layers.hidden(found[0].get("/OC")):
            b.report.removed("hidden-layer")
            return None
        return image(v, b)
    if subtype == "/PS" or b.source.get(found[0], "/Subtype2") == "/PS":
        b.report.removed("postscript")
        return None
    return form(v, b) if subtype == "/Form" or "/BBox" in found[0] else None


def resources(v: Value, b: Builder) -> bytes | None:
    """Resources"""
    return _RESOURCES_RULE(v, b)


def extgstate(v: Value, b: Builder) -> bytes | None:
    """ExtGState"""
    return either(EXTGSTATE)(v, b)


def shading(v: Value, b: Builder) -> bytes | None:
    """Shading | &ShadingMesh"""
    found = b.source.stream(v)
    d = found[0] if found else b.source.resolve(v)
    kind = b.source.get(d, "/ShadingType")
    if type(kind) is not int or samples(d.get("/ColorSpace"), b) is None:
        return None
    if found:
        return b.stream("ShadingMesh", v, _make_mesh) if 4 <= kind <= 7 else None
    return either(SHADING)(v, b) if 1 <= kind <= 3 else None


def pattern(v: Value, b: Builder) -> bytes | None:
    """&Tiling | ShadingPattern"""
    if b.source.stream(v) is not None:
        return b.stream("Tiling", v, _make_tiling)
    return either(SHADING_PATTERN)(v, b) if shading(_raw(v, "/Shading", b), b) else None


def _raw(v: Value, key: str, b: Builder) -> Value:
    d = b.source.resolve(v)
    return d.get(key) if type(d) is dict else None


def _soft_mask(v: Value, b: Builder) -> bytes | None:
    if form(_raw(v, "/G", b), b) is None:
        return None
    return either(SOFT_MASK)(v, b)


GROUP = table("Group", "Type Group S Transparency", CS=samples, I=boolean, K=boolean)
SOFT_MASK = table(
    "SoftMask",
    "Type Mask",
    S=names("Alpha Luminosity"),
    G=form,
    BC=numbers(1, 32),
    TR=first_of(function, names("Identity")),
    defaults={"S": "/Luminosity"},
)
EXTGSTATE = table(
    "ExtGState",
    "Type ExtGState",
    LW=number,
    ML=number,
    FL=number,
    SM=number,
    LC=integer(0, 2),
    LJ=integer(0, 2),
    D=sequence(numbers(), number),
    RI=INTENT,
    OP=boolean,
    op=boolean,
    SA=boolean,
    AIS=boolean,
    TK=boolean,
    OPM=integer(0, 1),
    Font=sequence(font, number),
    CA=number,
    ca=number,
    BM=first_of(BLEND, array_of(BLEND, 1, 32)),
    SMask=first_of(names("None"), _soft_mask),
    TR=first_of(function, array_of(function, 4, 4), names("Identity")),
    TR2=first_of(function, array_of(function, 4, 4), names("Identity Default")),
)
SHADING = table(
    "Shading",
    ShadingType=integer(1, 3),
    ColorSpace=samples,
    Background=numbers(1, 32),
    BBox=RECT,
    AntiAlias=boolean,
    Domain=numbers(2, 4),
    Matrix=MATRIX,
    Function=functions,
    Coords=numbers(4, 6),
    Extend=sequence(boolean, boolean),
)
MESH = table(
    "ShadingMesh",
    ShadingType=integer(4, 7),
    ColorSpace=samples,
    Background=numbers(1, 32),
    BBox=RECT,
    AntiAlias=boolean,
    BitsPerCoordinate=one_of(1, 2, 4, 8, 12, 16, 24, 32),
    BitsPerComponent=one_of(1, 2, 4, 8, 12, 16),
    BitsPerFlag=one_of(2, 4, 8),
    Decode=numbers(4),
    Function=functions,
    VerticesPerRow=integer(2),
    defaults={"BitsPerCoordinate": "8", "BitsPerComponent": "8", "Decode": "[0 1 0 1 0 1]"},
)
SHADING_PATTERN = table(
    "ShadingPattern",
    "Type Pattern",
    Shading=shading,
    Matrix=MATRIX,
    ExtGState=extgstate,
    PatternType=one_of(2),
    defaults={"PatternType": "2"},
)
RESOURCES = table(
    "Resources",
    Font=map_of(font),
    XObject=map_of(xobject),
    ColorSpace=map_of(space),
    ExtGState=map_of(extgstate),
    Pattern=map_of(pattern),
    Shading=map_of(shading),
)
_RESOURCES_RULE = either(RESOURCES)
FORM = table(
    "Form",
    "Type XObject Subtype Form",
    BBox=RECT,
    Matrix=MATRIX,
    Resources=resources,
    Group=either(GROUP),
    StructParent=struct_parent,
    StructParents=struct_parent,
    defaults={"BBox": "[0 0 0 0]"},
)
TILING = table(
    "Tiling",
    "Type Pattern",
    PatternType=one_of(1),
    PaintType=integer(1, 2),
    TilingType=integer(1, 3),
    BBox=RECT,
    XStep=number,
    YStep=number,
    Matrix=MATRIX,
    Resources=resources,
    defaults={
        "PatternType": "1",
        "PaintType": "1",
        "TilingType": "1",
        "BBox": "[0 0 0 0]",
        "XStep": "1",
        "YStep": "1",
        "Resources": "<<>>",
    },
)


def _painter(t: Table) -> Callable[[Builder, int, dict[str, Value], pikepdf.Object], None]:
    def make(b: Builder, n: int, d: dict[str, Value], handle: pikepdf.Object) -> None:
        data, kept = content_of(b, [(d, handle)], d.get("/Resources"))
        b.put_stream(n, b.entries(t, d), data, kept)

    return make


_make_form = _painter(FORM)
_make_tiling = _painter(TILING)


def _make_mesh(b: Builder, n: int, d: dict[str, Value], handle: pikepdf.Object) -> None:
    decoded = decode(b.source, d, handle.read_raw_bytes())
    b.put_stream(n, b.entries(MESH, d), decoded.data if decoded else b"", decoded.kept if decoded else None)
