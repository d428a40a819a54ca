"""Address cards: properties of one table, in version 3.0 or 4.0.

>>> verify(b"BEGIN:VCARD\\r\\nVERSION:2.1\\r\\nEND:VCARD\\r\\n", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('head', 'line 2')
"""

from __future__ import annotations

from collections.abc import Iterator

from sanitizer.limits import Limits
from sanitizer.verify.cards.lines import Line, read
from sanitizer.verify.cards.values import KINDS, LANGUAGE, Check, matching
from sanitizer.verify.markup.characters import demand
from sanitizer.verify.markup.values import Gallery

OLDER, NEWER = "3.0", "4.0"
_TEXT = "FN EMAIL TEL TITLE ROLE NOTE UID TZ MAILER LABEL SORT-STRING CLASS KIND GENDER LANG"
_PROPERTIES = {
    **dict.fromkeys(_TEXT.split(), "text"),
    **dict.fromkeys(("NICKNAME", "CATEGORIES"), "texts"),
    **dict.fromkeys(("N", "ADR", "ORG"), "fields"),
    **dict.fromkeys(("BDAY", "ANNIVERSARY", "REV"), "moment"),
    "GEO": "place",
    "URL": "web",
}
_PICTURES = ("PHOTO", "LOGO")
_TYPES = ("PNG", "JPEG", "GIF", "WEBP")
_PARAMETERS: dict[str, Check] = {
    "TYPE": matching(r"[A-Z0-9\-]{1,20}(?:,[A-Z0-9\-]{1,20})*"),
    "PREF": matching("[1-9][0-9]?|100"),
    "LANGUAGE": LANGUAGE,
}


def verify(data: bytes, limits: Limits, mime: str = "text/vcard") -> None:
    """Nothing if ``data`` is one or more cards of the grammar within ``limits``, else ``Violation``."""
    lines, gallery = iter(read(data, limits)), Gallery(limits)
    for line in lines:
        _card(line, lines, gallery)


def _card(begin: Line, lines: Iterator[Line], gallery: Gallery) -> None:
    demand(begin.is_bare("BEGIN", "VCARD"), "component", begin.where)
    version = next(lines, begin)
    demand(version.is_bare("VERSION", OLDER) or version.is_bare("VERSION", NEWER), "head", version.where)
    names = set[str]()
    for line in lines:
        if line.name == "END":
            demand(line.is_bare("END", "VCARD"), "component", line.where)
            demand({"FN", "N"} <= names if version.value == OLDER else "FN" in names, "name-missing", line.where)
            return
        names.add(line.name)
        if line.name in _PICTURES:
            _picture(line, version.value, gallery)
        else:
            _property(line, version.value)
    demand(False, "unclosed", begin.where)


def _property(line: Line, version: str) -> None:
    kind = _PROPERTIES.get(line.name)
    if kind == "place" and version == NEWER:
        kind = "geo"
    demand(kind is not None and KINDS[kind](line.value), "property" if kind is None else "value", line.where)
    demand(line.listed <= {"TYPE"}, "parameter-quotes", line.where)
    for name, value in line.parameters.items():
        check = _PARAMETERS.get(name)
        demand(check is not None and check(value), "parameter", line.where)
        demand(name != "TYPE" or "," not in value or name in line.listed, "parameter-quotes", line.where)


def _picture(line: Line, version: str, gallery: Gallery) -> None:
    if version == NEWER:
        demand(not line.parameters, "parameter", line.where)
        gallery.check_uri(line.value)
        return
    kind = line.parameters.get("TYPE", "")
    demand(line.parameters == {"ENCODING": "b", "TYPE": kind} and kind in _TYPES, "parameter", line.where)
    gallery.check_base64(line.value, f"image/{kind.lower()}")
