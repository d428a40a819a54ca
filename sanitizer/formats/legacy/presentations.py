"""Presentations from before 2007: whether a password is needed, and what in them can act.

Rules kept here:

- Records are walked into their containers, no deeper than they can be nested in earnest, as long as lengths add up.

Source: [MS-PPT] 2.3 (streams), 2.3.2 (CurrentUserAtom), 2.3.3 (UserEditAtom), 2.3.4 (PersistDirectoryAtom), 2.8.6
(InteractiveInfoAtom), 2.4.22 (VBAInfo); [MS-OFFCRYPTO] 2.3.5.

>>> [number for number, _, _ in records(b"\\0\\0\\xe8\\x03\\0\\0\\0\\0", 0)]
[1000]
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import pairwise

from sanitizer.formats.base import NeedsPassword, Refused
from sanitizer.formats.legacy import ciphers
from sanitizer.formats.legacy.streams import Streams
from sanitizer.formats.ooxml.kinds import Report

_MAIN, _USER, _PICTURES = "PowerPoint Document", "Current User", "Pictures"
_SUMMARY = "EncryptedSummary"  # where it is, LibreOffice takes the presentation for encrypted
_SEALED, _UNSEALED = 0xF3D1C4DF, 0xE391C05F  # CurrentUserAtom.headerToken
_USER_EDIT, _DIRECTORY, _SESSION = 0x0FF5, 0x1772, 0x2F14
_OBJECT, _VBA, _ACTION, _SOUND, _VIDEO = 0x0FCC, 0x03FF, 0x0FF3, 0x07E6, 0x1006
_CONTROL, _LINK = 0x0FEE, 0x0FCE
_MAX_DEPTH, _MAX_EDITS = 24, 1000
_ACTIONS = {1: "macro-assignment", 2: "other-action", 5: "other-action"}
_READ_ONLY = ciphers.READ_ONLY


def read(data: bytes, password: str | None, report: Report) -> tuple[str, bytes]:
    """(recipe, what the converter gets). Raises ``Refused`` or ``NeedsPassword``."""
    streams = Streams(data)
    main, user = streams.stream(_MAIN) or b"", streams.stream(_USER) or b""
    if len(main) < 8:
        raise Refused("unreadable", "presentation stream")
    try:
        opened = _decrypted(streams, main, user, password)
    except struct.error as error:
        raise Refused("unreadable", "encryption") from error
    if opened is not None:
        data, main = opened
        report.add("encryption")
    _report(main, report)
    streams.report_info(report)
    return "ppt", data


def records(data: bytes, start: int, end: int | None = None, depth: int = 0) -> Iterator[tuple[int, int, bytes]]:
    """(type, offset, contents) of each record and of the records in it."""
    at, end = start, len(data) if end is None else end
    while at + 8 <= end:
        head, number, length = struct.unpack_from("<HHI", data, at)
        if length > end - at - 8:
            return
        is_container = head & 0xF == 0xF
        yield number, at, b"" if is_container else data[at + 8 : at + 8 + length]
        if is_container and depth < _MAX_DEPTH:
            yield from records(data, at + 8, at + 8 + length, depth + 1)
        at += 8 + length


def _report(main: bytes, report: Report) -> None:
    for number, _, body in records(main, 0):
        if number in (_OBJECT, _LINK):
            report.add("embedded-object" if number == _OBJECT else "external-reference")
        elif number == _CONTROL:
            report.add("control")
        elif number in (_VIDEO, _SOUND):
            report.add("multimedia")
        elif number == _ACTION and len(body) > 8 and body[8] in _ACTIONS:
            report.add(_ACTIONS[body[8]])
        elif number == 0x0400 and len(body) >= 8 and struct.unpack_from("<I", body, 4)[0]:
            report.add("macro")


def _decrypted(streams: Streams, main: bytes, user: bytes, password: str | None) -> tuple[bytes, bytes] | None:
    """(file, main stream) in clear; None if nothing is enciphered."""
    if len(user) < 20:
        return None
    token, newest = struct.unpack_from("<II", user, 12)
    edits = list(_edits(main, newest))
    session = next((one.session for one in edits if one.session), 0)
    if token != _SEALED and not session:
        return None
    places = {}
    for edit in reversed(edits):
        places.update(edit.places)
    if session not in places:
        raise Refused("unreadable", "encryption")
    at = places[session]
    (length,) = struct.unpack_from("<I", main, at + 4)
    cipher = _cipher(main[at + 8 : at + 8 + length], password)
    clear = _clear(main, edits, places, session, cipher)
    made = {_MAIN: clear, _USER: user[:12] + struct.pack("<I", _UNSEALED) + user[16:]}
    pictures = streams.stream(_PICTURES)
    if pictures:
        made[_PICTURES] = _clear_pictures(pictures, cipher)
    return streams.without(_SUMMARY).replaced(made), clear


def _cipher(header: bytes, password: str | None) -> ciphers.Rc4:
    try:
        return ciphers.opened(header, _READ_ONLY if password is None else password)
    except NeedsPassword:
        raise NeedsPassword(wrong=password is not None) from None


class _Edit:
    """One saving of the presentation: where its objects lie."""

    def __init__(self, main: bytes, at: int) -> None:
        _, number, length = struct.unpack_from("<HHI", main, at)
        if number != _USER_EDIT or length < 28:
            raise Refused("unreadable", "user edit")
        self.at, self.length = at, length
        self.earlier, self.directory = struct.unpack_from("<II", main, at + 16)
        self.session = struct.unpack_from("<I", main, at + 36)[0] if length >= 32 else 0
        self.places = _directory(main, self.directory)


def _edits(main: bytes, newest: int) -> Iterator[_Edit]:
    at = newest
    for _ in range(_MAX_EDITS):
        edit = _Edit(main, at)
        yield edit
        at = edit.earlier
        if not at:
            return


def _directory(main: bytes, at: int) -> dict[int, int]:
    """Number of an object → its offset."""
    _, number, length = struct.unpack_from("<HHI", main, at)
    if number != _DIRECTORY or length > len(main):
        raise Refused("unreadable", "persist directory")
    places: dict[int, int] = {}
    here, end = at + 8, at + 8 + length
    while here + 4 <= end:
        (head,) = struct.unpack_from("<I", main, here)
        first, count = head & 0xFFFFF, head >> 20
        offsets = struct.unpack_from(f"<{count}I", main, here + 4)
        places.update(zip(range(first, first + count), offsets, strict=True))
        here += 4 + 4 * count
    return places


def _clear(main: bytes, edits: list[_Edit], places: dict[int, int], session: int, cipher: ciphers.Rc4) -> bytes:
    made = bytearray(main)
    bounds = sorted({*places.values(), *(one.at for one in edits), *(one.directory for one in edits), len(main)})
    following = dict(pairwise(bounds))
    for number, at in places.items():
        end = following.get(at, len(main))
        made[at:end] = bytes(end - at) if number == session else cipher.block(main[at:end], number)
    for edit in edits:
        if edit.session:  # the head of a presentation that was never enciphered
            made[edit.at + 4 : edit.at + 8] = struct.pack("<I", edit.length - 4)
            made[edit.at + 36 : edit.at + 40] = bytes(4)
        _forget(made, edit, session)
    return bytes(made)


def _forget(made: bytearray, edit: _Edit, session: int) -> None:
    """Leave the enciphering session, the last object of its run, out of the directory."""
    here = edit.directory + 8
    end = here + struct.unpack_from("<I", made, edit.directory + 4)[0]
    while here + 4 <= end:
        (head,) = struct.unpack_from("<I", made, here)
        first, count = head & 0xFFFFF, head >> 20
        if first + count - 1 == session:
            struct.pack_into("<I", made, here, (count - 1) << 20 | first)
            return
        here += 4 + 4 * count


_BLIP_HEADS = {0xF01A: 50, 0xF01B: 50, 0xF01C: 50, 0xF01D: 17, 0xF01E: 17, 0xF01F: 17, 0xF029: 17, 0xF02A: 17}


def _clear_pictures(pictures: bytes, cipher: ciphers.Rc4) -> bytes:
    """Each field of a picture is enciphered from the beginning of block 0."""
    made, at = bytearray(pictures), 0
    while at + 8 <= len(pictures):
        head = cipher.block(pictures[at : at + 8], 0)
        made[at : at + 8] = head
        instance, number, length = struct.unpack("<HHI", head)
        if length > len(pictures) - at - 8:
            break
        here, end = at + 8, at + 8 + length
        ids = 2 if (instance >> 4) & 1 else 1
        for size in [*([16] * ids), *((4, 16, 8, 4, 1, 1) if _BLIP_HEADS.get(number) == 50 else (1,)), end - here]:
            size = min(size, end - here)
            made[here : here + size] = cipher.block(pictures[here : here + size], 0)
            here += size
        at = end
    return bytes(made)
