"""Tables as text: whatever separates the cells, none of them is a formula.

Rules kept here:

- The text is in the grammar of plain text (``sanitizer.verify.text``), and not in ISO-2022-JP.
- No quoting and no separator is believed: a cell is what stands between any of the four and the ends of its line.
- Only what follows a separator, a quote or a blank is looked at: the cost is that of the cells that could be formulas.

>>> verify(b"a,-1\\r\\n", Limits())
>>> verify(b'a;"=HYPERLINK(1)"\\r\\n', Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('formula', 'character 3')
"""

from __future__ import annotations

import re
import unicodedata

from sanitizer.limits import Limits
from sanitizer.verify.markup.characters import demand
from sanitizer.verify.text import readings

SEPARATORS = ",;\t|"
_BREAKS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_EQUALS = "=\u207c\u208c\u2a75\u2a76\ufe66\uff1d"
_SIGNS = "+\\-@\u207a\u207b\u208a\u208b\u2212\ufb29\ufe62\ufe63\ufe6b\uff0b\uff0d\uff20"
"""Characters that NFKC makes an equals sign, or a plus, a hyphen or an at sign, at the beginning."""

_BLANKS = "\t \x1f\xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
_QUOTES = "\"'\uff02\uff07"
_EXEMPT = ("'", "\"'")
_CALL = re.compile(r"[(!|]")
_TELEPHONE = re.compile(r"\+[0-9(][0-9 \t()\-]*")


def _cells(separator: str) -> re.Pattern[str]:
    """What finds the cells that begin with one of the signs: what is passed over, and the rest of the cell."""
    ends = f"{separator}{_BREAKS}"
    return re.compile(rf"[{ends}]([{_BLANKS.replace(separator, '')}{_QUOTES}]*)([{_EQUALS}{_SIGNS}][^{ends}]*)")


_CELLS = [_cells(separator) for separator in SEPARATORS]


def verify(data: bytes, limits: Limits, mime: str = "text/csv") -> None:
    """Nothing if ``data`` is a table of the grammar within ``limits``, else ``Violation``."""
    demand(len(data) <= limits.max_output, "too-long")
    encodings = readings(data)
    demand(encodings and "iso2022_jp_1" not in encodings, "no-encoding")
    if encodings != ["latin-1"]:
        encodings = [encoding for encoding in encodings if encoding != "latin-1"]
    for encoding in encodings:
        _check(data.decode(encoding, "replace").removeprefix("\ufeff"))


def _check(text: str) -> None:
    demand(not text.startswith("ID;"), "sylk")
    text = "\n" + text
    for pattern in _CELLS:
        for found in pattern.finditer(text):
            passed, cell = found.groups()
            if not passed.startswith(_EXEMPT) and _acts(cell):
                demand(False, "formula", f"character {found.start(2) - 1}")


def _acts(cell: str) -> bool:
    """Whether a spreadsheet would calculate this, which begins with one of the signs."""
    if cell.isascii() and cell[0] != "=" and not _CALL.search(cell):
        return False
    plain = unicodedata.normalize("NFKC", cell).replace("\u2212", "-").rstrip().rstrip("\"'").rstrip()
    if plain.startswith("="):
        return True
    calls = plain.startswith(("+", "-", "@")) and _CALL.search(plain)
    return bool(calls) and not _TELEPHONE.fullmatch(plain)
