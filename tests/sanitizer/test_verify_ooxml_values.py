"""Sections 3 and 6 to 8 of the grammar: kinds of values, fields, formulas, links."""

from __future__ import annotations

import time

import pytest
from support.canonical_office import BOOK, TEXT
from support.verified_ooxml import assert_accepted, assert_rejected

from sanitizer.verify.ooxml.fields import is_instruction
from sanitizer.verify.ooxml.formulas import is_formula
from sanitizer.verify.ooxml.links import is_link
from sanitizer.verify.ooxml.table import TABLE, read
from sanitizer.verify.ooxml.values import predicate, text_predicate

DOCUMENT = "word/document.xml"
INSTRUCTIONS = r"""
PAGE
PAGE \* MERGEFORMAT
TOC \o "1-3" \h \z \u
REF _Ref1 \h
= 1 + 2
=SUM(ABOVE) \# 0
DATE \@ "yyyy年M月d日"
MERGEFIELD "氏名"
EQ \o\ac(○,1)
SEQ 図 \* ARABIC
SYMBOL 61472 \f "Wingdings"
XE "INCLUDETEXT"
HYPERLINK
HYPERLINK "https://a.jp/"
HYPERLINK \l "_Toc1"
HYPERLINK "mailto:a@b.jp" \o "Mail DDE"
HYPERLINK "https://a.jp/" \l "b" \o "c" \h
HYPERLINK \o "c" "https://a.jp/"
"""
NO_INSTRUCTIONS = r"""
DDE a b
DDEAUTO c:\a
INCLUDETEXT a
INCLUDEPICTURE "http://a"
LINK a
QUOTE 1
IF 1 = 1
SET a b
page
PAGES
PAGE  \* Arabic
PAGE DDE
PAGE dde.x
PAGE INCLUDETEXT
= 1 DATABASE
EQ macrobutton
PAGE "a
PAGE a"b"
PAGE \abc
PAGE \\
PAGE "a\b"
PAGE <
PAGE {
PAGE |
PAGE "http://a"
REF http://a
EQ "a://b"
EQ "a
= a://b
=
HYPERLINK https://a.jp/
HYPERLINK a
HYPERLINK ""
HYPERLINK "a.exe"
HYPERLINK "file:///c:/a"
HYPERLINK \l a
HYPERLINK \l "a://b"
HYPERLINK \ol "x"
HYPERLINK "https://a.jp/" \t "_blank"
HYPERLINK "https://a.jp/" \T "x"
HYPERLINK "https://a.jp/" \n
HYPERLINK "https://a.jp/" \N
HYPERLINK "https://a.jp/" \m
HYPERLINK "https://a.jp/" "file:///b"
HYPERLINK "https://a.jp/" "https://b.jp/"
HYPERLINK \o "x" "file:///b"
HYPERLINK \l "a" \h "file:///b"
"""
FORMULAS = r"""
1+2
SUM(A1:B$2)
IF(A1="a""b","市",TRUE)
'市 民'!A1*2
市!A1
'it''s'!A1
Table1[[#This Row],[金額]]
T['[a]+1
_xlfn.XLOOKUP(A1,B:B,C:C)
_xlfn._xlws.SORT(A1#)
sum ( 1 )
{1,2;3,4}
((
A1:A2 B1:B2
#REF!
@A1
LEFT("|")
HYPERLINK
HYPERLINK("https://a.jp/","Go")
HYPERLINK( "#一覧!A1" )
HYPERLINK("mailto:a@b.jp",1)
"""
NO_FORMULAS = r"""
WEBSERVICE(A1)
"WEBSERVICE(1)"
webservice (1)
_xlfn.WEBSERVICE(A1)
CALL(1)
REGISTER.ID(1)
sql.request (1)
UNKNOWN(1)
_xlfn.FOO(1)
FOO (1)
市(1)
市 (1)
ſum(1)
cmd|'/c calc'!A0
a|b
|
"a|b"
"| 'x"
T['|]
[1]Sheet1!A1
'[1]S'!A1
[a.xlsx]S!A1
a[b.xlsx]S!A1
a[b.xlsx]!A1
a[b.xlsx]'S'!A1
'C:\a'!A1
'/a'!A1
\\host\a!A1
"file:///a"
'file:a'!A1
"
'
'a'
'a"!A1
[
T[
T[[a]
T[1]
T[a\b]
A1~B1
a`b
A1\B1
HYPERLINK(A1)
HYPERLINK()
HYPERLINK ("a")
HYPERLINK("file:///a")
HYPERLINK("a"&"b")
HYPERLINK("https://a.jp/"&A1)
HYPERLINK("#http://a")
HYPERLINK("#//host/a")
_xlfn.HYPERLINK("a")
SUM(HYPERLINK("javascript:a"))
hyperlink(""
"""


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("bool", ["", "true", "False", "on", "0", "t"], ["TRUE", "yes", "2", " 1", "1\n"]),
        ("num", ["0", "-1", "+1.", ".5", "1e-300", "NaN", "-INF"], ["", "1 ", "0x1", "1_0", "１", "--1", "1\n", "inf"]),
        ("hex", ["", "00aF", "0" * 512], ["0x1", "g", "0" * 513, "0\n"]),
        ("guid", ["{01234567-89ab-CDEF-0123-456789abcdef}"], ["01234567-89ab-CDEF-0123-456789abcdef", "{}", ""]),
        ("=Author", ["Author"], ["author", "", "Author "]),
        ("enum:action", ["ppaction://noaction"], ["ppaction://macro?name=x", "", "ppaction://noaction "]),
        (
            "token",
            ["", "a b.c,d", "市", "A1:B2", "50%", "x" * 32767],
            ["a://b", "<", '"', "\\", "|", "\n", "x" * 32768],
        ),
        ("text", ["", "://\\|<>\n", "x" * 32767], ["x" * 32768]),
        ("css", ["", "position:absolute;width:1pt"], ["URL(a)", "a:Expression(1)", "x\\y", "a:/b", "javascript", "{"]),
        (
            "location",
            ["", "Sheet1!A1", "一覧!A1:B2"],
            ["a:b", "http://a", "..\\a", "[1]a", "a|b", "a\n", "//host/a", "x" * 2001],
        ),
        ("rid", [], ["", "rId1"]),
    ],
)
def test_kinds_of_values(kind: str, good: list[str], bad: list[str]) -> None:
    assert [value for value in good if not predicate(kind)(value)] == []
    assert [value for value in bad if predicate(kind)(value)] == []


