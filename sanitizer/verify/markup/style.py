"""Reads declarations and values of style as ``docs/grammar-markup.md`` allows them.

>>> PAGE("color:red;margin:0 auto"), PAGE("width:expression(1)"), DRAWING("fill:url(#a)")
(True, False, True)
"""

from __future__ import annotations

import re

from sanitizer.verify.markup.characters import NAME

UNIT = r"(?:px|pt|pc|em|rem|ex|ch|cm|mm|in|q|%)?"
N = rf"(?:[0-9]{{1,6}}(?:\.[0-9]{{1,20}})?|\.[0-9]{{1,20}}){UNIT}"
W = r"[a-z][a-z-]{0,29}"
PATTERNS = {
    "w": W,
    "n": N,
    "s": rf"{N}|-(?:[0-9]{{1,3}}(?:\.[0-9]{{1,20}})?|\.[0-9]{{1,20}}){UNIT}",
    "c": r"#[0-9a-f]{3}|#[0-9a-f]{6}|rgb\([0-9]{1,3},[0-9]{1,3},[0-9]{1,3}\)"
    r"|rgba\([0-9]{1,3},[0-9]{1,3},[0-9]{1,3},(?:0|1|0?\.[0-9]{1,4})\)",
    "f": r"'[\w.-]+(?: [\w.-]+)*'",
    "r": rf"url\(#{NAME}\)",
    "/": f"{N}/{N}",
}
SIDES = ("top", "right", "bottom", "left")
EDGES = [f"border-{side}{part}" for side in SIDES for part in ("", "-color", "-style", "-width")]
PAGE_TABLE = {
    "w": "background-repeat border-collapse box-sizing break-after break-before break-inside caption-side clear "
    "display empty-cells float font-style font-variant list-style list-style-position list-style-type overflow-wrap "
    "page-break-after page-break-before page-break-inside position ruby-align ruby-position table-layout text-align "
    "text-align-last text-decoration text-justify text-orientation text-transform text-underline-position white-space "
    "word-break word-wrap writing-mode",
    "wn": "border-spacing bottom column-count column-gap font-size font-weight height left line-height max-height "
    "max-width min-height min-width orphans padding right top widows width",
    "n": "padding-bottom padding-left padding-right padding-top",
    "ws": "letter-spacing margin margin-bottom margin-left margin-right margin-top text-indent vertical-align "
    "word-spacing",
    "wc": "background background-color color",
    "wnc": "border border-color border-radius border-style border-width outline " + " ".join(EDGES),
    "wf": "font-family",
    "wnf/": "font",
}
DRAWING_TABLE = {
    "w": "alignment-baseline clip-rule color-interpolation color-interpolation-filters color-rendering display "
    "dominant-baseline fill-rule font-stretch font-style font-variant image-rendering isolation mix-blend-mode "
    "overflow paint-order shape-rendering stroke-linecap stroke-linejoin text-align text-anchor text-decoration "
    "text-rendering "
    "vector-effect visibility white-space writing-mode",
    "wn": "fill-opacity flood-opacity font-size font-weight line-height opacity stop-opacity stroke-dasharray "
    "stroke-miterlimit stroke-opacity stroke-width",
    "ws": "baseline-shift letter-spacing stroke-dashoffset text-indent word-spacing",
    "wc": "color flood-color stop-color",
    "wcr": "fill stroke",
    "wr": "clip-path filter marker marker-end marker-mid marker-start mask",
    "wf": "font-family",
    "wnf/": "font",
}
NEVER = {
    "display": {"none", "contents"},
    "visibility": {"hidden", "collapse"},
    "position": {"fixed", "sticky"},
    "color": {"transparent"},
}
_NUMBER = re.compile(rf"([0-9]*\.?[0-9]+)({UNIT})")


class Style:
    """The properties of one kind of document; calling it says whether a text is declarations."""

    def __init__(self, table: dict[str, str]) -> None:
        words = {kinds: "|".join(PATTERNS[kind] for kind in kinds) for kinds in table}
        patterns = {
            kinds: re.compile(rf"(?:{word})(?:[ ,](?:{word}))*(?: !important)?") for kinds, word in words.items()
        }
        self._patterns = {name: patterns[kinds] for kinds, names in table.items() for name in names.split()}

    def __call__(self, text: str) -> bool:
        """Whether ``text`` is declarations, at least one."""
        last = ""
        for declaration in text.split(";"):
            name, colon, value = declaration.partition(":")
            if not colon or name <= last or not self.value(name, value):
                return False
            last = name
        return True

    def value(self, name: str, value: str) -> bool:
        """Whether a property may have a value."""
        pattern = self._patterns.get(name)
        if pattern is None or not pattern.fullmatch(value):
            return False
        words = set(re.split("[ ,]", value))
        return not words & NEVER.get(name, set()) and not (name in ("font", "font-size") and any(map(_tiny, words)))


def _tiny(word: str) -> bool:
    match = _NUMBER.fullmatch(word.partition("/")[0])
    if not match:
        return False
    number = float(match[1])
    return number < 0.1 or (number < 1 and match[2] not in ("em", "rem", "cm", "in"))


PAGE = Style(PAGE_TABLE)
DRAWING = Style(DRAWING_TABLE)
