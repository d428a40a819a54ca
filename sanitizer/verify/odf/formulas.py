"""Formulas and conditions (§7 of the grammar) and where a document may point to (§8).

>>> is_formula("of:=SUM([.A1:.B2])"), is_formula('of:=WEBSERVICE("https://a.jp/")'), is_formula("msoxl:=SUM(A1)")
(True, False, False)
>>> is_condition('cell-content-is-in-list("a";"b")'), is_condition("launch()")
(True, False)
>>> is_link("https://www.example.lg.jp/"), is_link("#Sheet2.A1"), is_link("../other.odt"), is_link("script:x")
(True, True, False, False)
"""

from __future__ import annotations

import re
from functools import lru_cache

from sanitizer.verify.odf.table import TABLE

MAX_LENGTH, MAX_LINK = 8_192, 2_083
_LINK = re.compile(
    r"(?i:https?://|mailto:|tel:)"
    r"[^\x00-\x20\x7f-\xa0\s<>\"\\^`{|}\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+"
)
_PLACE = re.compile(r"#[^\x00-\x1f\x7f<>\"\\]{0,2000}")
_ADDRESS = re.compile(r":/|//")

_STRING = r'"(?:[^"]|"")*"'
_QUOTED = r"'(?:[^'\x00-\x1f#/\[\\\]]|'')*'"
_REF = rf"\[(?:[^\x00-\x1f\"'#/<>\[\\\]|]|{_QUOTED}|#REF!)*\]"
_TESTS = "|".join(re.escape(word) for word in sorted(TABLE.words["condition"], key=len, reverse=True))
_NAME = r"[^\W\d][\w.]*"
_OTHER = r"[+\-*/^&=<>%,;:!(){}@$#.?~|0-9]|\s"
_TOKEN = re.compile(rf"{_STRING}|{_REF}|(?P<name>{_NAME})(?P<call>\s*\()?|{_OTHER}", re.DOTALL)
_CONDITION_TOKEN = re.compile(
    rf"{_STRING}|{_REF}|(?:{_TESTS})(?![\w.\-])|(?P<name>{_NAME})(?P<call>\s*\()?|{_OTHER}", re.DOTALL
)
_NEVER = "|".join(re.escape(name) for name in sorted(TABLE.words["function-never"]))
_NOWHERE = re.compile(rf"file:|https?:|\\\\|\|\s*'|\w\|.*!|\b(?:{_NEVER})\s*\(", re.IGNORECASE | re.DOTALL)
_PREFIX = re.compile(r"(?:of:|oooc:|ooow:)?")
_FOREIGN = re.compile(r"\w+:=")
_TARGET = re.compile(r'\s*"([^"]*)"\s*[;)]')


def is_link(value: str) -> bool:
    """A web page, a mail address, a telephone number or a place in the document."""
    if value.startswith("#"):
        return _PLACE.fullmatch(value) is not None and not _ADDRESS.search(value)
    return len(value) <= MAX_LINK and _LINK.fullmatch(value) is not None


@lru_cache(4_096)
def is_formula(value: str) -> bool:
    """Whether it only computes, from cells of its own document."""
    return _is_sentence(value, _TOKEN)


@lru_cache(1_024)
def is_condition(value: str) -> bool:
    """The same with the words of conditions."""
    return _is_sentence(value, _CONDITION_TOKEN)


def _is_sentence(value: str, token: re.Pattern[str]) -> bool:
    start = _PREFIX.match(value)
    if len(value) > MAX_LENGTH or start is None or _FOREIGN.match(value, start.end()) or _NOWHERE.search(value):
        return False
    at = start.end() + value.startswith("=", start.end())
    while at < len(value):
        found = token.match(value, at)
        if found is None:
            return False
        at = found.end()
        if found["call"] is not None and not _is_call(found["name"].upper(), value, at):
            return False
    return True


def _is_call(function: str, value: str, at: int) -> bool:
    """A call of a function of the table; ``at`` is behind its parenthesis."""
    if function == "HYPERLINK":
        target = _TARGET.match(value, at)
        return target is not None and is_link(target[1])
    known = TABLE.words["function"]
    if function in known:
        return True
    return any(function.removeprefix(prefix) in known for prefix in TABLE.words["function-prefix"])
