"""Values of attributes by kind: what may be written as it is.

Rules kept here:

- A kind of the table is one check; a value that fails it is left out, never mended.
- ``picture``, ``object`` and ``=VALUE`` are no checks of a value: ``walk`` sees to them.

Source: docs/grammar-odf.md, section 3.

>>> check("token")("0.5cm solid #000000"), check("token")("file:/c"), check("cells")("$'表 1'.$A$1:.B2")
(True, False, True)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from sanitizer.formats.odf.facts import ENUMS, SETTINGS
from sanitizer.formats.odf.formulas import is_condition, is_formula
from sanitizer.formats.odf.links import is_link
from sanitizer.patterns import compile_pattern

MAX_TEXT = 1_000_000
MAX_TOKEN = 32767
MAX_NAME = 1024

_TOKEN = re.compile(r"[\w .,:;%+\-#()*@=$/{}\[\]!?~&'^]{0,32767}")
_NAME = re.compile(r"[^\x00-\x1f\x7f<>\\]{0,1024}")
_SHEET = re.compile(r"[^\x00-\x1f\x7f]{0,1024}")
_COUNT = re.compile(r"[0-9]{1,7}")
_PATH = re.compile(r"[A-Za-z0-9 .,+\-?$]{0,1000000}")
_EQUATION = re.compile(r"[\w .,+\-*/()$?#^;:%]{0,8192}")
_OPERATOR = re.compile(r"[<>=! a-z\-]{0,32}")
_CELLS = compile_pattern(r"(?:[^\x00-\x1f\"'#\\/|<>\[\]]++|'(?:[^'\x00-\x1f\\/#\[\]]++|'')*+'|#REF!)*+")
_NUMBER = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?")
_PLAIN = re.compile(r"[^\x00-\x1f\x7f]{0,1024}")


def _is_here(value: str) -> bool:
    """No address: nothing like ``file:/`` or ``//host``."""
    return ":/" not in value and "//" not in value


def is_token(value: str) -> bool:
    """A word of the format: a number, a length, a colour, a name, or several."""
    return _TOKEN.fullmatch(value) is not None and ("/" not in value or _is_here(value))


def is_name(value: str) -> bool:
    """A name of a style, a font, a layer."""
    return _NAME.fullmatch(value) is not None and ("/" not in value or _is_here(value))


def _is_sheet(value: str) -> bool:
    return _SHEET.fullmatch(value) is not None and "'#" not in value and _is_here(value)


def _is_text(value: str) -> bool:
    return len(value) <= MAX_TEXT


def _is_cells(value: str) -> bool:
    return len(value) <= MAX_TOKEN and _CELLS.fullmatch(value) is not None


def _is_equation(value: str) -> bool:
    return _EQUATION.fullmatch(value) is not None and _is_here(value)


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda value: pattern.fullmatch(value) is not None


_CHECKS: dict[str, Callable[[str], bool]] = {
    "token": is_token,
    "name": is_name,
    "text": _is_text,
    "sheet": _is_sheet,
    "count": _matches(_COUNT),
    "path": _matches(_PATH),
    "equation": _is_equation,
    "operator": _matches(_OPERATOR),
    "cells": _is_cells,
    "formula": is_formula,
    "condition": is_condition,
    "link": is_link,
    "setting": SETTINGS.__contains__,
}
_SETTING_TEXT: dict[str, tuple[frozenset[str], Callable[[str], bool]]] = {
    "bool": (frozenset({"boolean"}), frozenset({"true", "false"}).__contains__),
    "num": (frozenset({"short", "int", "long", "double"}), _matches(_NUMBER)),
    "token": (frozenset({"string"}), is_token),
    "name": (frozenset({"string"}), is_name),
    "text": (frozenset({"string"}), _matches(_PLAIN)),
}


@cache
def check(kind: str) -> Callable[[str], bool]:
    """The check of a kind; ``KeyError`` for one that is not a check."""
    name, _, rest = kind.partition(":")
    return ENUMS[rest].__contains__ if name == "enum" else _CHECKS[kind]


def is_setting(name: str, kind: str, value: str) -> bool:
    """True for a setting that may leave with this type and this text (section 6)."""
    types, fits = _SETTING_TEXT[SETTINGS[name]] if name in SETTINGS else (frozenset(), bool)
    return kind in types and fits(value)
