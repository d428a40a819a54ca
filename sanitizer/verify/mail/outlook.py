"""Outlook messages: which storages, streams and properties there are, and what they say ([MS-OXMSG]).

>>> verify(b"", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('compound-file', '')
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime

from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.mail.compound import Streams, read
from sanitizer.verify.mail.words import MESSAGE_ID, is_address, is_line, is_plain_text
from sanitizer.verify.markup.characters import demand
from sanitizer.verify.markup.html import check_mail_page

PROPERTIES, NAMES = "__properties_version1.0", "__nameid_version1.0"
_NAMES = {f"__substg1.0_{tag}": b"" for tag in ("00020102", "00030102", "00040102")}
MAX_RECIPIENTS, MAX_SUBJECT, MAX_NAME = 2_000, 1_000, 320
NUMBER, MOMENT, TEXT, BINARY = 0x0003, 0x0040, 0x001F, 0x0102
SECOND = 10_000_000  # units of a moment
_START = datetime(1601, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = (
    int((datetime(year, 1, 1, tzinfo=UTC) - _START).total_seconds()) * SECOND for year in (1900, 3000)
)
TO, CC = 1, 2
PLAIN, PAGE = 0x1000001F, 0x10130102
_SUBJECT, _MOMENT = (0x0037001F, 0x0E1D001F), (0x00390040, 0x0E060040)
_SENDER = (0x0042001F, 0x0C1A001F)
_SENDER_KIND, _SENDER_ADDRESS = (0x0064001F, 0x0C1E001F), (0x0065001F, 0x0C1F001F)
_SHOWN = {CC: 0x0E03001F, TO: 0x0E04001F}
_ID, _CLASS, _NATIVE = 0x1035001F, 0x001A001F, 0x10160003
_FIXED: dict[int, int | str] = {_CLASS: "IPM.Note", 0x0E070003: 1, 0x340D0003: 262144, 0x3FDE0003: 65001}
_ALWAYS = {*_FIXED, *_SENDER, *_SHOWN.values(), _NATIVE}
_KIND, _NAME, _NUMBER = 0x0C150003, 0x3001001F, 0x30000003
_OF_A_RECIPIENT: dict[int, int | str] = {0x0FFE0003: 6, 0x39000003: 0}
_ADDRESS_KIND, _ADDRESS = (0x3002001F,), (0x3003001F, 0x39FE001F)

Value = int | str | bytes
Properties = dict[int, Value]


def verify(data: bytes, limits: Limits, mime: str = "application/vnd.ms-outlook") -> None:
    """Nothing if ``data`` is an Outlook message of the grammar within ``limits``, else ``Violation``."""
    demand(len(data) <= limits.max_output, "too-long")
    found = read(data)
    names = [f"__recip_version1.0_#{number:08X}" for number in range(len(found.storages) - 1)]
    demand(len(names) <= MAX_RECIPIENTS and found.storages.keys() == {NAMES, *names}, "storages")
    demand(found.storages[NAMES] == _NAMES, "names")
    counts = struct.pack("<8x4I8x", len(names), 0, len(names), 0)
    message = _properties(found.streams, counts, "message")
    recipients = [
        _recipient(_properties(found.storages[name], bytes(8), f"recipient {number}"), number)
        for number, name in enumerate(names)
    ]
    _check_message(message, recipients, limits)


def _properties(streams: Streams, head: bytes, where: str) -> Properties:
    """The properties of a message or a recipient, and nothing else among its streams."""
    table = streams.get(PROPERTIES, b"")
    demand(table.startswith(head) and (len(table) - len(head)) % 16 == 0, "properties", where)
    found, used, before = Properties(), {PROPERTIES}, -1
    for tag, flags, value in struct.iter_unpack("<IIQ", table[len(head) :]):
        demand(tag > before and flags == 6, "property-order", where)
        before = tag
        name, kind = f"__substg1.0_{tag:08X}", tag & 0xFFFF
        if kind in (TEXT, BINARY):
            stream = streams.get(name, b"")
            demand(stream and value == len(stream) + 2 * (kind == TEXT), "property-stream", where)
            used.add(name)
            found[tag] = _text(stream, where) if kind == TEXT else stream
        else:
            demand(kind == MOMENT or (kind == NUMBER and value < 1 << 32), "property-type", where)
            found[tag] = value
    demand(used == streams.keys(), "streams", where)
    return found


def _text(stream: bytes, where: str) -> str:
    try:
        return stream.decode("utf-16-le")
    except UnicodeDecodeError as error:
        raise Violation("text", where) from error


def _same(found: Properties, tags: tuple[int, ...], where: str) -> Value | None:
    """The value that all of these have, or None if none of them is there."""
    values = {found.get(tag) for tag in tags}
    demand(len(values) == 1, "property-differs", where)
    return values.pop()


def _check_tags(found: Properties, always: set[int], perhaps: set[int], where: str) -> None:
    demand(always <= found.keys() <= always | perhaps, "property", where)


def _address(found: Properties, kinds: tuple[int, ...], addresses: tuple[int, ...], where: str) -> None:
    """``SMTP`` and an address, of all or of none of these."""
    kind, address = _same(found, kinds, where), _same(found, addresses, where)
    demand((kind is None) == (address is None), "address", where)
    if address is not None:
        demand(kind == "SMTP" and isinstance(address, str) and is_address(address), "address", where)


def _recipient(found: Properties, number: int) -> tuple[int, str]:
    """The type and the name of a recipient."""
    where = f"recipient {number}"
    _check_tags(found, {_KIND, _NAME, _NUMBER, *_OF_A_RECIPIENT}, {*_ADDRESS_KIND, *_ADDRESS}, where)
    demand(all(found[tag] == value for tag, value in _OF_A_RECIPIENT.items()), "property-value", where)
    kind, name = found[_KIND], found[_NAME]
    demand(kind in (TO, CC) and found[_NUMBER] == number, "property-value", where)
    demand(isinstance(name, str) and is_line(name) and len(name) <= MAX_NAME and ";" not in name, "name", where)
    _address(found, _ADDRESS_KIND, _ADDRESS, where)
    return (TO if kind == TO else CC), str(name)


def _check_message(found: Properties, recipients: list[tuple[int, str]], limits: Limits) -> None:
    perhaps = {*_SUBJECT, *_MOMENT, *_SENDER_KIND, *_SENDER_ADDRESS, PLAIN, PAGE, _ID}
    _check_tags(found, _ALWAYS, perhaps, "message")
    demand(all(found[tag] == value for tag, value in _FIXED.items()), "property-value", "message")
    subject = _same(found, _SUBJECT, "subject")
    demand(subject is None or (_is_line(subject) and len(str(subject)) <= MAX_SUBJECT), "subject")
    moment = _same(found, _MOMENT, "moment")
    if isinstance(moment, int):
        demand(_EARLIEST <= moment < _LATEST and moment % SECOND == 0, "moment")
    sender = _same(found, _SENDER, "sender")
    demand(sender == " " or (_is_line(sender) and len(str(sender)) <= MAX_NAME), "sender")
    _address(found, _SENDER_KIND, _SENDER_ADDRESS, "sender")
    types = [kind for kind, _ in recipients]
    demand(types == sorted(types), "recipients")
    for kind, tag in _SHOWN.items():
        names = "; ".join(name for one, name in recipients if one == kind)
        demand(found[tag] == (names or " "), "recipients")
    demand(_ID not in found or MESSAGE_ID.fullmatch(str(found[_ID])), "message-id")
    _check_texts(found, limits)


def _is_line(value: Value | None) -> bool:
    return isinstance(value, str) and is_line(value)


def _check_texts(found: Properties, limits: Limits) -> None:
    plain, page = found.get(PLAIN), found.get(PAGE)
    demand(plain is not None or page is not None, "no-text")
    demand(plain is None or (isinstance(plain, str) and is_plain_text(plain)), "text")
    demand(found[_NATIVE] == (1 if page is None else 3), "property-value", "message")
    if isinstance(page, bytes):
        check_mail_page(page, limits, frozenset())
