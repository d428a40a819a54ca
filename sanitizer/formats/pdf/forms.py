"""Interactive forms (ISO 32000-1, 12.7), kept fillable: the field tree over the widgets that stand on pages.

Rules kept here:

- The tree is walked from AcroForm/Fields; a node met twice, or deeper than 32, is left out.
- A field without a widget on any page is hidden data and goes. A widget outside the tree stands alone, with what it
  inherited written into it.
- No scripts, no XFA, no calculation order, no signature values, no rich text.

>>> SIGNED
'/Sig'
"""

from __future__ import annotations

from collections.abc import Mapping

from sanitizer.formats.pdf.actions import action
from sanitizer.formats.pdf.annotations import COMMON, MK, PageAnnotations, text, without_triggers
from sanitizer.formats.pdf.build import Builder, Rule, table
from sanitizer.formats.pdf.graphics import resources
from sanitizer.formats.pdf.rules import array_of, boolean, direct, first_of, integer, names, of, sequence
from sanitizer.formats.pdf.values import Value, is_ref, ref, spell_da, spell_name

DEEPEST = 32
SIGNED = "/Sig"
INHERITED = ("/FT", "/Ff", "/V", "/DV", "/DA", "/Q", "/MaxLen", "/Opt")
_value = first_of(text, of(spell_name), array_of(text, 1))
_FIELD: dict[str, Rule] = {
    "FT": names("Tx Btn Ch Sig"),
    "T": text,
    "TU": text,
    "TM": text,
    "Ff": integer(0),
    "V": _value,
    "DV": _value,
    "DA": of(spell_da),
    "Q": integer(0, 2),
    "MaxLen": integer(0),
    "Opt": array_of(first_of(text, sequence(text, text))),
    "TI": integer(0),
    "I": array_of(integer(0)),
}
FIELD = table("Field", common=_FIELD)
WIDGET = table(
    "Widget",
    "Type Annot Subtype Widget",
    H=names("N I O P T"),
    MK=direct(MK),
    A=action,
    defaults={"Rect": "[0 0 0 0]"},
    common=COMMON | _FIELD,
)
ACRO_FORM = table("AcroForm", NeedAppearances=boolean, DR=resources, DA=of(spell_da), Q=integer(0, 2))


class Form:
    """The form of one file. ``pages``: the annotations of all pages, already placed."""

    def __init__(self, b: Builder, pages: list[tuple[str, PageAnnotations]]) -> None:
        self._b = b
        self._widgets: dict[int, tuple[str, dict[str, Value]]] = {}  # new number → (place, source)
        self._bound: set[int] = set()
        for place, listed in pages:
            for n, kind, d, _ in listed.placed:
                if kind == "Widget":
                    self._widgets[n] = (place, d)
        self._seen: set[str] = set()

    def write(self) -> bytes | None:
        """Writes fields and widgets; the AcroForm dictionary, or None where there is no form."""
        b = self._b
        d = b.source.get(b.source.root, "/AcroForm")
        roots: list[bytes] = []
        if type(d) is dict:
            roots = self._kids(b.source.items(d.get("/Fields")), None, {}, 0)
        for n in self._widgets.keys() - self._bound:
            self._write_widget(n, None, self._from_parents(self._widgets[n][1]))
        if type(d) is not dict:
            return None
        b.report.place = ""
        return b.body(ACRO_FORM, d, [b"/Fields [" + b" ".join(roots) + b"]"])

    def _kids(self, listed: list[Value], parent: int | None, inherited: Mapping[str, Value], depth: int) -> list[bytes]:
        out = []
        for v in listed:
            if not is_ref(v) or v in self._seen or depth >= DEEPEST:
                continue
            self._seen.add(v)
            d = self._b.source.resolve(v)
            if type(d) is dict:
                n = self._node(v, d, parent, inherited, depth)
                out += [ref(n)] if n is not None else []
        return out

    def _node(
        self, v: str, d: dict[str, Value], parent: int | None, inherited: Mapping[str, Value], depth: int
    ) -> int | None:
        """The new object of a field or widget; None where nothing of it stands on a page."""
        widget = self._b.annotations.get(v)
        if widget is not None and widget in self._widgets:
            self._write_widget(widget, parent, dict(inherited) | d, own=d)
            return widget
        passed = dict(inherited) | {k: d[k] for k in INHERITED if d.get(k) is not None}
        n = self._b.new()
        kids = self._kids(self._b.source.items(d.get("/Kids")), n, passed, depth + 1)
        if not kids:
            if d.get("/Kids") is None or d.get("/V") is not None:
                self._b.report.removed("signature" if self._signed(passed) else "hidden-field")
            return None
        listed = b"/Kids [" + b" ".join(kids) + b"]"
        self._b.put(n, self._b.body(FIELD, self._clean(d, passed), [listed, *_parent(parent)]))
        return n

    def _write_widget(
        self, n: int, parent: int | None, effective: Mapping[str, Value], own: dict[str, Value] | None = None
    ) -> None:
        self._bound.add(n)
        self._b.report.place, _ = self._widgets[n]
        source = own if own is not None else dict(effective)
        self._b.put(n, self._b.body(WIDGET, self._clean(source, effective), _parent(parent)))
        self._b.report.place = ""

    def _signed(self, effective: Mapping[str, Value]) -> bool:
        return bool(self._b.source.resolve(effective.get("/FT")) == SIGNED)

    def _clean(self, d: dict[str, Value], effective: Mapping[str, Value]) -> dict[str, Value]:
        """``d`` without triggers and, if it is a signature, without its value."""
        d = without_triggers(d, self._b)
        if not self._signed(effective):
            return d
        if d.get("/V") is not None:
            self._b.report.removed("signature")
        return {k: v for k, v in d.items() if k not in ("/V", "/DV")}

    def _from_parents(self, d: dict[str, Value]) -> dict[str, Value]:
        """A widget outside the tree, with what it inherits."""
        out = dict(d)
        parent, steps = d.get("/Parent"), 0
        while is_ref(parent) and steps < DEEPEST:
            up = self._b.source.resolve(parent)
            if type(up) is not dict:
                break
            for key in (*INHERITED, "/T"):
                if out.get(key) is None and up.get(key) is not None:
                    out[key] = up[key]
            parent, steps = up.get("/Parent"), steps + 1
        return out


def _parent(parent: int | None) -> list[bytes]:
    return [] if parent is None else [b"/Parent " + ref(parent)]
