"""What may stand in a rebuilt page: elements, attributes, and what each attribute's value may be. Tables only.

>>> sorted(ATTRIBUTES["ol"])
['reversed', 'start', 'type']
"""

from __future__ import annotations

import re
from collections.abc import Callable

_ELEMENTS = """
    a abbr address article aside b bdi big blockquote br caption center cite code col colgroup dd del details dfn div dl
    dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hgroup hr i img ins kbd li main mark nav ol p
    pre q rb rp
    rt rtc ruby s samp section small span strike strong sub summary sup table tbody td tfoot th thead time tr
    tt u ul var
    wbr
"""
_BLOCKS = """
    address article aside blockquote br caption center dd details div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6
    header hr li main nav ol p pre section summary table title tr ul
"""
_WITHOUT_MEANING = """
    button textarea label fieldset legend output progress meter noscript noframes frameset picture slot search
    menu dir nobr
    acronym listing xmp plaintext optgroup option marquee blink bdo dialog
"""
ELEMENTS = frozenset(_ELEMENTS.split())
VOID = frozenset(("br", "col", "hr", "img", "wbr"))
BLOCKS = tuple(_BLOCKS.split())

# gone with their contents, and counted as
_GONE = {
    "embedded-object": "iframe frame embed applet portal bgsound fencedframe",
    "multimedia": "audio video source track",
    "vector-drawing": "svg math",
    "form": "input select datalist keygen",
    "remote-load": "link",
    "link-target": "base",
    "unknown-element": "template xml area map param canvas command menuitem basefont isindex",
}
DROPPED = {name: kind for kind, names in _GONE.items() for name in names.split()}
# gone, but not their contents; counted as, or not at all
UNWRAPPED = {"form": "form", "object": "embedded-object", **dict.fromkeys(_WITHOUT_MEANING.split(), "")}
_LOADING = "src srcset background poster data lowsrc dynsrc classid codebase archive longdesc ping manifest"
LOADING = frozenset(_LOADING.split())

ATTRIBUTES: dict[str, dict[str, str]] = {
    "*": {"class": "names", "dir": "direction", "id": "name", "lang": "language", "title": "words", "align": "align",
          "valign": "align", "bgcolor": "colour", "style": "style"},
    "a": {"href": "link", "name": "name"},
    "body": {"text": "colour"},
    "col": {"span": "count", "width": "length"},
    "colgroup": {"span": "count", "width": "length"},
    "details": {"open": "empty"},
    "font": {"color": "colour", "face": "fonts", "size": "size"},
    "hr": {"color": "colour", "noshade": "empty", "size": "count", "width": "length"},
    "img": {"alt": "words", "border": "count", "height": "length", "src": "picture", "width": "length"},
    "li": {"type": "marker", "value": "number"},
    "ol": {"reversed": "empty", "start": "number", "type": "marker"},
    "ul": {"type": "marker"},
    "table": {"border": "count", "cellpadding": "count", "cellspacing": "count", "height": "length", "width": "length",
              "bordercolor": "colour", "frame": "word", "rules": "word"},
    "td": {"colspan": "count", "height": "length", "nowrap": "empty", "rowspan": "count", "width": "length"},
    "th": {"colspan": "count", "height": "length", "nowrap": "empty", "rowspan": "count", "scope": "word",
           "width": "length"},
    "tr": {"height": "length"},
    "time": {"datetime": "moment"},
}  # fmt: skip

_NAME = re.compile(r"[^\W\d][\w.:-]{0,99}")
_CLASS = re.compile(r"[^\W\d][\w-]{0,99}")
_COLOUR = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})|[a-z]{3,20}")


def place(address: str) -> str | None:
    """The name behind ``#`` of a link inside the page."""
    name = address.strip()
    return name[1:] if name.startswith("#") and _NAME.fullmatch(name[1:]) else None


def _matching(pattern: str, lower: bool = False) -> Callable[[str], str | None]:
    compiled = re.compile(pattern)

    def meaning(value: str) -> str | None:
        value = value.lower() if lower else value
        return value if compiled.fullmatch(value) else None

    return meaning


def _names(value: str) -> str | None:
    return " ".join(name for name in value.split() if _CLASS.fullmatch(name)) or None


def _colour(value: str) -> str | None:
    value = value.lower()
    value = "#" + value if re.fullmatch("[0-9a-f]{6}", value) else value
    return value if _COLOUR.fullmatch(value) else None


def _fonts(value: str) -> str | None:
    return ",".join(name for name in (" ".join(part.strip("'\" ").split()) for part in value.split(","))
                    if re.fullmatch(r"[\w.-]+(?: [\w.-]+)*", name)) or None  # fmt: skip


MEANINGS: dict[str, Callable[[str], str | None]] = {
    "align": _matching("left|center|right|justify|top|middle|bottom|baseline", lower=True),
    "colour": _colour,
    "count": _matching("[0-9]{1,4}"),
    "direction": _matching("ltr|rtl|auto", lower=True),
    "empty": lambda value: "1",
    "fonts": _fonts,
    "language": _matching("[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,6}"),
    "length": _matching("[0-9]{1,5}%?"),
    "marker": _matching("[1aAiI]|disc|circle|square"),
    "moment": _matching("[0-9TZ:.+ -]{1,40}"),
    "name": _matching(_NAME.pattern),
    "names": _names,
    "number": _matching("-?[0-9]{1,6}"),
    "picture": lambda value: None,
    "link": lambda value: None,
    "style": lambda value: None,
    "size": _matching("[+-]?[1-7]"),
    "word": _matching("[a-z]{1,20}", lower=True),
    "words": lambda value: " ".join(value.split())[:2000],
}
