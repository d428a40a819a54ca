"""CMaps (Adobe technical note 5014, ISO 32000-1, 9.7.5 and 9.10.3), read entry by entry and written anew.

Rules kept here (docs/grammar-pdf.md, 5.4):

- Only code space ranges, bf and cid entries leave; no PostScript of the source does.
- Entries keep their order; sections hold at most 100 of them.

>>> b"1 beginbfchar\\n<41> <0041>\\nendbfchar\\n" in to_unicode(b"1 beginbfchar <41><0041> endbfchar")
True
"""

from __future__ import annotations

import re

HEAD = b"/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
TAIL = b"endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
UNICODE_HEAD = HEAD + (
    b"/CIDSystemInfo <</Ordering (UCS) /Registry (Adobe) /Supplement 0>> def\n"
    b"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
)
PER_SECTION = 100
MAX_ENTRIES = 1_000_000
_COMMENT = re.compile(rb"%[^\r\n]*")
_SECTION = re.compile(
    rb"begin(codespacerange|bfchar|bfrange|cidchar|cidrange|notdefchar|notdefrange)(.*?)(?:end\1|(?=begin)|\Z)", re.S
)
_H = rb"<([0-9A-Fa-f\0\t\n\f\r ]*)>"
_S = rb"[\0\t\n\f\r ]*"
_HEX_PAIR = re.compile(_H + _S + _H)
_HEX_TRIPLE = re.compile(_H + _S + _H + _S + rb"(?:" + _H + rb"|\[([^\[\]]*)\])")
_CID_SINGLE = re.compile(_H + _S + rb"([0-9]{1,6})")
_CID_RANGE = re.compile(_H + _S + _H + _S + rb"([0-9]{1,6})")
_ONE_HEX = re.compile(_H)
_WHITE = re.compile(rb"[\0\t\n\f\r ]+")


def to_unicode(data: bytes) -> bytes:
    """A ToUnicode CMap."""
    data = _COMMENT.sub(b"", data) if b"%" in data else data
    out = [UNICODE_HEAD]
    for kind, body in _SECTION.findall(data):
        if kind == b"codespacerange":
            out += _sections(kind, _code_pairs(body))
        elif kind == b"bfchar":
            found = _HEX_PAIR.findall(body)
            out += _sections(kind, [b"%b %b" % (c, d) for x, y in found if (c := _code(x)) and (d := _target(y))])
        elif kind == b"bfrange":
            out += _sections(kind, [e for m in _HEX_TRIPLE.findall(body) if (e := _range(*m))])
    out.append(TAIL)
    return b"".join(out)


def cid_map(data: bytes, head: bytes) -> bytes:
    """A CMap from codes to CIDs; ``head`` holds its canonical lines from usecmap to WMode."""
    data = _COMMENT.sub(b"", data) if b"%" in data else data
    out = [HEAD, head]
    for kind, body in _SECTION.findall(data):
        if kind == b"codespacerange":
            out += _sections(kind, _code_pairs(body))
        elif kind in (b"cidchar", b"notdefchar"):
            found = _CID_SINGLE.findall(body)
            out += _sections(kind, [b"%b %b" % (c, n) for x, y in found if (c := _code(x)) and (n := _cid(y))])
        elif kind in (b"cidrange", b"notdefrange"):
            found = _CID_RANGE.findall(body)
            out += _sections(kind, [e for m in found if (e := _cid_range(*m))])
    out.append(TAIL)
    return b"".join(out)


def _sections(kind: bytes, entries: list[bytes]) -> list[bytes]:
    out = []
    for i in range(0, min(len(entries), MAX_ENTRIES), PER_SECTION):
        part = entries[i : i + PER_SECTION]
        out.append(b"%d begin%b\n%b\nend%b\n" % (len(part), kind, b"\n".join(part), kind))
    return out


def _code_pairs(body: bytes) -> list[bytes]:
    return [b"%b %b" % (c, d) for x, y in _HEX_PAIR.findall(body) if (c := _code(x)) and (d := _code(y))]


def _hex(raw: bytes, most: int) -> bytes | None:
    digits = _WHITE.sub(b"", raw) if not raw.isalnum() else raw
    digits += b"0" * (len(digits) % 2)
    return b"<" + digits.lower() + b">" if len(digits) <= 2 * most else None


def _code(raw: bytes) -> bytes | None:
    spelled = _hex(raw, 4)
    return spelled if spelled and len(spelled) > 2 else None


def _target(raw: bytes) -> bytes | None:
    return _hex(raw, 512)


def _cid(raw: bytes) -> bytes | None:
    return b"%d" % int(raw) if int(raw) <= 65535 else None


def _cid_range(low: bytes, high: bytes, cid: bytes) -> bytes | None:
    first, last, number = _code(low), _code(high), _cid(cid)
    return b"%b %b %b" % (first, last, number) if first and last and number else None


def _range(low: bytes, high: bytes, single: bytes, several: bytes) -> bytes | None:
    first, last = _code(low), _code(high)
    if first is None or last is None:
        return None
    if not several:
        target = _target(single)
        return target and b"%b %b %b" % (first, last, target)
    targets = [t for x in _ONE_HEX.findall(several) if (t := _target(x))]
    return b"%b %b [%b]" % (first, last, b" ".join(targets)) if targets else None
