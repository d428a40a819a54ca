"""What may stand in a rebuilt drawing: elements, attributes, and the forms of their values. Tables only.

>>> KINDS_OF["viewBox"], is_value("lengths", "0 0 10.5 1e3"), is_value("transforms", "scale(2) evil(1)")
('lengths', True, False)
"""

from __future__ import annotations

from sanitizer.formats.markup.css import SVG_PROPERTIES
from sanitizer.patterns import compile_pattern

_ELEMENTS = """
    a circle clipPath defs desc ellipse feBlend feColorMatrix feComponentTransfer feComposite feDropShadow
    feFlood feFuncA
    feFuncB feFuncG feFuncR feGaussianBlur feMerge feMergeNode feMorphology feOffset feTile filter g image line
    linearGradient marker mask path pattern polygon polyline radialGradient rect stop svg symbol text textPath
    title tspan
    use
"""
ELEMENTS = frozenset(_ELEMENTS.split())
WITH_TEXT = frozenset(("a", "desc", "text", "textPath", "title", "tspan"))
# gone with their contents, and counted as
_GONE = {
    "javascript": "script handler listener",
    "embedded-object": "foreignObject iframe object embed",
    "multimedia": "audio video",
    "animation": "animate animateColor animateMotion animateTransform set mpath discard",
    "document-info": "metadata",
    "external-reference": "feImage cursor color-profile",
}
DROPPED = {name: kind for kind, names in _GONE.items() for name in names.split()}
RENAMED = {"switch": "g"}
_ATTRIBUTES = {
    "lengths": """
        amplitude cx cy dx dy exponent fr fx fy height intercept k1 k2 k3 k4 markerHeight markerWidth offset
        pathLength points
        r radius refX refY rotate rx ry slope startOffset stdDeviation tableValues textLength values viewBox
        width x x1 x2 y
        y1 y2""",
    "words": """
        edgeMode clipPathUnits filterUnits gradientUnits in in2 lengthAdjust markerUnits maskContentUnits
        maskUnits method
        mode operator orient patternContentUnits patternUnits preserveAspectRatio primitiveUnits result spacing
        spreadMethod type""",
    "path": "d",
    "transforms": "gradientTransform patternTransform transform",
}
KINDS_OF = {name: kind for kind, names in _ATTRIBUTES.items() for name in names.split()}
PRESENTATION = SVG_PROPERTIES.keys() - {"font", "marker", "line-height", "text-align", "text-indent"}
REFERRING = frozenset(("linearGradient", "pattern", "radialGradient", "textPath", "use"))  # by href
_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_UNIT = r"(?:px|pt|pc|em|rem|ex|ch|cm|mm|in|q|%)?"
_WORD = r"[A-Za-z][A-Za-z0-9_-]{0,39}"
_FORMS = {
    "lengths": compile_pattern(rf"(?:{_NUMBER}{_UNIT}(?: ?,? ?))*+"),
    "words": compile_pattern(rf"{_WORD}(?: {_WORD}){{0,2}}|{_NUMBER}"),
    "path": compile_pattern(r"[MmZzLlHhVvCcSsQqTtAa0-9eE+\-., ]*+"),
    "transforms": compile_pattern(r"(?:(?:matrix|translate|scale|rotate|skewX|skewY) ?\([-+0-9.eE, ]*+\)[ ,]*+)*+"),
}
NAME = compile_pattern(r"[^\W\d][\w.:-]{0,99}")


def is_value(kind: str, value: str) -> bool:
    """Whether a value (blanks already single) has the form of a kind of ``KINDS_OF``."""
    return bool(value) and _FORMS[kind].fullmatch(value) is not None
