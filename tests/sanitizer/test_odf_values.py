"""Kinds of values, formulas and links of OpenDocument files: what may be written as it is."""

from __future__ import annotations

import pytest

from sanitizer.formats.odf.formulas import is_condition, is_formula
from sanitizer.formats.odf.links import link
from sanitizer.formats.odf.values import check, is_setting

GOOD = {
    "token": ["", "0.5cm", "#0000ff", "一太郎 書式", "M 0 0", "a-b_c", "50%"],
    "name": ["游明朝", "'ＭＳ 明朝', serif", "Standard_20_1", '"a"'],
    "text": ["", "<&>\n", "file:///x"],
    "sheet": ["一覧", "A & B", "R7#2"],
    "count": ["0", "1048576"],
    "path": ["M0 0L10-5.5Z", "?f0 $1"],
    "equation": ["if(?f0,$1,left*2)/3", "min(a,b)", ""],
    "operator": ["<=", "!match", "top values"],
    "cells": ["Sheet1.A1:.B2", "$'表 1'.$A$1 B.C3", "'it''s'.A1", "#REF!"],
    "link": ["https://example.jp/?a=b", "mailto:a@example.jp", "tel:0312345678", "#表1|table"],
    "enum:button": ["push"],
    "setting": ["AddParaTableSpacing"],
}
BAD = {
    "token": ["file:/x", "http://x", "//host", "a\\b", '"', "<", "a\nb"],
    "name": ["a<b", "\\\\host", "x://y", "a\x00"],
    "text": ["a" * 1_000_001],
    "sheet": ["'file:///a.ods'#S", "a'#b", "a\nb", "x//y"],
    "count": ["", "-1", "12345678", "１"],
    "path": ["url(x)", "a:b", "M 0\n0"],
    "equation": ["a=b", "'x'", "x://y"],
    "operator": ["=A1", "x\ny"],
    "cells": ["'file:///a'#$B.C1", "[a]", 'a"b', "'a/b'.A1", "a|b", "'x"],
    "link": ["javascript:x", "file:///x", "../x", "#a://b", "vnd.sun.star.script:x", "http://a b", "#"],
    "enum:button": ["submit", "url"],
    "setting": ["PrinterName"],
}


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in GOOD.items() for value in values])
def test_values_of_a_kind(kind: str, value: str) -> None:
    assert check(kind)(value)


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, values in BAD.items() for value in values if value != "#"]
)
def test_values_that_are_of_another_kind(kind: str, value: str) -> None:
    assert not check(kind)(value)


@pytest.mark.parametrize(
    "formula",
    [
        "",
        "of:=SUM([.A1:.B2];[$Sheet2.$C$3])",
        'of:=[.A1]&"文字 ""引用"""',
        "of:=IF(ISERROR([.A1]);#N/A;{1;2|3;4})",
        "of:=ORG.LIBREOFFICE.XLOOKUP([.A1];[.B1:.B9];[.C1:.C9])",
        "of:=COM.SUN.STAR.SHEET.ADDIN.ANALYSIS.GETEOMONTH([.A1];1)",
        "of:=[.A1]![.B1]~[.C1]",
        "of:=範囲*2",
        "ooow:sum <A1:B3>",
        "ooow:Illustration+1",
        "=SUM([.A1])",
        'of:=HYPERLINK( "#表1" ;"a")',
        "of:=[.#REF!]",
    ],
)
def test_formulas(formula: str) -> None:
    assert is_formula(formula)


@pytest.mark.parametrize(
    "formula",
    [
        'of:=WEBSERVICE("http://x")',
        'of:=webservice ("x")',
        'of:=DDE("a";"b";"c")',
        'of:="x"&DDE(1)',
        "of:=['file:///x'#$A.A1]",
        "of:=[http://x/y.ods]",
        "of:='file:///x'#A1",
        'of:=HYPERLINK("javascript:x")',
        'of:=HYPERLINK("http://x"&[.A1])',
        'of:=HYPERLINK("http://x',
        "of:=cmd|'/c calc'!A1",
        'of:={"a|1"}!x',
        'of:="\\\\host\\x"',
        "of:=EVIL.SUM(1)",
        "msoxl:=SUM(A1)",
        "of:msoxl:=SUM(A1)",
        "of:=[.A1",
        'of:="a',
        "of:=a`b",
        "a" * 8193,
    ],
)
def test_what_is_no_formula(formula: str) -> None:
    assert not is_formula(formula)


def test_conditions_have_words_of_their_own() -> None:
    for condition in (
        'cell-content-is-in-list("a";"b")',
        "of:cell-content-text-length()>5 and is-true-formula([.A1]>1)",
        "value()>=0",
        "between(1,[.B1])",
        "duplicate",
        "ooow:Page EQ 1",
    ):
        assert is_condition(condition)
    assert not is_formula('cell-content-is-in-list("a")')
    assert not is_condition("cell-content-is-evil()")
    assert not is_condition("is-true-formula(DDE(1))")


def test_addresses_are_mended_only_in_their_spaces() -> None:
    assert link(" https://example.jp/a b ") == "https://example.jp/a%20b"
    assert link("#a b") == "#a b"
    assert link("#") == "#"


def test_settings_are_of_their_kind() -> None:
    assert is_setting("AddParaTableSpacing", "boolean", "true")
    assert is_setting("ZoomValue", "int", "-100")
    assert is_setting("BeginLine", "string", "、。")
    assert not is_setting("AddParaTableSpacing", "string", "true")
    assert not is_setting("ZoomValue", "int", "x")
    assert not is_setting("BeginLine", "string", "a\nb")
    assert not is_setting("PrinterName", "string", "a")
