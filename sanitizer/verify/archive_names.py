"""Names of the members of an archive (§2 of ``docs/grammar-archive.md``): each sound, all of them told apart.

>>> check_names(["報告/1.txt", "報告/2.txt"])
>>> check_names(["A.txt", "a.TXT"])
Traceback (most recent call last):
sanitizer.verify.Violation: ('names-alike', 'member 2')
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from sanitizer.verify import Violation

MAX_NAME, MAX_PART, MAX_PARTS = 1000, 255, 20  # bytes, bytes, count
_FORBIDDEN = frozenset('<>:"/\\|?*\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffc')
_CATEGORIES = frozenset(("Cc", "Cf", "Cs", "Cn", "Zl", "Zp"))
_DOTS = frozenset(".\uff0e\u3002\uff61\u2024\ufe52\u2026")
_DEVICES = frozenset(
    ("con", "prn", "aux", "nul", "conin$", "conout$", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)))
)


def is_sound(name: str) -> bool:
    """Whether a name by itself is one that the grammar allows."""
    if len(name.encode("utf-8")) > MAX_NAME or not unicodedata.is_normalized("NFC", name):
        return False
    parts = name.removesuffix("/").split("/")
    return len(parts) <= MAX_PARTS and all(_is_part(part) for part in parts)


def _is_part(part: str) -> bool:
    if not part or len(part.encode("utf-8")) > MAX_PART:
        return False
    if any(letter in _FORBIDDEN or unicodedata.category(letter) in _CATEGORIES for letter in part):
        return False
    ends = part[0], part[-1]
    if any(letter in _DOTS or unicodedata.category(letter) == "Zs" for letter in ends) or ".{" in part:
        return False
    return folded(part).partition(".")[0].rstrip() not in _DEVICES


def folded(name: str) -> str:
    """What names that are alike have in common."""
    return unicodedata.normalize("NFKC", name.removesuffix("/")).casefold()


def check_names(names: Iterable[str]) -> None:
    """``Violation`` if one of the names is not sound, is alike to another, or is the folder that another lies in."""
    seen: set[str] = set()
    above: set[str] = set()
    for number, name in enumerate(names, 1):
        if not is_sound(name):
            raise Violation("member-name", f"member {number}")
        own = folded(name)
        if own in seen or own in above:
            raise Violation("names-alike", f"member {number}")
        seen.add(own)
        parts = name.removesuffix("/").split("/")
        for length in range(1, len(parts)):
            folder = folded("/".join(parts[:length]))
            if folder in seen:
                raise Violation("names-alike", f"member {number}")
            above.add(folder)
