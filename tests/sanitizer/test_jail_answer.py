"""The language out of the jail: what was said arrives, and nothing else is ever taken for an answer."""

from __future__ import annotations

import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.formats.base import Change
from sanitizer.wire import MAX_ANSWER, MAX_CHANGES, Answer, BadAnswer, Status, read_answer, write_answer

ANSWER = Answer(
    Status.DONE,
    "",
    "made anew",
    "application/pdf",
    "application/pdf",
    12345,
    (Change("javascript", 2, "page 3"), Change("gps", 1)),
    (Change("colours", 0xFFFFFFFF),),
)
SLUGS = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=40).filter(lambda s: s[0] != "-")
CHANGES = st.builds(
    Change, SLUGS, st.integers(1, 0xFFFFFFFF), st.text(string.ascii_letters + string.digits + " .,#/-", max_size=40)
)
ANSWERS = st.builds(
    Answer,
    st.sampled_from(Status),
    st.just("") | SLUGS,
    st.text(string.ascii_letters + " .,:;#/+_()-", max_size=80),
    st.sampled_from(["", "image/png", "application/vnd.ms-excel.sheet.macroenabled.12"]),
    st.sampled_from(["", "text/csv"]),
    st.integers(0, 2**64 - 1),
    st.lists(CHANGES, max_size=5).map(tuple),
    st.lists(CHANGES, max_size=5).map(tuple),
)


@given(ANSWERS)
def test_what_was_said_arrives(answer: Answer) -> None:
    assert read_answer(write_answer(answer)) == answer


@given(st.binary(max_size=2000) | ANSWERS.map(write_answer), st.data())
def test_any_bytes_are_an_answer_in_the_one_canonical_form_or_none(untrusted: bytes, data: st.DataObject) -> None:
    if untrusted:
        at = data.draw(st.integers(0, len(untrusted) - 1))
        untrusted = untrusted[:at] + bytes([data.draw(st.integers(0, 255))]) + untrusted[at + 1 :]
    try:
        answer = read_answer(untrusted)
    except BadAnswer:
        return
    assert write_answer(answer) == untrusted


@pytest.mark.parametrize(
    "spoil",
    [
        lambda said: b"",
        lambda said: said[:-1],
        lambda said: said + b"\0",
        lambda said: said * 200,
        lambda said: b"X" + said[1:],
        lambda said: said.replace(b"javascript", b"<script>\0\0"),
        lambda said: said.replace(b"page 3", b"p\0ge 3"),
        lambda said: said.replace(b"application/pdf", b"../../etc/passw"),
    ],
)
def test_a_spoiled_answer_is_no_answer(spoil: object) -> None:
    assert callable(spoil)
    with pytest.raises(BadAnswer):
        read_answer(spoil(write_answer(ANSWER)))


def test_too_much_is_cut_and_foreign_text_is_dropped_before_it_leaves_the_jail() -> None:
    many = tuple(Change("kind", number + 1, "日本語") for number in range(MAX_CHANGES + 50))
    said = write_answer(replace(ANSWER, removed=many, changed=many, detail="<b>" * 100))
    assert len(said) == MAX_ANSWER
    heard = read_answer(said)
    assert len(heard.removed) == len(heard.changed) == MAX_CHANGES
    assert (heard.removed[0].where, heard.detail) == ("", "")
