"""Formulas of cells, names and fields, and conditions of styles and checks: which may stay.

Rules kept here:

- Only functions of the table may be called; other files, pages, programs (DDE) and paths have no token.
- A formula that is not allowed is not mended: its cell keeps the last value.

Source: docs/grammar-odf.md, section 7; OASIS OpenDocument 1.3 part 4 (OpenFormula).

>>> is_formula("of:=SUM([.A1:.B2])*1.1"), is_formula("of:=DDE(\\"soffice\\";\\"x\\";\\"A1\\")"), is_formula("=['file:///x'#$A.A1]")
(True, False, False)
>>> is_condition("cell-content-is-in-list(\\"a\\";\\"b\\")")
True
"""

from __future__ import annotations

import re

from sanitizer.formats.odf.facts import CONDITIONS, FUNCTION_NEVER, FUNCTION_PREFIXES, FUNCTIONS
from sanitizer.formats.odf.links import is_link, link

_LENGTH = 8192
_CONTROLS = r"\x00-\x1f"
_STRING = r"(?P<string>\"(?:[^\"]|\"\")*\")"
_REF = rf"(?P<ref>\[(?:[^{_CONTROLS}\"'#/<>\[\\\]|]|'(?:[^{_CONTROLS}'#/\[\\\]]|'')*'|#REF!)*\])"
_NAME = r"(?P<name>[^\W\d][\w.]*)(?P<call>\s*\()?"
_OTHER = r"(?P<other>[+\-*/^&=<>%,;:!(){}@$#.?~|0-9\s]+)"
_TESTS = "|".join(re.escape(word) for word in sorted(CONDITIONS, key=lambda word: (-len(word), word)))
_IN_FORMULA = re.compile(f"{_STRING}|{_REF}|{_NAME}|{_OTHER}")
_IN_CONDITION = re.compile(rf"{_STRING}|{_REF}|(?P<test>(?:{_TESTS})(?![\w.\-]))|{_NAME}|{_OTHER}")
_PREFIX = re.compile(r"(?:of:|oooc:|ooow:)?=?")
_OTHER_PREFIX = re.compile(r"\w+:=")
_NEVER = re.compile(
    rf"file:|https?:|\\\\|\|\s*'|\w\|.*!|\b(?:{'|'.join(re.escape(name) for name in sorted(FUNCTION_NEVER))})\s*\(",
    re.IGNORECASE | re.DOTALL,
)
_FUNCTION = re.compile(
    rf"(?:{'|'.join(re.escape(prefix) for prefix in sorted(FUNCTION_PREFIXES, key=len, reverse=True))})?(.*)"
)
_LINK = re.compile(r'(?:of:|oooc:)?=\s*HYPERLINK\s*\(\s*"(https?://[^"]*)"\s*[;)]', re.IGNORECASE)
_ADDRESS = re.compile(r'\s*"([^"]*)"\s*[;)]')


def is_formula(text: str) -> bool:
    """True if the text may leave as a formula."""
    return _is_made_of(_IN_FORMULA, text)


def is_condition(text: str) -> bool:
    """True if the text may leave as a condition; the empty text may."""
    return _is_made_of(_IN_CONDITION, text)


def page_link(text: str) -> str | None:
    """The page that a formula leads to, where that is all it does."""
    found = _LINK.match(text)
    return link(found[1]) if found else None


def _is_made_of(tokens: re.Pattern[str], text: str) -> bool:
    if len(text) > _LENGTH or _NEVER.search(text):
        return False
    prefix = _PREFIX.match(text)
    at = prefix.end() if prefix else 0
    if _OTHER_PREFIX.match(text, text.index(":") + 1 if at and ":" in text[:at] else 0):
        return False
    while at < len(text):
        token = tokens.match(text, at)
        if token is None or (token["call"] is not None and not _is_allowed(token, text)):
            return False
        at = token.end()
    return True


def _is_allowed(token: re.Match[str], text: str) -> bool:
    name = token["name"].upper()
    if name == "HYPERLINK":
        found = _ADDRESS.match(text, token.end())
        return found is not None and is_link(found[1])
    bare = _FUNCTION.fullmatch(name)
    return name in FUNCTIONS or (bare is not None and bare[1] in FUNCTIONS)
