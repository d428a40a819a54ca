"""Annotations (ISO 32000-1, 12.5): links, marks on the page, popups and form widgets; each on one page.

Rules kept here:

- Multimedia, files, 3D, screens and unknown kinds go; what they showed stays as a stamp, if they had an appearance.
- Texts are plain; names, dates and rich text of commentators go.
- An annotation listed twice becomes two.

>>> "Link" in KINDS_KEPT
True
"""

from __future__ import annotations

from sanitizer.formats.pdf.actions import action, destination, report, report_triggers
from sanitizer.formats.pdf.build import Builder, Rule, Table, table
from sanitizer.formats.pdf.graphics import form
from sanitizer.formats.pdf.images import struct_parent
from sanitizer.formats.pdf.rules import (
    array_of,
    boolean,
    direct,
    first_of,
    integer,
    map_of,
    names,
    number,
    numbers,
    of,
    one_of,
    sequence,
)
from sanitizer.formats.pdf.values import (
    Real,
    Value,
    is_ref,
    neutralise,
    ref,
    spell_da,
    spell_ident,
    spell_name,
    spell_text,
    string_text,
)

MARKUP = (
    "Text FreeText Line Square Circle Polygon PolyLine Highlight Underline Squiggly StrikeOut Caret Stamp Ink Redact "
    "Watermark"
)
KINDS_KEPT = frozenset(MARKUP.split()) | {"Link", "Popup", "Widget"}
MULTIMEDIA = ("/RichMedia", "/3D", "/Movie", "/Sound", "/Screen")  # a tuple: what is looked up may be anything
RECT = numbers(4, 4)


def text(v: Value, b: Builder) -> bytes | None:
    """text"""
    plain = string_text(b.source.resolve(v))
    if plain is None:
        return None
    harmless = neutralise(plain)
    if harmless != plain:
        b.report.removed("html-text")
    return spell_text(harmless)


def appearance(v: Value, b: Builder) -> bytes | None:
    """AP"""
    d = b.source.resolve(v)
    if type(d) is not dict or _appearance_state(d.get("/N"), b) is None:
        return None
    return b.body(AP, d)


def _appearance_state(v: Value, b: Builder) -> bytes | None:
    if b.source.stream(v) is not None:
        return form(v, b)
    return map_of(form)(v, b)


def _opacity(v: Value, b: Builder) -> bytes | None:
    v = b.source.resolve(v)
    return number(v, b) if type(v) in (int, Real) and 0 <= float(v) <= 1 else None


def _on_page(v: Value, b: Builder, wanted: str) -> bytes | None:
    """A reference to another annotation that is already on a page, if it is of type ``wanted``."""
    n = b.annotations.get(v) if is_ref(v) else None
    return ref(n) if n is not None and b.annotation_types[n] == wanted else None


def _popup(v: Value, b: Builder) -> bytes | None:
    return _on_page(v, b, "Popup")


def _markup(v: Value, b: Builder) -> bytes | None:
    return _on_page(v, b, "Markup")


_NUMS = numbers()
AP = table("AP", N=_appearance_state, R=_appearance_state, D=_appearance_state)
BORDER_STYLE = table("BorderStyle", "Type Border", W=number, S=names("S D B I U"), D=numbers())
BORDER_EFFECT = table("BorderEffect", S=names("S C"), I=number)
_LINE_END = names("Square Circle Diamond OpenArrow ClosedArrow None Butt ROpenArrow RClosedArrow Slash")
COMMON: dict[str, Rule] = {
    "Rect": RECT,
    "F": integer(0),
    "AP": appearance,
    "AS": of(spell_name),
    "Border": first_of(numbers(3, 3), sequence(number, number, number, numbers())),
    "BS": direct(BORDER_STYLE),
    "C": numbers(0, 4),
    "StructParent": struct_parent,
}
_RECT_DEFAULT = {"Rect": "[0 0 0 0]"}
LINK = table(
    "Link",
    "Type Annot Subtype Link",
    H=names("N I O P"),
    QuadPoints=_NUMS,
    defaults=_RECT_DEFAULT,
    common=COMMON,
)
MARK = table(
    "Markup",
    "Type Annot",
    Subtype=names(MARKUP),
    Contents=text,
    Subj=text,
    BE=direct(BORDER_EFFECT),
    CA=_opacity,
    IT=of(spell_ident),
    Name=of(spell_ident),
    Open=boolean,
    DA=of(spell_da),
    Q=integer(0, 2),
    LE=first_of(_LINE_END, sequence(_LINE_END, _LINE_END)),
    LL=number,
    LLE=number,
    Cap=boolean,
    Sy=names("P None"),
    InkList=array_of(numbers()),
    Repeat=boolean,
    Popup=_popup,
    IRT=_markup,
    RT=names("R Group"),
    defaults=_RECT_DEFAULT,
    common=COMMON | dict.fromkeys(("QuadPoints", "CL", "RD", "L", "IC", "Vertices"), _NUMS),
)
POPUP = table(
    "Popup",
    "Type Annot Subtype Popup",
    Contents=text,
    Open=boolean,
    Parent=_markup,
    defaults=_RECT_DEFAULT,
    common=COMMON,
)
STAMP = table("Markup", "Type Annot Subtype Stamp", defaults=_RECT_DEFAULT, common=COMMON)
MK = table(
    "MK",
    R=one_of(0, 90, 180, 270),
    BC=numbers(0, 4),
    BG=numbers(0, 4),
    CA=text,
    RC=text,
    AC=text,
    I=form,
    RI=form,
    IX=form,
    TP=integer(0, 6),
)


