"""Drawings: one element ``svg``, elements and attributes of two tables, and references that lead nowhere for ever.

Rules kept here:

- An attribute has one kind of value, whatever element it is of; the kinds are patterns, matched as a whole.
- References and contents together make a graph without a circle, and what a reader draws along it has a limit.

>>> verify(b'<?xml version="1.0"?>', Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('head', '')
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sanitizer.limits import Limits
from sanitizer.patterns import compile_pattern
from sanitizer.verify.markup.characters import MAX_DEPTH, NAME, attributes, demand, is_text, read
from sanitizer.verify.markup.style import DRAWING
from sanitizer.verify.markup.values import Gallery, is_link

PROLOG = '<?xml version="1.0" encoding="UTF-8"?>\n<'
MAX_WAY = 400  # elements
_SPACES = {"xmlns": "http://www.w3.org/2000/svg", "xmlns:xlink": "http://www.w3.org/1999/xlink"}
HREF = "xlink:href"
_NAMES = """
    a circle clipPath defs desc ellipse feBlend feColorMatrix feComponentTransfer feComposite feDropShadow feFlood
    feFuncA feFuncB feFuncG feFuncR feGaussianBlur feMerge feMergeNode feMorphology feOffset feTile filter g image line
    linearGradient marker mask path pattern polygon polyline radialGradient rect stop svg symbol text textPath title
    tspan use
