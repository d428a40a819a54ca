"""Pages: a fixed head, a style sheet, and elements and attributes of two tables.

Rules kept here:

- The head is compared, not read. A page of a mail has the same without the line on what may be loaded.
- An element has attributes of the tables alone; ``img`` has a picture in it, in a mail perhaps one beside it.

>>> verify(b"<!DOCTYPE html>", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('head', '')
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.markup.characters import MAX_DEPTH, NAME, attributes, demand, is_text, read
from sanitizer.verify.markup.style import FONT, PAGE
from sanitizer.verify.markup.values import Gallery, is_link

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_CHARSET = '<meta charset="utf-8">'
HEAD = f'{_CHARSET}<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
MAX_KNOWN, MAX_LENGTH = 4_096, 512

_LANGUAGE = r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,6}"
_WORD = r"[^\W\d][\w\-]{0,99}"
_START = re.compile(rf'<!DOCTYPE html>\n<html(?: lang="{_LANGUAGE}")?><head>')
_COMPOUND = rf"(?=[*a-z.#])(?:\*|[a-z][a-z0-9]*)?(?:[.#]{_WORD})*"
_SELECTOR = rf"{_COMPOUND}(?: {_COMPOUND})*"
_RULE = re.compile(rf"{_SELECTOR}(?:,{_SELECTOR})*\{{([^{{}}]*)\}}\n")

_VOID = "br col hr img wbr"
_OTHERS = """
    a abbr address article aside b bdi big blockquote caption center cite code colgroup dd del details dfn div dl dt em
    figcaption figure font footer h1 h2 h3 h4 h5 h6 header hgroup i ins kbd li main mark nav ol p pre q rb rp rt rtc
    ruby s samp section small span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var
