"""Formulas (§7 of the grammar): tokens, functions that only compute, no way out of the workbook.

>>> is_formula('IF(A1>0,SUM(Table1[Sum]),"none")')
True
>>> is_formula("WEBSERVICE(A1)"), is_formula("cmd|'/c calc'!A0"), is_formula("[1]Sheet1!A1")
(False, False, False)
"""

from __future__ import annotations

import re

from sanitizer.verify.ooxml.links import is_link, is_location
from sanitizer.verify.ooxml.table import TABLE

MAX_LENGTH = 8_192
_STRING = r'"[^"]*(?:""[^"]*)*"'
_SHEET = r"'[^'\\/\[\]|]*(?:''[^'\\/\[\]|]*)*'(?=!)"
_NAME = r"[^\W\d][\w.?]*"
_INNER = r"[^\[\]'\\|]|'[^|]"
_BRACKET = rf"\[(?:{_INNER}|\[(?:{_INNER})*\])*\]"
_OTHER = r"[+\-*/^&=<>%,;:!(){}@$#.0-9\s]"
_TOKEN = re.compile(rf"{_STRING}|{_SHEET}|({_NAME})\s*\(|{_NAME}(?:{_BRACKET})+(?![\w'!])|{_NAME}|{_OTHER}", re.DOTALL)
_NEVER = "|".join(re.escape(name) for name in sorted(TABLE.words["function-never"]))
_NOWHERE = re.compile(rf"file:|\\\\|\[[0-9]+\]|\b(?:{_NEVER})\s*\(|\w\||\|\s*'", re.IGNORECASE)
_FUTURE = re.compile(r"(?:_XLFN\.)?(?:_XLWS\.)?")
_TARGET = re.compile(rf"\s*({_STRING})\s*[,)]")


def is_formula(formula: str) -> bool:
    """Whether ``formula`` (without the equals sign in front) only computes, from cells of its own workbook."""
    if len(formula) > MAX_LENGTH or _TOKEN.sub("", formula) or _NOWHERE.search(formula):
        return False
    calls = {name for name in _TOKEN.findall(formula) if name}
    return all(_is_allowed(name) for name in calls) and (not calls or _links_are_allowed(formula))


def _function(name: str) -> str:
    """The function that a call means: without the marks of functions newer than the format."""
    upper = name.upper() if name.isascii() else ""
    return upper[_FUTURE.match(upper).end() :]  # type: ignore[union-attr]  # matches the empty string


def _is_allowed(name: str) -> bool:
    function = _function(name)
    return function == "HYPERLINK" or function in TABLE.words["function"]


def _links_are_allowed(formula: str) -> bool:
    """Each call of HYPERLINK names its target there and then."""
    for call in _TOKEN.finditer(formula):
        if call[1] and _function(call[1]) == "HYPERLINK":
            target = _TARGET.match(formula, call.end())
            if target is None or not _is_target(target[1][1:-1].replace('""', '"')):
                return False
    return True


def _is_target(target: str) -> bool:
    return is_link(target) or (target.startswith("#") and is_location(target[1:]))
