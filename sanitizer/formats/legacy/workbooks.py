"""Workbooks from before 2007, SYLK tables and Excel 2003 XML: version, password, and what in them can act.

Rules kept here:

- The stream of records is walked once, record by record; a length that leads outside ends the walk, not the file: the
  converter reads for itself, and what it makes is rebuilt.
- A workbook with the password that Excel tries by itself is opened without asking.

Source: [MS-XLS] 2.3, 2.4.28 (BoundSheet8), 2.4.117 (FilePass), 2.4.150 (Lbl), 2.4.271 (SupBook); [MS-OFFCRYPTO] 2.3.7.

>>> list(records(b"\\x0a\\0\\0\\0"))
[(10, 4, b'')]
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from lxml import etree

from sanitizer.formats.base import NeedsPassword, Refused
from sanitizer.formats.compound_sectors import SIGNATURE
from sanitizer.formats.legacy import ciphers
from sanitizer.formats.legacy.streams import Streams
from sanitizer.formats.ooxml.kinds import Report
from sanitizer.formats.package.xml_source import parse

_BOF, _FILE_PASS, _SHEET, _NAME, _SUP_BOOK = 0x0809, 0x2F, 0x85, 0x18, 0x1AE
# never enciphered, [MS-XLS] 2.2.10; the beginnings of Excel 2 to 4 with them
_OPEN = frozenset({_BOF, 0x0009, 0x0209, 0x0409, _FILE_PASS, 0x194, 0x195, 0xE1, 0x196, 0x138})
_PLACE_OF_SHEET = 4  # bytes of a sheet record that are not enciphered either
_BLOCK = 1024
_CONNECTIONS = frozenset({0x1AD, 0x802, 0x876, 0xDC})  # Qsi, QsiSXTag, DConn, ParamQry
_MACRO_SHEET = 0x40
_AUTOMATIC = re.compile(rb"auto_?(?:open|close|activate|deactivate)", re.IGNORECASE)
_BUILT_IN_AUTOMATIC = (1, 2, 10, 11)  # Auto_Open, Auto_Close, Auto_Activate, Auto_Deactivate
_OWN_SHEETS, _ADD_IN = b"\x01\x04", b"\x01\x3a"
_SPREADSHEETML = "{urn:schemas-microsoft-com:office:spreadsheet}"
_SYLK_ACTS = re.compile(rb"^C[^\r\n]*;E[^\r\n]*\b(?:CALL|REGISTER|EXEC|RUN|RETURN|HALT|ALERT)\(", re.MULTILINE)
_SYLK_AUTO = re.compile(rb"^NN;N\s*auto_", re.IGNORECASE | re.MULTILINE)


def read(data: bytes, password: str | None, report: Report) -> tuple[str, bytes]:
    """(recipe of the version, what the converter gets). Raises ``Refused`` or ``NeedsPassword``."""
    if not data.startswith(SIGNATURE):
        return _read_bare(data, password, report)
    streams = Streams(data)
    name = "Workbook" if "workbook" in streams.streams else "Book"
    book = streams.stream(name) or b""
    if len(book) < 8 or struct.unpack_from("<H", book)[0] & 0xFF != 0x09:
        raise Refused("unreadable", "workbook stream")
    secret = next((body for number, _, body in records(book) if number == _FILE_PASS), None)
    if secret is not None:
        book = _decrypted(book, secret, password)
        data = streams.replaced({name: book})
        report.add("encryption")
    _report(streams, book, report)
    streams.report_info(report)
    return ("xls" if name == "Workbook" else "xls95"), data


def _read_bare(book: bytes, password: str | None, report: Report) -> tuple[str, bytes]:
    """A workbook of Excel 2 to 4, which is its stream of records."""
    secret = next((body for number, _, body in records(book) if number == _FILE_PASS), None)
    if secret is not None:
        book = _decrypted(book, secret, password)
        report.add("encryption")
    sheet_type = struct.unpack_from("<H", book, 6)[0] if len(book) > 8 else 0
    report.add("macro-sheet", int(sheet_type == _MACRO_SHEET))
    for number, _, body in records(book):
        report.add(_kind_of(number, body) if number != _SHEET else "")
    return "xls4", book


def records(book: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(type, offset of the contents, contents) of each record."""
    at = 0
    while at + 4 <= len(book):
        number, length = struct.unpack_from("<HH", book, at)
        yield number, at + 4, book[at + 4 : at + 4 + length]
        at += 4 + length


