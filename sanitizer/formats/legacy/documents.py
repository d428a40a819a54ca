"""Word documents from before 2007: which version, whether a password is needed, and what in them can act.

Rules kept here:

- The version is told by the first bytes of the document stream.
- Fields are read from the text itself, through the table of pieces; a text that cannot be followed is not reported on.

Source: [MS-DOC] 2.5.1-2.5.15 (FIB), 2.8.35 (pieces), 2.8.25 (fields), 2.2.6 (encryption).

>>> _kinds_of("\\x13 DDEAUTO c:\\\\a \\x14\\x15")
['external-reference']
"""

from __future__ import annotations

import re
import struct

from sanitizer.formats.base import NeedsPassword, Refused
from sanitizer.formats.legacy import ciphers
from sanitizer.formats.legacy.streams import Streams
from sanitizer.formats.ooxml.kinds import Report

_WORD_97, _WORD_95, _WORD_6 = 0xC1, 0x68, 0x65
_ENCRYPTED, _TABLE_1, _OBFUSCATED = 0x0100, 0x0200, 0x8000
_PLAIN, _BLOCK = 0x44, 512
_CLX = 0x01A2
_MAX_TEXT = 16 << 20
_FIELD = re.compile(r"\x13\s*([A-Za-z]{2,20})")
_FIELDS = {
    **dict.fromkeys(("DDE", "DDEAUTO", "LINK", "INCLUDE", "INCLUDETEXT", "INCLUDEPICTURE", "IMPORT", "RD"), "external"),
    **dict.fromkeys(("DATABASE", "MERGEFIELD"), "data"),
    **dict.fromkeys(("MACROBUTTON", "CONTROL", "HTMLCONTROL"), "control"),
}
_KINDS = {"external": "external-reference", "data": "data-connection", "control": "macro-assignment"}
_MACRO_STORAGES = ("macros", "vba")


def read(data: bytes, password: str | None, report: Report) -> tuple[str, bytes]:
    """(recipe of the version, what the converter gets). Raises ``Refused`` or ``NeedsPassword``."""
    streams = Streams(data)
    main = streams.stream("WordDocument") or b""
    if len(main) < _PLAIN:
        raise Refused("unreadable", "document stream")
    version, flags = struct.unpack_from("<H", main, 2)[0], struct.unpack_from("<H", main, 10)[0]
    if flags & _ENCRYPTED:
        data = _decrypted(streams, main, flags, password)
        streams = Streams(data)
        report.add("encryption")
    _report(streams, version, report)
    streams.report_info(report)
    return ("doc" if version >= _WORD_97 else "doc95" if version >= _WORD_95 else "doc6"), data


def _decrypted(streams: Streams, main: bytes, flags: int, password: str | None) -> bytes:
    if password is None:
        raise NeedsPassword(wrong=False)
    if flags & _OBFUSCATED or struct.unpack_from("<H", main, 2)[0] < _WORD_97:
        return _unobfuscated(streams, main, flags, password)
    table = "1Table" if flags & _TABLE_1 else "0Table"
    cipher = ciphers.opened(streams.stream(table) or b"", password)
    clear = {"WordDocument": main, table: streams.stream(table) or b"", "Data": streams.stream("Data")}
    made = {name: cipher.stream(content, _BLOCK) for name, content in clear.items() if content is not None}
    made["WordDocument"] = _open_head(main, flags) + made["WordDocument"][_PLAIN:]
    return streams.replaced(made)


def _open_head(main: bytes, flags: int) -> bytes:
    """The part of the document's head that is never enciphered, without the mark that the rest is."""
    cleared = struct.pack("<H", flags & ~(_ENCRYPTED | _OBFUSCATED))
    return main[:10] + cleared + main[12:14] + bytes(4) + main[18:_PLAIN]


def _unobfuscated(streams: Streams, main: bytes, flags: int, password: str) -> bytes:
    stated, key = struct.unpack_from("<HH", main, 14)
    if (stated, key) != (ciphers.xor_verifier(password), ciphers.xor_key(password)) and (key, stated) != (
        ciphers.xor_verifier(password),
        ciphers.xor_key(password),
    ):
        raise NeedsPassword(wrong=True)
    array = ciphers.xor_array(password, 7)
    table = "1Table" if flags & _TABLE_1 else "0Table"
    contents = {"WordDocument": main, table: streams.stream(table), "Data": streams.stream("Data")}
    made = {name: _crossed(content, array) for name, content in contents.items() if content is not None}
    made["WordDocument"] = _open_head(main, flags)[:0x30] + made["WordDocument"][0x30:]
    return streams.replaced(made)


def _crossed(data: bytes, array: bytes) -> bytes:
    """A byte that is zero, or would become it, stays as it is."""
    pairs = ((byte, byte ^ array[at & 15]) for at, byte in enumerate(data))
    return bytes(crossed if byte and crossed else byte for byte, crossed in pairs)


def _report(streams: Streams, version: int, report: Report) -> None:
    if any(name in _MACRO_STORAGES for name in streams.storages):
        report.add("macro", max(1, len([name for name in streams.storages if name == "vba"])))
    objects = [name for name in streams.storages if name.startswith("_") and name[1:].isdigit()]
    report.add("embedded-object", len(objects))
    if version >= _WORD_97:
        for kind in _kinds_of(_text(streams)):
            report.add(kind)


def _kinds_of(text: str) -> list[str]:
    names = (_FIELDS.get(name.upper()) for name in _FIELD.findall(text))
    return [_KINDS[name] for name in names if name is not None]


def _text(streams: Streams) -> str:
    """The text of the document with its field marks, as far as it can be followed."""
    main = streams.stream("WordDocument") or b""
    try:
        table = streams.stream("1Table" if struct.unpack_from("<H", main, 10)[0] & _TABLE_1 else "0Table") or b""
        start, length = struct.unpack_from("<II", main, _CLX)
        return _pieces(main, table[start : start + length])
    except struct.error:
        return ""


def _pieces(main: bytes, clx: bytes) -> str:
    at = 0
    while clx[at : at + 1] == b"\x01":
        at += 3 + struct.unpack_from("<H", clx, at + 1)[0]
    if clx[at : at + 1] != b"\x02":
        return ""
    (length,) = struct.unpack_from("<I", clx, at + 1)
    count = (length - 4) // 12
    ends = struct.unpack_from(f"<{count + 1}I", clx, at + 5)
    said: list[str] = []
    for number in range(count):
        (place,) = struct.unpack_from("<I", clx, at + 5 + 4 * (count + 1) + 8 * number + 2)
        said.append(_piece(main, place, min(ends[number + 1] - ends[number], _MAX_TEXT)))
    return "".join(said)


def _piece(main: bytes, place: int, count: int) -> str:
    if place & 0x40000000:
        start = (place & 0x3FFFFFFF) // 2
        return main[start : start + count].decode("cp1252", "replace")
    return main[place : place + 2 * count].decode("utf-16-le", "replace")