"""
_ALIGNMENTS = "left center right justify top middle bottom baseline"
VOID = frozenset(_VOID.split())
ELEMENTS = VOID | frozenset(_OTHERS.split())

Check = Callable[[str], object]


def _matching(pattern: str) -> Check:
    return re.compile(pattern).fullmatch


def _style(value: str) -> bool:
    PAGE.check(value)
    return True


_LENGTH, _COUNT, _ONE, _NAME = _matching("[0-9]{1,5}%?"), _matching("[0-9]{1,4}"), "1".__eq__, _matching(NAME)
_COLOUR, _ALPHABETIC = _matching("#[0-9a-f]{3}(?:[0-9a-f]{3})?|[a-z]{3,20}"), _matching("[a-z]{1,20}")
_ALIGN = frozenset(_ALIGNMENTS.split()).__contains__
_NUMBER, _SIZE = _matching("-?[0-9]{1,6}"), _matching(r"[+\-]?[1-7]")
_FONTS, _MARKER = _matching(rf"{FONT}(?:,{FONT})*"), _matching("[1aAiI]|disc|circle|square")
_MOMENT, _LINK_OR_PLACE = _matching(r"[0-9TZ:.+\- ]{1,40}"), _matching(rf"\#{NAME}")


def _any(value: str) -> bool:
    return True


def _where(value: str) -> object:
    return is_link(value) or _LINK_OR_PLACE(value)


_EVERYWHERE: dict[str, Check] = {
    "align": _ALIGN,
    "bgcolor": _COLOUR,
    "class": _matching(f"{_WORD}(?: {_WORD})*"),
    "dir": {"ltr", "rtl", "auto"}.__contains__,
    "id": _NAME,
    "lang": _matching(_LANGUAGE),
    "style": _style,
    "title": _any,
    "valign": _ALIGN,
}
_CELL = {"colspan": _COUNT, "rowspan": _COUNT, "height": _LENGTH, "width": _LENGTH, "nowrap": _ONE}
_OWN: dict[str, dict[str, Check]] = {
    "a": {"href": _where, "name": _NAME},
    "body": {"text": _COLOUR},
    "col": {"span": _COUNT, "width": _LENGTH},
    "colgroup": {"span": _COUNT, "width": _LENGTH},
    "details": {"open": _ONE},
    "font": {"color": _COLOUR, "face": _FONTS, "size": _SIZE},
    "hr": {"color": _COLOUR, "noshade": _ONE, "size": _COUNT, "width": _LENGTH},
    "img": {"alt": _any, "border": _COUNT, "height": _LENGTH, "width": _LENGTH, "src": _any},
    "li": {"type": _MARKER, "value": _NUMBER},
    "ol": {"reversed": _ONE, "start": _NUMBER, "type": _MARKER},
    "ul": {"type": _MARKER},
    "table": {
        **dict.fromkeys(("border", "cellpadding", "cellspacing"), _COUNT),
        **dict.fromkeys(("height", "width"), _LENGTH),
        **dict.fromkeys(("frame", "rules"), _ALPHABETIC),
        "bordercolor": _COLOUR,
    },
    "td": _CELL,
    "th": {**_CELL, "scope": _ALPHABETIC},
    "tr": {"height": _LENGTH},
    "time": {"datetime": _MOMENT},
}


def verify(data: bytes, limits: Limits, mime: str = "text/html") -> None:
    """Nothing if ``data`` is a page of the grammar within ``limits``, else ``Violation``."""
    demand(data.startswith(b"<!DOCTYPE html>\n"), "head")
    _Page(limits, frozenset()).read(read(data, limits), HEAD)


def check_mail_page(data: bytes, limits: Limits, beside: frozenset[str]) -> list[str]:
    """The pictures beside a page of a mail that it shows, of those named in ``beside``, in the order in which it first
    does; ``Violation`` if the page is not in the grammar."""
    page = _Page(limits, beside)
    page.read(read(data, limits), _CHARSET)
    return list(page.shown)


class _Page:
    """The reading of one page. ``known``: the tags that have been taken apart, without ``img``."""

    def __init__(self, limits: Limits, beside: frozenset[str]) -> None:
        self.limits, self.beside = limits, beside
        self.gallery, self.shown = Gallery(limits), dict[str, None]()
        self.known: dict[str, str] = {}

    def read(self, text: str, head: str) -> None:
        start = _START.match(text)
        demand(start and text.startswith(f"{head}<title>", start.end()), "head")
        assert start is not None
        at = start.end() + len(head) + len("<title>")
        end = text.find("</title>", at)
        demand(end >= 0 and is_text(text[at:end]) and "<" not in text[at:end], "title")
        at = _rules(text, end + len("</title>"))
        demand(text.startswith("</head><body", at), "head")
        demand(text.endswith("</body></html>\n"), "end")
        self._body(text[at + len("</head><") : -len("</body></html>\n")].split("<"))

    def _body(self, pieces: list[str]) -> None:
        demand(len(pieces) <= 2 * self.limits.max_objects + 1, "too-many-elements")
        tag, ended, text = pieces[0].partition(">")
        demand(ended and self._start(tag) == "body", "tag")
        demand(is_text(text), "text")
        outer, count = list[str](), 0
        for piece in pieces[1:]:
            tag, ended, text = piece.partition(">")
            demand(ended, "tag")
            if tag[:1] == "/":
                demand(outer and outer.pop() == tag[1:], "end-tag")
            else:
                name = self.known.get(tag) or self._start(tag)
                demand(name in ELEMENTS, "element")
                count += 1
                if name not in VOID:
                    outer.append(name)
                    demand(len(outer) <= MAX_DEPTH, "too-deep")
            demand(is_text(text), "text")
        demand(not outer, "unclosed")
        demand(count <= self.limits.max_objects, "too-many-elements")

    def _start(self, tag: str) -> str:
        """The name of a start tag whose attributes are allowed."""
        name, found = attributes(tag)
        own = _OWN.get(name, {})
        for key, value in found.items():
            check = own.get(key) or _EVERYWHERE.get(key)
            demand(check is not None and check(value), "attribute" if check is None else "value")
        if name == "img":
            self._picture(found.get("src", ""))
        elif len(self.known) < MAX_KNOWN and len(tag) < MAX_LENGTH:
            self.known[tag] = name
        return name

    def _picture(self, source: str) -> None:
        if source.startswith("cid:"):
            demand(source[4:] in self.beside, "picture")
            self.shown[source[4:]] = None
        else:
            self.gallery.check_uri(source)


def _rules(text: str, at: int) -> int:
    """Where the style sheet ends that may begin at ``at``."""
    if not text.startswith("<style>", at):
        return at
    at += len("<style>")
    while not text.startswith("</style>", at):
        rule = _RULE.match(text, at)
        if rule is None:
            raise Violation("rule")
        PAGE.check(rule[1])
        at = rule.end()
    return at + len("</style>")
