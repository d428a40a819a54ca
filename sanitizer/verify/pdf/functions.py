"""Sections 5.5 and 5.6 of the grammar: calculator functions and ICC profiles.

>>> check_calculator(b"{ 1 exch sub }", 7)
"""

from __future__ import annotations

import struct

from sanitizer.patterns import compile_pattern
from sanitizer.verify import Violation
from sanitizer.verify.pdf.values import NUMBER, Dictionary, number_value

MAX_BRACES = 32

_OPERATORS = frozenset(
    b"abs add atan ceiling cos cvi cvr div exp floor idiv ln log mod mul neg round sin sqrt sub truncate and bitshift"
    b" eq false ge gt le lt ne not or true xor if ifelse copy dup exch index pop roll".split()
)
_NUMBER = compile_pattern(NUMBER)
_STEP = {b"{": 1, b"}": -1}
_SPACES: dict[bytes, object] = {b"GRAY": 1, b"RGB ": 3, b"Lab ": 3, b"CMYK": 4}
_ICC_HEADER = 132


def check_calculator(data: bytes, number: int) -> None:
    """A PostScript calculator function (ISO 32000-1, 7.10.5)."""
    tokens = data.split(b" ")
    depth = 0
    for index, token in enumerate(tokens):
        depth += _STEP.get(token, 0)
        if depth > MAX_BRACES or (depth < 1 and index < len(tokens) - 1):
            raise Violation("calculator-braces", f"object {number}")
        if token not in _STEP and token not in _OPERATORS:
            if not _NUMBER.fullmatch(token):
                raise Violation("calculator-token", f"object {number}")
            number_value(token)
    if depth or tokens[-1] != b"}":
        raise Violation("calculator-braces", f"object {number}")


def check_icc(data: bytes, dictionary: Dictionary, number: int) -> None:
    """An ICC profile whose header, colour space and tag table agree with its length and its N."""
    where = f"object {number}"
    if len(data) < _ICC_HEADER or int.from_bytes(data[:4], "big") != len(data) or data[36:40] != b"acsp":
        raise Violation("icc-header", where)
    if _SPACES.get(data[16:20]) != dictionary[b"N"]:
        raise Violation("icc-space", where)
    count = int.from_bytes(data[128:132], "big")
    if _ICC_HEADER + 12 * count > len(data):
        raise Violation("icc-tags", where)
    for _, offset, size in struct.iter_unpack(">4sII", data[_ICC_HEADER : _ICC_HEADER + 12 * count]):
        if offset + size > len(data):
            raise Violation("icc-tags", where)