def test_every_kind_of_the_table_is_known() -> None:
    for entry in TABLE.types.values():
        for kind in entry.attributes.values():
            assert callable(predicate(kind))
        if entry.text:
            assert callable(text_predicate(entry.text))
    with pytest.raises(KeyError):
        predicate("anything")


@pytest.mark.parametrize("line", ["type a\n ? b", "nonsense", "ns a b\nns a c", "type a\n < b=nowhere", "part a b"])
def test_a_table_that_it_does_not_understand_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match=r"not|twice"):
        read(line)


@pytest.mark.parametrize("link", ["http://a", "HTTPS://a.jp/?b=c&d#e", "mailto:a@b.jp", "tel:+81-3", "https://市.jp/"])
def test_accepts_links(link: str) -> None:
    assert is_link(link)


@pytest.mark.parametrize(
    "link",
    [
        *(
            "",
            "http://",
            "file:///c:/a",
            "javascript:alert(1)",
            "//host/share",
            r"\\host\share",
            "ftp://a",
            "data:text/html,a",
        ),
        *("http://a b", "http://a\n", " http://a", "http://a\u202eb", "http://a\u200b", "http://a|b", "http://a\\b"),
        *("ms-word:ofe|u|http://a", "search-ms:x", "x:http://a", "http://" + "a" * 2077, 'http://a"b', "http://a<b"),
    ],
)
def test_rejects_links(link: str) -> None:
    assert not is_link(link)


@pytest.mark.parametrize("body", INSTRUCTIONS.split("\n")[1:-1])
def test_accepts_instructions(body: str) -> None:
    assert is_instruction(f" {body} ")
    for broken in (body, f" {body}", f"{body} ", f"  {body} ", f" {body}  ", f" {body}\t", f" {body}\n ", f" x{body} "):
        assert not is_instruction(broken)


@pytest.mark.parametrize("body", ["", " ", "PAGE \x7f", "PAGE \x01", *NO_INSTRUCTIONS.split("\n")[1:-1]])
def test_rejects_instructions(body: str) -> None:
    assert not is_instruction(f" {body} ")


RUN = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
BEGIN, SEPARATE, END = (RUN.format(step) for step in ("begin", "separate", "end"))
INSTRUCTION = "<w:r><w:instrText> PAGE </w:instrText></w:r>"
TEXT_RUN = "<w:r><w:t>1</w:t></w:r>"
BOX = (
    "<w:r><w:pict><v:shape><v:textbox><w:txbxContent><w:p>{}</w:p></w:txbxContent></v:textbox></v:shape></w:pict></w:r>"
)
FIELD = BEGIN + INSTRUCTION + SEPARATE + TEXT_RUN + END


@pytest.mark.parametrize(
    "runs",
    [
        *(FIELD, BEGIN + INSTRUCTION + END, BEGIN + INSTRUCTION + SEPARATE + END, FIELD + FIELD, TEXT_RUN + FIELD),
        *(BEGIN + INSTRUCTION + SEPARATE + FIELD + TEXT_RUN + END, BOX.format(FIELD)),
        BEGIN + INSTRUCTION + SEPARATE + BOX.format(FIELD) + END,
    ],
)
def test_accepts_fields(runs: str) -> None:
    assert_accepted(TEXT.but(DOCUMENT, "<w:sectPr>", f"<w:p>{runs}</w:p><w:sectPr>"))


