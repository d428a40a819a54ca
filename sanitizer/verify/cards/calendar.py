"""Calendars: components inside one another, each with properties of its table.

>>> verify(b"BEGIN:VEVENT\\r\\nEND:VEVENT\\r\\n", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('component', 'line 1')
"""

from __future__ import annotations

from collections.abc import Iterator

from sanitizer.limits import Limits
from sanitizer.verify.cards.lines import Line, read
from sanitizer.verify.cards.values import KINDS, LANGUAGE, Check, matching
from sanitizer.verify.markup.characters import demand

HEAD = (("VERSION", "2.0"), ("PRODID", "-//Sekisho//Sanitizer//EN"))
_INSIDE = {
    "": ("VCALENDAR",),
    "VCALENDAR": ("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE"),
    "VEVENT": ("VALARM",),
    "VTODO": ("VALARM",),
    "VTIMEZONE": ("STANDARD", "DAYLIGHT"),
}
_OF_A_CALENDAR = {
    **dict.fromkeys(("CALSCALE", "METHOD"), "word"),
    **dict.fromkeys(("NAME", "DESCRIPTION", "UID"), "text"),
    "CATEGORIES": "texts",
    "LAST-MODIFIED": "date",
}
_OF_AN_ENTRY = {
    **dict.fromkeys(("SUMMARY", "DESCRIPTION", "LOCATION", "COMMENT", "CONTACT", "UID", "RELATED-TO"), "text"),
    **dict.fromkeys(("CATEGORIES", "RESOURCES"), "texts"),
    **dict.fromkeys(("CLASS", "STATUS", "TRANSP"), "word"),
    **dict.fromkeys(("PRIORITY", "SEQUENCE", "PERCENT-COMPLETE"), "number"),
    **dict.fromkeys(("DTSTART", "DTEND", "DUE", "COMPLETED", "CREATED"), "date"),
    **dict.fromkeys(("LAST-MODIFIED", "DTSTAMP", "RECURRENCE-ID"), "date"),
    "EXDATE": "dates",
    "RDATE": "dates or periods",
    "FREEBUSY": "periods",
    "DURATION": "duration",
    "RRULE": "rule",
    "GEO": "place",
    "ORGANIZER": "mailbox",
    "ATTENDEE": "mailbox",
    "URL": "web",
    "ATTACH": "web",
}
_OF_AN_ALARM = {
    "ACTION": "display",
    "DESCRIPTION": "text",
    "SUMMARY": "text",
    "TRIGGER": "duration or date",
    "DURATION": "duration",
    "REPEAT": "number",
}
_OF_A_SEASON = {
    "DTSTART": "date",
    "TZOFFSETFROM": "offset",
    "TZOFFSETTO": "offset",
    "RRULE": "rule",
    "RDATE": "dates",
    "TZNAME": "text",
    "COMMENT": "text",
}
_PROPERTIES = {
    "VCALENDAR": _OF_A_CALENDAR,
    **dict.fromkeys(("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"), _OF_AN_ENTRY),
    "VALARM": _OF_AN_ALARM,
    "VTIMEZONE": {"TZID": "text", "LAST-MODIFIED": "date"},
    **dict.fromkeys(("STANDARD", "DAYLIGHT"), _OF_A_SEASON),
}
_SHORT = matching(r".{1,200}")
_PARAMETERS: dict[str, Check] = {
    **dict.fromkeys(("CUTYPE", "FBTYPE", "PARTSTAT", "RELATED", "RELTYPE", "ROLE"), KINDS["word"]),
    "RSVP": {"TRUE", "FALSE"}.__contains__,
    "RANGE": "THISANDFUTURE".__eq__,
    "VALUE": {"DATE", "DATE-TIME", "PERIOD", "DURATION"}.__contains__,
    "LANGUAGE": LANGUAGE,
    "CN": _SHORT,
    "TZID": _SHORT,
}


def verify(data: bytes, limits: Limits, mime: str = "text/calendar") -> None:
    """Nothing if ``data`` is one or more calendars of the grammar within ``limits``, else ``Violation``."""
    lines = iter(read(data, limits))
    for line in lines:
        _component(line, "", lines)


def _component(begin: Line, outer: str, lines: Iterator[Line]) -> None:
    """From its first line to its last: properties, then components."""
    name = begin.value
    demand(name in _INSIDE.get(outer, ()) and begin.is_bare("BEGIN", name), "component", begin.where)
    for key, value in HEAD if name == "VCALENDAR" else ():
        line = next(lines, begin)
        demand(line.is_bare(key, value), "head", line.where)
    actions, inside = 0, False
    for line in lines:
        if line.name == "END":
            demand(line.is_bare("END", name), "component", line.where)
            demand(actions == 1 or name != "VALARM", "action", line.where)
            return
        if line.name == "BEGIN":
            inside = True
            _component(line, name, lines)
        else:
            demand(not inside, "property-order", line.where)
            actions += line.name == "ACTION"
            _property(line, name)
    demand(False, "unclosed", begin.where)


def _property(line: Line, component: str) -> None:
    kind = _PROPERTIES[component].get(line.name)
    demand(kind is not None and KINDS[kind](line.value), "property" if kind is None else "value", line.where)
    demand(not line.listed, "parameter-quotes", line.where)
    for name, value in line.parameters.items():
        check = _PARAMETERS.get(name)
        demand(check is not None and check(value), "parameter", line.where)
