"""Section 1 of the grammar: every byte of the file has its place, and no byte can be changed, added or taken away."""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Callable
from functools import partial

import pytest
import support.canonical_pdf as canonical
from hypothesis import given, settings
from hypothesis import strategies as st
from support.canonical_pdf import HEADER, MINIMAL, indirect, obj, object_stream, stream, write, xref_stream
from support.pdf_samples import RICH

from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.pdf import verify
from sanitizer.verify.pdf.flate import Inflater
from sanitizer.verify.pdf.layout import Document, read

LIMITS = Limits()
DATA = write(RICH)


def assert_rejected(data: bytes, *codes: str, limits: Limits = LIMITS) -> None:
    with pytest.raises(Violation) as caught:
        verify(data, limits)
    assert not codes or caught.value.code in codes
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", caught.value.code)
    assert re.fullmatch(r"[A-Za-z0-9 .,#/-]{0,40}", caught.value.where)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"%PDF-1.7", b"%PDF-1.6", "header"),
        (b"%PDF-1.7\n", b"%PDF-1.7\r\n", "header"),
        (b"\xe2\xe3\xcf\xd3\n", b"\xe2\xe3\xcf\xd3", "header"),
        (b"\n1 0 obj\n", b"\n2 0 obj\n", "object-number"),
        (b"\n1 0 obj\n", b"\n01 0 obj\n", "object-syntax"),
        (b"\n1 0 obj\n", b"\n1 1 obj\n", "object-syntax"),
        (b"\n1 0 obj\n", b"\n1 0 obj \n", "object-syntax"),
        (b"\n1 0 obj\n", b"\n\n1 0 obj\n", "object-syntax"),
        (b">>\nstream\n", b">>stream\n", "object-syntax"),
        (b">>\nstream\n", b">>\nstream\r\n", "object-syntax"),
        (b">>\nstream\n", b">>\nstream ", "object-syntax"),
        (b"\nendstream\n", b"endstream\n", "stream-length"),
        (b"\nendstream\nendobj\n", b"\nendstream\nendobj\n%\n", "object-syntax"),
        (b"\nendstream\nendobj\n", b"\nendstream\nendobj", "stream-length"),
        (b"startxref\n", b"trailer\n<<>>\nstartxref\n", "tail"),
        (b"%%EOF\n", b"%%EOF", "tail"),
        (b"%%EOF\n", b"%%EOF\n\n", "tail"),
        (b"%%EOF\n", b"%%EOF\n%PDF-1.7\n", "tail"),
        (b"startxref\n", b"startxref\n0", "tail"),
        (b"/Columns 7 /Predictor 12>>", b"/Columns 7 /Predictor 13>>", "xref-dictionary"),
        (b"/W [1 4 2]", b"/W [1 2 4]", "xref-dictionary"),
    ],
)
def test_rejects_other_bytes_between_the_pieces(old: bytes, new: bytes, code: str) -> None:
    assert old in DATA
    assert_rejected(DATA.replace(old, new, 1), code)


@pytest.mark.parametrize(
    "data", [b"", b"%PDF-1.7\n", HEADER, HEADER + b"startxref\n15\n%%EOF\n", b"\xef\xbb\xbf" + DATA, b"\n" + DATA]
)
def test_rejects_what_is_hardly_a_file(data: bytes) -> None:
    assert_rejected(data, "header", "object-syntax")


def test_accepts_several_object_streams() -> None:
    annots = {f"L{n}": obj(Type="/Annot", Subtype="/Link", Rect="[0 0 1 1]") for n in range(2500)}
    page = MINIMAL["Page"].but(Annots="[" + " ".join(f"@{name}" for name in annots) + "]")
    verify(write({**MINIMAL, "Page": page, **annots}), LIMITS)
    for size in (999, 1001, 500):
        assert_rejected(write({**MINIMAL, "Page": page, **annots}, size), "object-stream-count")