@pytest.mark.parametrize(
    ("runs", "code"),
    [
        (BEGIN, "field-open"),
        (BEGIN + INSTRUCTION, "field-open"),
        (BEGIN + INSTRUCTION + SEPARATE, "field-open"),
        (BEGIN + END, "field-order"),
        (BEGIN + SEPARATE + END, "field-order"),
        (END, "field-order"),
        (SEPARATE, "field-order"),
        (INSTRUCTION, "field-order"),
        (BEGIN + INSTRUCTION + INSTRUCTION + END, "field-order"),
        (BEGIN + TEXT_RUN + INSTRUCTION + END, "field-order"),
        (BEGIN + INSTRUCTION + TEXT_RUN + END, "field-order"),
        (BEGIN + FIELD + INSTRUCTION + END, "field-order"),
        (BEGIN + INSTRUCTION + FIELD + END, "field-order"),
        (BEGIN + INSTRUCTION + BOX.format(TEXT_RUN) + END, "field-order"),
        (BEGIN + INSTRUCTION + SEPARATE + SEPARATE + END, "field-order"),
        (BEGIN + INSTRUCTION + SEPARATE + INSTRUCTION + END, "field-order"),
        (FIELD + END, "field-order"),
        (BEGIN + '<w:fldSimple w:instr=" DATE "/>' + INSTRUCTION + END, "field-order"),
        (BEGIN + INSTRUCTION + "<m:oMath/>" + END, "field-order"),
        (BEGIN + '<w:r><w:sym w:char="0044"/></w:r>' + INSTRUCTION + END, "field-order"),
        (BEGIN + "<w:r><w:tab/></w:r>" + INSTRUCTION + END, "field-order"),
        (BEGIN + INSTRUCTION + "<w:r><w:ruby/></w:r>" + SEPARATE + END, "field-order"),
        ("<m:oMath><m:r><w:instrText> DDE a b </w:instrText></m:r></m:oMath>", "field-order"),
        (BEGIN + INSTRUCTION + SEPARATE + BOX.format(END), "field-order"),
        (BOX.format(BEGIN + INSTRUCTION) + END, "field-open"),
        ("<w:r><w:fldChar/></w:r>", "field-order"),
        (BEGIN + "<w:r><w:instrText/></w:r>" + END, "text"),
        (BEGIN + "<w:r><w:instrText> DDEAUTO a b </w:instrText></w:r>" + END, "text"),
        (BEGIN + "<w:r><w:instrText> PA</w:instrText></w:r><w:r><w:instrText>GE </w:instrText></w:r>" + END, "text"),
        ('<w:fldSimple w:instr=" INCLUDETEXT a "/>', "value"),
        ('<w:fldSimple w:instr="PAGE"/>', "value"),
        ('<w:fldSimple w:instr=""/>', "value"),
    ],
)
def test_rejects_fields(runs: str, code: str) -> None:
    assert_rejected(TEXT.but(DOCUMENT, "<w:sectPr>", f"<w:p>{runs}</w:p><w:sectPr>"), code, "instruction", "field-open")


@pytest.mark.parametrize("formula", ["", *FORMULAS.split("\n")[1:-1]])
def test_accepts_formulas(formula: str) -> None:
    assert is_formula(formula)


@pytest.mark.parametrize("formula", ["1" * 8193, *NO_FORMULAS.split("\n")[1:-1]])
def test_rejects_formulas(formula: str) -> None:
    assert not is_formula(formula)


@pytest.mark.parametrize(
    "text", ["'" * 8192, '"' * 8191, "a" * 8192, "T[" * 4096, "'[" * 4096, "a(" * 4096, '""(' * 2730]
)
def test_reads_long_formulas_and_instructions_in_time(text: str) -> None:
    started = time.process_time()
    is_formula(text)
    is_instruction(f" {text[:4094]} ")
    is_instruction(f" = {text[:4080]} ~")
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("SUM(A1:A3)*2", "WEBSERVICE(A1)", "text"),
        ("SUM(A1:A3)*2", "cmd|'/c calc'!A0", "text"),
        ("SUM(A1:A3)*2", 'HYPERLINK("https://a.jp/?a=1&amp;b=2","x")', ""),
        ("SUM(A1:A3)*2", 'HYPERLINK("file:///a?a=1&amp;b=2","x")', "text"),
        ('location="一覧!A1"', 'location="https://a"', "value"),
        ('location="一覧!A1"', r'location="\\host\a"', "value"),
    ],
)
def test_formulas_and_places_in_a_sheet(old: str, new: str, code: str) -> None:
    package = BOOK.but("xl/worksheets/sheet1.xml", old, new)
    if code:
        assert_rejected(package, code)
    else:
        assert_accepted(package)
