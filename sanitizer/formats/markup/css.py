"""Style: declarations and simple rules, each property and each value by allow-list, written anew.

Rules kept here:

- A value is a row of words, numbers, colours and font names; nothing that loads, computes or calls is among them: no
  ``url()``, no function but ``rgb()`` and ``rgba()`` (and references inside the drawing, for SVG), no escapes, no
  ``@`` rules.
- Numbers are not negative except for margins, indents, letter spacing and shifts up to 999, and a size of type is not
  below 1: style hides nothing.
- What is not understood is left out and counted; the rest of the style stays.

Source: CSS Syntax 3, CSS 2.2.

>>> declarations("COLOR: Red; behavior:url(x); margin:0 AUTO", HTML_PROPERTIES)
('color:red;margin:0 auto', 1)
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_UNIT = r"(?:px|pt|pc|em|rem|ex|ch|cm|mm|in|q|%)?"
_NUMBER = rf"(?:[0-9]{{1,6}}(?:\.[0-9]{{1,20}})?|\.[0-9]{{1,20}}){_UNIT}"
NUMBER = re.compile(_NUMBER)
SIGNED = re.compile(rf"-(?=[0-9]{{0,3}}(?![0-9])){_NUMBER}|{_NUMBER}")
WORD = re.compile(r"[a-z][a-z-]{0,29}")
COLOUR = re.compile(
    r"#(?:[0-9a-f]{3}|[0-9a-f]{6})|rgb\((?:[0-9]{1,3},){2}[0-9]{1,3}\)|rgba\((?:[0-9]{1,3},){3}(?:0|1|0?\.[0-9]{1,4})\)"
)
_SIZE_AND_LINE = re.compile(f"{_NUMBER}/{_NUMBER}")
FONT = re.compile(r"'[\w.-]+(?: [\w.-]+)*'")
REFERENCE = re.compile(r"url\(#[^\W\d][\w.:-]{0,99}\)")
_EXPONENT = re.compile(r"(-?(?:[0-9]{1,7}\.?[0-9]{0,20}|\.[0-9]{1,20})e[+-]?[0-9]{1,2})([a-z%]{0,3})")
_FUNCTION = re.compile(r"rgba?\(([0-9.,%\s/]{1,80})\)")
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_PIECE = re.compile(r"""'[^']*'|"[^"]*"|[^\s,()]+\([^()]*\)|[^\s,]+|,""")
_HIDING = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse))", re.IGNORECASE)

_SIDES = ("top", "right", "bottom", "left")
_BOX = "width height min-width max-width min-height max-height " + " ".join(_SIDES)
_WORDS = """
background-repeat border-collapse box-sizing break-after break-before break-inside caption-side clear empty-cells float
font-style font-variant list-style list-style-position list-style-type overflow-wrap page-break-after page-break-before
page-break-inside ruby-align ruby-position table-layout text-align text-align-last text-decoration text-justify
text-orientation text-transform text-underline-position vertical-align white-space word-break word-wrap writing-mode
"""
# property → what its value may hold: w words, n numbers, s signed numbers, c colours, f font names, r references
HTML_PROPERTIES: dict[str, str] = {
    **dict.fromkeys(_WORDS.split(), "w"),
    **dict.fromkeys(_BOX.split(), "wn"),
    **{f"border-{side}": "wnc" for side in _SIDES},
    **{f"border-{side}-{part}": "wnc" for side in _SIDES for part in ("color", "style", "width")},
    **{f"margin-{side}": "ws" for side in _SIDES},
    **{f"padding-{side}": "n" for side in _SIDES},
    **dict.fromkeys(("border", "border-color", "border-style", "border-width", "border-radius", "outline"), "wnc"),
    **dict.fromkeys(("color", "background", "background-color"), "wc"),
    **dict.fromkeys(("margin", "text-indent", "letter-spacing", "word-spacing", "vertical-align"), "ws"),
    **dict.fromkeys(("padding", "border-spacing", "column-count", "column-gap", "orphans", "widows"), "wn"),
    **dict.fromkeys(("font-size", "font-weight", "line-height"), "wn"),
    "font": "wnf",
    "font-family": "wf",
    "display": "w",
    "position": "w",
}
_DRAWING = {
    "wcr": "fill stroke",
    "wr": "clip-path mask filter marker marker-start marker-mid marker-end",
    "wc": "color stop-color flood-color",
    "wn": """
        opacity fill-opacity stroke-opacity stop-opacity flood-opacity stroke-width stroke-dasharray stroke-miterlimit
        font-size font-weight line-height""",
    "ws": "stroke-dashoffset baseline-shift letter-spacing word-spacing text-indent",
    "w": """
        fill-rule clip-rule stroke-linecap stroke-linejoin display visibility overflow font-style font-variant
        font-stretch
        text-anchor text-align text-decoration dominant-baseline alignment-baseline writing-mode paint-order
        mix-blend-mode isolation vector-effect shape-rendering text-rendering image-rendering color-rendering
        color-interpolation color-interpolation-filters white-space""",
    "wnf": "font",
    "wf": "font-family",
}
SVG_PROPERTIES = {name: kinds for kinds, names in _DRAWING.items() for name in names.split()}
# the same while a drawing is read: h, a word that hides may stand here; its element goes
SVG_READ = SVG_PROPERTIES | {"display": "wh", "visibility": "wh"}
_TYPE_SIZES = frozenset(("font", "font-size"))
_FORBIDDEN_WORDS = {
    "display": {"none", "contents"},
    "visibility": {"hidden", "collapse"},
    "position": {"fixed", "sticky"},
    "color": {"transparent"},
}


