"""Data instead of the document: the text, the tables and the pictures of rebuilt files, each an output of its own."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import struct
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time

import docx
import openpyxl
import pptx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pptx.util import Inches
from support.jails import examine, started
from support.received_pdf import Draft, flate_image, jpeg_image

from sanitizer.extraction import Part, What, in_one, split
from sanitizer.supervisor import MOST_WAITING, Supervisor, Unavailable


@pytest.fixture(scope="module")
def supervisor() -> Iterator[Supervisor]:
    with started(Supervisor()) as running:
        yield running


async def parts(supervisor: Supervisor, data: bytes, name: str, what: What) -> list[Part]:
    """What is given out of a received file, after its rebuild."""
    examined = await examine(supervisor, data, name=name, thumbnail=False)
    assert examined.verdict.outcome == "released", examined.verdict
    assert examined.output is not None
    assert examined.verdict.output is not None
    try:
        return await supervisor.extract(examined.output, examined.verdict.output.type or "", what)
    finally:
        os.close(examined.output)


async def tables(supervisor: Supervisor, data: bytes, name: str) -> list[list[list[str]]]:
    found = await parts(supervisor, data, name, "table")
    assert all(part.mime == "text/csv" and part.data.startswith(b"\xef\xbb\xbf") for part in found)
    return [list(csv.reader(io.StringIO(part.data.decode("utf-8-sig"), newline=""))) for part in found]


def photo(kind: str = "PNG", shade: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), shade).save(out, kind)
    return out.getvalue()


def workbook() -> bytes:
    book = openpyxl.Workbook()
    first, second = book.active, book.create_sheet("二枚目")
    assert first is not None
    first.append(["施設", "日付", "時刻", "日時", "数", "可否"])
    first.append(["公民館", date(2026, 4, 1), time(9, 30), datetime(2026, 4, 1, 9, 30), 0.1 + 0.2, True])  # noqa: DTZ001
    first["A5"] = "離れた行"
    first["C5"] = "'=1+1"
    second["B2"] = 1234567
    second.merge_cells("B2:C2")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


async def test_each_worksheet_is_a_table_with_dates_a_person_can_read(supervisor: Supervisor) -> None:
    first, second = await tables(supervisor, workbook(), "様式.xlsx")
    assert first[0] == ["施設", "日付", "時刻", "日時", "数", "可否"]
    assert first[1] == ["公民館", "2026-04-01", "09:30:00", "2026-04-01 09:30:00", "0.3", "TRUE"]
    assert first[2:4] == [[], []]
    assert first[4] == ["離れた行", "", "'=1+1"]
    assert second == [[], ["", "1234567"]]


async def test_a_cell_that_would_run_is_text_in_the_table(supervisor: Supervisor) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active["A1"] = "x"
    book.active["A2"].value = "=HYPERLINK(A1)"
    book.active["A2"].data_type = "s"
    out = io.BytesIO()
    book.save(out)
    assert await tables(supervisor, out.getvalue(), "a.xlsx") == [[["x"], ["'=HYPERLINK(A1)"]]]


async def test_tables_of_documents_keep_merged_cells_in_their_place(supervisor: Supervisor) -> None:
    document = docx.Document()
    document.add_paragraph("本文")
    table = document.add_table(rows=3, cols=3)
    for row in range(3):
        for column in range(3):
            table.cell(row, column).text = f"{row}{column}"
    table.cell(0, 0).merge(table.cell(0, 1)).text = "横"
    table.cell(1, 2).merge(table.cell(2, 2)).text = "縦"
    document.add_picture(io.BytesIO(photo("JPEG")))
    out = io.BytesIO()
    document.save(out)
    assert await tables(supervisor, out.getvalue(), "a.docx") == [
        [["横", "", "02"], ["10", "11", "縦"], ["20", "21", ""]]
    ]
    (picture,) = await parts(supervisor, out.getvalue(), "a.docx", "pictures")
    assert picture.mime == "image/jpeg"
    (words,) = await parts(supervisor, out.getvalue(), "a.docx", "text")
    assert words.mime == "text/plain"
    assert "本文" in words.data.decode()


async def test_tables_and_pictures_of_slides(supervisor: Supervisor) -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    table = slide.shapes.add_table(2, 2, Inches(1), Inches(1), Inches(4), Inches(1)).table
    for row in range(2):
        for column in range(2):
            table.cell(row, column).text = f"{row}{column}"
    for shade in ("red", "blue", "red"):
        slide.shapes.add_picture(io.BytesIO(photo(shade=shade)), Inches(1), Inches(3))
    out = io.BytesIO()
    deck.save(out)
    assert await tables(supervisor, out.getvalue(), "a.pptx") == [[["00", "01"], ["10", "11"]]]
    found = await parts(supervisor, out.getvalue(), "a.pptx", "pictures")
    assert [part.mime for part in found] == ["image/png", "image/png"]


async def test_tables_of_pages_keep_spans_in_their_place(supervisor: Supervisor) -> None:
    page = (
        "<!DOCTYPE html><p>前</p><table><tr><th colspan=2>見出し<th>右</tr><tr><td rowspan=2>縦<td>a<br>b<td>c</tr>"
        "<tr><td>d<td>=1+1</tr></table>"
    )
    assert await tables(supervisor, page.encode(), "a.html") == [
        [["見出し", "", "右"], ["縦", "a\nb", "c"], ["", "d", "'=1+1"]]
    ]


async def test_a_table_with_other_separators_leaves_with_commas(supervisor: Supervisor) -> None:
    data = "名前\t値\n甲\t1,000\n".encode("cp932")
    assert await tables(supervisor, data, "a.tsv") == [[["名前", "値"], ["甲", "1,000"]]]


def ruled() -> bytes:
    """A page with a table of 2 × 2 ruled cells, whose lower ones are one, and words beside it."""
    lines = [(40, 40, 40, 120), (140, 80, 140, 120), (240, 40, 240, 120), (40, 120, 240, 120), (40, 80, 240, 80)]
    drawn = "".join(f"{x} {y} m {u} {v} l S\n" for x, y, u, v in lines) + "40 39.5 200 1 re f\n"
    words = [(50, 95, "North"), (150, 95, "=1+1"), (50, 55, "both below"), (50, 160, "beside")]
    said = "".join(f"BT /F1 12 Tf {x} {y} Td ({word}) Tj ET\n" for x, y, word in words)
    return bytes(Draft((drawn + said).encode()))


async def test_ruled_tables_of_a_pdf(supervisor: Supervisor) -> None:
    assert await tables(supervisor, ruled(), "a.pdf") == [[["North", "'=1+1"], ["both below", ""]]]
    assert await tables(supervisor, bytes(Draft(b"0 0 m 9 9 l S 20 20 100 100 re S")), "a.pdf") == []


async def test_pictures_of_a_pdf_leave_once_each_in_their_own_kind(supervisor: Supervisor) -> None:
    draft = Draft()
    flate_image(draft)
    jpeg_image(draft)
    found = await parts(supervisor, bytes(draft), "a.pdf", "pictures")
    assert sorted(part.mime for part in found) == ["image/jpeg", "image/png"]
    assert all(Image.open(io.BytesIO(part.data)).width >= 16 for part in found)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "AVIF"])
async def test_a_picture_is_its_own_picture(supervisor: Supervisor, kind: str) -> None:
    (found,) = await parts(supervisor, photo(kind), f"a.{kind.lower()}", "pictures")
    assert found.mime == f"image/{kind.lower()}"


@pytest.mark.parametrize(
    ("name", "what"), [("a.png", "text"), ("a.png", "table"), ("a.txt", "table"), ("a.txt", "pictures")]
)
async def test_nothing_of_the_kind_is_nothing(supervisor: Supervisor, name: str, what: What) -> None:
    data = photo() if name == "a.png" else "本文".encode()
    assert await parts(supervisor, data, name, what) == []


async def test_a_part_that_its_verifier_does_not_accept_is_left_out() -> None:
    running = Supervisor()
    running.verifiers = {**running.verifiers}
    with started(running):
        assert len(await parts(running, workbook(), "a.xlsx", "table")) == 2
        del running.verifiers["text/csv"]
        assert await parts(running, workbook(), "a.xlsx", "table") == []


async def test_too_many_who_ask_are_told_to_come_back(supervisor: Supervisor) -> None:
    descriptor = os.memfd_create("test")
    os.write(descriptor, "本文".encode())
    asked = [supervisor.extract(descriptor, "text/plain", "text") for _ in range(MOST_WAITING + 3)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    os.close(descriptor)
    assert sum(isinstance(answer, Unavailable) for answer in answers) == 3
    assert sum(isinstance(answer, list) and len(answer) == 1 for answer in answers) == MOST_WAITING


def test_several_parts_leave_in_an_archive_of_our_own() -> None:
    only = Part("text/csv", b"a")
    assert in_one([only], "table") is only
    whole = in_one([only, Part("text/csv", b"b")], "table")
    assert whole.mime == "application/zip"
    with zipfile.ZipFile(io.BytesIO(whole.data)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"table-1.csv": b"a", "table-2.csv": b"b"}


@given(st.binary(max_size=40))
def test_a_bundle_is_taken_apart_or_refused_never_more(data: bytes) -> None:
    found = split(data, 5)
    assert len(found) <= 5
    assert not found or len(data) == 2 + 5 * len(found) + sum(len(part) for _, part in found)


def test_a_bundle_that_promises_what_it_does_not_hold_is_nothing() -> None:
    assert split(struct.pack("<HBI", 1, 0, 4) + b"abc", 5) == []
    assert split(struct.pack("<HBI", 1, 99, 3) + b"abc", 5) == []
    assert split(struct.pack("<HBI", 1, 0, 3) + b"abcd", 5) == []
    assert split(struct.pack("<H", 6) + struct.pack("<BI", 0, 0) * 6, 5) == []
