"""The canonical file (docs/grammar-pdf.md, 1): objects in order, object streams, one cross-reference stream.

Rules kept here:

- What is not reached from the catalogue is not written.
- Numbers are positions: streams, then dictionaries, then object streams, then the cross-reference stream.
- Every byte of the file is accounted for; the same input gives the same bytes.

>>> write({1: b"<</Pages " + ref(2) + b">>", 2: b"<<>>", 3: b"<<>>"}, {}, 1)[:9]
b'%PDF-1.7\\n'
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from itertools import repeat
from operator import and_, sub

from sanitizer.formats.deflating import TIGHT, zlib_stream
from sanitizer.formats.pdf.values import ref

HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
PER_OBJECT_STREAM = 1000
_ROW = 7  # bytes of an entry of the cross-reference stream
_REF = re.compile(rb"\x01([0-9]+)\x02")
assert _REF.fullmatch(ref(1))


def write(bodies: Mapping[int, bytes], streams: Mapping[int, tuple[bytes, bytes]], catalogue: int) -> bytes:
    """The file. ``bodies`` and ``streams`` (dictionary, data) by number, with references as ``values.ref`` spells them;
    every reference must lead to one of them."""
    reached = _reached(bodies, streams, catalogue)
    ordered_streams = [n for n in streams if n in reached]
    ordered_bodies = [n for n in bodies if n in reached and n != catalogue]
    order = [*ordered_streams, catalogue, *ordered_bodies]
    final = {str(old).encode(): b"%d 0 R" % new for new, old in enumerate(order, 1)}
    place = re.compile(_REF.pattern)

    def numbered(body: bytes) -> bytes:
        return place.sub(lambda m: final[m[1]], body)

    out = bytearray(HEADER)
    offsets = []
    for n in ordered_streams:
        entries, data = streams[n]
        offsets.append(len(out))
        out += _object(len(offsets), numbered(entries), data)
    count = len(ordered_streams)
    listed = [numbered(bodies[n]) for n in (catalogue, *ordered_bodies)]
    return _finish(out, offsets, listed, count)


def _finish(out: bytearray, offsets: list[int], bodies: list[bytes], count: int) -> bytes:
    first = len(offsets) + len(bodies) + 1  # number of the first object stream
    rows = [(1, offset, 0) for offset in offsets]
    stream_rows = []
    for i in range(0, len(bodies), PER_OBJECT_STREAM):
        chunk = bodies[i : i + PER_OBJECT_STREAM]
        number = first + i // PER_OBJECT_STREAM
        rows += [(2, number, j) for j in range(len(chunk))]
        stream_rows.append((1, len(out), 0))
        out += _object_stream(number, count + i + 1, chunk)
    last = first + len(stream_rows)
    rows = [(0, 0, 65535), *rows, *stream_rows, (1, len(out), 0)]
    start = len(out)
    out += _xref_stream(last, count + 1, rows)
    out += b"startxref\n%d\n%%%%EOF\n" % start
    return bytes(out)


def _reached(bodies: Mapping[int, bytes], streams: Mapping[int, tuple[bytes, bytes]], start: int) -> set[int]:
    seen = {start}
    todo = [start]
    while todo:
        n = todo.pop()
        body = bodies[n] if n in bodies else streams[n][0]
        for found in _REF.findall(body):
            target = int(found)
            if target not in seen:
                seen.add(target)
                todo.append(target)
    return seen


def _object(number: int, entries: bytes, data: bytes) -> bytes:
    return b"%d 0 obj\n%b\nstream\n%b\nendstream\nendobj\n" % (number, entries, data)


def _object_stream(number: int, first_member: int, bodies: list[bytes]) -> bytes:
    offset = 0
    pairs = []
    for i, body in enumerate(bodies):
        pairs.append(b"%d %d" % (first_member + i, offset))
        offset += len(body) + 1
    head = b" ".join(pairs) + b"\n"
    data = zlib_stream(head + b"\n".join(bodies) + b"\n", TIGHT)
    entries = b"<</Filter /FlateDecode /First %d /Length %d /N %d /Type /ObjStm>>" % (len(head), len(data), len(bodies))
    return _object(number, entries, data)


def _xref_stream(number: int, root: int, rows: list[tuple[int, int, int]]) -> bytes:
    packed = [bytes(_ROW), *(struct.pack(">BIH", *row) for row in rows)]
    data = zlib_stream(_rows_minus_rows_above(b"".join(packed)), TIGHT)
    entries = (
        b"<</DecodeParms <</Columns 7 /Predictor 12>> /Filter /FlateDecode /Length %d /Root %d 0 R /Size %d "
        b"/Type /XRef /W [1 4 2]>>" % (len(data), root, len(rows))
    )
    return _object(number, entries, data)


def _rows_minus_rows_above(rows: bytes) -> bytes:
    """PNG's predictor "up" over rows of ``_ROW`` bytes, each with its tag; the first row is only there to subtract."""
    differences = bytes(map(and_, map(sub, rows[_ROW:], rows), repeat(255)))
    tagged = bytearray(b"\2" * (len(differences) // _ROW * (_ROW + 1)))
    for column in range(_ROW):
        tagged[column + 1 :: _ROW + 1] = differences[column::_ROW]
    return bytes(tagged)
