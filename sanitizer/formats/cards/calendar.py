"""iCalendar: components, properties, parameters and values of a list, written anew.

Rules kept here:

- Nothing of the received file is copied: each line is made again in the canonical form of ``docs/grammar-cards.md``.
- No ``X-`` property, no file inside, no link but http and https, no alarm but one that shows words.
- A calendar that does not end is refused. ``flatten`` is the same as ``rebuild``.

>>> job = Job("text/calendar", "rebuild", "a.ics", None, Limits())
>>> rebuild(b"BEGIN:VCALENDAR\\nX-A:1\\nEND:VCALENDAR", job).removed
[Change(kind='private-data', count=1, where='')]
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sanitizer.formats.base import Job, Rebuilt, Refused
from sanitizer.formats.cards.content_line import Line, content_lines, escaped, texts, written
from sanitizer.formats.cards.kinds import KINDS
from sanitizer.formats.cards.reading import finished, received
from sanitizer.formats.cards.values import form
from sanitizer.formats.markup.notes import Notes
from sanitizer.limits import Limits

__all__ = ["KINDS", "rebuild", "text", "thumbnail"]

PRODID = "-//Sekisho//Sanitizer//EN"
_ENTRY = {
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
_TIMES = {
    "date": "DTSTART",
    "offset": "TZOFFSETFROM TZOFFSETTO",
    "rule": "RRULE",
    "dates": "RDATE",
    "text": "TZNAME COMMENT",
}
_ALARM = {
    "word": "ACTION",
    "text": "DESCRIPTION SUMMARY",
    "trigger": "TRIGGER",
    "duration": "DURATION",
    "number": "REPEAT",
}
_TABLES = {
    "VCALENDAR": {
        "word": "CALSCALE METHOD",
        "text": "NAME DESCRIPTION UID",
        "texts": "CATEGORIES",
        "date": "LAST-MODIFIED",
    },
    **dict.fromkeys(("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"), _ENTRY),
    "VALARM": _ALARM,
    "VTIMEZONE": {"text": "TZID", "date": "LAST-MODIFIED"},
    "STANDARD": _TIMES,
    "DAYLIGHT": _TIMES,
}
PROPERTIES = {
    component: {name: kind for kind, names in table.items() for name in names.split()}
    for component, table in _TABLES.items()
}
INSIDE = {
    "VCALENDAR": ("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE"),
    "VEVENT": ("VALARM",),
    "VTODO": ("VALARM",),
    "VTIMEZONE": ("STANDARD", "DAYLIGHT"),
}
_PARAMETERS = {
    **dict.fromkeys(("CUTYPE", "FBTYPE", "PARTSTAT", "RELATED", "RELTYPE", "ROLE"), r"[A-Z-]{1,30}"),
    "RSVP": "TRUE|FALSE",
    "RANGE": "THISANDFUTURE",
    "VALUE": "DATE|DATE-TIME|PERIOD|DURATION",
}
_LANGUAGE = re.compile("[A-Za-z0-9-]{1,35}")


@dataclass(slots=True)
class _Component:
    """A component while it is read: its properties as they will leave, then what is inside it."""

    name: str
    properties: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)
    action: str = ""
    titles: list[str] = field(default_factory=list)


def rebuild(data: bytes, job: Job) -> Rebuilt:
    """The calendar written anew. Raises ``Refused``."""
    notes = Notes(KINDS)
    made = finished(_Reader(notes).calendars(received(data, notes, job.limits)), job.limits)
    removed, changed = notes.lists()
    return Rebuilt(made, "text/calendar", removed, changed)


class _Reader:
    """Reads the lines of one file."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._open: list[_Component] = []
        self._skipped: list[str] = []
        self._done: list[str] = []

    def calendars(self, lines: list[Line]) -> list[str]:
        """The calendars as they will leave. Raises ``Refused`` where one does not end."""
        for line in lines:
            if line.name == "BEGIN":
                self._begin(line.value.strip().upper())
            elif line.name == "END":
                self._end(line.value.strip().upper())
            elif not self._skipped:
                self._property(line)
        if self._open or self._skipped:
            raise Refused("unreadable", "no end")
        return self._done

    def _begin(self, name: str) -> None:
        allowed = INSIDE.get(self._open[-1].name, ()) if self._open else ("VCALENDAR",)
        if self._skipped or name not in allowed:
            if not self._skipped:
                self._notes.removed("private-data" if name.startswith("X-") else "unknown-property")
            self._skipped.append(name)
        else:
            self._open.append(_Component(name))

    def _end(self, name: str) -> None:
        if self._skipped:
            if self._skipped.pop() != name:
                raise Refused("unreadable", "nesting")
            return
        if not self._open or self._open[-1].name != name:
            raise Refused("unreadable", "nesting")
        component = self._open.pop()
        if name == "VALARM" and component.action != "DISPLAY":
            self._notes.removed("alarm-action")
            return
        (self._open[-1].inside if self._open else self._done).append(_shown(component))

    def _property(self, line: Line) -> None:
        if not self._open:
            self._notes.removed("unknown-property")
            return
        component = self._open[-1]
        if component.name == "VCALENDAR" and line.name in ("VERSION", "PRODID", "X-WR-CALNAME", "NAME"):
            if line.name in ("X-WR-CALNAME", "NAME"):
                self._title(component, line)
            return
        kind = PROPERTIES[component.name].get(line.name)
        value = self._value(kind, line) if kind else None
        if value is None:
            self._notes.removed(_lost(line, kind))
        elif line.name == "ACTION":
            component.action = value
        else:
            component.properties.append(written(line.name, self._parameters(line), value))

    def _title(self, component: _Component, line: Line) -> None:
        value = form("text", line.value, self._notes.clean)
        if value and not component.titles:
            component.titles.append(written("NAME", {}, value))

    def _value(self, kind: str, line: Line) -> str | None:
        if line.parameter("VALUE") in ("BINARY", "URI") and kind != "web":
            return None
        if line.parameter("ENCODING") in ("BASE64", "B"):
            return None
        if line.parameter("ENCODING") == "QUOTED-PRINTABLE":  # its text has no backslashes
            return form(kind, escaped(line.value), self._notes.clean)
        return form(kind, line.value, self._notes.clean)

    def _parameters(self, line: Line) -> dict[str, str]:
        kept = {}
        for name, values in line.parameters.items():
            value = " ".join(self._notes.clean(values[0] if values else "").replace('"', "'").split())
            if name in ("CN", "TZID") and value:
                kept[name] = value[:200]
            elif name in _PARAMETERS and re.fullmatch(_PARAMETERS[name], value.upper()):
                kept[name] = value.upper()
            elif name == "LANGUAGE" and _LANGUAGE.fullmatch(value):
                kept[name] = value
        return kept


def _shown(component: _Component) -> str:
    head = f"BEGIN:{component.name}\r\n"
    if component.name == "VCALENDAR":
        head += f"VERSION:2.0\r\nPRODID:{PRODID}\r\n" + "".join(component.titles)
    if component.name == "VALARM":
        head += "ACTION:DISPLAY\r\n"
    return head + "".join(component.properties) + "".join(component.inside) + f"END:{component.name}\r\n"


def _lost(line: Line, kind: str | None) -> str:
    """What to call a property that goes."""
    if line.name.startswith("X-"):
        return "private-data"
    if line.name == "ATTACH" and (line.parameter("VALUE") == "BINARY" or line.parameter("ENCODING")):
        return "embedded-file"
    return "link-target" if kind in ("web", "mailbox") else "unknown-property"


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """A calendar has no thumbnail."""
    return None


def text(data: bytes, limits: Limits) -> str:
    """The words of the entries, one property a line."""
    spoken = ("NAME", "SUMMARY", "DESCRIPTION", "LOCATION", "COMMENT", "CONTACT", "CATEGORIES")
    lines = content_lines(data.decode("utf-8"), "utf-8")
    return "\n".join(texts(line.value)[0] for line in lines if line.name in spoken)