def _decrypted(book: bytes, secret: bytes, password: str | None) -> bytes:
    try:
        return _deciphered(book, secret, ciphers.READ_ONLY if password is None else password)
    except NeedsPassword:
        raise NeedsPassword(wrong=password is not None) from None
    except struct.error as error:
        raise Refused("unreadable", "encryption") from error


def _deciphered(book: bytes, secret: bytes, password: str) -> bytes:
    short = len(secret) == 4  # before Excel 97 there was one scheme, and no number for it
    if short or struct.unpack_from("<H", secret)[0] == 0:
        key, verifier = struct.unpack_from("<HH", secret, 0 if short else 2)
        if (key, verifier) != (ciphers.xor_key(password), ciphers.xor_verifier(password)):
            raise NeedsPassword(wrong=True)
        return _put_back(book, _crossed(book, ciphers.xor_array(password, 2)))
    return _put_back(book, ciphers.opened(secret[2:], password).stream(book, _BLOCK))


def _crossed(book: bytes, array: bytes) -> bytes:
    clear = bytearray(book)
    turned = bytes((byte << 3 | byte >> 5) & 0xFF for byte in range(256))
    for _, at, body in records(book):
        first = at + len(body)
        clear[at : at + len(body)] = bytes(
            turned[byte] ^ array[(first + number) & 15] for number, byte in enumerate(body)
        )
    return bytes(clear)


def _put_back(book: bytes, clear: bytes) -> bytes:
    """The deciphered stream with the received bytes wherever nothing was enciphered, and no trace of a password."""
    made = bytearray(clear)
    for number, at, body in records(book):
        made[at - 4 : at] = book[at - 4 : at]
        kept = len(body) if number in _OPEN else _PLACE_OF_SHEET if number == _SHEET else 0
        made[at : at + kept] = book[at : at + kept]
        if number == _FILE_PASS:
            made[at - 4 : at + len(body)] = bytes(2) + book[at - 2 : at] + bytes(len(body))
    return bytes(made)


def _report(streams: Streams, book: bytes, report: Report) -> None:
    if any(name in ("_vba_project_cur", "vba") for name in streams.storages):
        report.add("macro")
    report.add("embedded-object", sum(name.startswith("mbd") for name in streams.storages))
    for number, _, body in records(book):
        kind = _kind_of(number, body)
        if kind:
            report.add(kind)


def _kind_of(number: int, body: bytes) -> str:
    if number == _SHEET and len(body) > 5:
        if body[5] == 1:
            return "macro-sheet"
        return ("", "hidden-sheet", "very-hidden-sheet", "")[body[4] & 3]
    if number == _SUP_BOOK and body[2:4] not in (_OWN_SHEETS, _ADD_IN):
        return "external-reference"
    if number == _NAME and _is_automatic(body):
        return "automatic-name"
    return "data-connection" if number in _CONNECTIONS else ""


def _is_automatic(body: bytes) -> bool:
    flags = struct.unpack_from("<H", body.ljust(2, b"\0"))[0]
    if flags & 0x20:
        return len(body) > 15 and body[15] in _BUILT_IN_AUTOMATIC
    return bool(_AUTOMATIC.match(body[14:40].replace(b"\0", b"")))


def read_sylk(data: bytes, password: str | None, report: Report) -> tuple[str, bytes]:
    """A table in SYLK. Its formulas go through the same list as every workbook's afterwards."""
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"ID"):
        raise Refused("unreadable", "SYLK header")
    if _SYLK_AUTO.search(data):
        report.add("automatic-name")
    report.add("macro-sheet", min(1, len(_SYLK_ACTS.findall(data))))
    return "slk", data


def read_spreadsheetml(data: bytes, password: str | None, report: Report) -> tuple[str, bytes]:
    """A workbook in Excel 2003 XML, written anew without document type and instructions."""
    root = parse(data)
    if root is None or root.tag != f"{_SPREADSHEETML}Workbook":
        raise Refused("unreadable", "workbook element")
    return "xmlss", etree.tostring(root, encoding="UTF-8", xml_declaration=True)
