"""Formulas of cells, names, charts and rules: which may stay as formulas.

Rules kept here:

- Only functions of the table may be called; names of other workbooks, programs (DDE) and paths have no token.
- A formula that is not allowed is not mended: its cell keeps the last value.

Source: docs/grammar-ooxml.md, section 7; ECMA-376 part 1, 18.17.

>>> is_formula('SUM(A1:B2)*1.1'), is_formula("cmd|'/c calc'!A0"), is_formula('WEBSERVICE("http://x")')
(True, False, False)
"""

from __future__ import annotations

import re

from sanitizer.formats.ooxml.facts import FUNCTION_NEVER, FUNCTIONS
from sanitizer.formats.package.links import is_location, link

_LENGTH = 8192
_INNER = r"[^\[\]'\\|]|'[^|]"
_NAME = r"[^\W\d][\w.?]*"
_TOKEN = re.compile(
    r"(?P<string>\"(?:[^\"]|\"\")*\")"
    r"|(?P<sheet>'(?:[^'\\/\[\]|]|'')*'(?=!))"
    rf"|(?P<call>{_NAME})\s*\("
    rf"|{_NAME}(?:\[(?:{_INNER}|\[(?:{_INNER})*\])*\])+(?![\w'!])|{_NAME}"
    r"|(?P<other>[+\-*/^&=<>%,;:!(){}@$#.0-9\s]+)",
    re.DOTALL,
)
_NEVER = re.compile(
    rf"file:|\\\\|\[[0-9]+\]|\b(?:{'|'.join(re.escape(name) for name in sorted(FUNCTION_NEVER))})\s*\(",
    re.IGNORECASE,
)
_BAR = re.compile(r"\w\||\|\s*'")
_PREFIX = re.compile(r"_XLFN\.(?:_XLWS\.)?|_XLWS\.")
_ADDRESS = re.compile(r'\s*"((?:[^"]|"")*)"\s*[,)]')


def is_formula(text: str) -> bool:
    """True if the text may leave as a formula; the empty text may."""
    if len(text) > _LENGTH or _NEVER.search(text):
        return False
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None or not _is_allowed(token, text):
            return False
        at = token.end()
    return True


def _is_allowed(token: re.Match[str], text: str) -> bool:
    if token["string"]:
        return "|" not in token[0] or not _BAR.search(token[0] + text[token.end() : token.end() + 1])
    if token["call"] is None:
        return True
    name = token["call"].upper() if token["call"].isascii() else ""
    if name == "HYPERLINK":
        return _links_out(text, token.end())
    prefix = _PREFIX.match(name)
    return (name[prefix.end() :] if prefix else name) in FUNCTIONS


def _links_out(text: str, at: int) -> bool:
    """True if the first argument is a literal address or place."""
    found = _ADDRESS.match(text, at)
    if found is None:
        return False
    address = found[1]
    return is_location(address[1:]) if address.startswith("#") else link(address) == address
