"""One form for what is stored and what is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.grams import MAX_QUERY, MAX_WORDS, fold, grams, holds, query_grams, snippet, words

WRITTEN = st.text(st.sampled_from("防災訓練の日程ABab１２ｶﾞガがパパ①㍻ 　\n🙂👨‍👩‍👧葛󠄀ßİfi"), max_size=40)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("防災訓練の日程", "訓練"),
        ("防災訓練の日程", "防"),
        ("ガス器具の点検", "ｶﾞｽ"),
        ("ＰＤＦを送ります", "pdf"),
        ("第①回", "1"),
        ("平成㍻", "平成"),
        ("Straße", "STRASSE"),
        ("会議は10時\n場所は第2会議室", "第2会議室　10時"),
        ("葛\U000e0100飾区", "葛\U000e0100飾"),
    ],
)
def test_a_text_is_found_by(text: str, query: str) -> None:
    asked = words(query)
    assert asked is not None
    assert query_grams(asked) <= grams(text)
    assert holds(text, asked)


@pytest.mark.parametrize(("text", "query"), [("東京と京都", "東京都"), ("会 議", "会議"), ("防災", "災防"), ("", "あ")])
def test_a_text_is_not_found_by(text: str, query: str) -> None:
    assert not holds(text, words(query) or ("",))


@pytest.mark.parametrize("query", ["", " 　\n", "あ" * (MAX_QUERY + 1), " ".join(map(str, range(MAX_WORDS + 1)))])
def test_nothing_and_too_much_are_no_query(query: str) -> None:
    assert words(query) is None


@given(WRITTEN, WRITTEN)
def test_the_index_never_hides_what_holds(text: str, query: str) -> None:
    asked = words(query)
    if asked is not None and holds(text, asked):
        assert query_grams(asked) <= grams(text)


@given(WRITTEN)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_a_snippet_marks_the_words_as_they_are_written() -> None:
    text = "あ" * 100 + "ｶﾞｽ器具とＰＤＦ" + "い" * 200
    shown = snippet(text, words("ガス pdf") or ())
    assert [shown.text[a:b] for a, b in shown.marks] == ["ｶﾞｽ", "ＰＤＦ"]
    assert shown.text.startswith("…") and shown.text.endswith("…")
    assert len(shown.text) < 200


@given(WRITTEN, WRITTEN)
def test_marks_stand_inside_the_snippet_and_never_overlap(text: str, query: str) -> None:
    shown = snippet(text, words(query) or ("あ",))
    ends = [0, *(place for mark in shown.marks for place in mark), len(shown.text)]
    assert ends == sorted(ends)
