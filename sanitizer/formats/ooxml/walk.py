"""One part of a package, written anew: a typed walk over the received tree that emits text.

Rules kept here:

- An element is written if its parent's type lists it, an attribute if the element's type lists it and its value is of
  its kind. Nothing else of the tree has a way into the text.
- Elements that only stand around others (accepted insertions, smart tags) are stepped through.
- An element that has lost what it is for (the picture of a frame, the rule of a format) is not written.
- Ids of relationships, and what must be a link, are decided by ``Links``.

Source: docs/grammar-ooxml.md, sections 2, 3 and 5. About 3 µs an element; ``element`` is one function for that reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

from lxml import etree

from sanitizer.formats.ooxml.facts import NAMESPACES, TYPES, Type, names, source, written
from sanitizer.formats.ooxml.kinds import Report, attribute_kind, element_kind
from sanitizer.formats.ooxml.plain_cells import PlainCells
from sanitizer.formats.ooxml.values import check
from sanitizer.formats.package.xml_text import HEAD, escaped, quoted

R_ID = source("r:id")
TRANSPARENT = frozenset(source(name) for name in ("w:ins", "w:moveTo", "w:smartTag", "w:customXml"))
UNLINKED = source("w:smartTag")  # what a field becomes that only keeps its text

_START = re.compile(r"<([\w:]+)")
_NEEDS_ID = frozenset(
    names(
        """
        x:sheet p:sldId p:sldMasterId p:sldLayoutId p:notesMasterId p:sld c:chart
        dgm:relIds w:headerReference w:footerReference x:drawing x:tablePart x:pivotCache x:picture
        x:legacyDrawing c:externalData c:userShapes
        """
    )
)
_OBJECTS = frozenset({"xdr:sp", "xdr:grpSp", "xdr:graphicFrame", "xdr:cxnSp", "xdr:pic"})
_ANY: frozenset[str] = frozenset()
_NEEDS_CHILD: dict[str, frozenset[str]] = {  # type → children of which it must have one; none named: any child
    "a:CT_GraphicalObject": frozenset({"a:graphicData"}),
    "a:CT_GraphicalObjectData": _ANY,
    "p:CT_GraphicalObjectFrame": frozenset({"a:graphic"}),
    "xdr:CT_GraphicalObjectFrame": frozenset({"a:graphic"}),
    "cdr:CT_GraphicFrame": frozenset({"a:graphic"}),
    "wp:CT_Inline": frozenset({"a:graphic"}),
    "wp:CT_Anchor": frozenset({"a:graphic"}),
    "w:CT_Drawing": _ANY,
    "xdr:CT_TwoCellAnchor": _OBJECTS,
    "xdr:CT_OneCellAnchor": _OBJECTS,
    "xdr:CT_AbsoluteAnchor": _OBJECTS,
    "x:CT_ConditionalFormatting": frozenset({"x:cfRule"}),
    **dict.fromkeys(
        names(
            """
        x:worksheet/ext x:worksheet/extLst x:cfRule/ext x:cfRule/extLst dgm:ext dgm:extLst
        x:CT_PivotCaches x:CT_DefinedNames x:CT_TableParts x:CT_Hyperlinks x:CT_DataValidations
        p:CT_CustomShowList p:CT_NotesMasterIdList w:CT_Object x14:sparklineGroups
        x14:dataValidations x14:conditionalFormattings w:CT_Picture
        """
        ),
        _ANY,
    ),
}
_WITH_ID = {one for one in TYPES.values() if "rid" in (kind for _, kind in one.attributes.values())}
_CHILD_NEEDED = {TYPES[name]: needed for name, needed in _NEEDS_CHILD.items() if name in TYPES}
_ACTION = "action"
_SLIDE_JUMP = "ppaction://hlinksldjump"
_HLINKS = frozenset({"a:hlinkClick", "a:hlinkHover", "a:hlinkMouseOver"})
_LOOKED_AT = _NEEDS_ID | _HLINKS | {"x:f"}  # elements that may go even if they have no attributes

# written name, check, kind, and what has been written already: value → attribute
Rule = tuple[str, Callable[[str], bool] | None, str, dict[str, str]]
_KNOWN = 2_000  # values that are remembered for one attribute; a sheet repeats its styles in every cell


@cache
def _rule(spelled: str, kind: str) -> Rule:
    """One object for all types that have the attribute, which also remember its values together."""
    plain = kind[0] != "=" and kind not in ("rid", "owner-rid")
    return spelled, check(kind) if plain else None, kind, {}


def _rules(of: Type) -> dict[str, Rule]:
    return {name: _rule(*said) for name, said in of.attributes.items()}


_RULES = {one: _rules(one) for one in TYPES.values()}


# attributes of types without references, as received → as written, and the names with a prefix among them
_SEEN: dict[Type, dict[tuple[tuple[str, str], ...], tuple[str, tuple[str, ...]]]] = {
    one: {} for one in TYPES.values() if all(rule[1] is not None for rule in _RULES[one].values())
}


def said_by(e: etree._Element) -> str:
    """The text of an element as it is said once its children are gone: all of it is judged together."""
    return "".join([e.text or "", *(child.tail or "" for child in e)]) if len(e) else e.text or ""


class Links(Protocol):
    """What a part may refer to."""

    def resolve(self, element: str, attribute: str, value: str) -> str | None:
        """The new id of what the received id leads to; None if it may not lead there."""

    def leads_to_slide(self, value: str) -> bool:
        """True if the received id leads to a slide of this package."""

    def mark(self) -> int:
        """How many relationships there are."""

    def take_back(self, mark: int) -> None:
        """Forgets the relationships made since."""

    def leads_to_part(self, element: str, attribute: str, value: str) -> bool:
        """True if the received id leads to a part that can be read."""

    def owner_id(self) -> str | None:
        """The id that this part's owner has given to the drawing of this part."""

    def sheet_id(self, value: str) -> str:
        """The new id of a sheet; of an empty one if the received id leads to none that can stay."""


