"""Values of attributes and texts by kind: what may be written as it is.

Rules kept here:

- A kind of the table is one check; a value that fails it is left out, never mended.
- ``rid``, ``owner-rid``, ``field-piece`` and ``=VALUE`` are no checks of a value: ``walk`` sees to them.

Source: docs/grammar-ooxml.md, section 3.

>>> check("num")("1.5"), check("token")("A1:B2"), check("token")("http://x")
(True, True, False)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from sanitizer.formats.ooxml.facts import ENUMS
from sanitizer.formats.ooxml.formulas import is_formula
from sanitizer.formats.ooxml.instructions import instruction
from sanitizer.formats.package.links import is_location

_LENGTH = 32767
_BOOL = re.compile(r"(?:true|false|on|off|[01tf]|True|False)?")
_NUM = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:[eE][+-]?[0-9]{1,3})?|NaN|[+-]?INF")
_HEX = re.compile(r"[0-9A-Fa-f]{0,512}")
_GUID = re.compile(r"\{[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}")
_TOKEN = re.compile(r"[\w .,:;%+\-#()*@=$/{}\[\]!?~&'^]{0,32767}")
_CSS = re.compile(r'[^\x00-\x1f\\@<>{}"]{0,8192}')
_CSS_NEVER = re.compile(r"url|expression|script|:/", re.IGNORECASE)


def _is_token(value: str) -> bool:
    return _TOKEN.fullmatch(value) is not None and "://" not in value


def _is_css(value: str) -> bool:
    return _CSS.fullmatch(value) is not None and not _CSS_NEVER.search(value)


def _is_text(value: str) -> bool:
    return len(value) <= _LENGTH


def _is_field(value: str) -> bool:
    return value == f" {instruction(value)} "


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda value: pattern.fullmatch(value) is not None


_CHECKS: dict[str, Callable[[str], bool]] = {
    "bool": _matches(_BOOL),
    "num": _matches(_NUM),
    "hex": _matches(_HEX),
    "guid": _matches(_GUID),
    "token": _is_token,
    "css": _is_css,
    "text": _is_text,
    "location": is_location,
    "formula": is_formula,
    "field": _is_field,
}


@cache
def check(kind: str) -> Callable[[str], bool]:
    """The check of a kind; ``KeyError`` for one that is not a check."""
    name, _, rest = kind.partition(":")
    return ENUMS[rest].__contains__ if name == "enum" else _CHECKS[kind]
