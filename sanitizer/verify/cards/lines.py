"""Reads content lines as ``docs/grammar-cards.md`` allows them: exact ends, exact folds, parameters in order.

Rules kept here:

- Written from the grammar alone; no line of the transformer is used.
- A line is unfolded, folded again by the rule of the grammar, and must be the same.

>>> from sanitizer.limits import Limits
>>> [(line.name, line.value) for line in read(b"TEL;TYPE=HOME:03\\r\\n", Limits())]
[('TEL', '03')]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sanitizer.limits import Limits
from sanitizer.patterns import compile_pattern
from sanitizer.verify import Violation

FORBIDDEN = compile_pattern(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufeff"
    + "".join(chr((plane << 16) + low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
    + "]"
)
WORDS = r"[A-Z0-9-]+(?:,[A-Z0-9-]+)*"
PARAMETER = rf';(?:(TYPE)=({WORDS})|(?!TYPE=)([A-Z-]+)=(?:"([^"]*[,:;][^"]*)"|([^",:;]*)))'
LINE = compile_pattern(rf"([A-Z-]+)((?:{PARAMETER})*):(.*)", re.DOTALL)
TEXT = r"(?:[^\\;,]|\\[\\;,n])*+"
TEXTS = rf"{TEXT}(?:,{TEXT})*+"
FIELDS = rf"{TEXTS}(?:;{TEXTS})*+"


@dataclass(frozen=True, slots=True)
class Line:
    """A content line and where it begins."""

    name: str
    parameters: Mapping[str, str]
    value: str
    number: int


def demand(condition: object, code: str, number: int = 0) -> None:
    """Raises ``Violation`` unless ``condition``; ``number``: of the content line."""
    if not condition:
        raise Violation(code, f"line {number}" if number else "")


def read(data: bytes, limits: Limits) -> list[Line]:
    """All content lines of a file."""
    demand(len(data) <= limits.max_output, "too-large")
    demand(data.endswith(b"\r\n"), "no-end-of-line")
    lines = [_line(whole, number) for number, whole in enumerate(_unfolded(data), 1)]
    demand(len(lines) <= limits.max_objects, "too-many-lines")
    return lines


def _unfolded(data: bytes) -> Iterator[bytes]:
    """The content lines, each folded as the grammar says."""
    physical = data[:-2].split(b"\r\n")
    at = 0
    while at < len(physical):
        group = [physical[at]]
        at += 1
        while at < len(physical) and physical[at].startswith(b" "):
            group.append(physical[at][1:])
            at += 1
        whole = b"".join(group)
        demand(group == list(_pieces(whole)), "bad-fold")
        yield whole


def _pieces(whole: bytes) -> Iterator[bytes]:
    """As many whole characters as fit into 75 octets, then into 74."""
    room = 75
    while len(whole) > room:
        end = next(place for place in range(room, 0, -1) if not 0x80 <= whole[place] < 0xC0)
        yield whole[:end]
        whole, room = whole[end:], 74
    yield whole


def _line(whole: bytes, number: int) -> Line:
    try:
        text = whole.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Violation("no-encoding", f"line {number}") from error
    demand(not FORBIDDEN.search(text), "control", number)
    match = LINE.fullmatch(text)
    if match is None:
        raise Violation("no-content-line", f"line {number}")
    found = re.findall(PARAMETER, match[2])
    parameters = {kind or name: words or quoted or plain for kind, words, name, quoted, plain in found}
    demand(list(parameters) == sorted(parameters) and len(parameters) == len(found), "parameter-order", number)
    return Line(match[1], parameters, match[match.re.groups], number)


def check(line: Line, form: re.Pattern[str] | None, parameters: Mapping[str, re.Pattern[str]]) -> None:
    """Demands that a property is known, has this form, and parameters of these forms."""
    demand(form is not None, "unknown-property", line.number)
    demand(form is not None and form.fullmatch(line.value), "bad-value", line.number)
    for name, value in line.parameters.items():
        pattern = parameters.get(name)
        demand(pattern is not None and pattern.fullmatch(value), "bad-parameter", line.number)
