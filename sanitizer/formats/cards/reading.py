"""The beginning that calendars and cards share: characters, content lines, limits.

>>> [line.name for line in received(b"BEGIN:VCARD", Notes(), Limits())]
['BEGIN']
"""

from __future__ import annotations

import re

from sanitizer.formats.base import Refused
from sanitizer.formats.cards.content_line import Line, content_lines
from sanitizer.formats.markup.decoding import CODECS, decoded
from sanitizer.formats.markup.notes import Notes
from sanitizer.limits import Limits

_CHARSET = re.compile(rb";CHARSET=\"?([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)


def received(data: bytes, notes: Notes, limits: Limits) -> list[Line]:
    """The content lines of a file; what its encoding is goes into ``notes``. Raises ``Refused``."""
    if not data.strip():
        raise Refused("empty")
    characters, codec, damaged = _named(data) or decoded(data)
    if codec != "utf-8":
        notes.changed("encoding")
    notes.changed("damaged-characters", damaged)
    lines = []
    for line in content_lines(characters, codec):
        lines.append(line)
        if len(lines) > limits.max_objects:
            raise Refused("bomb", "lines")
    return lines


def _named(data: bytes) -> tuple[str, str, int] | None:
    """The characters by the character set that properties name (vCard 2.1), if the whole file is in it."""
    match = _CHARSET.search(data)
    codec = CODECS.get(match[1].decode("ascii").lower()) if match else None
    if codec is None or data.isascii():
        return None
    try:
        return data.decode(codec), codec, 0
    except UnicodeDecodeError:
        return None


def finished(pieces: list[str], limits: Limits) -> bytes:
    """The bytes of the new file. Raises ``Refused``."""
    if not pieces:
        raise Refused("unreadable", "nothing complete")
    made = "".join(pieces).encode("utf-8")
    if len(made) > limits.max_output:
        raise Refused("output-too-large")
    return made
