"""Appointments, tasks and contacts of Outlook as lines of text: what their fields say, before their own text.

Sources: [MS-OXOCAL] 2.2, [MS-OXOCNTC] 2.2, [MS-OXMSG] 2.2.3 (named properties).

>>> contents("ipm.note", None, None)
''
"""

from __future__ import annotations

import struct
from datetime import datetime, timedelta, timezone

from sanitizer.formats.mail.compound import Storage
from sanitizer.formats.mail.properties import Properties

_APPOINTMENT = bytes.fromhex("0220060000000000c000000000000046")
_TASK = bytes.fromhex("0320060000000000c000000000000046")
_CONTACT = bytes.fromhex("0420060000000000c000000000000046")
_JAPAN = timezone(timedelta(hours=9))
_NAMES = "__nameid_version1.0"
# words, set of the property (None: it has a number of its own), number, type
_FIELDS: dict[str, tuple[tuple[str, bytes | None, int, str], ...]] = {
    "ipm.appointment": (
        ("開始 / Start", _APPOINTMENT, 0x820D, "time"),
        ("終了 / End", _APPOINTMENT, 0x820E, "time"),
        ("場所 / Location", _APPOINTMENT, 0x8208, "text"),
    ),
    "ipm.task": (("開始 / Start", _TASK, 0x8104, "time"), ("期限 / Due", _TASK, 0x8105, "time")),
    "ipm.contact": (
        ("氏名 / Name", None, 0x3001, "text"),
        ("会社 / Company", None, 0x3A16, "text"),
        ("部署 / Department", None, 0x3A18, "text"),
        ("役職 / Title", None, 0x3A17, "text"),
        ("電話 / Telephone", None, 0x3A08, "text"),
        ("携帯 / Mobile", None, 0x3A1C, "text"),
        ("自宅 / Home", None, 0x3A09, "text"),
        ("ファクス / Fax", None, 0x3A24, "text"),
        ("メール / Mail", _CONTACT, 0x8083, "text"),
        ("住所 / Address", _CONTACT, 0x801B, "text"),
        ("住所 / Address", None, 0x3A15, "text"),
    ),
}
_FIELDS["ipm.schedule.meeting"] = _FIELDS["ipm.appointment"]


def contents(kind: str, given: Properties | None, storage: Storage | None) -> str:
    """A line for each field of a message of that class; empty for a class without fields."""
    fields = next((fields for name, fields in _FIELDS.items() if kind.startswith(name)), ())
    if not fields or given is None or storage is None:
        return ""
    numbers = _numbers(storage.storages.get(_NAMES))
    lines = []
    for words, group, number, kind_of in fields:
        found = number if group is None else numbers.get((group, number))
        value = "" if found is None else _shown(given.time(found)) if kind_of == "time" else given.text(found)
        if value.strip():
            lines.append(f"{words}: {' '.join(value.split())}\r\n")
    return "".join(lines)


def _shown(when: datetime | None) -> str:
    return when.astimezone(_JAPAN).strftime("%Y-%m-%d %H:%M JST") if when else ""


def _numbers(names: Storage | None) -> dict[tuple[bytes, int], int]:
    """Set and name of each property named by a number → the number that it has in this message."""
    if names is None:
        return {}
    sets, entries = names.read("__substg1.0_00020102") or b"", names.read("__substg1.0_00030102") or b""
    found: dict[tuple[bytes, int], int] = {}
    for at in range(0, len(entries) - 7, 8):
        name, kind, index = struct.unpack_from("<IHH", entries, at)
        place = (kind >> 1) - 3
        if not kind & 1 and place >= 0:
            found[sets[place * 16 : place * 16 + 16], name] = 0x8000 + index
    return found