def test_rejects_length_that_is_not_direct_or_not_there() -> None:
    for value in ("@Content", None, "-1", "1.0", "(9)", "99999"):
        objects = {**RICH, "Content": RICH["Content"].but(Length=value)}
        if value is None:
            data = write(objects).replace(b"/Length %d>>" % len(RICH["Content"].stored()), b"/Xength 1>>", 1)
        else:
            data = write(objects)
        assert_rejected(data, "stream-length")


def assemble(rows: Callable[[list[int]], list[tuple[int, int, int]]], **changes: bytes) -> bytes:
    """The minimal file with one stream object, put together by hand so that single parts can be wrong."""
    numbers = {"Content": 1, "Catalog": 2, "Pages": 3, "Page": 4}
    page = MINIMAL["Page"].but(Contents="@Content")
    items = [MINIMAL["Catalog"].text(numbers), MINIMAL["Pages"].text(numbers), page.text(numbers)]
    pieces = [indirect(1, b"<</Length 1>>", b"q"), changes.get("objects", object_stream(5, 2, items))]
    offsets = [len(HEADER), len(HEADER) + len(pieces[0]), len(HEADER) + len(b"".join(pieces))]
    xref = changes.get("xref", xref_stream(6, 2, rows(offsets)))
    return HEADER + b"".join(pieces) + xref + b"startxref\n%d\n%%%%EOF\n" % offsets[2]


def right_rows(offsets: list[int]) -> list[tuple[int, int, int]]:
    """The table that belongs to ``assemble``."""
    compressed = [(2, 5, index) for index in range(3)]
    return [(0, 0, 65535), (1, offsets[0], 0), *compressed, (1, offsets[1], 0), (1, offsets[2], 0)]


def test_accepts_the_assembled_file() -> None:
    verify(assemble(right_rows), LIMITS)


@pytest.mark.parametrize("row", range(7))
@pytest.mark.parametrize("column", range(3))
@pytest.mark.parametrize("step", [-1, 1])
def test_rejects_a_wrong_number_in_the_table(row: int, column: int, step: int) -> None:
    def rows(offsets: list[int]) -> list[tuple[int, int, int]]:
        table = [list(item) for item in right_rows(offsets)]
        table[row][column] = (table[row][column] + step) % (1 << (8, 32, 16)[column])
        return [(kind, middle, low) for kind, middle, low in table]

    assert_rejected(assemble(rows), "xref-table")


def test_rejects_a_longer_or_shorter_table() -> None:
    assert_rejected(assemble(lambda offsets: right_rows(offsets)[:-1]), "xref-table")
    assert_rejected(assemble(lambda offsets: [*right_rows(offsets), (0, 0, 0)]), "xref-table")


def test_rejects_another_predictor_byte() -> None:
    def head(rows: bytes) -> bytes:
        packed = zlib.compress(rows)
        return indirect(
            6,
            b"<</DecodeParms <</Columns 7 /Predictor 12>> /Filter /FlateDecode /Length %d /Root 2 0 R /Size 7"
            b" /Type /XRef /W [1 4 2]>>" % len(packed),
            packed,
        )

    assert_rejected(assemble(right_rows, xref=head(bytes(8 * 7))), "xref-table")


@pytest.mark.parametrize(
    ("position", "root", "code"), [(7, 2, "object-number"), (6, 3, "xref-dictionary"), (6, 1, "xref-dictionary")]
)
def test_rejects_another_root_or_number(position: int, root: int, code: str) -> None:
    data = assemble(right_rows)
    offsets = [data.index(b"\n%d 0 obj" % number) + 1 for number in (1, 5, 6)]
    assert_rejected(assemble(right_rows, xref=xref_stream(position, root, right_rows(offsets))), code)


ITEMS = [b"<</Pages 3 0 R /Type /Catalog>>", b"<</Count 1 /Kids [4 0 R] /Type /Pages>>"]
ITEMS.append(b"<</Contents 1 0 R /MediaBox [0 0 1 1] /Parent 3 0 R /Resources <<>> /Type /Page>>")


