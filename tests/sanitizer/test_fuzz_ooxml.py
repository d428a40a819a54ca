"""Office packages that mutation has found: what leaves of them is what the second reader accepts."""

from __future__ import annotations

import pytest
from support.canonical_office import BOOK, SHOW, TEXT
from support.canonical_ooxml import Package, write
from support.ooxml_samples import members

from sanitizer.formats.base import Job, Rebuilt
from sanitizer.formats.ooxml import rebuild
from sanitizer.formats.ooxml.formulas import is_formula
from sanitizer.formats.ooxml.instructions import instruction
from sanitizer.limits import Limits
from sanitizer.verify.ooxml import verify

DOCUMENT, SHEET, COMMENTS, SLIDE = (
    "word/document.xml",
    "xl/worksheets/sheet1.xml",
    "xl/comments1.xml",
    "ppt/slides/slide1.xml",
)
BEGIN, SEPARATE, END = (f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end"))
PAGE, RESULT = "<w:r><w:instrText> PAGE </w:instrText></w:r>", "<w:r><w:t>12</w:t></w:r>"
KEPT = "<w:instrText"


def left(package: Package) -> dict[str, bytes]:
    """The members that leave; fails if they are not accepted."""
    made = rebuild(write(package), Job(package.media_type, "rebuild", "a", None, Limits()))
    assert isinstance(made, Rebuilt)
    verify(made.data, Limits(), made.mime)
    return members(made.data)


def document(content: str) -> str:
    """What leaves of a paragraph put at the end of a document that has a field of its own."""
    said = left(TEXT.but(DOCUMENT, "<w:sectPr>", f"<w:p>{content}</w:p><w:sectPr>"))[DOCUMENT].decode()
    return said.rpartition("<w:p>")[2]


CHILDREN = ["<x:zz/>", "<x:zz>q</x:zz>", "<!-- -->", "<?a b?>", "<x:v>q</x:v>"]


@pytest.mark.parametrize("child", CHILDREN)
def test_a_text_in_pieces_is_judged_as_a_whole(child: str) -> None:
    formula = left(BOOK.but(SHEET, "SUM(A1:A3)*2", f"WEBSER{child}VICE(A1)"))[SHEET]
    assert b"VICE" not in formula
    name = left(BOOK.but("xl/workbook.xml", "一覧!$A$1:$B$2", f"WEBSER{child}VICE(A1)"))["xl/workbook.xml"]
    assert b"VICE" not in name
    author = left(BOOK.but(COMMENTS, "Author<", f"Aut{child}hor<"))[COMMENTS]
    assert b"<x:author>Author</x:author>" in author
    whole = left(BOOK.but(SHEET, "SUM(A1:A3)*2", f"SUM(A1:{child}A3)*3"))[SHEET]
    assert b">SUM(A1:A3)*3<" in whole


@pytest.mark.parametrize("child", ["<w:zz/>", "<w:zz>q</w:zz>", "<w:tab/>"])
def test_an_instruction_in_pieces_is_judged_as_a_whole(child: str) -> None:
    split = BEGIN + f"<w:r><w:instrText> PAGE{child} DDE </w:instrText></w:r>" + SEPARATE + RESULT + END
    assert document(split).count("fldChar") == 0
    harmless = BEGIN + f"<w:r><w:instrText> PA{child}GE </w:instrText></w:r>" + SEPARATE + RESULT + END
    assert "> PAGE </w:instrText>" in document(harmless)


BESIDE = [
    '<w:r><w:sym w:char="F041" w:font="a"/><w:br/></w:r>',
    "<w:r><w:tab/></w:r>",
    "<w:r><w:ruby><w:rt><w:r><w:t>x</w:t></w:r></w:rt></w:ruby></w:r>",
    "<m:oMath><m:r><m:t>x</m:t></m:r></m:oMath>",
    '<w:fldSimple w:instr=" DATE "/>',
]


@pytest.mark.parametrize("beside", BESIDE)
def test_nothing_stands_beside_an_instruction(beside: str) -> None:
    for content in (BEGIN + beside + PAGE + SEPARATE, BEGIN + PAGE + beside + SEPARATE, BEGIN + PAGE + beside):
        said = document(content + (RESULT if SEPARATE in content else "") + END)
        assert KEPT in said
        assert all(word not in said for word in ("w:sym", "w:tab", "w:ruby", "m:oMath"))


def test_an_instruction_in_mathematics_makes_no_field_of_what_is_around_it() -> None:
    said = document(BEGIN + "<m:oMath><m:r><w:instrText> PAGE </w:instrText></m:r></m:oMath>" + SEPARATE + RESULT + END)
    assert "fldChar" not in said
    assert ">12<" in said


def test_a_mark_outside_of_a_run_ends_no_field() -> None:
    said = document(BEGIN + PAGE + SEPARATE + RESULT + '<w:fldChar w:fldCharType="end"/>' + END)
    assert said.count("w:fldCharType") == 3


FORMULAS = {
    "T['|]": False, "ſum(1)": False, "FOO (1)": False, "市 (1)": False, "foo[b.xlsx]S!A1": False, "T[a]b": False,
    "T[a]!A1": False, 'HYPERLINK("#//host/a")': False, "SUM (1)": True, "T['#]": True, "T[a]": True,
    "T[[#All],[a]]*2": True,
}  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_read_as_the_grammar_reads_them(text: str) -> None:
    assert is_formula(text) is FORMULAS[text]
    assert (text.encode() in left(BOOK.but(SHEET, "SUM(A1:A3)*2", text))[SHEET].replace(b"&quot;", b'"')) is FORMULAS[
        text
    ]


def test_switches_of_a_hyperlink_have_one_character() -> None:
    assert instruction('HYPERLINK \\ol "http://x"') is None
    assert instruction('HYPERLINK "http://x" \\o "a"') == 'HYPERLINK "http://x" \\o "a"'


def test_a_place_is_in_this_workbook() -> None:
    said = left(BOOK.but(SHEET, 'location="一覧!A1"', 'location="//host/share"'))[SHEET]
    assert b"host" not in said


def test_parts_of_a_diagram_that_goes_go_too() -> None:
    whole = left(SHOW)
    assert any(name.startswith("ppt/diagrams/") for name in whole)
    for old, new in ((' r:lo="rId3"', ""), ('r:lo="rId3"', 'r:lo="rId4"')):
        said = left(SHOW.but(SLIDE, old, new))
        assert not any(name.startswith("ppt/diagrams/") for name in said)
        assert b"diagrams" not in said["[Content_Types].xml"]


def test_a_diagram_whose_data_do_not_name_its_drawing_has_none() -> None:
    data = "ppt/diagrams/data1.xml"
    assert "ppt/diagrams/drawing1.xml" in left(SHOW)
    nested = SHOW.but(data, "<dgm:extLst>", "<dgm:extLst><dgm:extLst>").but(
        data, "</dgm:extLst>", "</dgm:extLst></dgm:extLst>"
    )
    assert "ppt/diagrams/drawing1.xml" not in left(nested)


def test_a_chart_sheet_has_no_notes() -> None:
    chart = '<x:chartsheet><x:legacyDrawing r:id="rId1"/></x:chartsheet>'
    path = "xl/chartsheets/sheet1.xml"
    shapes = BOOK.parts["xl/drawings/vmlDrawing1.vml"]
    package = BOOK.with_part(path, chart).with_part("xl/drawings/vmlDrawing2.vml", shapes)
    package = package.but("xl/workbook.xml", "</x:sheets>", '<x:sheet name="C" r:id="rId3" sheetId="2"/></x:sheets>')
    package = package.relating(BOOK.main, [*BOOK.relations[BOOK.main], ("chartsheet", path)])
    package = package.relating(path, [("vmlDrawing", "xl/drawings/vmlDrawing2.vml")])
    said = left(package)
    assert b"legacyDrawing" not in said[path]
    assert "xl/drawings/vmlDrawing2.vml" not in said


def test_a_note_outside_of_the_list_of_notes_is_not_drawn() -> None:
    said = left(BOOK.but(COMMENTS, "<x:authors>", '<x:authors><x:commentList><x:comment ref="B7"/></x:commentList>'))
    shapes = [content for name, content in said.items() if name.endswith(".vml")]
    assert len(shapes) == 1
    assert shapes[0].count(b"<v:shape ") == said[COMMENTS].count(b"<x:comment ")
