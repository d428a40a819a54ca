"""Reads calendars as ``docs/grammar-cards.md`` allows them.

>>> from sanitizer.limits import Limits
>>> verify(b"BEGIN:VCALENDAR\\r\\n", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('bad-head', 'line 1')
"""

from __future__ import annotations

from sanitizer.limits import Limits
from sanitizer.patterns import compile_pattern
from sanitizer.verify.cards.lines import TEXT, TEXTS, Line, check, demand, read
from sanitizer.verify.markup.values import ADDRESS, is_link

DATE = r"[0-9]{8}(?:T[0-9]{6}Z?)?"
CLOCK = r"T(?:[0-9]{1,9}H(?:[0-9]{1,9}M)?(?:[0-9]{1,9}S)?|[0-9]{1,9}M(?:[0-9]{1,9}S)?|[0-9]{1,9}S)"
DURATION = rf"[+-]?P(?:[0-9]{{1,9}}W|[0-9]{{1,9}}D(?:{CLOCK})?|{CLOCK})"
PERIOD = rf"{DATE}/(?:{DATE}|{DURATION})"
KEY = "FREQ|COUNT|INTERVAL|BYSECOND|BYMINUTE|BYHOUR|BYDAY|BYMONTHDAY|BYYEARDAY|BYWEEKNO|BYMONTH|BYSETPOS|UNTIL|WKST"
PART = rf"(?:{KEY})=[A-Z0-9,+-]+"
REAL = r"[+-]?[0-9]{1,3}(?:\.[0-9]{1,15})?"
FORMS = {
    "text": TEXT,
    "texts": TEXTS,
    "word": "[A-Z-]{1,30}",
    "number": "[0-9]{1,10}",
    "date": DATE,
    "dates": f"{DATE}(?:,{DATE})*+",
    "days": f"{DATE}(?:,{DATE})*+|{PERIOD}(?:,{PERIOD})*+",
    "periods": f"{PERIOD}(?:,{PERIOD})*+",
    "duration": DURATION,
    "trigger": f"{DURATION}|{DATE}",
    "rule": f"{PART}(?:;{PART})*+",
    "place": f"{REAL};{REAL}",
    "offset": "[+-][0-9]{4}(?:[0-9]{2})?",
    "mailbox": f"mailto:{ADDRESS}",
    "web": "https?://.+",
    "DISPLAY": "DISPLAY",
}
ENTRY = {
    "text": "SUMMARY DESCRIPTION LOCATION COMMENT CONTACT UID RELATED-TO",
    "texts": "CATEGORIES RESOURCES",
    "word": "CLASS STATUS TRANSP",
    "number": "PRIORITY SEQUENCE PERCENT-COMPLETE",
    "date": "DTSTART DTEND DUE COMPLETED CREATED LAST-MODIFIED DTSTAMP RECURRENCE-ID",
    "dates": "EXDATE",
    "days": "RDATE",
    "periods": "FREEBUSY",
    "duration": "DURATION",
    "rule": "RRULE",
    "place": "GEO",
    "mailbox": "ORGANIZER ATTENDEE",
    "web": "URL ATTACH",
}
OFFSETS = {
    "date": "DTSTART",
    "offset": "TZOFFSETFROM TZOFFSETTO",
    "rule": "RRULE",
    "dates": "RDATE",
    "text": "TZNAME COMMENT",
}
ALARM = {
    "DISPLAY": "ACTION",
    "text": "DESCRIPTION SUMMARY",
    "trigger": "TRIGGER",
    "duration": "DURATION",
    "number": "REPEAT",
}
CALENDAR = {"word": "CALSCALE METHOD", "text": "NAME DESCRIPTION UID", "texts": "CATEGORIES", "date": "LAST-MODIFIED"}
# component → (where it may stand, its properties)
COMPONENTS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "VCALENDAR": (("",), CALENDAR),
    "VEVENT": (("VCALENDAR",), ENTRY),
    "VTODO": (("VCALENDAR",), ENTRY),
    "VJOURNAL": (("VCALENDAR",), ENTRY),
    "VFREEBUSY": (("VCALENDAR",), ENTRY),
    "VALARM": (("VEVENT", "VTODO"), ALARM),
    "VTIMEZONE": (("VCALENDAR",), {"text": "TZID", "date": "LAST-MODIFIED"}),
    "STANDARD": (("VTIMEZONE",), OFFSETS),
    "DAYLIGHT": (("VTIMEZONE",), OFFSETS),
}
PROPERTIES = {
    component: {name: compile_pattern(FORMS[form]) for form, names in table.items() for name in names.split()}
    for component, (_, table) in COMPONENTS.items()
}
PARAMETERS = {
    **dict.fromkeys(("CUTYPE", "FBTYPE", "PARTSTAT", "RELATED", "RELTYPE", "ROLE"), compile_pattern("[A-Z-]{1,30}")),
    "RSVP": compile_pattern("TRUE|FALSE"),
    "RANGE": compile_pattern("THISANDFUTURE"),
    "VALUE": compile_pattern("DATE|DATE-TIME|PERIOD|DURATION"),
    "LANGUAGE": compile_pattern("[A-Za-z0-9-]{1,35}"),
    "CN": compile_pattern(".{1,200}"),
    "TZID": compile_pattern(".{1,200}"),
}
HEAD = [("VERSION", "2.0"), ("PRODID", "-//Sekisho//Sanitizer//EN")]


def verify(data: bytes, limits: Limits, mime: str = "text/calendar") -> None:
    """Calendars, one after another, each with its head, properties before components, and its end."""
    lines = read(data, limits)
    ways = [""]
    closed = False  # whether a component has ended where we are: no property may follow
    actions = 0
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.name == "BEGIN" and not line.parameters:
            _may_begin(line, ways[-1])
            ways.append(line.value)
            closed, actions = False, 0
            if line.value == "VCALENDAR":
                _head(lines[at : at + 2], line.number)
                at += 2
        elif line.name == "END" and not line.parameters:
            demand(len(ways) > 1 and ways.pop() == line.value, "bad-nesting", line.number)
            demand(line.value != "VALARM" or actions == 1, "bad-alarm", line.number)
            closed = True
        else:
            demand(not closed and len(ways) > 1, "misplaced-property", line.number)
            check(line, PROPERTIES[ways[-1]].get(line.name), PARAMETERS)
            demand(line.name not in ("URL", "ATTACH") or is_link(line.value), "bad-link", line.number)
            actions += line.name == "ACTION"
    demand(ways == [""] and closed, "no-end")


def _may_begin(line: Line, outer: str) -> None:
    places, _ = COMPONENTS.get(line.value, ((), {}))
    demand(outer in places, "unknown-component", line.number)


def _head(lines: list[Line], number: int) -> None:
    demand([(line.name, line.value) for line in lines] == HEAD, "bad-head", number)
    demand(not any(line.parameters for line in lines), "bad-head", number)