def packed_objects(table: bytes, body: bytes, first: int | None = None, count: int = 3, number: int = 5) -> bytes:
    """An object stream with any content."""
    data = zlib.compress(table + body)
    size = len(table) if first is None else first
    head = b"<</Filter /FlateDecode /First %d /Length %d /N %d /Type /ObjStm>>" % (size, len(data), count)
    return indirect(number, head, data)


BODY = b"".join(item + b"\n" for item in ITEMS)
TABLE = b"2 0 3 %d 4 %d\n" % (len(ITEMS[0]) + 1, len(ITEMS[0]) + len(ITEMS[1]) + 2)


def test_accepts_the_packed_objects() -> None:
    verify(assemble(right_rows, objects=packed_objects(TABLE, BODY)), LIMITS)


@pytest.mark.parametrize(
    ("objects", "code"),
    [
        (packed_objects(TABLE[:-1] + b" ", BODY), "object-stream-lines"),
        (packed_objects(TABLE.replace(b"2 0 3", b"2 0 2"), BODY), "object-stream-table"),
        (packed_objects(TABLE.replace(b"2 0 ", b"2 1 "), BODY), "object-stream-table"),
        (packed_objects(TABLE.replace(b"2 0 ", b"2  0 "), BODY), "object-stream-table"),
        (packed_objects(b" " + TABLE, BODY), "object-stream-table"),
        (packed_objects(TABLE, BODY, first=len(TABLE) - 1), "object-stream-table"),
        (packed_objects(TABLE, BODY, count=2), "object-stream-lines"),
        (packed_objects(TABLE, BODY, count=4), "object-stream-lines"),
        (packed_objects(TABLE, BODY, count=0), "object-stream-count"),
        (packed_objects(TABLE, BODY, count=1001), "object-stream-count"),
        (packed_objects(TABLE, BODY + b"\n"), "object-stream-lines"),
        (packed_objects(TABLE, BODY[:-1]), "object-stream-lines"),
        (packed_objects(TABLE, BODY + b"%"), "object-stream-lines"),
        (packed_objects(TABLE, BODY.replace(ITEMS[1], b"[" + ITEMS[1][1:-1] + b"]")), "syntax"),
        (packed_objects(TABLE, BODY.replace(b"/Count 1 ", b"/Count 1  ")), "object-stream-table"),
        (packed_objects(TABLE, BODY, number=7), "object-number"),
        (packed_objects(b"\n", b"", count=0), "object-stream-count"),
        (packed_objects(b"\n", b"", count=0) + packed_objects(TABLE, BODY), "object-stream-count"),
        (b"", "object-stream-count"),
        (indirect(5, b"<</First 1 /Length 0 /N 1 /Type /ObjStm>>", b""), "object-stream-count"),
    ],
)
def test_rejects_other_object_streams(objects: bytes, code: str) -> None:
    assert_rejected(assemble(right_rows, objects=objects), code)


def test_rejects_a_stream_behind_the_object_streams() -> None:
    late = indirect(6, b"<</Length 1>>", b"q")
    assert_rejected(DATA.replace(b"startxref", late + b"startxref"), "tail")
    at = DATA.rindex(b" 0 obj\n<</DecodeParms")
    at = DATA.rindex(b"\n", 0, at) + 1
    assert_rejected(DATA[:at] + late + DATA[at:], "xref-dictionary", "object-number")


def test_rejects_an_indirect_object_that_is_no_dictionary() -> None:
    for body in (b"1", b"(a)", b"[1]", b"/Name", b"2 0 R", b"null"):
        items = canonical.number(MINIMAL)
        texts = [MINIMAL[name].text(items) for name in MINIMAL] + [body]
        container = object_stream(5, 1, texts)
        rows = [(0, 0, 65535), *[(2, 5, n) for n in range(4)], (1, 15, 0), (1, 15 + len(container), 0)]
        data = HEADER + container + xref_stream(6, 1, rows)
        assert_rejected(data + b"startxref\n%d\n%%%%EOF\n" % (15 + len(container)), "syntax")


