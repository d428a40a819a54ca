"""Plain cells that are taken out of a sheet: the same comes out as by the walk, and nothing slips through with them."""

from __future__ import annotations

import pytest
from support.ooxml_samples import cell, excel, kinds, members, rebuilt

from sanitizer.formats.base import Refused
from sanitizer.formats.ooxml.facts import NAMESPACES
from sanitizer.formats.ooxml.plain_cells import taken_out
from sanitizer.limits import Limits
from sanitizer.verify.ooxml import verify

SHEET = "xl/worksheets/sheet1.xml"
SPACE = NAMESPACES["x"]
OPENED, CLOSED = f'<?xml version="1.0"?>\n<worksheet xmlns="{SPACE}"><sheetData>', "</sheetData></worksheet>"
PLAIN = '<c r="A1" s="3" t="n"><v>1 "a" \'b\'</v></c><c r="B1"/><c r="XFD1048576" t="str"><v>-1.5E3</v></c>'
ROW = f'<row r="1" spans="1:3">{PLAIN}</row>'


def sheet(text: str) -> bytes:
    """A workbook whose sheet is this text."""
    draft = excel(cell())
    draft.parts[SHEET] = text.encode()
    return draft.data()


def written(text: str) -> str:
    """The sheet as it leaves, which the verifier accepts."""
    made = rebuilt(sheet(text), "xlsx")
    verify(made.data, Limits(), made.mime)
    return members(made.data)[SHEET].decode()


def walked(text: str) -> str:
    """The same sheet without anything taken out: a comment forbids it."""
    return written(
        text.replace("<sheetData", "<!-- --><sheetData", 1).replace("<x:sheetData", "<!-- --><x:sheetData", 1)
    )


@pytest.mark.parametrize(
    "rows",
    [
        ROW,
        ROW * 3,
        f'<row r="1" ht="20" customHeight="1">{PLAIN}</row>{ROW}',
        f'<row r="1"><c r="A1"><f>SUM(B1)</f><v>3</v></c>{PLAIN}</row>',
        f'<row r="1">{PLAIN}<c r="C1" t="inlineStr"><is><t>表</t></is></c>{PLAIN}</row>',
        f'{ROW}<row r="2">{PLAIN}<c r="A2" t="str"><v>表 &amp; b</v></c></row>{ROW}',
        '<row r="1"><c r="A1"><v></v></c><c r="B1"><v> </v></c><c r="C1"> <v>1</v> </c></row>',
        f'<row r="1">\n  {PLAIN}\n  {PLAIN}\n</row>',
        '<row r="1"><c t="s" r="A1"><v>1</v></c><c r="a1"/><c r="A0"/><c r="A1" s="x"/><c r="A1" t="x"/></row>',
        '<row r="1"><c r="A1" cm="1" onload="x()"/><c r="B1"/><d r="C1"/></row>',
        "<row/><row></row>",
    ],
)
def test_the_same_leaves_as_by_the_walk(rows: str) -> None:
    text = OPENED + rows + CLOSED
    assert written(text) == walked(text)
    prefixed = text.replace("xmlns=", "xmlns:x=").replace("</", "</x:").replace("<", "<x:").replace("<x:/x:", "</x:")
    prefixed = prefixed.replace("<x:?", "<?")
    assert written(prefixed) == walked(prefixed) == written(text)


def test_plain_cells_do_not_become_a_tree() -> None:
    for rows, count in ((ROW * 1000, 1), (ROW.replace("<row", '<row ht="9"') * 50, 50)):
        text, plain = taken_out((OPENED + rows + CLOSED).encode())
        assert b"<c" not in text.replace(b"<cells", b"")
        assert len(plain.written) == count
        assert plain.elements == rows.count("<") - rows.count("</") - (rows.count("<row") if count > 1 else 0)


@pytest.mark.parametrize(
    "text",
    [
        OPENED + ROW + CLOSED + "<!-- -->",
        OPENED + "<row><c><is><t><![CDATA[" + PLAIN + "]]></t></is></c></row>" + CLOSED,
        OPENED + "<?a b?>" + ROW + CLOSED,
        OPENED + f'<row><c xmlns="urn:a">{PLAIN}</c></row>' + CLOSED,
        OPENED.replace(SPACE, "urn:a") + ROW + CLOSED,
        OPENED.replace("xmlns", "xmlns:x") + ROW + CLOSED,
        OPENED + '<rows xmlns="urn:sekisho:plain-cells" n="0"/>' + ROW + CLOSED,
        ROW,
        "",
    ],
)
def test_a_text_in_which_the_spelling_may_mean_something_else_stays_whole(text: str) -> None:
    assert taken_out(text.encode())[0] == text.encode()


def test_a_forged_mark_stands_for_nothing() -> None:
    """Its name can be spelled without its letters; then it shows each run once at most, and nothing outside of rows."""
    forged = '<{} xmlns:q="urn:sekish&#111;:plain-cells" n="{}"/>'
    text = OPENED + ROW + "".join(forged.format(f"q:{name}", n) for name in ("rows", "cells") for n in (0, 1, 99, "x"))
    assert written(text + CLOSED).count('<x:c r="B1"/>') == 1
    aside = OPENED + ROW + "</sheetData>" + forged.format("q:rows", 0) + "</worksheet>"
    assert written(aside) == walked(OPENED + ROW + CLOSED)


def test_plain_cells_are_counted_like_others() -> None:
    data = sheet(OPENED + ROW * 100 + CLOSED)
    rebuilt(data, "xlsx")
    with pytest.raises(Refused, match="bomb"):
        rebuilt(data, "xlsx", limits=Limits(max_objects=100))  # a fourth of the elements


def test_nothing_is_reported_of_plain_cells() -> None:
    assert not kinds(rebuilt(sheet(OPENED + ROW * 3 + CLOSED), "xlsx"))
