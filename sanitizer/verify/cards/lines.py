"""Content lines: how they are folded and taken apart.

Rules kept here:

- There is one way to fold a line: it is unfolded, folded again and compared.
- A parameter's value is in quotes exactly if it must be.

>>> from sanitizer.limits import Limits
>>> [line] = read(b'ATTENDEE;CN="a, b";RSVP=TRUE:mailto:a@example.jp\\r\\n', Limits())
>>> line.parameters, line.value
({'CN': 'a, b', 'RSVP': 'TRUE'}, 'mailto:a@example.jp')
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.markup.characters import CONTROLS, demand

FIRST, NEXT = 75, 74  # octets of a line, and of a further one without its blank
_HEAD = re.compile(r'([A-Z\-]{1,40})((?:;[A-Z\-]{1,40}=(?:"[^"]*"|[^":;]*))*):')
_PARAMETER = re.compile(r';([A-Z\-]{1,40})=(?:"([^"]*)"|([^":;]*))')
_SPECIAL = frozenset(",:;")


class Line(NamedTuple):
    """A content line. ``listed``: the parameters whose values hold a comma without quotes."""

    name: str
    parameters: dict[str, str]
    value: str
    number: int
    listed: frozenset[str] = frozenset()

    @property
    def where(self) -> str:
        """The place in words."""
        return f"line {self.number}"

    def is_bare(self, name: str, value: str) -> bool:
        """Whether it is exactly this, without parameters."""
        return (self.name, self.parameters, self.value) == (name, {}, value)


def read(data: bytes, limits: Limits) -> list[Line]:
    """All content lines of a file."""
    demand(len(data) <= limits.max_output, "too-long")
    demand(data.endswith(b"\r\n"), "line-end")
    lines = []
    for number, written in enumerate(_unfolded(data), 1):
        demand(number <= limits.max_objects, "too-many-lines")
        lines.append(_taken_apart(_characters(written, number), number))
    return lines


def _unfolded(data: bytes) -> Iterator[bytes]:
    """The content lines, which were folded as they must be."""
    parts: list[bytes] = []
    for number, line in enumerate(data.split(b"\r\n")):
        if line.startswith(b" ") and parts:
            parts.append(line[1:])
            continue
        if number:
            yield _joined(parts)
        parts = [line]
    demand(parts == [b""], "line-end")


def _joined(parts: list[bytes]) -> bytes:
    whole = b"".join(parts)
    if len(whole) > FIRST or len(parts) > 1:
        demand(parts == _folded(whole), "folding")
    return whole


def _folded(whole: bytes) -> list[bytes]:
    """The line in parts of as many whole characters as fit."""
    parts, at = list[bytes](), 0
    while at < len(whole):
        end = min(at + (NEXT if parts else FIRST), len(whole))
        while end < len(whole) and whole[end] & 0xC0 == 0x80 and end > at:
            end -= 1
        demand(end > at, "encoding")
        parts.append(whole[at:end])
        at = end
    return parts


def _characters(written: bytes, number: int) -> str:
    try:
        text = written.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Violation("encoding", f"line {number}") from error
    demand(not CONTROLS.search(text) and "\t" not in text and "\n" not in text, "control", f"line {number}")
    return text


def _taken_apart(text: str, number: int) -> Line:
    where, head = f"line {number}", _HEAD.match(text)
    demand(head, "line", where)
    assert head is not None
    parameters, listed, before = dict[str, str](), set[str](), ""
    for found in _PARAMETER.finditer(head[2]):
        name, quoted, plain = found.groups()
        demand(before < name, "parameter-order", where)
        before = name
        if quoted is not None:
            demand(_SPECIAL & set(quoted), "parameter-quotes", where)
        elif "," in plain:
            listed.add(name)
        parameters[name] = plain if quoted is None else quoted
    return Line(head[1], parameters, text[head.end() :], number, frozenset(listed))
