"""Sections 5.4 and 5.7 to 5.9 of the grammar: CMaps and font programs.

Rules kept here:

- A CMap is compared with the one text it can be; only its mapping lines vary.
- Of a font program the container is checked, not the outlines: what it is made of, and that nothing hides between.

>>> check_type1(b"%!", {b"Length1": 2, b"Length2": 0, b"Length3": 0}, 5)
"""

from __future__ import annotations

import re
import struct

from sanitizer.patterns import compile_pattern
from sanitizer.verify import Violation
from sanitizer.verify.pdf.values import Dictionary

_CODE = rb"<(?:[0-9a-f]{2}){1,4}+>"
_DESTINATION = rb"<(?:[0-9a-f]{2}){0,512}+>"
_CID = rb"(?:0|[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_TARGETS = rb"(?:%b|\[%b(?: %b)*+\])" % (_DESTINATION, _DESTINATION, _DESTINATION)
_LINES = {
    b"codespacerange": rb"%b %b" % (_CODE, _CODE),
    b"bfchar": rb"%b %b" % (_CODE, _DESTINATION),
    b"bfrange": rb"%b %b %b" % (_CODE, _CODE, _TARGETS),
    b"cidchar": rb"%b %b" % (_CODE, _CID),
    b"notdefchar": rb"%b %b" % (_CODE, _CID),
    b"cidrange": rb"%b %b %b" % (_CODE, _CODE, _CID),
    b"notdefrange": rb"%b %b %b" % (_CODE, _CODE, _CID),
}
_RUNS = {name: compile_pattern(rb"(?:" + line + rb"\n)++") for name, line in _LINES.items()}
_BEGIN = compile_pattern(rb"(100|[1-9][0-9]?) begin([a-z]+)\n")
_TO_UNICODE_SECTIONS = frozenset({b"codespacerange", b"bfchar", b"bfrange"})
_CMAP_SECTIONS = frozenset({b"codespacerange", b"cidchar", b"notdefchar", b"cidrange", b"notdefrange"})
_CMAP_START = b"/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
_CMAP_END = b"endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"

_MATRIX_NUMBER = rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_SPACE = rb"[\0\t\n\f\r ]"
_FONT_MATRIX = compile_pattern(
    rb"%b*+[\[{]%b*+%b(?:%b++%b){5}%b*+[\]}]" % (_SPACE, _SPACE, _MATRIX_NUMBER, _SPACE, _MATRIX_NUMBER, _SPACE)
)

_SFNT_TAGS = frozenset(
    b"BASE,CFF ,CFF2,GDEF,GPOS,GSUB,LTSH,OS/2,VDMX,VORG,cmap,cvt ,fpgm,gasp,glyf,hdmx,head,hhea,hmtx,kern,loca,maxp,"
    b"post,prep,vhea,vmtx".split(b",")
)
_SFNT_VERSIONS = (b"\0\1\0\0", b"true", b"OTTO")
MAX_SFNT_TABLES = 64


def check_to_unicode(data: bytes, number: int) -> None:
    """A ToUnicode CMap."""
    head = b"/CIDSystemInfo <</Ordering (UCS) /Registry (Adobe) /Supplement 0>> def\n"
    head += b"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
    _check_cmap(data, head, _TO_UNICODE_SECTIONS, number)


def check_cmap(data: bytes, dictionary: Dictionary, number: int) -> None:
    """An embedded CMap, whose text agrees with its dictionary."""
    info = dictionary[b"CIDSystemInfo"]
    if not isinstance(info, dict):
        raise Violation("cmap-head", f"object {number}")
    head = b"/%b usecmap\n" % _written(dictionary, b"UseCMap") if b"UseCMap" in dictionary else b""
    head += b"/CIDSystemInfo <</Ordering (%b) /Registry (%b) /Supplement %b>> def\n" % (
        _written(info, b"Ordering"),
        _written(info, b"Registry"),
        _written(info, b"Supplement"),
    )
    head += b"/CMapName /%b def\n/CMapType 1 def\n" % _written(dictionary, b"CMapName")
    if b"WMode" in dictionary:
        head += b"/WMode %b def\n" % _written(dictionary, b"WMode")
    _check_cmap(data, head, _CMAP_SECTIONS, number)


def _written(dictionary: Dictionary, key: bytes) -> bytes:
    """An integer, a string of kind ``ascii`` or an ``ident`` as section 2 writes it, without delimiters."""
    value = dictionary[key]
    return re.sub(rb"([()\\])", rb"\\\1", value) if isinstance(value, bytes) else b"%d" % _integer(value)


