"""Kinds of values (§3 and §6 of the grammar): one predicate on the decoded value for each.

Rules kept here:

- What a ``picture`` or an ``object`` names is looked up by the package; here is only how it is written.

>>> bool(predicate("count")("12")), bool(predicate("token")("http://a"))
(True, False)
>>> setting("ZoomValue", "int")("-1.5") is not None, setting("ShowGrid", "string")("true")
(True, False)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from sanitizer.verify.odf.formulas import is_condition, is_formula, is_link
from sanitizer.verify.odf.table import TABLE

Predicate = Callable[[str], object]
"""Its answer counts as true or false."""

PICTURES = ("png", "jpeg", "gif", "bmp", "tiff", "webp", "svg")
_ADDRESS = r":/|//"


def _matching(pattern: str, never: str = "") -> Predicate:
    whole, nowhere = re.compile(pattern, re.DOTALL), re.compile(never)
    if not never:
        return whole.fullmatch
    return lambda value: whole.fullmatch(value) and not nowhere.search(value)


def _never(value: str) -> bool:
    return False


_KINDS: dict[str, Predicate] = {
    "token": _matching(r"[\w .,:;%+\-#()*@=$/{}\[\]!?~&'^]{0,32767}", _ADDRESS),
    "name": _matching(r"[^\x00-\x1f\x7f<>\\]{0,1024}", _ADDRESS),
    "text": _matching(r".{0,1000000}"),
    "sheet": _matching(r"[^\x00-\x1f\x7f]{0,1024}", _ADDRESS + "|'#"),
    "count": _matching(r"[0-9]{1,7}"),
    "path": _matching(r"[A-Za-z0-9 .,+\-?$]{0,1000000}"),
    "equation": _matching(r"[\w .,+\-*/()$?#^;:%]{0,8192}", _ADDRESS),
    "operator": _matching(r"[<>=! a-z\-]{0,32}"),
    "formula": is_formula,
    "condition": is_condition,
    "link": is_link,
    "picture": _matching(rf"Pictures/image[1-9][0-9]{{0,5}}\.(?:{'|'.join(PICTURES)})"),
    "object": _matching(r"\./Part[1-9][0-9]{0,5}"),
    "setting": TABLE.settings.__contains__,
}
_CELLS = re.compile(r"(?:[^\x00-\x1f\"'#\\/|<>\[\]]|'(?:[^'\x00-\x1f\\/#\[\]]|'')*'|#REF!)*")
_SETTINGS: dict[str, tuple[tuple[str, ...], Predicate]] = {
    "bool": (("boolean",), {"true", "false"}.__contains__),
    "num": (("short", "int", "long", "double"), _matching(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?")),
    "token": (("string",), _KINDS["token"]),
    "name": (("string",), _KINDS["name"]),
    "text": (("string",), _matching(r"[^\x00-\x1f\x7f]{0,1024}")),
}
_GENERATORS = (
    r"LibreOffice/[0-9]{1,2}(?:\.[0-9]{1,2}){1,3}",
    r"OpenOffice\.org/[0-9]{1}(?:\.[0-9])? OpenOffice\.org_project/[0-9]{3}m[0-9]{1,2}\$Build-[0-9]{4}",
    r"MicrosoftOffice/[0-9]{2}\.0",
)
is_generator = _matching("|".join(_GENERATORS))
"""The program whose rules of layout a reader must follow."""


@cache
def predicate(kind: str) -> Predicate:
    """What tells values of an attribute of ``kind`` from others; ``KeyError`` for a kind that the grammar has not."""
    if kind.startswith("="):
        return kind[1:].__eq__
    if kind.startswith("enum:"):
        return TABLE.enums[kind[5:]].__contains__
    if kind == "cells":
        return lambda value: len(value) <= 32_767 and _CELLS.fullmatch(value)
    return _KINDS[kind]


def setting(name: str, type_: str) -> Predicate:
    """What tells the values of a setting from others, if it is written as of this type."""
    types, is_value = _SETTINGS[TABLE.settings[name]]
    return is_value if type_ in types else _never
