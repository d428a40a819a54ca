r"""Section 5.2 of the grammar: content streams are a sequence of allowed tokens.

Rules kept here:

- One regular expression runs over operands and operators in bulk; it stops at what needs a closer look: marked
  content, inline images and strings with inner parentheses. Whatever it does not know is a violation.
- Marked content is balanced, carries only ActualText and MCID, and is never optional content (``/OC``).

>>> content = b"q BT (abc) Tj ET Q /P <</MCID 0>> BDC EMC"
>>> content[_plain_end(content, 0) :]
b'/P <</MCID 0>> BDC EMC'
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sanitizer.patterns import compile_pattern
from sanitizer.verify import Violation
from sanitizer.verify.pdf import inline
from sanitizer.verify.pdf.kinds import is_text
from sanitizer.verify.pdf.values import DIGITS, HEX, LITERAL, number_value, string_value

if TYPE_CHECKING:
    from sanitizer.verify.pdf.walk import Walk

_SPACE = rb"[\0\t\n\f\r ]"
_REGULAR = rb"[^\0\t\n\f\r ()<>\[\]{}/%]"
_END = rb"(?!" + _REGULAR + rb")"
_OPERATOR = (
    rb"(?:[BFGJKMQSWbcdfghijklmnqsvwy'\"]|T[*DJLcdfjmrswz]|[BWbf]\*|BT|CS|Do|ET|RG|SCN?|c[ms]|d[01]|gs|r[eig]|scn?|sh)"
)
# Numbers and white space, then what else needs no closer look. Order is speed; no two alternatives begin alike but
# names, which are left to _SPECIAL where they open marked content.
_PLAIN = compile_pattern(
    rb"(?:[0-9+\-.\0\t\n\f\r ]++(?:(?<![0-9+\-.])|" + _END + rb")"
    rb"|" + _OPERATOR + _END + rb"|[\[\]]"
    rb"|\([^()\\]*+(?:\\.[^()\\]*+)*+\)"
    rb"|/" + _REGULAR + rb"*+(?! <<|" + _SPACE + rb"++BMC)"
    rb"|<[0-9A-Fa-f\0\t\n\f\r ]*+>)*+",
    re.DOTALL,
)
_STRING = LITERAL + rb"|" + HEX
_SPECIAL = compile_pattern(
    rb"(?P<end>EMC)" + _END + rb"|(?P<nested>\()|(?P<inline>BI )"
    rb"|/(?P<tag>" + _REGULAR + rb"*+)(?:" + _SPACE + rb"++BMC"
    rb"| <<(?:/ActualText (?P<actual>" + _STRING + rb")(?: /MCID (?P<both>" + DIGITS + rb"))?"
    rb"|/MCID (?P<mcid>" + DIGITS + rb"))>> BDC)" + _END
)
_PARENTHESIS = compile_pattern(rb"[^()\\]*+(?:\\.[^()\\]*+)*+([()])", re.DOTALL)


def check(data: bytes, walk: Walk, number: int) -> None:
    """``Violation`` unless ``data`` is a content stream of the grammar. ``number`` is its object, for messages."""
    where = f"object {number}"
    at = _plain_end(data, 0)
    depth = 0
    while at < len(data):
        match = _SPECIAL.match(data, at)
        if match is None:
            raise Violation("content-token", f"{where}, offset {at}")
        kind = match.lastgroup
        if kind == "nested":
            at = _string_end(data, match.end(), where)
        elif kind == "inline":
            at = inline.check(data, at, walk, number)
        else:
            depth += -1 if kind == "end" else 1
            if kind != "end":
                _check_mark(match, where)
            at = match.end()
        if depth < 0:
            break
        at = _plain_end(data, at)
    if depth:
        raise Violation("content-marks", where)


def _plain_end(data: bytes, at: int) -> int:
    match = _PLAIN.match(data, at)
    return match.end() if match else at


def _string_end(data: bytes, at: int, where: str) -> int:
    """Behind the parenthesis that closes the one before ``at``."""
    depth = 1
    while depth:
        match = _PARENTHESIS.match(data, at)
        if match is None:
            raise Violation("content-string", where)
        depth += 1 if match[1] == b"(" else -1
        at = match.end()
    return at


def _check_mark(match: re.Match[bytes], where: str) -> None:
    if match["tag"] == b"OC" or b"#" in match["tag"]:
        raise Violation("content-optional", where)
    identifier = match["both"] or match["mcid"]
    number_value(identifier or b"0")
    if match["actual"] is not None and not is_text(string_value(match["actual"])):
        raise Violation("content-actual-text", where)
