"""The values of properties: each form read from what was received and written canonically, or given up.

>>> form("rule", "freq=WEEKLY;byday=MO,TU", str), form("web", "file:///x", str), form("text", "a,b", str)
('FREQ=WEEKLY;BYDAY=MO,TU', None, 'a\\\\,b')
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sanitizer.formats.cards.content_line import escaped, texts
from sanitizer.formats.markup.links import canonical_link

_DATE = r"[0-9]{8}(?:T[0-9]{6}Z?)?"
_TIME = r"T(?=[0-9])(?:[0-9]{1,9}H)?(?:[0-9]{1,9}M)?(?:[0-9]{1,9}S)?"
_DURATION = rf"[+-]?P(?:[0-9]{{1,9}}W|[0-9]{{1,9}}D(?:{_TIME})?|{_TIME})"
_PERIOD = rf"{_DATE}/(?:{_DATE}|{_DURATION})"
_KEYS = "FREQ|COUNT|INTERVAL|BYSECOND|BYMINUTE|BYHOUR|BYDAY|BYMONTHDAY|BYYEARDAY|BYWEEKNO|BYMONTH|BYSETPOS|UNTIL|WKST"
_FLOAT = r"[+-]?[0-9]{1,3}(?:\.[0-9]{1,15})?"
_PATTERNS = {
    "date": _DATE,
    "dates": rf"{_DATE}(?:,{_DATE})*",
    "periods": rf"{_PERIOD}(?:,{_PERIOD})*",
    "days": rf"{_DATE}(?:,{_DATE})*|{_PERIOD}(?:,{_PERIOD})*",
    "duration": _DURATION,
    "trigger": rf"{_DURATION}|{_DATE}",
    "rule": rf"(?:{_KEYS})=[A-Z0-9,+-]+(?:;(?:{_KEYS})=[A-Z0-9,+-]+)*",
    "offset": r"[+-][0-9]{4}(?:[0-9]{2})?",
    "number": r"[0-9]{1,10}",
    "place": rf"{_FLOAT};{_FLOAT}",
    "word": r"[A-Z-]{1,30}",
    "moment": r"[0-9TZ:.+-]{2,35}",
}
_COMPILED = {name: re.compile(pattern) for name, pattern in _PATTERNS.items()}


def form(kind: str, value: str, clean: Callable[[str], str]) -> str | None:
    """The canonical value; None if the received one is none of this kind. ``clean``: takes controls out of text."""
    if kind == "text":
        return escaped(clean(texts(value)[0])).strip() or None
    if kind == "texts":
        return ",".join(escaped(clean(part)).strip() for part in texts(value, ",")) or None
    if kind == "fields":
        return ";".join(_field(part, clean) for part in _fields(value))
    if kind == "web":
        link = canonical_link(value)
        return link if link and link.startswith("http") else None
    if kind == "mailbox":
        link = canonical_link(value)
        return link if link and link.startswith("mailto:") and "," not in link and "?" not in link else None
    value = re.sub(r"\s", "", value).upper()
    return value if _COMPILED[kind].fullmatch(value) else None


def _fields(value: str) -> list[str]:
    """The parts between semicolons, still with their backslashes."""
    return ["".join(part) for part in _split(re.findall(r"\\.|[^\\]|\\$", value, re.DOTALL))]


def _split(pieces: list[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for piece in pieces:
        if piece == ";":
            parts.append([])
        else:
            parts[-1].append(piece)
    return parts


def _field(part: str, clean: Callable[[str], str]) -> str:
    return ",".join(escaped(clean(text)).strip() for text in texts(part, ","))
