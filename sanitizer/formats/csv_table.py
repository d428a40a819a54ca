"""CSV and TSV: every byte as received, but for controls and for cells that a spreadsheet would run.

Rules kept here (OWASP ASVS 5.0, 1.2.10):

- A cell that begins with ``=``, ``+``, ``-`` or ``@``, also full-width, also behind blanks, quotes or a TAB or CR, gets
  an apostrophe as its first character, inside its quotes if it has any. Signed numbers, telephone numbers, dates,
  ranges, unit prices (``@100円``) and dashes stay as they are.
- Programs differ in what separates cells, so the rule holds for each of comma, semicolon, TAB and vertical bar, and for
  each line inside a quoted cell; where it is not the separator of this file, only what could run counts: ``=``, or
  ``+ - @`` with a call, a sheet or a link (``(``, ``!``, ``|``).
- SYLK in disguise (``ID;``) is refused. ISO-2022-JP, which no spreadsheet reads, leaves as UTF-8.
- What leaves is in the grammar of ``docs/grammar-text.md``.

>>> rebuild(b'=1+1,-5,"@x"\\n', Job("text/csv", "rebuild", "a.csv", None, Limits())).data
b'\\'=1+1,-5,"\\'@x"\\n'
"""

from __future__ import annotations

import csv
import io
import itertools
import re
import unicodedata
from collections.abc import Iterator

from sanitizer.formats.base import Change, Job, Rebuilt, Refused, Table
from sanitizer.formats.text_encoding import Text, read_text, recognised, without_controls
from sanitizer.formats.text_kinds import KINDS
from sanitizer.limits import Limits
from sanitizer.patterns import compile_pattern

__all__ = ["KINDS", "rebuild", "tables", "thumbnail"]

SEPARATORS = ",;\t|"
TRIGGERS = "=+-@"
MINUS = "\u2212"  # what the full-width hyphen of Shift_JIS and EUC-JP is in some tables
# After NFKC. Nothing here can call a function, name a cell or open a link.
HARMLESS = compile_pattern(
    r"""[+-]+                                                                   # dashes
    | [+-]\s*[¥\\$€£]?\s*[0-9][0-9,.]*(?:[eE][+-]?[0-9]+)?\s*(?:%|°?[A-Za-z]{1,3}[23]?|[^\x00-\x7f]{0,4})  # -5% +3人
    | [+-][0-9][0-9\s:/.,~\u301c-]*                                             # -2024/04/01  -03-1234-5678  -5~-3
    | \+[0-9(][0-9\s()-]*                                                       # +81 (0)985-21-1111
    | @\s*[¥\\]?[0-9][0-9,.]*(?:円)?                                            # @100円
    | [-+@]""",
    re.VERBOSE,
)
_BLANKS = " \t\r\n\f\v\"'"


def rebuild(data: bytes, job: Job) -> Rebuilt:
    """The table with its dangerous cells made text. Raises ``Refused``."""
    removed: list[Change] = []
    changed: list[Change] = []
    text = without_controls(read_text(data, changed), removed)
    if not text.body:
        raise Refused("empty")
    if re.match(rb"ID;", text.body):
        raise Refused("unsupported-sylk")
    if text.codec.startswith("iso2022"):
        text = Text(b"\xef\xbb\xbf", "utf-8", text.decoded().encode())
        changed.append(Change("encoding", 1))
    safe, count = _neutralised(text, "\t" if job.mime == "text/tab-separated-values" else None)
    if count:
        changed.insert(0, Change("formula", count))
    return Rebuilt(text.bom + safe, job.mime, removed, changed)


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """A table has no thumbnail."""
    return None


def text(data: bytes, limits: Limits) -> str:
    """The characters, separators and all."""
    return recognised(data).decoded()


def tables(data: bytes, limits: Limits) -> list[Table]:
    """The table itself, whatever separates its cells."""
    view = recognised(data).decoded()
    rows = csv.reader(io.StringIO(view, newline=""), delimiter=_separator(view))
    return [list(itertools.islice(rows, limits.max_objects))]


def _neutralised(text: Text, separator: str | None) -> tuple[bytes, int]:
    """The body with apostrophes, and how many. Bytes are looked at one by one where the encoding allows: of the
    characters that structure a table, only the vertical bar is ever part of another one, in CP932."""
    body, count = text.body, 0
    while places := _places(table := _Table(Text(text.bom, text.codec, body)), separator):
        parts = [table.view[start:end] for start, end in itertools.pairwise([0, *places, len(table.view)])]
        body = "'".join(parts).encode(text.codec if text.is_wide else "latin-1")
        count += len(places)
    return body, count


def _places(table: _Table, separator: str | None) -> list[int]:
    """Where apostrophes belong. One in the middle of another separator's cell may call for one at its beginning."""
    return sorted({*_own_cells(table, separator or _separator(table.view)), *_other_cells(table)})