def hides(style: str) -> bool:
    """Whether a style attribute hides its element."""
    return bool(_HIDING.search(_COMMENT.sub("", style)))


def declarations(style: str, properties: Mapping[str, str]) -> tuple[str, int]:
    """The canonical declarations of a style attribute or of a block, and how many were left out. The last one of a
    property counts; they are in the order of their names, shorthands therefore before their parts."""
    kept, lost = pairs(style, properties)
    return written(kept), lost


def pairs(style: str, properties: Mapping[str, str]) -> tuple[dict[str, str], int]:
    """Property → canonical value, and how many declarations were left out."""
    kept: dict[str, str] = {}
    lost = 0
    for declaration in _COMMENT.sub("", style).split(";"):
        name, colon, written_value = declaration.partition(":")
        name = name.strip().lower()
        value = canonical_value(name, written_value, properties) if colon else None
        if value is None:
            lost += bool(declaration.strip()) and not name.startswith(("mso-", "-"))
        else:
            kept[name] = value
    return kept, lost


def written(kept: Mapping[str, str]) -> str:
    """Declarations in the order of their names."""
    return ";".join(f"{name}:{kept[name]}" for name in sorted(kept))


def canonical_value(name: str, value: str, properties: Mapping[str, str]) -> str | None:
    """The value written canonically, None if it is not allowed."""
    kinds = properties.get(name)
    if kinds is None or len(value) > 500:
        return None
    important = re.search(r"!\s*important\s*$", value, re.IGNORECASE)
    value = value[: important.start()] if important else value
    words = list(_words(value, kinds))
    if not words or any(word is None for word in words):
        return None
    text = " ".join(str(word) for word in words).replace(" , ", ",").strip()
    if "," in (text[:1], text[-1:]) or ",," in text or " ," in text or ", " in text:
        return None
    if "h" not in kinds and _FORBIDDEN_WORDS.get(name, set()) & set(text.split()):
        return None
    if name in _TYPE_SIZES and any(NUMBER.fullmatch(word) and _tiny(word) for word in text.split(" ")):
        return None
    return text + (" !important" if important else "")


def _tiny(number: str) -> bool:
    match = re.match(r"[0-9.]+", number)
    value = float(match[0]) if match else 0.0
    return (value < 1 and not number.endswith(("em", "in", "cm", "rem"))) or value < 0.1


def _words(value: str, kinds: str) -> Iterator[str | None]:
    """Each word canonically, ``","`` as it is, None for one that is not allowed."""
    for piece in _joined_names(_PIECE.findall(value), kinds):
        yield piece if piece == "," else _word(piece, kinds)


def _joined_names(pieces: list[str], kinds: str) -> Iterator[str]:
    """Font names written without quotes over several words, quoted; in the shorthand they follow the size."""
    sizes = [at for at, piece in enumerate(pieces) if NUMBER.match(piece)] if kinds == "wnf" else [-1]
    if "f" not in kinds or not sizes:
        yield from pieces
        return
    yield from pieces[: sizes[-1] + 1]
    for comma, names in itertools.groupby(pieces[sizes[-1] + 1 :], lambda piece: piece == ","):
        group = list(names)
        yield from group if comma or len(group) == 1 else ["'" + " ".join(group) + "'"]