def kind_of(d: dict[str, Value], b: Builder) -> str | None:
    """The type an annotation is written as: Link, Popup, Widget, Markup, Stamp (only its looks) or None."""
    subtype = b.source.get(d, "/Subtype")
    name = subtype[1:] if type(subtype) is str and subtype[:1] == "/" else ""
    if name in ("Link", "Popup", "Widget"):
        return name
    if not name and "/FT" in d:
        return "Widget"
    if name in KINDS_KEPT:
        return "Markup"
    return "Stamp" if "/AP" in d else None


class PageAnnotations:
    """The annotations of one page: first numbered (``place``), so that they can refer to each other, then written."""

    def __init__(self, b: Builder, listed: Value) -> None:
        self._b = b
        self._listed = b.source.items(listed)
        self.placed: list[tuple[int, str, dict[str, Value], Value]] = []

    def place(self) -> None:
        """Gives each annotation its number."""
        b = self._b
        for v in self._listed:
            d = b.source.resolve(v)
            if type(d) is not dict:
                continue
            kind = kind_of(d, b)
            if b.layers.hidden(d.get("/OC")):
                b.report.removed("hidden-layer")
                kind = None
            elif kind in (None, "Stamp"):
                self._report(d)
            if kind is None:
                self._triggers(d)
                continue
            n = b.new()
            b.annotation_types[n] = "Markup" if kind == "Stamp" else kind
            if is_ref(v):
                b.annotations.setdefault(v, n)
            self.placed.append((n, kind, d, v))

    def _report(self, d: dict[str, Value]) -> None:
        subtype = self._b.source.get(d, "/Subtype")
        kind = "embedded-file" if subtype == "/FileAttachment" else "annotation"
        kind = "multimedia" if subtype in MULTIMEDIA else kind
        self._b.report.removed(kind)

    def _triggers(self, d: dict[str, Value]) -> None:
        if d.get("/AA") is not None:
            report_triggers(d["/AA"], self._b)
        if d.get("/A") is not None:
            report(d["/A"], self._b)

    def write(self) -> list[bytes]:
        """Writes all but the widgets, which the form writes; references in the order of the page."""
        for n, kind, d, _ in self.placed:
            if kind != "Widget":
                self._b.put(n, self._body(kind, d))
        return [ref(n) for n, *_ in self.placed]

    def _body(self, kind: str, d: dict[str, Value]) -> bytes:
        b = self._b
        if kind == "Link":
            return b.body(LINK, without_triggers(d, b), link_target(d, b))
        self._triggers(d)
        without = {k: v for k, v in d.items() if k not in ("/A", "/AA")}
        if b.source.get(d, "/T") is not None and kind != "Popup":
            b.report.removed("comment-author")
        tables: dict[str, Table] = {"Popup": POPUP, "Markup": MARK, "Stamp": STAMP}
        return b.body(tables[kind], without)


def without_triggers(d: dict[str, Value], b: Builder) -> dict[str, Value]:
    """``d`` without additional actions, which are reported."""
    if d.get("/AA") is None:
        return d
    report_triggers(d["/AA"], b)
    return {k: v for k, v in d.items() if k != "/AA"}


def link_target(d: dict[str, Value], b: Builder) -> list[bytes]:
    """The A or Dest entry."""
    if d.get("/A") is not None:
        spelled = action(d["/A"], b)
        return [b"/A " + spelled] if spelled else []
    place = destination(d.get("/Dest"), b)
    return [b"/Dest " + place] if place else []
