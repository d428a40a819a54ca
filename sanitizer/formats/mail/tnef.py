"""Outlook's envelope (``winmail.dat``): the files that are in it.

Rules kept here:

- Attributes are read one after the other, no further than the bytes go; of all of them only the names and the data of
  attached files count, and the texts of the message.

Source: [MS-OXTNEF] 2.1.3.

>>> opened(b"winmail") is None
True
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from sanitizer.formats.mail import compressed_rtf, rich_text
from sanitizer.formats.mail.charset import by_codec, codec_of_page
from sanitizer.formats.mail.model import Attached, Words

_SIGNATURE = 0x223E9F78
_CODE_PAGE, _BODY, _PROPERTIES = 0x9007, 0x800C, 0x9003
_RENDERING, _TITLE, _DATA, _ATTACHMENT = 0x9002, 0x8010, 0x800F, 0x9005
_MAX_FILES = 500
_LONG_NAME, _FILE_NAME, _CONTENT_ID, _ATTACHED = 0x3707, 0x3704, 0x3712, 0x3701
_TEXT, _RICH, _HTML = 0x1000, 0x1009, 0x1013
_OBJECT = -1  # in the place of a number: bytes of a program's object
_FIXED = {0x02: 2, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 2, 0x14: 8, 0x40: 8, 0x48: 16}


def is_tnef(kind: str, name: str) -> bool:
    """Whether a part is such an envelope."""
    return kind in ("application/ms-tnef", "application/vnd.ms-tnef") or name.lower() == "winmail.dat"


@dataclass(slots=True)
class Envelope:
    """``words``: the message's own text, perhaps the richer form of what stands beside the envelope; ``files``: what is
    attached; ``lost``: objects of programs, messages inside."""

    words: Words = field(default_factory=Words)
    files: list[Attached] = field(default_factory=list)
    lost: int = 0


def opened(data: bytes) -> Envelope | None:
    """What is in an envelope; None for one that cannot be read."""
    try:
        return _opened(data)
    except (struct.error, IndexError, ValueError):
        return None


def _opened(data: bytes) -> Envelope | None:
    if len(data) < 6 or struct.unpack_from("<I", data)[0] != _SIGNATURE:
        return None
    codec: str | None = "cp932"
    made = Envelope()
    for attribute, value in _attributes(data):
        if attribute == _CODE_PAGE and len(value) >= 4:
            codec = codec_of_page(struct.unpack_from("<I", value)[0]) or codec
        elif attribute == _BODY:
            made.words.plain = by_codec(value.rstrip(b"\0"), codec)[0]
        elif attribute == _PROPERTIES:
            _take_texts(made.words, dict(_properties(value, codec)))
        elif attribute == _RENDERING:
            made.files.append(Attached("", b"", "application/octet-stream"))
            if len(made.files) > _MAX_FILES:
                raise ValueError("files")
        elif made.files and attribute == _TITLE:
            made.files[-1].name = made.files[-1].name or by_codec(value.rstrip(b"\0"), codec)[0]
        elif made.files and attribute == _DATA:
            made.files[-1].data = value
        elif made.files and attribute == _ATTACHMENT:
            made.lost += _describe(made.files[-1], dict(_properties(value, codec)))
    made.files = [file for file in made.files if file.data]
    return made


def _take_texts(words: Words, given: dict[int, str | bytes]) -> None:
    page, plain, rich = (given.get(number) for number in (_HTML, _TEXT, _RICH))
    if isinstance(plain, str) and plain:
        words.plain = plain
    if isinstance(page, bytes) and page:
        words.page = page
    elif isinstance(rich, bytes):
        found = rich_text.read(compressed_rtf.decompressed(rich))
        if found.page is not None:
            words.page, words.charset = found.page.encode("utf-8", "replace"), "utf-8"
        elif words.plain is None:
            words.plain = found.words


def _describe(file: Attached, given: dict[int, str | bytes]) -> int:
    """What the properties of a file say of it; 1 if it is an object that is left out."""
    name = given.get(_LONG_NAME) or given.get(_FILE_NAME)
    if isinstance(name, str) and name:
        file.name = name
    content_id = given.get(_CONTENT_ID)
    if isinstance(content_id, str) and content_id:
        file.content_ids = (content_id.strip("<>"),)
    data = given.get(_ATTACHED)
    if isinstance(data, bytes) and data and not file.data:
        file.data = data
    return _OBJECT in given


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 6
    while at + 9 <= len(data):
        attribute, _, size = struct.unpack_from("<HHI", data, at + 1)
        at += 9
        if at + size > len(data):
            return
        yield attribute, data[at : at + size]
        at += size + 2


def _properties(data: bytes, codec: str | None) -> Iterator[tuple[int, str | bytes]]:
    """Number and value of each property that is a text or bytes."""
    (count,) = struct.unpack_from("<I", data)
    at = 4
    for _ in range(min(count, 5_000)):
        kind, number = struct.unpack_from("<HH", data, at)
        at += 4
        if number & 0x8000:
            at = _past_name(data, at)
        many = bool(kind & 0x1000)
        base = kind & 0x0FFF
        size = _FIXED.get(base, 0)
        counted = many or not size
        values = struct.unpack_from("<I", data, at)[0] if counted else 1
        at += 4 if counted else 0
        for _ in range(min(values, 10_000)):
            length = size
            if not size:
                (length,) = struct.unpack_from("<I", data, at)
                at += 4
            raw = data[at : at + length]
            at += (length + 3) // 4 * 4
            if base == 0x1F:
                yield number, raw.decode("utf-16-le", "replace").rstrip("\0")
            elif base == 0x1E:
                yield number, by_codec(raw.rstrip(b"\0"), codec)[0]
            elif base == 0x102:
                yield number, raw
            elif base == 0x0D:
                yield _OBJECT, b""


def _past_name(data: bytes, at: int) -> int:
    """Behind the name of a named property."""
    (kind,) = struct.unpack_from("<I", data, at + 16)
    at += 20
    if kind == 0:
        return at + 4
    length = int.from_bytes(data[at : at + 4], "little")
    return at + 4 + (length + 3) // 4 * 4
