"""Formulas, field instructions, links and other values: which may leave, and in what form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.formats.ooxml.formulas import is_formula
from sanitizer.formats.ooxml.instructions import instruction
from sanitizer.formats.ooxml.values import check
from sanitizer.formats.package.links import is_location, link

FORMULAS = """
SUM(A1:B2)
IF(A1>0,"正","負")
'4月 集計'!A1
表1[金額]
表1[[#This Row],[金額]]
_xlfn.XLOOKUP(1,A:A,B:B)
_xlfn._xlws.FILTER(A1:A9,B1:B9=1)
HYPERLINK("https://example.jp/a?b=1","x")
HYPERLINK("mailto:a@example.jp")
HYPERLINK("#Sheet2!A1","x")
A1&"|"&B1
{1,2;3,4}
#REF!+1.5E+3
INDEX(Data!$A$1:$B$2,1,2)%
DATEDIF(A1,TODAY(),"Y")
"""

NO_FORMULAS = r"""
cmd|'/c calc'!A0
WEBSERVICE("http://example.jp")
_xlfn.WEBSERVICE("http://example.jp")
HYPERLINK(A1)
HYPERLINK("file:///c:/a","x")
HYPERLINK("http://a"&A1)
[1]Sheet1!A1
'[book.xlsx]Sheet1'!A1
'\\server\share\[a.xls]b'!A1
"cmd|'/c calc'!A0"
"EXEC(1)"
CALL("kernel32","WinExec","JCJ","calc",0)
REGISTER.ID("a","b")
RTD("a","b","c")
EXEC("calc")
UserFunction(1)
表1[[2020]]
"unclosed
IMAGE("http://example.jp/a.png")
"""

INSTRUCTIONS = {
    "PAGE \\* MERGEFORMAT": "PAGE \\* MERGEFORMAT",
    "page\\*MERGEFORMAT": None,
    "PAGE  \\*MERGEFORMAT ": "PAGE \\* MERGEFORMAT",
    'date \\@ "yyyy年M月d日"': 'DATE \\@ "yyyy年M月d日"',
    'TOC \\o"1-3" \\h': 'TOC \\o "1-3" \\h',
    "REF _Ref1 \\h": "REF _Ref1 \\h",
    "HYPERLINK \\l place": 'HYPERLINK \\l "place"',
    'HYPERLINK "https://example.jp/" \\o "案内"': 'HYPERLINK "https://example.jp/" \\o "案内"',
    'HYPERLINK "https://example.jp/" \\* MERGEFORMAT': 'HYPERLINK "https://example.jp/"',
    'HYPERLINK "file:///a"': None,
    'HYPERLINK "https://a" "https://b"': None,
    'HYPERLINK \\l "a" \\o "https://b"': None,
    'INCLUDETEXT "a"': None,
    "DDE a b c": None,
    "MERGEFIELD 氏名": "MERGEFIELD 氏名",
    "PAGE LINK": None,
    'SEQ 表 \\s "PRINT"': 'SEQ 表 \\s "PRINT"',
    "TC a|b": None,
    "SYMBOL 40 \\f http://a": None,
    "EQ \\o\\ad(\\s\\up 9(よみ),漢字)": "EQ \\o\\ad(\\s\\up 9(よみ),漢字)",
    'EQ \\* jc2 \\* "Font:ＭＳ 明朝" \\o(a)': 'EQ \\* jc2 \\* "Font:ＭＳ 明朝" \\o(a)',
    'EQ "open': None,
    "= A1 * 2": "= A1 * 2",
    "=": None,
    "": None,
}


@pytest.mark.parametrize("text", FORMULAS.strip().splitlines())
def test_formulas_of_tables_stay(text: str) -> None:
    assert is_formula(text)


@pytest.mark.parametrize("text", NO_FORMULAS.strip().splitlines())
def test_formulas_that_call_out_do_not(text: str) -> None:
    assert not is_formula(text)


def test_a_formula_has_a_longest_length() -> None:
    assert is_formula("+1" * 4096)
    assert not is_formula("+1" * 4097)


@pytest.mark.parametrize(("text", "made"), INSTRUCTIONS.items())
def test_instructions_have_one_form_or_go(text: str, made: str | None) -> None:
    assert instruction(text) == made


@pytest.mark.parametrize("text", ["https://example.jp/市?a=b#c", "HTTP://a", "mailto:a@b.jp", "tel:+81-3"])
def test_links_that_people_follow_stay(text: str) -> None:
    assert link(f" {text} ") == text


@pytest.mark.parametrize(
    "text",
    ["", "javascript:alert(1)", "file:///a", "\\\\server\\a", "//a", "http://a\\b", "http://\u202ea", "ms-word:a"],
)
def test_other_links_go(text: str) -> None:
    assert link(text) is None


def test_places_are_in_the_document() -> None:
    assert all(map(is_location, ["", "Sheet1!A1", "'4月'!A1:B2", "名前"]))
    assert not any(map(is_location, ["[1]a!A1", "\\\\a", "http://a", "file:a", "a|b", "a\x00"]))


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("bool", "true", "yes"),
        ("num", "-1.5e3", "1,5"),
        ("num", "NaN", "nan"),
        ("hex", "00FF", "0x"),
        ("guid", "{00000000-0000-0000-0000-000000000000}", "{}"),
        ("token", "A1:B2 テキスト_1", 'a"b'),
        ("token", "#fff [3204]", "http://a"),
        ("css", "width:1pt;mso-x:1", "background:url(a)"),
        ("text", "<何でも>", "a" * 32768),
        ("field", " PAGE ", "PAGE"),
        ("enum:space", "preserve", "Preserve"),
    ],
)
def test_values_are_of_their_kind(kind: str, good: str, bad: str) -> None:
    assert check(kind)(good)
    assert not check(kind)(bad)


@given(st.text(max_size=80))
def test_what_is_written_is_written_again(text: str) -> None:
    made = instruction(text)
    assert made is None or instruction(made) == made
    address = link(text)
    assert address is None or link(address) == address


@given(st.text("A1!'\"[]|\\(){}#:,SUMEXC ", max_size=40))
def test_no_formula_names_another_book_or_program(text: str) -> None:
    if is_formula(text):
        outside = "".join(piece for i, piece in enumerate(text.split('"')) if i % 2 == 0)
        assert "|" not in outside
        assert "[1]" not in text
        assert "EXEC(" not in text.replace(" ", "").upper() or "EXEC" not in text.upper()
