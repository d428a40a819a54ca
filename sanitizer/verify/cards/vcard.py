"""Reads address cards as ``docs/grammar-cards.md`` allows them.

>>> from sanitizer.limits import Limits
>>> verify(b"BEGIN:VCARD\\r\\nVERSION:2.1\\r\\nEND:VCARD\\r\\n", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('bad-head', 'line 1')
"""

from __future__ import annotations

from collections.abc import Iterator

from sanitizer.limits import Limits
from sanitizer.patterns import compile_pattern
from sanitizer.verify.cards.lines import FIELDS, TEXT, TEXTS, Line, check, demand, read
from sanitizer.verify.markup.values import Gallery, is_link

REAL = r"[+-]?[0-9]{1,3}(?:\.[0-9]{1,15})?"
TABLE = {
    TEXT: "FN EMAIL TEL TITLE ROLE NOTE UID TZ MAILER LABEL SORT-STRING CLASS KIND GENDER LANG",
    TEXTS: "NICKNAME CATEGORIES",
    FIELDS: "N ADR ORG",
    "[0-9TZ:.+-]{2,35}": "BDAY ANNIVERSARY REV",
    "https?://.+": "URL",
}
PROPERTIES = {name: compile_pattern(form) for form, names in TABLE.items() for name in names.split()}
PLACE = {"3.0": compile_pattern(f"{REAL};{REAL}"), "4.0": compile_pattern(f"geo:{REAL},{REAL}")}
PARAMETERS = {
    "TYPE": compile_pattern("[A-Z0-9-]{1,20}(?:,[A-Z0-9-]{1,20})*"),
    "PREF": compile_pattern("[1-9][0-9]?|100"),
    "LANGUAGE": compile_pattern("[A-Za-z0-9-]{1,35}"),
}
PICTURES = ("PNG", "JPEG", "GIF", "WEBP")


def verify(data: bytes, limits: Limits, mime: str = "text/vcard") -> None:
    """Cards, one after another, at least one."""
    gallery = Gallery(limits)
    lines = iter(read(data, limits))
    for line in lines:
        _is(line, "BEGIN", "VCARD")
        _card(line, lines, gallery)


def _is(line: Line, name: str, value: str) -> None:
    demand((line.name, line.value) == (name, value) and not line.parameters, "bad-nesting", line.number)


def _card(begin: Line, lines: Iterator[Line], gallery: Gallery) -> None:
    """From the version to the end of one card."""
    version = next(lines, begin)
    good = version.name == "VERSION" and version.value in PLACE and not version.parameters
    demand(good, "bad-head", begin.number)
    seen = set()
    for line in lines:
        if line.name in ("BEGIN", "END"):
            _is(line, "END", "VCARD")
            demand("FN" in seen and ("N" in seen or version.value == "4.0"), "no-name", line.number)
            return
        seen.add(line.name)
        if line.name in ("PHOTO", "LOGO"):
            demand(gallery(_picture(line, version.value)), "bad-picture", line.number)
        else:
            form = PLACE[version.value] if line.name == "GEO" else PROPERTIES.get(line.name)
            check(line, form, PARAMETERS)
            demand(line.name != "URL" or is_link(line.value), "bad-link", line.number)
    demand(False, "no-end")


def _picture(line: Line, version: str) -> str:
    """The picture as markup would write it."""
    if version == "4.0":
        demand(not line.parameters, "bad-parameter", line.number)
        return line.value
    kind = line.parameters.get("TYPE", "")
    demand(line.parameters == {"ENCODING": "b", "TYPE": kind} and kind in PICTURES, "bad-parameter", line.number)
    return f"data:image/{kind.lower()};base64,{line.value}"
