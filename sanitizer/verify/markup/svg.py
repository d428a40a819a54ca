"""Reads drawings as ``docs/grammar-markup.md`` allows them: every character is accounted for, and so is every
reference.

Rules kept here:

- No parser of XML: the canonical syntax is read by patterns, from the first character to the last.
- References are followed here once more, from what was read, to see that the drawing ends and how large it gets.

>>> from sanitizer.limits import Limits
>>> verify(b"<svg/>", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('unexpected', 'character 0')
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sanitizer.limits import Limits
from sanitizer.patterns import compile_pattern
from sanitizer.verify.markup.characters import (
    CLOSING,
    MAX_DEPTH,
    NAME,
    OPENING,
    TEXT,
    Check,
    Scanner,
    demand,
    read,
    whole,
)
from sanitizer.verify.markup.style import DRAWING, DRAWING_TABLE
from sanitizer.verify.markup.values import Gallery, is_link

LONGEST = 400
LISTED = """
    a circle clipPath defs desc ellipse feBlend feColorMatrix feComponentTransfer feComposite feDropShadow
    feFlood feFuncA
    feFuncB feFuncG feFuncR feGaussianBlur feMerge feMergeNode feMorphology feOffset feTile filter g image line
    linearGradient marker mask path pattern polygon polyline radialGradient rect stop svg symbol text textPath
    title tspan
    use
"""
ELEMENTS = frozenset(LISTED.split())
WITH_TEXT = frozenset(("a", "desc", "text", "textPath", "title", "tspan"))
NAMESPACES = {
    "xmlns": whole(re.escape("http://www.w3.org/2000/svg")),
    "xmlns:xlink": whole(re.escape("http://www.w3.org/1999/xlink")),
}
LENGTHS = """
    amplitude cx cy dx dy exponent fr fx fy height intercept k1 k2 k3 k4 markerHeight markerWidth offset
    pathLength points r
    radius refX refY rotate rx ry slope startOffset stdDeviation tableValues textLength values viewBox width x
    x1 x2 y y1 y2
"""
WORDS = """
    edgeMode clipPathUnits filterUnits gradientUnits in in2 lengthAdjust markerUnits maskContentUnits maskUnits
    method mode
    operator orient patternContentUnits patternUnits preserveAspectRatio primitiveUnits result spacing spreadMethod type
