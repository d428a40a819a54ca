"""The XML of an OpenDocument file (§2, §3 of the grammar), read by an automaton whose states are the table's elements.

Rules kept here:

- A part is cut at every ``<``. A tag is looked up among those that its state knows; only a new one is taken apart.
- A tag is in the grammar if it can be written in one way only: the pieces found in it add up to its length, and the
  names of its attributes ascend.
- Nothing is repaired. What a state does not know ends the reading.

>>> from sanitizer.limits import Limits
>>> Markup(Budget.of(Limits())).read(b"<office:document-meta/>", "office:document-meta", "meta.xml")
Traceback (most recent call last):
sanitizer.verify.Violation: ('declaration', 'meta.xml')
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from sanitizer.verify import Violation
from sanitizer.verify.odf.table import TABLE, Element
from sanitizer.verify.odf.values import Predicate, is_generator, predicate, setting
from sanitizer.verify.ooxml.checks import Budget, decoded, demand
from sanitizer.verify.ooxml.markup import windows
from sanitizer.verify.ooxml.notes import DECLARATION

MAX_DEPTH = 256
MAX_KNOWN, MAX_LENGTH = 4_096, 512
FRAME = frozenset(("office:document-content", "office:body", "office:document-meta", "office:meta"))
FOLLOWED = frozenset(("picture", "object", "enum:version"))
_ATTRIBUTE = re.compile(r' ([A-Za-z0-9:\-]+)="([^"&\t\n]*(?:&(?:amp|lt|gt|quot|#9|#10|#13);[^"&\t\n]*)*)"')
_TEXT = re.compile(r"[^&>]*(?:&(?:amp|lt|gt|#13);[^&>]*)*")
_ROOT = re.compile(r'([a-z0-9]+:[A-Za-z0-9\-]+)((?: xmlns:[a-z0-9]+="[^"]*")*)')
_DECLARED = re.compile(r' xmlns:([a-z0-9]+)="([^"]*)"')
_BITS = {prefix: 1 << number for number, prefix in enumerate(TABLE.namespaces)} | {"xml": 0}
_ALWAYS = sum(_BITS[prefix] for prefix in TABLE.value_prefixes)


class Use(NamedTuple):
    """A value that the package has to look up: the kind of the attribute, and the value."""

    kind: str
    value: str


@dataclass(slots=True)
class Content:
    """What the reading of one part tells: ``frame`` has (element, child) for the elements of ``FRAME``."""

    uses: list[Use] = field(default_factory=list)
    frame: list[tuple[str, str]] = field(default_factory=list)


class _Step(NamedTuple):
    """What a tag does: into ``inner`` until ``closing`` (None: the element is empty). ``rule``: what its text must
    satisfy."""

    name: str
    inner: _State | None
    closing: str
    prefixes: int
    uses: tuple[Use, ...]
    rule: Predicate | None


class _State(dict[str, _Step]):
    """Tag → step, inside one element; learns on the way."""

    __slots__ = ("checks", "element", "states")

    def __init__(self, element: Element, states: dict[str, _State]) -> None:
        super().__init__()
        self.element, self.states = element, states

    def __missing__(self, tag: str) -> _Step:
        body = tag.removesuffix("/")
        name = body.partition(" ")[0]
        demand(name in self.element.children, "element")
        element = TABLE.elements[name]
        attributes = _attributes(body, element)
        prefixes = _bit(name)
        for key in attributes:
            prefixes |= _bit(key)
        uses = tuple(Use(kind, attributes[key]) for key, kind in _followed(element) if key in attributes)
        rule = _rule(name, attributes)
        if body == tag:
            inner = self.states.get(name)
            if inner is None:
                inner = self.states[name] = _State(element, self.states)
            step = _Step(name, inner, "/" + name, prefixes, uses, rule)
        else:
            demand(rule is None or rule(""), "text")
            step = _Step(name, None, "", prefixes, uses, None)
        if len(self) < MAX_KNOWN and len(tag) < MAX_LENGTH:
            self[tag] = step
        return step


def _bit(name: str) -> int:
    """The bit of the prefix of an element or attribute."""
    return _BITS[name.partition(":")[0]] if ":" in name else 0


def _followed(element: Element) -> list[tuple[str, str]]:
    return [(key, kind) for key, kind in element.attributes.items() if kind in FOLLOWED]


def _rule(name: str, attributes: dict[str, str]) -> Predicate | None:
    """What the text of this element follows from, if not from the table alone."""
    if name == "config:config-item":
        return setting(attributes["config:name"], attributes["config:type"])
    return is_generator if name == "meta:generator" else None


def _attributes(body: str, element: Element) -> dict[str, str]:
    """The attributes of a tag, their values decoded and of the right kinds."""
    attributes, before, length = dict[str, str](), "", len(element.name)
    for key, value in _ATTRIBUTE.findall(body):
        demand(key in element.attributes, "attribute")
        demand(before < f'{key}="', "attribute-order")
        before = f'{key}="'
        length += len(key) + len(value) + 4
        attributes[key] = value = decoded(value)
        demand(predicate(element.attributes[key])(value), "value")
    demand(length == len(body), "tag")
    demand(attributes.keys() >= element.required, "attribute-missing")
    return attributes


class Markup:
    """The automaton of one file: what its states have learned serves all of its parts."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.states: dict[str, _State] = {}

    def read(self, content: bytes, root: str, where: str) -> Content:
        """What a part with this root element tells; ``Violation`` if it is not in the grammar."""
        demand(content.startswith(DECLARATION + b"<"), "declaration", where)
        part = _Part(root, self.states)
        for pieces in windows(content, self.budget):
            try:
                part.run(pieces)
            except Violation as violation:
                raise Violation(violation.code, violation.where or where) from violation
        demand(part.declared >= 0 and not part.outer, "unclosed", where)
        demand(part.declared == part.used | _ALWAYS, "namespaces", where)
        return part.content