def _integer(value: object) -> int:
    if type(value) is not int:
        raise Violation("bad-value")
    return value


def _check_cmap(data: bytes, head: bytes, sections: frozenset[bytes], number: int) -> None:
    start = _CMAP_START + head
    if not data.startswith(start):
        raise Violation("cmap-head", f"object {number}")
    at = len(start)
    while match := _BEGIN.match(data, at):
        count, name = int(match[1]), match[2]
        run = _RUNS[name].match(data, match.end()) if name in sections else None
        end = b"end%b\n" % name
        if run is None or data.count(b"\n", *run.span()) != count or not data.startswith(end, run.end()):
            raise Violation("cmap-section", f"object {number}")
        at = run.end() + len(end)
    if data[at:] != _CMAP_END:
        raise Violation("cmap-tail", f"object {number}")


def check_type1(data: bytes, dictionary: Dictionary, number: int) -> None:
    """A Type 1 program: its three lengths, and a FontMatrix that is six numbers and nothing else."""
    lengths = [_integer(dictionary[key]) for key in (b"Length1", b"Length2", b"Length3")]
    clear = data[: lengths[0]]
    if sum(lengths) != len(data) or not clear.startswith(b"%!"):
        raise Violation("type1-lengths", f"object {number}")
    for match in re.finditer(rb"/FontMatrix", clear):
        if _FONT_MATRIX.match(clear, match.end()) is None:
            raise Violation("type1-matrix", f"object {number}")


def check_truetype(data: bytes, dictionary: Dictionary, number: int) -> None:
    """A FontFile2: an sfnt of Length1 bytes."""
    if dictionary[b"Length1"] != len(data):
        raise Violation("sfnt-length", f"object {number}")
    check_sfnt(data, number)


def check_sfnt(data: bytes, number: int) -> None:
    """TrueType and OpenType: known tables, one behind the other in the order of their tags, zeros between them."""
    where = f"object {number}"
    if len(data) < 12 or data[:4] not in _SFNT_VERSIONS:
        raise Violation("sfnt-header", where)
    count, *search = struct.unpack_from(">4H", data, 4)
    end = 12 + 16 * count
    if not 1 <= count <= MAX_SFNT_TABLES or end > len(data):
        raise Violation("sfnt-header", where)
    power = count.bit_length() - 1
    if search != [16 << power, power, 16 * count - (16 << power)]:
        raise Violation("sfnt-header", where)
    last = b""
    for tag, _, offset, size in struct.iter_unpack(">4s3I", data[12:end]):
        if tag <= last or tag not in _SFNT_TAGS:
            raise Violation("sfnt-tag", where)
        padding = -size % 4
        if offset != end or data[offset + size : offset + size + padding] != bytes(padding):
            raise Violation("sfnt-layout", where)
        last, end = tag, offset + size + padding
    if end != len(data):
        raise Violation("sfnt-layout", where)


def check_cff(data: bytes, number: int) -> None:
    """CFF (Adobe Technical Note 5176): a header and four INDEX structures that lie within the data."""
    if len(data) < 4 or data[0] != 1 or data[2] < 4:
        raise Violation("cff-header", f"object {number}")
    at = data[2]
    counts = []
    for _ in range(4):
        count, at = _cff_index(data, at, number)
        counts.append(count)
    if counts[0] != counts[1] or counts[0] < 1:
        raise Violation("cff-index", f"object {number}")


def _cff_index(data: bytes, at: int, number: int) -> tuple[int, int]:
    """Count and end of the INDEX that begins at ``at``."""
    where = f"object {number}"
    if at + 2 > len(data):
        raise Violation("cff-index", where)
    count = int.from_bytes(data[at : at + 2], "big")
    if not count:
        return 0, at + 2
    width = data[at + 2] if at + 2 < len(data) else 0
    first = at + 3
    base = first + (count + 1) * width - 1  # offsets count from the byte before the data
    if not 1 <= width <= 4 or base >= len(data):
        raise Violation("cff-index", where)
    table = data[first : base + 1]
    offsets = [int.from_bytes(table[i : i + width], "big") for i in range(0, len(table), width)]
    if offsets[0] != 1 or offsets != sorted(offsets) or base + offsets[-1] > len(data):
        raise Violation("cff-index", where)
    return count, base + offsets[-1]