class Walk:
    """Writes one part. ``plain``: what has been taken out of its text, if it is a sheet."""

    def __init__(self, links: Links, report: Report, plain: PlainCells | None = None) -> None:
        self._links = links
        self._plain = plain
        self._report = report
        self._out: list[str] = []
        self._used: dict[str, None] = {}  # in the order of their first use
        self._bad_shared: set[str] = set()

    def part(self, root: etree._Element, name: str, of: Type) -> bytes | None:
        """The part in UTF-8; None if nothing of it may be written."""
        if not self.element(root, name, of):
            return None
        prefixes = sorted({used.partition(":")[0] for used in self._used} - {"xml"})
        declared = "".join(f' xmlns:{prefix}="{NAMESPACES[prefix]}"' for prefix in prefixes)
        at = len(name) + 1
        self._out[0] = self._out[0][:at] + declared + self._out[0][at:]
        return (HEAD + "".join(self._out)).encode("utf-8")

    def element(self, e: etree._Element, name: str, of: Type) -> bool:
        """Writes an element of a type under its written name; False if it is not to be."""
        out = self._out
        needed = _CHILD_NEEDED.get(of)
        before = (len(self._used), self._links.mark()) if needed is not None else (0, 0)
        items: Any = e.items()
        spelled = name
        if items or name in _LOOKED_AT:
            written_out = self._written(e, name, of, items)
            if written_out is None:
                return False
            spelled = name + written_out
        kind = of.text
        text = e.text
        if kind and kind != "text":
            text = self._checked(kind, said_by(e))
            if text is None:
                return False
        said = escaped(text) if kind and text else ""
        if not len(e) or (kind and kind != "text"):
            if needed is not None:
                self._take_back(len(out), *before)
                return False
            self._used[name] = None
            out.append(f"<{spelled}>{said}</{name}>" if said else f"<{spelled}/>")
            return True
        start = len(out)
        self._used[name] = None
        out.append(f"<{spelled}>{said}")
        self._children(e, of, bool(kind))
        if needed is not None and not self._has_needed(start + 1, needed):
            self._take_back(start, *before)
            return False
        if len(out) == start + 1 and not said:
            out[start] = f"<{spelled}/>"
        else:
            out.append(f"</{name}>")
        return True

    def _children(self, e: etree._Element, of: Type, mixed: bool) -> None:
        allowed = of.children
        for child in e:
            tag = child.tag
            known = allowed.get(tag)
            if known is not None:
                self.element(child, known[0], known[1])
            elif tag in TRANSPARENT:
                self._children(child, of, False)
            elif self._plain is not None and (run := self._plain.take(of, tag, child.get("n"))) is not None:
                self._out.append(run)
            else:
                self._report.add(element_kind(written(tag) or ""))
            if mixed and child.tail:
                self._out.append(escaped(child.tail))

    def _take_back(self, start: int, used: int, links: int) -> None:
        """Unwrites what was written since: text, names and relationships."""
        del self._out[start:]
        for name in list(self._used)[used:]:
            del self._used[name]
        self._links.take_back(links)

    def _has_needed(self, opened: int, needed: frozenset[str]) -> bool:
        if not needed:
            return len(self._out) > opened
        found = (_START.match(piece) for piece in self._out[opened:])
        return any(start[1] in needed for start in found if start)

    def _checked(self, kind: str, text: str) -> str | None:
        """Text of a kind, or None if the element goes with it."""
        if kind[0] == "=":
            return kind[1:]
        if check("field" if kind == "field-piece" else kind)(text):
            return text
        self._report.add("formula-value" if kind == "formula" else "")
        return None

    def _written(self, e: etree._Element, name: str, of: Type, items: list[tuple[str, str]]) -> str | None:
        """The attributes as they are written, remembered where nothing else matters; None if the element goes."""
        seen = _SEEN.get(of) if name not in _LOOKED_AT else None
        key = tuple(items)
        found = seen.get(key) if seen is not None else None
        if found is None:
            attributes = self._attributes(e, name, of, items)
            if attributes is None:
                return None
            attributes.sort()
            prefixed = tuple(one[1 : one.index("=")] for one in attributes if ":" in one.partition("=")[0])
            found = "".join(attributes), prefixed
            if seen is not None and len(seen) < _KNOWN and all(one in of.attributes for one, _ in items):
                seen[key] = found
        for used in found[1]:
            self._used[used] = None
        return found[0]

    def _attributes(self, e: etree._Element, name: str, of: Type, items: list[tuple[str, str]]) -> list[str] | None:
        """The attributes as they are written, unordered; None if the element goes."""
        rules = _RULES[of]
        if name in _HLINKS:
            items = self._action(e, items)
        elif name == "dgm:relIds":
            items = sorted(items)  # ids are given in the order in which they are written
            if not all(self._links.leads_to_part(name, rules[key][0], value) for key, value in items if key in rules):
                return None
        elif name == "x:f" and not self._formula_stays(e):
            return None
        made: list[str] = []
        lost = False
        for key, value in items:
            rule = rules.get(key)
            if rule is None:
                self._report.add(attribute_kind(key.rpartition("}")[2]) if value else "")
                continue
            spelled, fits, kind, known = rule
            if fits is not None:
                found = known.get(value)
                if found is None:
                    if not fits(value):
                        continue
                    found = f' {spelled}="{quoted(value)}"'
                    if len(known) < _KNOWN:
                        known[value] = found
            else:
                special = self._special(name, spelled, kind, value)
                if special is None:
                    lost = True
                    continue
                found = f' {spelled}="{quoted(special)}"'
            made.append(found)
        if name in _NEEDS_ID and of in _WITH_ID and self._misses_id(made, lost, name):
            return None
        return None if name in _HLINKS and not made else made

    @staticmethod
    def _misses_id(made: list[str], lost: bool, name: str) -> bool:
        return lost or sum(one.startswith(" r:") for one in made) < (4 if name == "dgm:relIds" else 1)

    def _special(self, name: str, spelled: str, kind: str, value: str) -> str | None:
        if kind[0] == "=":
            if kind == "=Author" and value != kind[1:]:
                self._report.add("comment-author")
            return kind[1:]
        if kind == "owner-rid":
            return self._links.owner_id()
        if name == "x:sheet":
            return self._links.sheet_id(value)
        if value == "" and name in _HLINKS:
            return ""
        return self._links.resolve(name, spelled, value)

    def _action(self, e: etree._Element, items: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """The attributes of a hyperlink in a drawing, with an action and an id that belong together, or none."""
        action, value = e.get(_ACTION), e.get(R_ID) or ""
        others = [(key, one) for key, one in items if key not in (_ACTION, R_ID)]
        if value and self._links.leads_to_slide(value):
            return [*others, (_ACTION, _SLIDE_JUMP), (R_ID, value)]
        if action and action != _SLIDE_JUMP and check("enum:action")(action):
            return [*others, (_ACTION, action), (R_ID, "")]
        if action and action.startswith("ppaction://") and action != _SLIDE_JUMP:
            self._report.add("other-action")
            return []
        made = [*others, (R_ID, value)]
        return made if value and self._links.resolve("a:hlinkClick", "r:id", value) else []

    def _formula_stays(self, e: etree._Element) -> bool:
        """False for a formula that follows a shared one which has gone, and for one without anything to compute."""
        kind, group, text = e.get("t"), e.get("si") or "", said_by(e)
        if kind == "dataTable":
            return True
        if kind == "shared":
            if text and not check("formula")(text):
                self._bad_shared.add(group)
            return group not in self._bad_shared
        return bool(text)