class _Part:
    """The reading of one part: the state, what closes it, and the same of the elements around it. ``bare``: nothing
    has come yet since the element began."""

    def __init__(self, root: str, states: dict[str, _State]) -> None:
        self.here = _State(Element("", frozenset((root,))), states)
        self.closing = "\0"  # no tag: there is no U+0000 in a part
        self.outer: list[tuple[_State, str]] = []
        self.bare = False
        self.rule: Predicate | None = None
        self.used, self.declared = 0, -1
        self.content = Content()

    def run(self, pieces: list[str]) -> None:
        """The next pieces. The first of a part is its root; behind the root there is nothing more."""
        if self.declared < 0:
            self.declared, pieces[0] = _parse_root(pieces[0])
            self._element(pieces[0])
            self.here = self.here if self.outer else _State(Element(""), {})
            self.outer = [(_State(Element(""), {}), "\0")] if self.outer else []
            pieces = pieces[1:]
        for piece in pieces:
            self._element(piece)

    def _element(self, piece: str) -> None:
        """A tag, and the text behind it."""
        tag, ended, text = piece.partition(">")
        demand(ended, "tag")
        if tag == self.closing:
            demand(not self.bare, "empty-element")
            self.here, self.closing = self.outer.pop()
            self.bare, self.rule = False, None
        else:
            self._begin(tag, text)
        if text:
            demand(self.here.element.text, "text")
            demand(("&" not in text and ">" not in text) or _TEXT.fullmatch(text), "escape")
            demand(self.rule is None or self.rule(decoded(text)), "text")

    def _begin(self, tag: str, text: str) -> None:
        step = self.here[tag]
        self.used |= step.prefixes
        if step.uses:
            self.content.uses += step.uses
        if self.here.element.name in FRAME:
            self.content.frame.append((self.here.element.name, step.name))
        self.bare = False
        if step.inner is not None:
            demand(len(self.outer) < MAX_DEPTH, "too-deep")
            self.outer.append((self.here, self.closing))
            self.here, self.closing, self.bare, self.rule = step.inner, step.closing, not text, step.rule


def _parse_root(piece: str) -> tuple[int, str]:
    """(the declared prefixes, the root's piece without its declarations)."""
    found = _ROOT.match(piece)
    demand(found, "root")
    assert found is not None
    declared, before = 0, ""
    for prefix, name in _DECLARED.findall(found[2]):
        demand(before < prefix and prefix != "xml" and TABLE.namespaces.get(prefix) == name, "namespaces")
        declared |= _BITS[prefix]
        before = prefix
    return declared, found[1] + piece[found.end() :]