class _Table:
    """A table to be looked through: ``view`` has one character per character, or per byte where bytes are enough."""

    def __init__(self, text: Text) -> None:
        others = [codec for codec in ("cp932", "euc_jp") if _is_readable(text.body, codec) and codec != text.codec]
        self._codecs = [] if text.is_wide else [text.codec, *(others if text.codec in ("cp932", "euc_jp") else [])]
        self.view = text.decoded() if text.is_wide else text.body.decode("latin-1")
        self.may_begin = compile_pattern("[ \t\"'+=@-]|" + "|".join(map(re.escape, self._odd_beginnings())))
        self.line_ends = [r"[\n\r\f]" if self._codecs else r"[\n\r\f\u2028\u2029]"]
        self.line_ends += ["\xe2\x80\xa8", "\xe2\x80\xa9"] if "utf-8" in self._codecs else []
        self.whole = _DOUBLE_BYTE if "cp932" in self._codecs else "(?!)"

    def _odd_beginnings(self) -> list[str]:
        """How characters that NFKC makes a blank or a trigger look in ``view``."""
        if not self._codecs:
            return _ODD
        found = {char.encode(codec, "ignore").decode("latin-1") for codec in self._codecs for char in _ODD}
        return sorted(found - {""})

    def readings(self, start: int, end: int) -> list[str]:
        """A part of the view in the encoding of the text, and in the others that cannot be ruled out (Shift_JIS and
        EUC-JP)."""
        part = self.view[start:end]
        return [part.encode("latin-1").decode(codec, "replace") for codec in self._codecs] or [part]

    def begins(self, at: int) -> bool:
        """Whether a character begins here, as far as the encoding of the text tells: a vertical bar before this place
        may be half of a character."""
        if self._codecs[:1] != ["cp932"] or self.view[max(at - 1, 0) : at] != "|":
            return True
        line = max(self.view.rfind("\n", 0, at), self.view.rfind("\r", 0, at)) + 1
        return self.readings(line, at)[0].endswith("|")


_DOUBLE_BYTE = r"[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc]"  # of CP932; its second byte may look like a vertical bar


_ODD = [
    char for char in map(chr, range(0x80, 0xFFFE)) if unicodedata.normalize("NFKC", char)[:1] in (*TRIGGERS, " ", MINUS)
]


def _is_readable(body: bytes, codec: str) -> bool:
    try:
        body.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _separator(view: str) -> str:
    """The separator that most of the first lines have, outside quotes."""
    lines = [re.sub(r'"[^"]*"', "", line) for line in view[:50_000].splitlines()[:100]]
    return max(SEPARATORS, key=lambda separator: sum(separator in line for line in lines))


def _own_cells(table: _Table, separator: str) -> Iterator[int]:
    """Where apostrophes belong in the cells that the file's own separator makes; quoted ones may hold line ends."""
    stop = re.escape(separator) + "\r\n"
    cell = compile_pattern(rf'(?:"(?:[^"]|"")*+")?(?:{table.whole}|[^{stop}])*+')
    at = 0
    while at < len(table.view):
        found = cell.match(table.view, at)
        end = found.end() if found else at
        quoted = table.view.startswith('"', at)
        if table.may_begin.match(table.view, at) and _is_trigger(table.readings(at + quoted, end)[0], separator):
            yield at + quoted
        at = end + 1


def _other_cells(table: _Table) -> Iterator[int]:
    """Where apostrophes belong in the cells that any separator makes, line by line, if they could run."""
    behind_line_end = "|".join(f"(?<={end})" for end in table.line_ends)
    for separator in map(re.escape, SEPARATORS):
        begin = compile_pattern(rf"(?:^|(?<=[{separator}])|{behind_line_end})")
        inside = rf"{table.whole}|(?!{separator}|{'|'.join(table.line_ends)})."
        cell = compile_pattern(rf'(?:"(?:[^"\r\n]|"")*+"?)?(?:{inside})*+', re.DOTALL)
        for found in begin.finditer(table.view):
            at = found.start()
            if table.may_begin.match(table.view, at) and table.begins(at):
                quoted, end = table.view.startswith('"', at), cell.match(table.view, at)
                if end and any(_could_run(content) for content in table.readings(at + quoted, end.end())):
                    yield at + quoted


def _is_trigger(content: str, separator: str) -> bool:
    """Whether a spreadsheet may take a cell of this content for a formula."""
    if content.startswith("'"):
        return False
    if content.startswith(("\t", "\r")) and separator != "\t" and content.strip(_BLANKS):
        return True
    bare = _bare(content)
    return bare[:1] in (*TRIGGERS,) and not HARMLESS.fullmatch(bare)


def _could_run(content: str) -> bool:
    """Whether a cell of this content is a formula, or calls, links or names a sheet."""
    bare = "" if content.startswith("'") else _bare(content)
    if bare.startswith("="):
        return True
    return bare[:1] in (*TRIGGERS,) and bool(re.search(r"[(!|]", bare)) and not HARMLESS.fullmatch(bare)


def _bare(content: str) -> str:
    """The content as a lenient program reads it: compatibility forms and the minus sign made plain, blanks and quotes
    around it gone."""
    return unicodedata.normalize("NFKC", content).replace(MINUS, "-").lstrip(_BLANKS).rstrip(_BLANKS)
