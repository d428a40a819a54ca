"""Bad input: each ends in a refusal with a reason, or in a package without what was bad, within the limits."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.ooxml_samples import (
    cell,
    compound_file,
    encrypted,
    everything,
    excel,
    kinds,
    members,
    paragraph,
    powerpoint,
    rebuilt,
    shape,
    word,
    zipped,
)

from sanitizer.formats.base import NeedsPassword, Refused
from sanitizer.formats.ooxml import text, thumbnail
from sanitizer.formats.ooxml.formulas import is_formula
from sanitizer.formats.ooxml.instructions import instruction
from sanitizer.formats.package.xml_source import parse
from sanitizer.limits import Limits


def refusal(data: bytes, ending: str = "docx", limits: Limits | None = None) -> tuple[str, str]:
    """Code and detail of the refusal of a package."""
    with pytest.raises(Refused) as caught:
        rebuilt(data, ending, limits=limits or Limits())
    return caught.value.code, caught.value.detail


def test_what_is_no_package_is_unreadable() -> None:
    assert refusal(b"") == ("unreadable", "zip structure")
    assert refusal(zipped({"a.txt": "x"})) == ("unreadable", "main part")
    assert refusal(word("").data()[:-30]) == ("unreadable", "zip structure")
    assert refusal(word("").add("word/document.xml", "<broken").data()) == ("unreadable", "main part")
    assert refusal(word("").add("word/document.xml", "<a/>").data()) == ("unreadable", "root of the main part")


def test_a_broken_sheet_is_unreadable_and_a_broken_theme_is_left_out() -> None:
    assert refusal(excel("").add("xl/worksheets/sheet1.xml", "<x").data(), "xlsx")[0] == "unreadable"
    result = rebuilt(powerpoint(shape("a")).add("ppt/theme/theme1.xml", "<x").data(), "pptx")
    assert kinds(result) == {"unreadable-part": 1}
    assert "theme" not in "".join(members(result.data))


def test_bombs_are_bombs() -> None:
    large = word("").add("word/document.xml", b"<a>" + b" " * 2_000_000)
    assert refusal(large.data(), limits=Limits(max_inflated=1_000_000)) == ("bomb", "bytes")
    many = excel("<x:c/>" * 200)
    assert refusal(many.data(), "xlsx", Limits(max_objects=10)) == ("bomb", "elements")
    assert refusal(word(paragraph("a" * 2000)).data(), limits=Limits(max_output=500)) == ("output-too-large", "")
    assert refusal(powerpoint("").data(), "pptx", Limits(max_pages=0))[0] == "too-many-pages"


@pytest.mark.parametrize(
    "text", ["a[" * 4000, "a[" + "[x]" * 2700, "'" * 8001, '"' * 8001, "a" * 8192, "((((" * 2000, "a[" + "'" * 8000]
)
def test_formulas_take_no_time_however_they_are_written(text: str) -> None:
    start = time.process_time()
    is_formula(text)
    instruction(text)
    assert time.process_time() - start < 0.5


def test_entities_are_neither_expanded_nor_kept() -> None:
    part = members(word(paragraph("&bomb;x&file;")).data())["word/document.xml"]
    head, _, rest = part.partition(b"\n")
    doctype = b'<!DOCTYPE a [<!ENTITY bomb "boom"><!ENTITY file SYSTEM "file:///etc/passwd">]>'
    result = rebuilt(word("").add("word/document.xml", head + doctype + rest).data())
    assert text(result.data, Limits()) == "x\n"
    assert "DOCTYPE" not in everything(result.data)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig", "cp932", "latin-1"])
def test_parts_in_other_encodings_are_read(encoding: str) -> None:
    name = {"utf-16-le": "utf-16", "utf-8-sig": "utf-8", "cp932": "Shift_JIS", "latin-1": "iso-8859-1"}.get(encoding)
    said = "e" if encoding == "latin-1" else "表"
    root = parse(f'<?xml version="1.0" encoding="{name or encoding}"?><a>{said}</a>'.encode(encoding))
    assert root is not None
    assert root.text == said


@pytest.mark.parametrize(
    "data", [b'<?xml version="1.0" encoding="UTF-7"?><a/>', b"\xff\xfe<", b"<a>&x;</a>", b"<a" * 300]
)
def test_parts_that_cannot_be_read_are_none(data: bytes) -> None:
    assert parse(data) is None


def test_a_workbook_whose_cells_repeat_is_no_bomb_to_others() -> None:
    data = rebuilt(excel("<x:c/>" * 300_000).data(), "xlsx").data
    content = members(data)["xl/worksheets/sheet1.xml"]
    assert len(content) > 1 << 20
    assert len(content) < 200 * len(data)


def test_an_encrypted_document_asks_for_its_password_and_opens_with_it() -> None:
    data = encrypted(word(paragraph("秘密の会議")).data(), "ひみつ")
    with pytest.raises(NeedsPassword) as asked:
        rebuilt(data)
    assert not asked.value.wrong
    with pytest.raises(NeedsPassword) as wrong:
        rebuilt(data, password="no")
    assert wrong.value.wrong
    result = rebuilt(data, password="ひみつ")
    assert text(result.data, Limits()) == "秘密の会議\n"
    assert kinds(result) == {"encryption": 1}


def test_a_workbook_that_excel_opens_without_asking_needs_no_password() -> None:
    data = encrypted(excel(cell()).data(), "VelvetSweatshop")
    assert kinds(rebuilt(data, "xlsx")) == {"encryption": 1}


def test_a_document_asks_for_the_password_with_which_excel_would_open_a_workbook() -> None:
    data = encrypted(word(paragraph("本文")).data(), "VelvetSweatshop")
    with pytest.raises(NeedsPassword) as asked:
        rebuilt(data)
    assert not asked.value.wrong
    assert kinds(rebuilt(data, password="VelvetSweatshop")) == {"encryption": 1}


def test_a_compound_file_without_a_package_is_unreadable() -> None:
    assert refusal(compound_file({"Other": b"x"})) == ("unreadable", "no encrypted package")
    assert refusal(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100))[0] == "unreadable"


def test_nothing_is_drawn() -> None:
    assert thumbnail(b"", Limits()) is None


SAMPLES = [word(paragraph("本文")).data(), excel(cell("SUM(A2)")).data(), powerpoint(shape("a")).data()]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SAMPLES), st.integers(0, 10**6), st.binary(min_size=1, max_size=8))
def test_damaged_packages_have_an_end(data: bytes, at: int, junk: bytes) -> None:
    at %= len(data)
    try:
        result = rebuilt(data[:at] + junk + data[at + len(junk) :])
    except (Refused, NeedsPassword):
        return
    assert rebuilt(result.data).data == result.data


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.characters(codec="utf-8"), max_size=60), st.integers(0, 2000))
def test_parts_with_foreign_markup_have_an_end(junk: str, at: int) -> None:
    part = members(SAMPLES[0])["word/document.xml"].decode()
    start = part.index("<w:body>") + at % (len(part) - part.index("<w:body>"))
    draft = word("").add("word/document.xml", part[:start] + junk + part[start:])
    try:
        result = rebuilt(draft.data())
    except Refused:
        return
    assert rebuilt(result.data).data == result.data