"""
NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*+|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
WORD = r"[A-Za-z][A-Za-z0-9_-]{0,39}"
lengths = whole(rf"(?:{NUMBER}(?:px|pt|pc|em|rem|ex|ch|cm|mm|in|q|%)? ?,? ?)++")
words = whole(rf"{WORD}(?: {WORD}){{0,2}}|{NUMBER}")
path = whole(r"[MmZzLlHhVvCcSsQqTtAa0-9eE+.,\- ]++")
transforms = whole(r"(?:(?:matrix|translate|scale|rotate|skewX|skewY) ?\([0-9eE+.,\- ]*+\)[ ,]*+)++")
place = whole(f"#{NAME}")
UNSPOKEN = frozenset(("font", "marker", "line-height", "text-align", "text-indent"))
REFERENCE = compile_pattern(rf"url\(#({NAME})\)")


def _property(name: str) -> Check:
    return lambda value: DRAWING.value(name, value) and not value.endswith("!important")


EVERYWHERE: dict[str, Check] = {
    **dict.fromkeys(LENGTHS.split(), lengths),
    **dict.fromkeys(WORDS.split(), words),
    "d": path,
    **dict.fromkeys(("gradientTransform", "patternTransform", "transform"), transforms),
    "id": whole(NAME),
    "xml:space": whole("preserve"),
    "style": DRAWING,
    **{name: _property(name) for names in DRAWING_TABLE.values() for name in names.split() if name not in UNSPOKEN},
}
REFERRING = frozenset(("linearGradient", "pattern", "radialGradient", "textPath", "use"))


@dataclass(slots=True)
class _Element:
    """What references need to know of an element."""

    name: str
    inside: list[_Element] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    height: int = 0  # of the longest way from here; 0: not known yet, -1: on the way
    passed: int = 0


def verify(data: bytes, limits: Limits, mime: str = "image/svg+xml") -> None:
    """The declaration, one drawing, the end; then its references."""
    scanner = Scanner(read(data, limits))
    scanner.literal('<?xml version="1.0" encoding="UTF-8"?>\n')
    reader = _Reader(scanner, limits)
    root = reader.drawing()
    scanner.literal("\n")
    demand(scanner.at == len(scanner.text), "trailing-bytes", f"character {scanner.at}")
    _follow(root, reader.named, 1, limits.max_objects)


class _Reader:
    """Reads the elements, from the first start tag to its end tag."""

    def __init__(self, scanner: Scanner, limits: Limits) -> None:
        self.named: dict[str, _Element] = {}
        self._scanner = scanner
        self._limits = limits
        self._count = 0
        by_href: dict[str, Check] = {
            "a": lambda value: place(value) or is_link(value),
            "image": Gallery(limits),
            **dict.fromkeys(REFERRING, place),
        }
        self._allowed = {name: dict(EVERYWHERE) for name in ELEMENTS}
        for name, check in by_href.items():
            self._allowed[name]["xlink:href"] = check

    def drawing(self) -> _Element:
        """The outermost element and all in it."""
        root, empty = self._start(outermost=True)
        ways = [] if empty else [root]
        while ways:
            start = self._scanner.at
            self._scanner.take(TEXT)
            demand(self._scanner.at == start or ways[-1].name in WITH_TEXT, "text", f"character {start}")
            if self._scanner.text.startswith("</", self._scanner.at):
                closed = self._scanner.take(CLOSING)[1]
                demand(ways.pop().name == closed, "bad-nesting", f"character {self._scanner.at}")
                continue
            element, empty = self._start()
            ways[-1].inside.append(element)
            if not empty:
                ways.append(element)
                demand(len(ways) <= MAX_DEPTH + 1, "too-deep", f"character {self._scanner.at}")
        return root

    def _start(self, *, outermost: bool = False) -> tuple[_Element, bool]:
        """A start tag, and whether the element is empty."""
        scanner = self._scanner
        tag = scanner.take(OPENING)
        element = _Element(tag[1])
        demand(tag[1] in ELEMENTS and (not outermost or tag[1] == "svg"), "unknown-element", f"character {scanner.at}")
        demand(tag[3] or not scanner.text.startswith("</", scanner.at), "empty-element", f"character {scanner.at}")
        allowed = {**self._allowed["svg"], **NAMESPACES} if outermost else self._allowed[tag[1]]
        found = scanner.attributes(tag[2], allowed)
        demand(not outermost or NAMESPACES.keys() <= found.keys(), "no-namespace")
        needs = tag[1] in ("image", "textPath", "use")
        demand(not needs or "xlink:href" in found, "no-reference", f"character {scanner.at}")
        self._know(element, found)
        return element, bool(tag[3])

    def _know(self, element: _Element, found: dict[str, str]) -> None:
        """Counts the element, and keeps its name and what it refers to."""
        self._count += 1
        demand(self._count <= self._limits.max_objects, "too-many-elements")
        if "id" in found:
            demand(found["id"] not in self.named, "same-name-twice", f"character {self._scanner.at}")
            self.named[found["id"]] = element
        for name, value in found.items():
            demand(" " not in (value[:1], value[-1:]) and "  " not in value, "blanks", f"character {self._scanner.at}")
            if name == "xlink:href":
                element.targets += [value[1:]] if element.name in REFERRING else []
            elif "url(" in value:
                element.targets += REFERENCE.findall(value)


def _follow(element: _Element, named: dict[str, _Element], depth: int, most: int) -> None:
    """Every way from ``element`` ends, is no longer than allowed, and together they do not pass too much."""
    demand(depth <= LONGEST, "too-long-a-way")
    element.height, height, passed = -1, 0, 1
    demand(all(target in named for target in element.targets), "reference-to-nothing")
    for following in [named[target] for target in element.targets] + element.inside:
        demand(following.height != -1, "reference-loop")
        if following.height == 0:
            _follow(following, named, depth + 1, most)
        height, passed = max(height, following.height), passed + following.passed
    demand(passed <= most, "too-many-shapes")
    demand(depth + height <= LONGEST, "too-long-a-way")
    element.height, element.passed = height + 1, passed
