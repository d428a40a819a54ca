"""Plain text rebuilt: benign bytes stay, controls go, what is no text is refused; and its verifier on its own."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sanitizer.formats import text as text_format
from sanitizer.formats.base import Job, Rebuilt, Refused
from sanitizer.formats.text_kinds import KINDS
from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.text import verify

MEMO = "会議のお知らせ\r\n\r\n日時 令和6年4月1日(月) 10:00～\r\n場所 第2会議室\tﾃｽﾄ、カタカナ漢字ひらがな\r\n\f以上"
ENCODINGS = ["utf-8", "utf-8-sig", "cp932", "euc_jp", "iso2022_jp_ext", "utf-16"]


def rebuilt(data: bytes) -> Rebuilt:
    made = text_format.rebuild(data, Job("text/plain", "rebuild", "memo.txt", None, Limits()))
    verify(made.data, Limits())
    return made


def assert_refused(data: bytes, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        rebuilt(data)
    assert refusal.value.code == code


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_benign_text_keeps_every_byte(encoding: str, end: str) -> None:
    memo = MEMO.replace("～", "〜") if encoding in ("euc_jp", "iso2022_jp_ext") else MEMO
    data = memo.replace("\r\n", end).encode(encoding)
    made = rebuilt(data)
    assert (made.data, made.removed, made.changed) == (data, [], [])


def test_big_endian_utf_16_keeps_every_byte() -> None:
    data = b"\xfe\xff" + MEMO.encode("utf-16-be")
    assert rebuilt(data).data == data


@pytest.mark.parametrize("text", ["㈱①Ⅳ髙﨑", "~\\|@`{}", "ソ表能十構", "￢纊"])
def test_windows_characters_of_cp932_keep_their_bytes(text: str) -> None:
    data = (text * 3 + "の件").encode("cp932")
    assert rebuilt(data).data == data


def test_western_text_keeps_its_bytes() -> None:
    data = "Un café à Genève — naïve résumé, all in all mostly plain letters.\n".encode("cp1252")
    assert rebuilt(data).data == data


def test_markup_is_only_text() -> None:
    data = b"<script>alert(1)</script>\n"
    assert rebuilt(data).data == data


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_controls_go_and_are_counted(encoding: str) -> None:
    data = "表\x00示\x07能\x08\x0b\x1a\x7fソ\n".encode(encoding)
    made = rebuilt(data)
    assert made.data.decode(encoding) == "表示能ソ\n"
    assert [(change.kind, change.count) for change in made.removed] == [("control-characters", 6)]


def test_terminal_escapes_go() -> None:
    assert rebuilt(b"a\x1b[2Jb\x1b]0;title\x07c\n").data == b"a[2Jb]0;titlec\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_characters_that_reorder_text_go(encoding: str) -> None:
    data = "支払\u202e000,1\u202c円\u2066x\u2069\u200f\u061c".encode(encoding)
    made = rebuilt(data)
    assert made.data.decode(encoding) == "支払000,1円x"
    assert [(change.kind, change.count) for change in made.removed] == [("bidi-controls", 6)]


def test_c1_controls_go_but_their_bytes_inside_characters_stay() -> None:
    assert rebuilt("a\u0085b\u009b31mc".encode()).data == b"ab31mc"
    kept = "\u00c5\u0145 弐".encode()
    assert rebuilt(kept).data == kept


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "euc_jp"])
def test_one_damaged_character_is_replaced(encoding: str) -> None:
    data = ("日本語の文章です。" * 20).encode(encoding)
    made = rebuilt(data + b"\xff\n")
    assert made.data == data + b"?\n"
    assert [change.kind for change in made.changed] == ["undecodable"]


def test_a_cut_utf_16_text_is_mended() -> None:
    data = MEMO.encode("utf-16")[:-1]
    made = rebuilt(data)
    assert made.data.decode("utf-16").startswith(MEMO[:-1])


def test_what_is_no_text_is_refused() -> None:
    assert_refused(bytes(range(128, 256)) * 4, "unreadable")
    assert_refused(b"\xef\xbb\xbf" + b"\xff\xfe\xfd" * 9, "unreadable")
    assert_refused(b"\0\x01\x02", "empty")


def test_a_text_has_no_thumbnail() -> None:
    assert text_format.thumbnail(b"words", Limits()) is None


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=300))
@example(b"\xff\xfe\x00")
@example(b"\x1b$B\x1b(B\x00")
@example("\u202e".encode())
@example(b"\x8f\x80\x07")
def test_any_bytes_become_a_text_of_the_grammar_or_are_refused(data: bytes) -> None:
    try:
        made = rebuilt(data)
    except Refused as refusal:
        assert refusal.code in ("unreadable", "empty")
        return
    again = rebuilt(made.data)
    assert again.data == made.data


@settings(deadline=None)
@given(st.text(min_size=1, max_size=200), st.sampled_from(["utf-8", "utf-16", "cp932", "euc_jp"]))
def test_any_characters_survive_but_controls(text: str, encoding: str) -> None:
    data = text.encode(encoding, "ignore")
    try:
        made = rebuilt(data)
    except Refused:
        return
    if not made.removed and not made.changed:
        assert made.data == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a\0b",
        b"a\x1b[2J",
        b"\x80\x81" * 50,
        "a\u202eb".encode(),
        "a\u0085".encode(),
        b"\xff\xfea",
        b"\xff\xfe" + "a\0".encode("utf-16-le"),
        b"\xff\xfe\x00\xd8",
        b"\xff\xfe\x00\xdc",
        b"\xff\xfe" + "\u2066".encode("utf-16-le"),
        b"\xef\xbb\xbf\xff",
        b"\xed\xa0\x80",
    ],
)
def test_what_is_not_in_the_grammar_is_a_violation(data: bytes) -> None:
    with pytest.raises(Violation):
        verify(data, Limits())


def test_every_kind_has_words_in_both_languages() -> None:
    assert all(ja and en and not ja.isascii() and en.isascii() for ja, en in KINDS.values())
