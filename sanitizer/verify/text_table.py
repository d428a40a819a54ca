"""Reads CSV and TSV as ``docs/grammar-text.md`` allows it: a text in which no cell can run, whoever splits it how.

Rules kept here:

- The text is in the grammar of plain text (``sanitizer.verify.text``), and not in ISO-2022-JP.
- Each line is split at commas, semicolons, TABs and vertical bars in turn, by the scanner below. In the encoding of
  the file (CP932 and EUC-JP both, where either is possible) no cell may be a formula: none begins with ``=``, or with
  ``+ - @`` and holds ``( ! |``, after compatibility forms are made plain and blanks and quotes are passed over; an
  apostrophe first makes it safe.

>>> from sanitizer.limits import Limits
>>> verify(b"a,=1+1", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('formula', 'line 1')
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.text import encodings

CODECS = {"utf-8": "utf-8-sig", "cp932": "cp932", "euc-jp": "euc_jp", "western": "cp1252", "utf-16": "utf-16"}
CALL = frozenset("(!|")
# A telephone number with brackets is the one thing with a bracket that cannot run.
TELEPHONE = re.compile(r"\+[0-9(][0-9 ()-]*")


def verify(data: bytes, limits: Limits, mime: str = "text/csv") -> None:
    """Nothing if no cell of the table can run, else ``Violation``."""
    if data.removeprefix(b"\xef\xbb\xbf").startswith(b"ID;"):
        raise Violation("sylk")
    found = encodings(data)
    unicode = [name for name in found if name.startswith("utf")]
    japanese = [name for name in found if name in ("cp932", "euc-jp")]
    for name in unicode[:1] or japanese or found:
        if name not in CODECS:
            raise Violation("no-encoding")
        try:
            text = data.decode(CODECS[name])
        except UnicodeDecodeError:
            continue  # the pattern is wider than the table of characters; another reading covers the file
        _check(text)


def _check(text: str) -> None:
    for number, line in enumerate(text.splitlines(), 1):
        if any(_is_formula(cell) for separator in ",;\t|" for cell in _cells(line, separator)):
            raise Violation("formula", f"line {number}")


def _cells(line: str, separator: str) -> Iterator[str]:
    """The cells of one line. A cell that begins with a quote runs to the next single quote; two are one of the text."""
    at = 0
    while at <= len(line):
        cell: list[str] = []
        if line.startswith('"', at):
            at += 1
            while at < len(line) and (line[at] != '"' or line.startswith('""', at)):
                cell.append(line[at])
                at += 2 if line[at] == '"' else 1
            at += 1
        end = line.find(separator, at)
        end = len(line) if end < 0 else end
        yield "".join(cell) + line[at:end]
        at = end + 1


def _is_formula(cell: str) -> bool:
    if not cell or cell[0] == "'" or ("a" <= cell[0] <= "z") or ("0" <= cell[0] <= "9"):
        return False
    plain = unicodedata.normalize("NFKC", cell).replace("\u2212", "-").lstrip(" \t\r\n\f\v\"'")
    if plain.startswith("="):
        return True
    if not plain.startswith(("+", "-", "@")) or CALL.isdisjoint(plain):
        return False
    return TELEPHONE.fullmatch(plain.rstrip(" \t\"'")) is None
