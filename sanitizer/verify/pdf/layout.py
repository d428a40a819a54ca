"""Section 1 of the grammar: every byte of the file belongs to the header, an object, or the tail.

Rules kept here:

- Pieces follow each other without a gap, and the number before each ``0 obj`` is the predicted one.
- Object streams and the cross-reference stream hold no information of their own: they are computed and compared.
- Nothing is looked up through the cross-reference stream; objects are read in file order.

The result is a ``Document``; what its dictionaries mean is decided by ``walk``.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.pdf.flate import Inflater
from sanitizer.verify.pdf.values import DIGITS, Dictionary, parse_dictionary

HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
END_OF_STREAM = b"\nendstream\nendobj\n"
PER_OBJECT_STREAM = 1000

_OBJECT = re.compile(rb"(" + DIGITS + rb") 0 obj\n(<<[^\n]*+)\nstream\n")
_OBJECT_STREAM = re.compile(
    rb"<</Filter /FlateDecode /First (%b) /Length (%b) /N (%b) /Type /ObjStm>>" % (DIGITS, DIGITS, DIGITS)
)
_XREF_STREAM = re.compile(
    rb"<</DecodeParms <</Columns 7 /Predictor 12>> /Filter /FlateDecode /Length (%b) /Root (%b) 0 R /Size (%b)"
    rb" /Type /XRef /W \[1 4 2\]>>" % (DIGITS, DIGITS, DIGITS)
)


@dataclass(slots=True)
class Document:
    """The objects 1…S+C. ``objects[0]`` is a placeholder, so that numbers are indices; object S+1 is the Catalog."""

    objects: list[Dictionary] = field(default_factory=lambda: [{}])
    data: list[memoryview] = field(default_factory=lambda: [memoryview(b"")])  # of the streams 1…S, as stored
    streams: int = 0  # S


@dataclass(slots=True)
class _Piece:
    """One ``DIGITS 0 obj … endobj``."""

    offset: int
    number: int
    head: bytes
    dictionary: Dictionary
    data: memoryview
    end: int


def read(data: bytes, limits: Limits, inflater: Inflater) -> Document:
    """Take the file apart; every byte is accounted for when this returns."""
    if len(data) > limits.max_output or len(data) >= 1 << 32:
        raise Violation("too-large")
    if not data.startswith(HEADER):
        raise Violation("header")
    document = Document()
    streams: list[_Piece] = []
    piece = _piece(data, len(HEADER))
    while not (_OBJECT_STREAM.fullmatch(piece.head) or _XREF_STREAM.fullmatch(piece.head)):
        streams.append(piece)
        if len(streams) > limits.max_objects:
            raise Violation("too-many-objects")
        piece = _piece(data, piece.end)
    document.streams = len(streams)
    document.objects += [stream.dictionary for stream in streams]
    document.data += [stream.data for stream in streams]
    containers: list[_Piece] = []
    while _OBJECT_STREAM.fullmatch(piece.head):
        _read_object_stream(piece, document, inflater)
        containers.append(piece)
        if len(document.objects) - 1 > limits.max_objects:
            raise Violation("too-many-objects")
        piece = _piece(data, piece.end)
    _check_counts(containers)
    _check_numbers(streams, 1)
    _check_numbers([*containers, piece], len(document.objects))
    _check_xref(piece, document, [*streams, *containers, piece], inflater)
    if data[piece.end :] != b"startxref\n%d\n%%%%EOF\n" % piece.offset:
        raise Violation("tail")
    return document


def _piece(data: bytes, at: int) -> _Piece:
    """The object that begins at ``at``."""
    match = _OBJECT.match(data, at)
    if match is None:
        raise Violation("object-syntax", f"offset {at}")
    dictionary = parse_dictionary(match[2])
    length = dictionary.get(b"Length")
    if type(length) is not int or length < 0:
        raise Violation("stream-length", f"offset {at}")
    start = match.end()
    end = start + length + len(END_OF_STREAM)
    if data[start + length : end] != END_OF_STREAM:
        raise Violation("stream-length", f"offset {at}")
    return _Piece(at, int(match[1]), match[2], dictionary, memoryview(data)[start : start + length], end)


def _read_object_stream(piece: _Piece, document: Document, inflater: Inflater) -> None:
    """Append the dictionaries of one object stream; its table of offsets is computed from them and compared."""
    count = piece.dictionary[b"N"]
    inflated = inflater.inflate(piece.data)
    where = f"offset {piece.offset}"
    first = piece.dictionary[b"First"]
    if type(first) is not int or type(count) is not int or not 1 <= count <= PER_OBJECT_STREAM:
        raise Violation("object-stream-count", where)
    if inflated.count(b"\n") != count + 1 or not inflated.endswith(b"\n"):
        raise Violation("object-stream-lines", where)
    table, *objects = inflated[:-1].split(b"\n")
    number = len(document.objects)
    offset = 0
    expected = []
    for item in objects:
        expected.append(b"%d %d" % (number, offset))
        number += 1
        offset += len(item) + 1
    if table != b" ".join(expected) or first != len(table) + 1:
        raise Violation("object-stream-table", where)
    document.objects += map(parse_dictionary, objects)


def _check_counts(containers: list[_Piece]) -> None:
    if not containers or any(piece.dictionary[b"N"] != PER_OBJECT_STREAM for piece in containers[:-1]):
        raise Violation("object-stream-count")


def _check_numbers(pieces: list[_Piece], first: int) -> None:
    for number, piece in enumerate(pieces, first):
        if piece.number != number:
            raise Violation("object-number", f"offset {piece.offset}")


def _check_xref(piece: _Piece, document: Document, pieces: list[_Piece], inflater: Inflater) -> None:
    """Compute the cross-reference table column by column and compare it with what the file says."""
    streams, last = document.streams, len(document.objects) - 1
    compressed = last - streams
    if not _XREF_STREAM.fullmatch(piece.head) or compressed < 3:
        raise Violation("xref-dictionary", f"offset {piece.offset}")
    if piece.dictionary[b"Root"] != streams + 1 or piece.dictionary[b"Size"] != piece.number + 1:
        raise Violation("xref-dictionary", f"offset {piece.offset}")
    offsets = [part.offset for part in pieces]
    containers = [last + 1 + index // PER_OBJECT_STREAM for index in range(compressed)]
    indices = [index % PER_OBJECT_STREAM for index in range(compressed)]
    outside = len(pieces) - streams  # the object streams and the cross-reference stream
    types = b"\0" + b"\1" * streams + b"\2" * compressed + b"\1" * outside
    middle = struct.pack(f">{len(types)}I", 0, *offsets[:streams], *containers, *offsets[streams:])
    low = struct.pack(f">{len(types)}H", 65535, *[0] * streams, *indices, *[0] * outside)
    columns = [b"\2" * len(types), *map(_up, (types, *(middle[i::4] for i in range(4)), low[0::2], low[1::2]))]
    inflated = inflater.inflate(piece.data)
    if len(inflated) != 8 * len(types) or any(inflated[i::8] != column for i, column in enumerate(columns)):
        raise Violation("xref-table", f"offset {piece.offset}")


def _up(column: bytes) -> bytes:
    """One column after the PNG predictor *Up*: each byte minus the byte above it."""
    return bytes([(byte - above) & 255 for byte, above in zip(column, b"\0" + column, strict=False)])
