"""The first look at canonical markup: UTF-8, no controls, and a cursor that takes it apart by patterns.

Rules kept here:

- Written from ``docs/grammar-markup.md`` alone; no parser of markup is used.
- Where the text does not go on as a pattern says, that is a violation, with its offset.

>>> Scanner("<p>").take(OPENING)[1]
'p'
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from sanitizer.limits import Limits
from sanitizer.patterns import compile_pattern
from sanitizer.verify import Violation

MAX_DEPTH = 200
FORBIDDEN = compile_pattern(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufeff\ufffe\uffff"
    + "".join(chr((plane << 16) + low) for plane in range(1, 17) for low in (0xFFFE, 0xFFFF))
    + "]"
)
TEXT = compile_pattern(r"(?:[^<>&]|&(?:amp|lt|gt);)*+")
VALUE = r"(?:[^<>&\"\n\t]|&(?:amp|lt|gt|quot);)*+"
OPENING = compile_pattern(rf'<([A-Za-z][A-Za-z0-9]*)((?: [A-Za-z][A-Za-z0-9:-]*="{VALUE}")*+)(/?)>')
CLOSING = compile_pattern(r"</([A-Za-z][A-Za-z0-9]*)>")
ATTRIBUTE = compile_pattern(rf' ([A-Za-z][A-Za-z0-9:-]*)="({VALUE})"')
NAME = r"[^\W\d][\w.:-]{0,99}"

Check = Callable[[str], bool]


def demand(condition: object, code: str, where: str = "") -> None:
    """Raises ``Violation`` unless ``condition``."""
    if not condition:
        raise Violation(code, where)


def read(data: bytes, limits: Limits) -> str:
    """The characters of a file; ``Violation`` for other encodings and for controls."""
    demand(len(data) <= limits.max_output, "too-large")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Violation("no-encoding", f"offset {error.start}") from error
    found = FORBIDDEN.search(text)
    demand(found is None, "control", f"character {found.start()}" if found else "")
    return text


def plain(value: str) -> str:
    """What the references in a value stand for."""
    return value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")


def whole(pattern: str) -> Check:
    """A check that a value is all of a pattern."""
    compiled = compile_pattern(pattern)
    return lambda value: compiled.fullmatch(value) is not None


class Scanner:
    """Reads ``text`` from its start to its end, forwards only."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def take(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """What stands here, which must be as the pattern says."""
        match = pattern.match(self.text, self.at)
        if match is None:
            raise Violation("unexpected", f"character {self.at}")
        self.at = match.end()
        return match

    def literal(self, words: str) -> None:
        """These very characters."""
        demand(self.text.startswith(words, self.at), "unexpected", f"character {self.at}")
        self.at += len(words)

    def optional(self, words: str) -> bool:
        """These very characters, if they stand here."""
        found = self.text.startswith(words, self.at)
        self.at += len(words) if found else 0
        return found

    def attributes(self, written: str, allowed: Mapping[str, Check]) -> dict[str, str]:
        """The attributes of a tag: names ascending, each allowed, each value as its check says."""
        found: dict[str, str] = {}
        last = ""
        for name, value in ATTRIBUTE.findall(written):
            demand(name > last, "attribute-order", f"character {self.at}")
            check = allowed.get(name)
            demand(check is not None and check(plain(value)), "bad-attribute", f"character {self.at}")
            found[name] = plain(value)
            last = name
        return found