def content_of(document: Document, inflater: Inflater) -> list[object]:
    """What the file says: every dictionary but for Length, and every stream after Flate."""
    said: list[object] = []
    for number, dictionary in enumerate(document.objects[1:], 1):
        entries = {key: value for key, value in dictionary.items() if key != b"Length"}
        if number <= document.streams:
            data = document.data[number]
            said.append(inflater.inflate(data) if entries.get(b"Filter") == b"FlateDecode" else bytes(data))
        said.append(entries)
    return said


def is_structure(data: bytes) -> bytearray:
    """1 for each byte that is not stream data."""
    marks = bytearray(b"\1" * len(data))
    for match in re.finditer(rb"/Length (\d+)[^\n]*\nstream\n", data):
        for at in range(match.end(), match.end() + int(match[1])):
            marks[at] = 0
    return marks


def test_no_structure_byte_can_be_changed() -> None:
    """Flip every byte outside streams and object streams once: header, heads, keywords, tail."""
    marks = is_structure(DATA)
    chance = random.Random(1)
    changed = 0
    for at, structure in enumerate(marks):
        if not structure:
            continue
        data = bytearray(DATA)
        data[at] ^= 1 << chance.randrange(8)
        try:
            verify(bytes(data), LIMITS)
        except Violation:
            continue
        changed += 1
        assert_is_another_value_in_a_head(bytes(data), at)
    assert changed < 60


def assert_is_another_value_in_a_head(data: bytes, at: int) -> None:
    """A changed byte may survive only inside the dictionary of a stream, where it says another allowed value."""
    start = DATA.rindex(b" 0 obj\n", 0, at)
    end = DATA.index(b"\nstream\n", start)
    assert start + 7 < at < end
    mine, theirs = read(DATA, LIMITS, Inflater(1 << 24)), read(data, LIMITS, Inflater(1 << 24))
    assert content_of(mine, Inflater(1 << 24)) != content_of(theirs, Inflater(1 << 24))


@pytest.mark.parametrize(
    "data", [DATA, write(MINIMAL), write({**RICH, "Content": stream(b"q Q", flate=False)})], ids=len
)
@settings(deadline=None)
@given(st.data())
def test_any_edit_is_rejected_or_says_something_else_allowed(data: bytes, draw: st.DataObject) -> None:
    """Insert, delete or replace bytes anywhere. What survives was read to the last byte, and says another thing in
    the one canonical way; the only freedom is the compressor's."""
    at = draw.draw(st.integers(0, len(data)))
    cut = draw.draw(st.integers(0, 3))
    new = draw.draw(st.binary(max_size=3))
    edited = data[:at] + new + data[at + cut :]
    try:
        verify(edited, LIMITS)
    except Violation:
        return
    if edited == data:
        return
    assert len(edited) == len(data)
    marks = is_structure(data)
    if any(marks[i] and edited[i] != data[i] for i in range(len(data))):
        inflate = partial(Inflater, 1 << 24)
        assert content_of(read(edited, LIMITS, inflate()), inflate()) != content_of(
            read(data, LIMITS, inflate()), inflate()
        )


@settings(deadline=None)
@given(st.integers(0, len(DATA) - 1))
def test_no_prefix_is_a_file(size: int) -> None:
    assert_rejected(DATA[:size])


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_nothing_may_follow(more: bytes) -> None:
    if more:
        assert_rejected(DATA + more, "tail")


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_noise_is_rejected_quietly(noise: bytes) -> None:
    assert_rejected(noise, "header")
    assert_rejected(HEADER + noise)


def test_whatever_else_goes_wrong_is_a_violation_too() -> None:
    """int() of more than 4,300 digits raises ValueError."""
    assert_rejected(DATA.replace(b"\n1 0 obj\n", b"\n" + b"1" * 5000 + b" 0 obj\n", 1), "unverifiable")