"""
ELEMENTS = frozenset(_NAMES.split())
_WITH_TEXT = frozenset(("a", "desc", "text", "textPath", "title", "tspan"))
_NEEDS_HREF = frozenset(("image", "textPath", "use"))
_REFERRING = frozenset(("linearGradient", "pattern", "radialGradient", "textPath", "use"))
_NO_ATTRIBUTES = frozenset(("font", "marker", "line-height", "text-align", "text-indent"))

_NUMBER = r"[+\-]?+(?:[0-9]++\.?+[0-9]*+|\.[0-9]++)(?:[eE][+\-]?+[0-9]++)?+"
_WORD = r"[A-Za-z][A-Za-z0-9_\-]{0,39}"
_FUNCTION = r"(?:matrix|translate|scale|rotate|skewX|skewY)\([0-9eE+\-., ]*\)"
_KINDS = {
    rf"(?:{_NUMBER}(?:p[xtc]|r?em|ex|ch|[cm]m|in|q|%)?+[ ,]*+)*+": """amplitude cx cy dx dy exponent fr fx fy height
        intercept k1 k2 k3 k4 markerHeight markerWidth offset pathLength points r radius refX refY rotate rx ry slope
        startOffset stdDeviation tableValues textLength values viewBox width x x1 x2 y y1 y2""",
    rf"{_WORD}(?: {_WORD}){{0,2}}|{_NUMBER}": """edgeMode clipPathUnits filterUnits gradientUnits in in2 lengthAdjust
        markerUnits maskContentUnits maskUnits method mode operator orient patternContentUnits patternUnits
        preserveAspectRatio primitiveUnits result spacing spreadMethod type""",
    r"[MmZzLlHhVvCcSsQqTtAa0-9eE+\-., ]*": "d",
    rf"(?:{_FUNCTION}[ ,]*)*": "gradientTransform patternTransform transform",
    NAME: "id",
    "preserve": "xml:space",
}
_CHECKS: dict[str, Callable[[str], object]] = {
    name: compile_pattern(pattern).fullmatch for pattern, names in _KINDS.items() for name in names.split()
}
_PLACE = re.compile(rf"\#({NAME})")


@dataclass(slots=True)
class _Node:
    """One element: the numbers of the elements inside, the names it refers to."""

    inside: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


def verify(data: bytes, limits: Limits, mime: str = "image/svg+xml") -> None:
    """Nothing if ``data`` is a drawing of the grammar within ``limits``, else ``Violation``."""
    demand(data.startswith(PROLOG.encode("ascii")), "head")
    text = read(data, limits)
    demand(text.endswith(">\n"), "end")
    drawing = _Drawing(limits)
    drawing.read(text[len(PROLOG) : -1].split("<"))
    drawing.check_ways()


class _Drawing:
    """The reading of one drawing: its elements in order, and which of them has which name."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.gallery = limits, Gallery(limits)
        self.nodes: list[_Node] = []
        self.named: dict[str, int] = {}

    def read(self, pieces: list[str]) -> None:
        """All tags and texts; behind the root there is nothing."""
        outer, bare = list[tuple[str, int]](), False
        for piece in pieces:
            tag, ended, text = piece.partition(">")
            demand(ended and (outer or not self.nodes), "tag")
            if tag[:1] == "/":
                demand(not bare, "empty-element")
                demand(outer and outer.pop()[0] == tag[1:], "end-tag")
                bare = False
            else:
                demand(len(outer) < MAX_DEPTH, "too-deep")
                name = self._start(tag.removesuffix("/"), outer[-1][1] if outer else -1)
                bare = not tag.endswith("/")
                if bare:
                    outer.append((name, len(self.nodes) - 1))
            if text:
                demand(outer and outer[-1][0] in _WITH_TEXT and is_text(text), "text")
                bare = False
        demand(self.nodes and not outer, "unclosed")

    def _start(self, tag: str, parent: int) -> str:
        """The name of an element whose tag is in the grammar."""
        name, found = attributes(tag)
        demand(name in ELEMENTS and (parent >= 0 or name == "svg"), "element")
        number, node = len(self.nodes), _Node()
        demand(number < self.limits.max_objects, "too-many-elements")
        self.nodes.append(node)
        if parent < 0:
            demand({key: found.pop(key, "") for key in _SPACES} == _SPACES, "namespaces")
        else:
            self.nodes[parent].inside.append(number)
        demand(name not in _NEEDS_HREF or HREF in found, "attribute-missing")
        for key, value in found.items():
            demand(value and value == value.strip(" ") and "  " not in value, "value")
            node.names += self._attribute(name, key, value)
        if "id" in found:
            demand(found["id"] not in self.named, "name-twice")
            self.named[found["id"]] = number
        return name

    def _attribute(self, element: str, key: str, value: str) -> list[str]:
        """The names to which an attribute refers whose value is allowed."""
        check = _CHECKS.get(key)
        if check is not None:
            demand(check(value), "value")
            return []
        if key == "style":
            return DRAWING.check(value) or []
        if key == HREF:
            return self._href(element, value)
        demand(key in DRAWING.patterns and key not in _NO_ATTRIBUTES, "attribute")
        return DRAWING.check_value(key, value)

    def _href(self, element: str, value: str) -> list[str]:
        place = _PLACE.fullmatch(value)
        if element == "a":
            demand(place or is_link(value), "value")
            return []
        if element == "image":
            self.gallery.check_uri(value)
            return []
        demand(element in _REFERRING, "attribute")
        demand(place, "value")
        return [place[1]] if place else []

    def check_ways(self) -> None:
        """No circles, no way too long, not too many elements along all of them."""
        ways = dict[int, tuple[int, int]]()  # element → (elements on the longest way from it, elements on all of them)
        open_: set[int] = set()
        todo: list[tuple[int, Iterator[int]]] = [(0, self._following(0))]
        while todo:
            number, following = todo[-1]
            open_.add(number)
            step = next((other for other in following if other not in ways), None)
            if step is not None:
                demand(step not in open_, "circle")
                demand(len(todo) <= MAX_WAY, "way-too-long")
                todo.append((step, self._following(step)))
                continue
            todo.pop()
            open_.remove(number)
            ahead = [ways[other] for other in self._following(number)]
            longest, all_ = 1 + max((way[0] for way in ahead), default=0), 1 + sum(way[1] for way in ahead)
            demand(longest <= MAX_WAY, "way-too-long")
            demand(all_ <= self.limits.max_objects, "too-many-references")
            ways[number] = longest, all_

    def _following(self, number: int) -> Iterator[int]:
        """The elements inside, then those referred to."""
        node = self.nodes[number]
        yield from node.inside
        for name in node.names:
            demand(name in self.named, "reference")
            yield self.named[name]
