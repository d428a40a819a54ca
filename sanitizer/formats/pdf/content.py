"""Content streams (ISO 32000-1, 7.8.2): kept byte for byte where they are plain, mended where they are not.

Rules kept here (docs/grammar-pdf.md, 5.2):

- Only numbers, names, strings, brackets and the known operators stay as they are; one regular expression skips over
  them (15 ns a byte, measured on the corpus), so that the rest is looked at one by one.
- Comments become white space; unknown words, MP, DP, BX and EX become an empty marked section, which takes their
  operands with it; stray delimiters become an empty array.
- Marked content keeps its tag, MCID and ActualText, nothing else; it is balanced at the end.
- What stands in a hidden layer is not painted (``hidden_content``).

>>> plain(b"0 0 m % secret")
b'0 0 m  '
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pikepdf

from sanitizer.formats.pdf.build import Builder
from sanitizer.formats.pdf.filters import decode
from sanitizer.formats.pdf.hidden_content import without_hidden
from sanitizer.formats.pdf.inline_images import inline_image
from sanitizer.formats.pdf.lexical import DICTIONARY, HEX, OPERATOR, REGULAR, STRING, WS, close_string, string_token
from sanitizer.formats.pdf.values import Value, neutralise, spell_text, string_text
from sanitizer.patterns import compile_pattern

SKIP = compile_pattern(
    rb"(?:[\0\t\n\f\r 0-9.+\-\[\]]++|"
    + OPERATOR
    + rb"|"
    + STRING
    + rb"|"
    + HEX
    + rb"|/"
    + REGULAR
    + rb"*+(?!"
    + WS
    + rb"*+(?:BDC|BMC|DP|MP|/|<<)))*+"
)
MARKED = compile_pattern(
    rb"/(?P<tag>"
    + REGULAR
    + rb"*+)"
    + rb"(?:"
    + WS
    + rb"*+(?:(?P<list>"
    + DICTIONARY
    + rb")|/(?P<named>"
    + REGULAR
    + rb"*+))?+"
    + WS
    + rb"*+(?P<op>BDC|BMC|DP|MP)(?!"
    + REGULAR
    + rb"))?"
)
NUMERIC = frozenset(b"0123456789.+-")
WORD = compile_pattern(REGULAR + rb"++")
COMMENT = compile_pattern(rb"%[^\r\n]*+")
EMC = compile_pattern(rb"EMC(?!" + REGULAR + rb")")
BI = compile_pattern(rb"BI(?!" + REGULAR + rb")")
KEPT = compile_pattern(rb"/(ActualText|MCID)[\0\t\n\f\r ]*(?:([0-9]{1,9})|(" + STRING + rb"|" + HEX + rb"))")
NO_OPERATION = b"/Span BMC EMC"
TAG = compile_pattern(rb"[!\"$&'*+,\-.0-9:;=?@A-Z\\^_`a-z|~\x80-\xff]{1,120}")


def content_of(
    b: Builder, parts: list[tuple[dict[str, Value], pikepdf.Object]], resources: Value
) -> tuple[bytes, bytes | None]:
    """(content, kept): the joined, mended content of ``parts``, and a zlib stream of exactly it if there is one."""
    pieces = [decode(b.source, d, handle.read_raw_bytes()) for d, handle in parts]
    known = [p for p in pieces if p is not None]
    if len(known) == 1:
        data = mend(b, known[0].data, resources)
        return data, known[0].kept if data is known[0].data else None
    joined = b"\n".join([p.data for p in known])
    return mend(b, joined, resources), None


def mend(b: Builder, data: bytes, resources: Value) -> bytes:
    """The content as the grammar wants it; ``data`` itself where nothing had to be changed."""
    if b.layers.any_hidden and b"/OC" in data:
        data = without_hidden(b, data, resources)
    return _Mender(b, data, resources).run()


def plain(data: bytes) -> bytes:
    """Comments out of ``data`` (for the example above)."""
    return COMMENT.sub(b" ", data)


@dataclass
class _Mender:
    b: Builder
    data: bytes
    resources: Value
    out: list[bytes] = field(default_factory=list)
    last: int = 0  # data[:last] is in out
    depth: int = 0  # of marked content

    def run(self) -> bytes:
        i, n = 0, len(self.data)
        skip = SKIP.match
        while True:
            found = skip(self.data, i)
            i = found.end() if found else i
            if i >= n:
                break
            i = self._step(i)
        if not self.out and not self.depth:
            return self.data
        self.out.append(self.data[self.last :])
        return b"".join(self.out) + b"\nEMC" * self.depth

    def _replace(self, start: int, end: int, by: bytes) -> int:
        self.out.append(self.data[self.last : start])
        self.out.append(by)
        self.last = end
        return end

    def _step(self, i: int) -> int:
        """Deals with what is not plain at ``i``; where to go on."""
        c = self.data[i]
        if c == 0x2F:  # /
            return self._name(i)
        if c == 0x25:  # %
            self.b.report.removed("comment-bytes")
            found = COMMENT.match(self.data, i)
            return self._replace(i, found.end() if found else i + 1, b" ")
        if c == 0x28:  # ( that is nested deeply or never closed
            return self._string(i)
        if EMC.match(self.data, i):
            return self._end(i)
        if BI.match(self.data, i):
            return self._inline_image(i)
        return self._junk(i)

    def _name(self, i: int) -> int:
        found = MARKED.match(self.data, i)
        if found is None or found["op"] is None:
            return self._lone_name(i)
        op = found["op"]
        spelled = self._marked(found) if op in (b"BDC", b"BMC") else NO_OPERATION
        self.depth += op in (b"BDC", b"BMC")
        if spelled == found[0]:
            return found.end()
        return self._replace(i, found.end(), spelled)

    def _lone_name(self, i: int) -> int:
        """A name followed by another name or a dictionary that is no property list."""
        found = WORD.match(self.data, i + 1)
        return found.end() if found else i + 1

    def _marked(self, found: re.Match[bytes]) -> bytes:
        tag = found["tag"]
        if tag == b"OC" or not TAG.fullmatch(tag):
            tag = b"Span"
        kept = b""
        if found["list"]:
            kept = self._properties(found["list"])
        elif found["named"] is not None and tag == found["tag"]:
            kept = self._named_properties(found["named"])
        return b"/%b <<%b>> BDC" % (tag, kept) if kept else b"/%b BMC" % tag

    def _properties(self, listed: bytes) -> bytes:
        values: dict[bytes, bytes] = {}
        for key, number, string in KEPT.findall(listed):
            if key == b"MCID" and number:
                values.setdefault(key, b"%d" % min(int(number), 2**31 - 1))
            elif key == b"ActualText" and string:
                text = spell_text(neutralise(string_token(string)))
                if text is not None:
                    values.setdefault(key, text)
        return b" ".join(b"/%b %b" % (k, values[k]) for k in sorted(values))

    def _named_properties(self, name: bytes) -> bytes:
        source = self.b.source
        d = source.get(source.get(self.resources, "/Properties"), "/" + name.decode("utf-8", "replace"))
        if type(d) is not dict:
            return b""
        entries = []
        text, mcid = string_text(source.get(d, "/ActualText")), source.get(d, "/MCID")
        spelled = spell_text(neutralise(text)) if text is not None else None
        if spelled is not None:
            entries.append(b"/ActualText " + spelled)
        if type(mcid) is int and 0 <= mcid < 2**31:
            entries.append(b"/MCID %d" % mcid)
        return b" ".join(entries)

    def _end(self, i: int) -> int:
        if not self.depth:
            return self._replace(i, i + 3, b" ")
        self.depth -= 1
        if self._touches(i):
            self._replace(i, i, b" ")
        return i + 3

    def _touches(self, i: int) -> bool:
        """Whether what stands before ``i`` would be read into what begins there: a number before an operator."""
        return i > self.last and WORD.match(self.data, i - 1) is not None

    def _string(self, i: int) -> int:
        end, missing = close_string(self.data, i)
        if missing:
            tail = self.data[i:end]
            if (len(tail) - len(tail.rstrip(b"\\"))) % 2:
                self._replace(end, end, b"\\")
            return self._replace(end, end, b")" * missing)
        return end

    def _inline_image(self, i: int) -> int:
        end, spelled = inline_image(self.b, self.data, i, self.resources)
        if not spelled:
            self.b.report.removed("image")
        return self._replace(i, end, b" " * self._touches(i) + spelled if spelled else b" ")

    def _junk(self, i: int) -> int:
        """An unknown word takes its operands with it, as readers do; any other stray thing is an operand of no use."""
        start = i
        while start > self.last and self.data[start - 1] in NUMERIC:
            start -= 1  # a word such as 39c02 begins with what looked like a number
        found = WORD.match(self.data, start)
        if found is None:
            self.b.report.removed("content-junk")
            return self._replace(i, i + 1, b" [] ")
        word = found[0]
        if word in (b"true", b"false", b"null"):
            return self._replace(start, found.end(), b"[]")
        if word not in (b"MP", b"DP", b"BX", b"EX"):
            self.b.report.removed("content-junk")
        return self._replace(start, found.end(), NO_OPERATION)
