"""One part of an OpenDocument file, written anew: a walk over the received tree that emits text.

Rules kept here:

- An element is written if the table lists it below its parent, an attribute if the table lists it for the element and
  its value is of its kind. Nothing else of the tree has a way into the text.
- An element that has lost what it needs is not written; a link or a field that has is replaced by what it holds.
- Pictures and objects are decided by ``Places``.

Source: docs/grammar-odf.md, sections 2, 3 and 6. About 3 µs an element; ``_element`` is one function for that reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from lxml import etree

from sanitizer.formats.odf.facts import ELEMENTS, NAMESPACES, VALUE_PREFIXES, Element, source, sources
from sanitizer.formats.odf.kinds import Report, attribute_kind, element_kind
from sanitizer.formats.odf.links import link
from sanitizer.formats.odf.values import check, is_setting
from sanitizer.formats.package.xml_text import HEAD, escaped, is_special, quoted

FIELDS = sources(
    """
    text:author-name text:author-initials text:creator text:initial-creator text:printed-by text:printed-date
    text:printed-time text:creation-date text:creation-time text:modification-date text:modification-time
    text:editing-cycles text:editing-duration text:description text:title text:subject text:keywords text:user-defined
    text:template-name text:sender-firstname text:sender-lastname text:sender-initials text:sender-title
    text:sender-position text:sender-email text:sender-phone-private text:sender-fax text:sender-company
    text:sender-phone-work text:sender-street text:sender-city text:sender-postal-code text:sender-country
    text:sender-state-or-province text:dde-connection text:database-display text:database-name
    text:database-row-number text:execute-macro text:expression text:conditional-text text:table-formula
    """
)
_STEPPED_THROUGH = FIELDS | sources("text:meta text:meta-field text:a draw:a")
_ITEM, _ITEM_NAME, _ITEM_TYPE = source("config:config-item"), source("config:name"), source("config:type")
_MATH = f"{{{NAMESPACES['math']}}}"

Rule = tuple[str, str, Callable[[str], bool] | None, str]  # how it begins, prefix, check, kind


def _rules(of: Element) -> dict[str, Rule]:
    made: dict[str, Rule] = {}
    for name, (spelled, kind) in of.attributes.items():
        plain = kind[0] != "=" and kind not in ("picture", "object", "link", "enum:version")
        prefix = spelled.partition(":")[0] if ":" in spelled else "xml"
        made[name] = (f' {spelled}="', prefix, check(kind) if plain else None, kind)
        if of.name.startswith("math:") and ":" not in name:
            made[_MATH + name] = made[name]  # some programs give MathML's attributes its prefix
    return made


_RULES = {one: _rules(one) for one in ELEMENTS.values()}
_REQUIRED = {one: tuple(f' {name}="' for name in one.required) for one in ELEMENTS.values() if one.required}
_PREFIX = {one: one.name.partition(":")[0] for one in ELEMENTS.values()}
_DECLARED = frozenset(VALUE_PREFIXES)
_LOST = {"formula": "formula-value", "sheet": "external-reference"}
_VERSION = ' office:version="'


class Places(Protocol):
    """What a part may refer to."""

    def picture(self, address: str) -> str | None:
        """Where the picture at a received address stands in the new file; None if there is no address."""

    def object(self, address: str) -> str | None:
        """Where the object at a received address stands in the new file; None if it may not stay."""


class Walk:
    """Writes one part; ``version`` is the one of the whole file."""

    def __init__(self, places: Places, report: Report, version: str) -> None:
        self._places = places
        self._report = report
        self._version = version
        self._out: list[str] = []
        self._used: set[str] = set()  # prefixes

    def part(self, root: etree._Element) -> bytes | None:
        """The part in UTF-8; None if its root may not be written."""
        of = ELEMENTS.get(root.tag)
        if of is None or not self._element(root, of):
            return None
        prefixes = sorted((self._used | _DECLARED) - {"xml"})
        declared = "".join(f' xmlns:{prefix}="{NAMESPACES[prefix]}"' for prefix in prefixes)
        at = len(of.name) + 1
        self._out[0] = self._out[0][:at] + declared + self._out[0][at:]
        return (HEAD + "".join(self._out)).encode("utf-8")

    def _element(self, e: etree._Element, of: Element) -> bool:
        """Writes an element; False if it is not to be."""
        out = self._out
        name = spelled = of.name
        items: Any = e.items()
        if items or of.required:
            attributes = self._attributes(e, of, items)
            if attributes is None:
                return False
            if attributes:
                attributes.sort()
                spelled = name + "".join(attributes)
        self._used.add(_PREFIX[of])
        said = escaped(e.text) if of.text and e.text else ""
        if not len(e):
            out.append(f"<{spelled}>{said}</{name}>" if said else f"<{spelled}/>")
            return True
        start = len(out)
        out.append(f"<{spelled}>{said}")
        self._children(e, of)
        if len(out) == start + 1 and not said:
            out[start] = f"<{spelled}/>"
        else:
            out.append(f"</{name}>")
        return True

    def _children(self, e: etree._Element, of: Element) -> None:
        allowed, mixed = of.children, of.text
        for child in e:
            tag = child.tag
            known = allowed.get(tag)
            if known is None or not self._element(child, known):
                self._instead(child, of, known is not None)
            if mixed and child.tail:
                self._out.append(escaped(child.tail))

    def _instead(self, e: etree._Element, of: Element, is_known: bool) -> None:
        """What stands for an element that is not written: what it holds, or nothing."""
        if e.tag in _STEPPED_THROUGH:
            self._report.add("field-text" if e.tag in FIELDS else "")
            if of.text and e.text:
                self._out.append(escaped(e.text))
            self._children(e, of)
        elif not is_known:
            self._gone(e)

    def _gone(self, e: etree._Element) -> None:
        kind = element_kind(e.tag)
        self._report.add(kind)
        if not kind:
            for child in e:
                self._gone(child)

    def _attributes(self, e: etree._Element, of: Element, items: list[tuple[str, str]]) -> list[str] | None:
        """The attributes as they are written, unordered; None if the element goes."""
        rules = _RULES[of]
        made: list[str] = []
        prefixes: list[str] = []
        if e.tag == _ITEM and not is_setting(e.get(_ITEM_NAME) or "", e.get(_ITEM_TYPE) or "", e.text or ""):
            return None
        for key, value in items:
            rule = rules.get(key)
            if rule is None:
                self._report.add(attribute_kind(key))
                continue
            begins, prefix, fits, kind = rule
            if fits is None:
                found = self._special(kind, value)
                if found is None:
                    continue
                value = found
            elif not fits(value):
                self._report.add(_LOST.get(kind, ""))
                if kind == "sheet":
                    return None
                continue
            prefixes.append(prefix)
            made.append(f'{begins}{quoted(value) if is_special(value) else value}"')
        if of in _REQUIRED and not self._has_required(of, made):
            return None
        self._used.update(prefixes)
        return made if of.name[:5] != "math:" else _each_once(made)

    def _has_required(self, of: Element, made: list[str]) -> bool:
        """False if an attribute is missing without which the element goes; the version is never missing."""
        for begins in _REQUIRED[of]:
            if not any(one.startswith(begins) for one in made):
                if begins != _VERSION:
                    return False
                self._used.add("office")
                made.append(f'{begins}{self._version}"')
        return True

    def _special(self, kind: str, value: str) -> str | None:
        if kind[0] == "=":
            return kind[1:]
        if kind == "enum:version":
            return self._version
        if kind == "picture":
            return self._places.picture(value)
        if kind == "object":
            return self._places.object(value)
        found = link(value)
        if found is None:
            self._report.add("link-target")
        return found


def _each_once(made: list[str]) -> list[str]:
    """Attributes without the second of two that are written alike: with MathML's prefix and without."""
    found: dict[str, str] = {}
    for one in made:
        found.setdefault(one.partition("=")[0], one)
    return list(found.values())
