"""Kinds of values of calendars and cards: one predicate for each.

>>> bool(KINDS["text"](r"a\\, b\\n")), bool(KINDS["text"]("a, b")), bool(KINDS["duration"]("-PT15M"))
(True, False, True)
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sanitizer.verify.markup.values import is_mailbox, is_web

Check = Callable[[str], object]

_TEXT = r"(?:[^\\;,]|\\[\\;,n])*"
_TEXTS = rf"{_TEXT}(?:,{_TEXT})*"
_DATE = r"[0-9]{8}(?:T[0-9]{6}Z?)?"
_TIME = r"T(?=[0-9])(?:[0-9]{1,9}H)?(?:[0-9]{1,9}M)?(?:[0-9]{1,9}S)?"
_DURATION = rf"[+\-]?P(?:[0-9]{{1,9}}W|[0-9]{{1,9}}D(?:{_TIME})?|{_TIME})"
_PERIOD = rf"{_DATE}/(?:{_DATE}|{_DURATION})"
_PARTS = "FREQ|COUNT|INTERVAL|BY(?:SECOND|MINUTE|HOUR|DAY|MONTHDAY|YEARDAY|WEEKNO|MONTH|SETPOS)|UNTIL|WKST"
_PART = rf"(?:{_PARTS})=[A-Z0-9,+\-]+"
_COORDINATE = r"[+\-]?[0-9]{1,3}(?:\.[0-9]{1,15})?"


def matching(pattern: str) -> Check:
    """What tells the sentences of a pattern from others."""
    return re.compile(pattern).fullmatch


KINDS: dict[str, Check] = {
    "text": matching(_TEXT),
    "texts": matching(_TEXTS),
    "fields": matching(rf"{_TEXTS}(?:;{_TEXTS})*"),
    "date": matching(_DATE),
    "dates": matching(rf"{_DATE}(?:,{_DATE})*"),
    "periods": matching(rf"{_PERIOD}(?:,{_PERIOD})*"),
    "dates or periods": matching(rf"{_DATE}(?:,{_DATE})*|{_PERIOD}(?:,{_PERIOD})*"),
    "duration": matching(_DURATION),
    "duration or date": matching(rf"{_DURATION}|{_DATE}"),
    "rule": matching(rf"{_PART}(?:;{_PART})*"),
    "offset": matching(r"[+\-](?:[0-9]{4}|[0-9]{6})"),
    "number": matching(r"[0-9]{1,10}"),
    "place": matching(rf"{_COORDINATE};{_COORDINATE}"),
    "geo": matching(rf"geo:{_COORDINATE},{_COORDINATE}"),
    "word": matching(r"[A-Z\-]{1,30}"),
    "moment": matching(r"[0-9TZ:.+\-]{2,35}"),
    "web": is_web,
    "mailbox": is_mailbox,
    "display": "DISPLAY".__eq__,
}
LANGUAGE = matching(r"[A-Za-z0-9\-]{1,35}")
