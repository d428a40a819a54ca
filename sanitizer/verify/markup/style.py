"""Declarations of style: for each property, which kinds of words its value may be made of.

Rules kept here:

- A property is of the table; its value is words of the table's kinds, joined by one space or one comma, as a whole.
- What hides what is there is never said.

>>> PAGE.check("color:red;font-size:12pt")
>>> PAGE.check("color:expression(1)")
Traceback (most recent call last):
sanitizer.verify.Violation: ('style-value', '')
>>> DRAWING.check("fill:url(#a);stroke:none")
['a']
"""

from __future__ import annotations

import re

from sanitizer.verify.markup.characters import NAME, demand

_NUMBER = r"(?:[0-9]{1,6}(?:\.[0-9]{1,20})?|\.[0-9]{1,20})(?:p[xtc]|r?em|ex|ch|[cm]m|in|q|%)?"
_SMALL = r"(?:[0-9]{1,3}(?:\.[0-9]{1,20})?|\.[0-9]{1,20})(?:p[xtc]|r?em|ex|ch|[cm]m|in|q|%)?"
_FRACTION = r"(?:0|1|0?\.[0-9]{1,4})"
_BYTES = r"[0-9]{1,3},[0-9]{1,3},[0-9]{1,3}"
FONT = r"[\w.\-]+(?: [\w.\-]+)*"
_WORDS = {
    "w": r"[a-z][a-z\-]{0,29}",
    "n": _NUMBER,
    "s": rf"{_NUMBER}|-{_SMALL}",
    "c": rf"#[0-9a-f]{{3}}(?:[0-9a-f]{{3}})?|rgb\({_BYTES}\)|rgba\({_BYTES},{_FRACTION}\)",
    "f": rf"'{FONT}'",
    "r": rf"url\(#{NAME}\)",
    "/": rf"{_NUMBER}/{_NUMBER}",
}
_REFERENCE = re.compile(rf"url\(#({NAME})\)")
_NEVER = {
    "display": re.compile(r"\b(?:none|contents)\b"),
    "visibility": re.compile(r"\b(?:hidden|collapse)\b"),
    "position": re.compile(r"\b(?:fixed|sticky)\b"),
    "color": re.compile(r"\btransparent\b"),
}
_SIZES = re.compile(r"(?<![\w'.#\-])([0-9]*\.?[0-9]+)([a-z%]*)")
_RELATIVE = ("em", "rem", "cm", "in")
_QUOTED = re.compile(r"'[^']*'")
MAX_KNOWN = 4_096

_SIDES = ("top", "right", "bottom", "left")
_BORDERS = " ".join(f"border-{side}{what}" for side in _SIDES for what in ("", "-color", "-style", "-width"))
_OF_A_PAGE = {
    "w": """
        background-repeat border-collapse box-sizing break-after break-before break-inside caption-side clear display
        empty-cells float font-style font-variant list-style list-style-position list-style-type overflow-wrap
        page-break-after page-break-before page-break-inside position ruby-align ruby-position table-layout text-align
        text-align-last text-decoration text-justify text-orientation text-transform text-underline-position white-space
        word-break word-wrap writing-mode""",
    "w n": """border-spacing bottom column-count column-gap font-size font-weight height left line-height max-height
        max-width min-height min-width orphans padding right top widows width""",
    "n": "padding-bottom padding-left padding-right padding-top",
    "w s": """letter-spacing margin margin-bottom margin-left margin-right margin-top text-indent vertical-align
        word-spacing""",
    "w c": "background background-color color",
    "w n c": f"border border-color border-radius border-style border-width outline {_BORDERS}",
    "w f": "font-family",
    "w n f /": "font",
}
_OF_A_DRAWING = {
    "w": """alignment-baseline clip-rule color-interpolation color-interpolation-filters color-rendering display
        dominant-baseline fill-rule font-stretch font-style font-variant image-rendering isolation mix-blend-mode
        overflow paint-order shape-rendering stroke-linecap stroke-linejoin text-align text-anchor text-decoration
        text-rendering vector-effect visibility white-space writing-mode""",
    "w n": """fill-opacity flood-opacity font-size font-weight line-height opacity stop-opacity stroke-dasharray
        stroke-miterlimit stroke-opacity stroke-width""",
    "w s": "baseline-shift letter-spacing stroke-dashoffset text-indent word-spacing",
    "w c": "color flood-color stop-color",
    "w c r": "fill stroke",
    "w r": "clip-path filter marker marker-end marker-mid marker-start mask",
    "w f": "font-family",
    "w n f /": "font",
}


class Style:
    """The properties of a page or of a drawing."""

    def __init__(self, table: dict[str, str]) -> None:
        self.patterns: dict[str, re.Pattern[str]] = {}
        for kinds, names in table.items():
            word = "|".join(_WORDS[kind] for kind in kinds.split())
            pattern = re.compile(rf"(?:{word})(?:[ ,](?:{word}))*(?: !important)?")
            self.patterns |= dict.fromkeys(names.split(), pattern)
        self._known: dict[str, list[str]] = {}

    def check(self, declarations: str) -> list[str] | None:
        """The names that the declarations refer to, None if there are none; ``Violation`` if one is not allowed."""
        known = self._known.get(declarations)
        if known is not None:
            return known or None
        before, names = "", list[str]()
        for declaration in declarations.split(";"):
            name, _, value = declaration.partition(":")
            demand(before < name, "style-order")
            before = name
            names += self.check_value(name, value)
        if len(self._known) < MAX_KNOWN and len(declarations) < MAX_KNOWN:
            self._known[declarations] = names
        return names or None

    def check_value(self, name: str, value: str) -> list[str]:
        """The names that the value of one property refers to."""
        pattern = self.patterns.get(name)
        demand(pattern, "style-property")
        assert pattern is not None
        demand(pattern.fullmatch(value), "style-value")
        never = _NEVER.get(name)
        demand(never is None or not never.search(value), "style-hides")
        if name in ("font", "font-size"):
            _check_sizes(_QUOTED.sub("", value))
        return _REFERENCE.findall(value)


def _check_sizes(value: str) -> None:
    """No letters too small to be seen."""
    for number, unit in _SIZES.findall(value):
        size = float(number)
        demand(size >= 0.1 and (size >= 1 or unit in _RELATIVE), "style-hides")


PAGE, DRAWING = Style(_OF_A_PAGE), Style(_OF_A_DRAWING)