def _word(piece: str, kinds: str) -> str | None:
    if "f" in kinds:
        font = _font(piece)
        if font:
            return font
    low = re.sub(r"\s+", "", piece.lower())
    if low.startswith("url(") and "r" in kinds:
        target = re.sub(r"""^url\(["']?|["']?\)$""", "", piece.strip(), flags=re.IGNORECASE).strip("\"' ")
        return f"url({target})" if REFERENCE.fullmatch(f"url({target})") else None
    low = _plain_number(re.sub(r"^\+(?=[0-9.])", "", low))
    low = _plain_colour(low, piece) if "c" in kinds else low
    if kinds == "wnf" and _SIZE_AND_LINE.fullmatch(low):
        return low
    patterns = {"w": WORD, "n": NUMBER, "s": SIGNED, "c": COLOUR}
    return low if any(patterns[kind].fullmatch(low) for kind in kinds if kind in patterns) else None


def _plain_number(word: str) -> str:
    """A number without exponent and without a dot at its end."""
    match = _EXPONENT.fullmatch(word)
    if match:
        return f"{float(match[1]):.12f}".rstrip("0").rstrip(".") + match[2]
    return re.sub(r"^(-?[0-9]+)\.(?![0-9])", r"\1", word)


def _plain_colour(low: str, piece: str) -> str:
    """``rgb()`` in percent, with blanks or with a slash as ``rgb()`` or ``rgba()`` with numbers and commas."""
    match = _FUNCTION.fullmatch(piece.strip().lower())
    parts = re.findall(r"[0-9.]+%?", match[1]) if match else []
    if len(parts) not in (3, 4):
        return low
    try:
        levels = [round(min(float(part.strip("%")) * (255 if "%" in part else 100) / 100, 255)) for part in parts[:3]]
        alpha = [float(part.strip("%")) / (100 if "%" in part else 1) for part in parts[3:]]
    except ValueError:
        return low
    if not alpha:
        return "rgb({},{},{})".format(*levels)
    shown = f"{min(alpha[0], 1.0):.4f}".rstrip("0").rstrip(".")
    return "rgba({},{},{},{})".format(*levels, shown)


def _font(piece: str) -> str | None:
    """A font name in single quotes; None for a plain word."""
    name = " ".join(piece.strip("\"'").split())
    quoted = f"'{name}'"
    plain = WORD.fullmatch(piece.lower()) or NUMBER.fullmatch(piece.lower()) or not FONT.fullmatch(quoted)
    return None if plain else quoted


# One selector: names joined by descent. The whole rule goes if one of its selectors cannot be written so.
SELECTOR = re.compile(r"(?:\*|[a-z][a-z0-9]*)?(?:[.#][^\W\d][\w-]{0,99})*")


@dataclass(frozen=True, slots=True)
class Rule:
    """``selectors``: each a list of compounds, the last one the element itself."""

    selectors: tuple[tuple[str, ...], ...]
    kept: dict[str, str]


def rules(sheet: str, properties: Mapping[str, str], lower: bool = True) -> tuple[list[Rule], int]:
    """The rules of a style sheet that can be written, and how many rules and declarations were left out. ``lower``:
    names of elements do not depend on case."""
    found: list[Rule] = []
    lost = 0
    for prelude, block in _blocks(_COMMENT.sub("", sheet)):
        selectors = [_selector(part, lower) for part in prelude.split(",")] if block is not None else []
        good = tuple(selector for selector in selectors if selector)
        kept, gone = pairs(block or "", properties)
        lost += gone + (len(selectors) > len(good) or not selectors)
        if good and kept:
            found.append(Rule(good, kept))
    return found, lost


def _selector(text: str, lower: bool) -> tuple[str, ...] | None:
    compounds = []
    for compound in text.split():
        tag = re.match(r"[A-Za-z][A-Za-z0-9]*", compound)
        if tag and lower:
            compound = tag[0].lower() + compound[tag.end() :]
        if not (SELECTOR if lower else _ANY_CASE).fullmatch(compound):
            return None
        compounds.append(compound)
    return tuple(compounds) or None


_ANY_CASE = re.compile(r"(?:\*|[A-Za-z][A-Za-z0-9]*)?(?:[.#][^\W\d][\w.:-]{0,99})*")


def _blocks(sheet: str) -> Iterator[tuple[str, str | None]]:
    """Prelude and block of each rule; the block is None for a rule that begins with ``@`` or holds blocks."""
    at = 0
    while True:
        opening = sheet.find("{", at)
        if opening < 0:
            return
        prelude = sheet[at:opening].rpartition(";")[2].strip()
        end, depth = opening + 1, 1
        while depth and end < len(sheet):
            depth += {"{": 1, "}": -1}.get(sheet[end], 0)
            end += 1
        body = sheet[opening + 1 : end - (depth == 0)]
        yield prelude, None if prelude.startswith("@") or "{" in body else body
        at = end
