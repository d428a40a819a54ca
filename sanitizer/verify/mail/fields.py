"""The fields of a message: which there are, in which order, and what they say.

>>> check_fields(["Date: Sun, 22 Nov 2026 07:17:14 +0900", "MIME-Version: 1.0"])
>>> check_fields(["MIME-Version: 1.0", "Bcc: <a@example.jp>"])
Traceback (most recent call last):
sanitizer.verify.Violation: ('field', 'field 2')
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from sanitizer.verify import Violation
from sanitizer.verify.mail.words import (
    FOLD,
    MESSAGE_ID,
    encoded,
    is_address,
    is_dotted,
    is_line,
    is_plain,
    read_encoded,
    read_written,
)
from sanitizer.verify.markup.characters import demand

MAX_MAILBOXES, MAX_NAME, MAX_SUBJECT = 2_000, 200, 1_000
LAST = "MIME-Version: 1.0"
_DAYS = "Mon Tue Wed Thu Fri Sat Sun"
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
_DATE = re.compile(
    r"([A-Z][a-z]{2}), ([0-3][0-9]) ([A-Z][a-z]{2}) (19[0-9]{2}|2[0-9]{3})"
    r" (?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9] (?!-0000)[+\-](?:[01][0-9]|2[0-3])[0-5][0-9]"
)
_MAILBOX = re.compile(r'(?:(?P<name>.+) )?<(?P<quote>"?)(?P<local>[^"@<>]+)(?P=quote)@(?P<domain>[^"@<>]+)>', re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])+)"')
_ESCAPED = re.compile(r'\\(["\\])')


def _check_mailboxes(value: str) -> None:
    boxes = value.split("," + FOLD)
    demand(len(boxes) <= MAX_MAILBOXES, "mailboxes")
    for box in boxes:
        _check_mailbox(box)


def _check_mailbox(box: str) -> None:
    if box.endswith(":;"):
        _check_name(box[:-2])
        return
    found = _MAILBOX.fullmatch(box)
    demand(found, "mailbox")
    assert found is not None
    local = found["local"]
    demand(is_address(f"{local}@{found['domain']}") and is_dotted(local) == bool(found["quote"]), "address")
    if found["name"] is not None:
        _check_name(found["name"])


def _check_name(value: str) -> None:
    """A name in the one way in which it is written."""
    quoted = _QUOTED.fullmatch(value)
    name = _ESCAPED.sub(r"\1", quoted[1]) if quoted else read_encoded(value)
    demand(is_line(name) and len(name) <= MAX_NAME and is_plain(name) == bool(quoted), "name")
    demand(quoted or encoded(name) == value, "name")


def _check_date(value: str) -> None:
    found = _DATE.fullmatch(value)
    days, months = _DAYS.split(), _MONTHS.split()
    demand(found and found[1] in days and found[3] in months, "date")
    assert found is not None
    try:
        day = date(int(found[4]), months.index(found[3]) + 1, int(found[2]))
    except ValueError as error:
        raise Violation("date") from error
    demand(days[day.weekday()] == found[1], "date")


def _check_subject(value: str) -> None:
    demand(len(read_written(value)) <= MAX_SUBJECT, "subject")


def _check_id(value: str) -> None:
    demand(MESSAGE_ID.fullmatch(value), "message-id")


_FIELDS: dict[str, Callable[[str], None]] = {
    **dict.fromkeys(("From", "Sender", "Reply-To", "To", "Cc"), _check_mailboxes),
    "Date": _check_date,
    "Subject": _check_subject,
    "Message-ID": _check_id,
}
_ORDER = list(_FIELDS)


def check_fields(fields: list[str]) -> None:
    """``Violation`` unless these are the fields of a message, each with its folded lines."""
    demand(fields and fields[-1] == LAST, "field", f"field {len(fields)}")
    place = -1
    for number, field in enumerate(fields[:-1], 1):
        name, colon, value = field.partition(": ")
        demand(colon and name in _FIELDS and _ORDER.index(name) > place, "field", f"field {number}")
        place = _ORDER.index(name)
        _FIELDS[name](value)
