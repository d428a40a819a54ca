"""Reads pages as ``docs/grammar-markup.md`` allows them: every character is accounted for.

Rules kept here:

- No parser of HTML: the canonical syntax is read by patterns, from the first character to the last.
- What browsers might read differently from this reader is not in the grammar: no raw text but style that holds no
  ``<``, no void element with an end tag, no attribute without quotes.

>>> from sanitizer.limits import Limits
>>> verify(b"<!DOCTYPE html>\\n<html><script>", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('unexpected', 'character 16')
"""

from __future__ import annotations

from sanitizer.limits import Limits
from sanitizer.patterns import compile_pattern
from sanitizer.verify.markup.characters import (
    CLOSING,
    MAX_DEPTH,
    NAME,
    OPENING,
    TEXT,
    VALUE,
    Check,
    Scanner,
    demand,
    plain,
    read,
    whole,
)
from sanitizer.verify.markup.style import PAGE
from sanitizer.verify.markup.values import Gallery, is_link

META = (
    '<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
)
LISTED = """
    a abbr address article aside b bdi big blockquote br caption center cite code col colgroup dd del details
    dfn div dl dt
    em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hgroup hr i img ins kbd li main mark nav ol p pre
    q rb rp rt
    rtc ruby s samp section small span strike strong sub summary sup table tbody td tfoot th thead time tr tt u
    ul var wbr
"""
ELEMENTS = frozenset(LISTED.split())
WITHOUT_END = frozenset(("br", "col", "hr", "img", "wbr"))
LANG = compile_pattern(rf'<html(?: lang="({VALUE})")?><head>')
BODY = compile_pattern(rf'<body((?: [a-z]+="{VALUE}")*+)>')
COMPOUND = r"(?:(?:\*|[a-z][a-z0-9]*)(?:[.#][^\W\d][\w-]{0,99})*|(?:[.#][^\W\d][\w-]{0,99})+)"
SELECTOR = rf"{COMPOUND}(?: {COMPOUND})*"
RULE = compile_pattern(rf"({SELECTOR}(?:,{SELECTOR})*)\{{([^{{}}<>&]*)\}}\n")

words: Check = lambda value: True  # noqa: E731
align = whole("left|center|right|justify|top|middle|bottom|baseline")
colour = whole("#[0-9a-f]{3}|#[0-9a-f]{6}|[a-z]{3,20}")
count = whole("[0-9]{1,4}")
number = whole("-?[0-9]{1,6}")
length = whole("[0-9]{1,5}%?")
one = whole("1")
word = whole("[a-z]{1,20}")
name = whole(NAME)
names = whole(r"[^\W\d][\w-]{0,99}(?: [^\W\d][\w-]{0,99})*")
fonts = whole(r"[\w.-]+(?: [\w.-]+)*(?:,[\w.-]+(?: [\w.-]+)*)*")
language = whole("[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,6}")
marker = whole("[1aAiI]|disc|circle|square")
moment = whole("[0-9TZ:.+ -]{1,40}")
place = whole(f"#{NAME}")

EVERYWHERE: dict[str, Check] = {
    "align": align,
    "valign": align,
    "bgcolor": colour,
    "class": names,
    "dir": whole("ltr|rtl|auto"),
    "id": name,
    "lang": language,
    "style": PAGE,
    "title": words,
}
CELL: dict[str, Check] = {"colspan": count, "rowspan": count, "height": length, "width": length, "nowrap": one}
OF: dict[str, dict[str, Check]] = {
    "a": {"href": lambda value: place(value) or is_link(value), "name": name},
    "body": {"text": colour},
    "col": {"span": count, "width": length},
    "colgroup": {"span": count, "width": length},
    "details": {"open": one},
    "font": {"color": colour, "face": fonts, "size": whole("[+-]?[1-7]")},
    "hr": {"color": colour, "noshade": one, "size": count, "width": length},
    "img": {"alt": words, "border": count, "height": length, "width": length},
    "li": {"type": marker, "value": number},
    "ol": {"reversed": one, "start": number, "type": marker},
    "ul": {"type": marker},
    "table": {
        "border": count,
        "cellpadding": count,
        "cellspacing": count,
        "height": length,
        "width": length,
        "bordercolor": colour,
        "frame": word,
        "rules": word,
    },
    "td": CELL,
    "th": {**CELL, "scope": word},
    "tr": {"height": length},
    "time": {"datetime": moment},
}


def verify(data: bytes, limits: Limits, mime: str = "text/html") -> None:
    """The head, the contents, the end."""
    scanner = Scanner(read(data, limits))
    _head(scanner)
    opening = scanner.take(BODY)
    scanner.attributes(opening[1], {**EVERYWHERE, **OF["body"]})
    _contents(scanner, limits)
    scanner.literal("</body></html>\n")
    demand(scanner.at == len(scanner.text), "trailing-bytes", f"character {scanner.at}")


def _head(scanner: Scanner) -> None:
    scanner.literal("<!DOCTYPE html>\n")
    lang = scanner.take(LANG)[1]
    demand(lang is None or language(plain(lang)), "bad-attribute", "lang")
    scanner.literal(META)
    scanner.literal("<title>")
    scanner.take(TEXT)
    scanner.literal("</title>")
    if scanner.optional("<style>"):
        while not scanner.optional("</style>"):
            demand(PAGE(scanner.take(RULE)[2]), "bad-style", f"character {scanner.at}")
    scanner.literal("</head>")


def _contents(scanner: Scanner, limits: Limits) -> None:
    """Text and elements up to the end of the body."""
    gallery = Gallery(limits)
    allowed = {element: {**EVERYWHERE, **OF.get(element, {})} for element in ELEMENTS}
    allowed["img"]["src"] = gallery
    open_elements: list[str] = []
    elements = 0
    while True:
        scanner.take(TEXT)
        if not open_elements and scanner.text.startswith("</body>", scanner.at):
            return
        if scanner.text.startswith("</", scanner.at):
            closed = scanner.take(CLOSING)[1]
            demand(open_elements and open_elements.pop() == closed, "bad-nesting", f"character {scanner.at}")
            continue
        opening = scanner.take(OPENING)
        element = opening[1]
        demand(element in ELEMENTS and not opening[3], "unknown-element", f"character {scanner.at}")
        found = scanner.attributes(opening[2], allowed[element])
        demand(element != "img" or "src" in found, "no-picture", f"character {scanner.at}")
        elements += 1
        demand(elements <= limits.max_objects, "too-many-elements")
        if element not in WITHOUT_END:
            open_elements.append(element)
            demand(len(open_elements) <= MAX_DEPTH, "too-deep", f"character {scanner.at}")
