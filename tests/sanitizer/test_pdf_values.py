"""Spelling of values: one canonical form, nothing lost that may stay, nothing kept that may not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sanitizer.formats.pdf.actions import uri
from sanitizer.formats.pdf.cmaps import to_unicode
from sanitizer.formats.pdf.functions import calculator
from sanitizer.formats.pdf.values import (
    Real,
    encode_text,
    neutralise,
    spell_bytes,
    spell_name_bytes,
    spell_number,
    spell_text,
    string_text,
)

NUMBER = re.compile(rb"-?(0|[1-9][0-9]{0,9})(\.[0-9]{1,10})?")


@settings(deadline=None)
@given(st.floats(-(2**31) + 1, 2**31 - 1))
def test_numbers_are_canonical_and_close(x: float) -> None:
    spelled = spell_number(Real(repr(x)))
    assert spelled is not None and NUMBER.fullmatch(spelled)
    assert abs(float(spelled) - x) <= 1e-9 + abs(x) * 1e-12


@pytest.mark.parametrize("text", ["nan", "inf", "1e99", "x", ""])
def test_what_is_no_number_is_not_kept(text: str) -> None:
    assert spell_number(Real(text)) is None


@settings(deadline=None)
@given(st.text())
def test_text_survives_without_control_characters(text: str) -> None:
    plain = string_text("u:" + text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass"))
    assert plain is not None
    assert string_text("b:" + encode_text(plain).hex()) == plain


@settings(deadline=None)
@given(st.text())
def test_neutral_text_holds_no_html_that_acts(text: str) -> None:
    harmless = neutralise(f"{text}<script {text}javascript:{text} onerror={text}")
    assert not re.search(r"<\s*(script|img|svg|iframe|object|embed)\b|javascript:|onerror=", harmless, re.I)
    assert spell_text(harmless) is not None


@settings(deadline=None)
@given(st.binary())
def test_strings_are_one_of_two_forms(raw: bytes) -> None:
    spelled = spell_bytes(raw)
    assert spelled is not None
    literal = re.fullmatch(rb"\((?:[^()\\]|\\[()\\])*\)", spelled)
    assert literal is not None if all(0x20 <= c <= 0x7E for c in raw) else spelled == b"<" + raw.hex().encode() + b">"


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=127))
def test_names_are_escaped_only_where_needed(raw: bytes) -> None:
    spelled = spell_name_bytes(raw)
    if b"\0" in raw:
        assert spelled is None
        return
    assert spelled is not None
    assert re.sub(rb"#([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), spelled[1:]) == raw


@pytest.mark.parametrize(
    "address",
    ["https://example.jp/", "HTTP://EXAMPLE.jp/a?b#c", "mailto:a@example.jp", "tel:+81-3-0000-0000"],
)
def test_addresses_that_may_stay(address: str) -> None:
    assert uri(address) == address


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "file:///etc/passwd", "\\\\host\\share", "//host/share", "data:text/html,x", "ms-word:ofe", "https://"],
)  # fmt: skip
def test_addresses_that_may_not(address: str) -> None:
    assert uri(address) is None


def test_japanese_addresses_are_encoded() -> None:
    assert uri("https://example.jp/資料") == "https://example.jp/%E8%B3%87%E6%96%99"


@pytest.mark.parametrize("program", [b"{ (x) print }", b"{ exec }", b"{ 1 } { 2 }", b"1 2 add", b"{ { }", b""])
def test_postscript_beyond_the_calculator_is_not_kept(program: bytes) -> None:
    assert calculator(program) is None


def test_calculator_programs_are_kept() -> None:
    assert calculator(b"{dup 0.50 mul%c\n{pop}{1.} ifelse}") == b"{ dup 0.5 mul { pop } { 1 } ifelse }"


def test_a_cmap_keeps_its_entries_and_nothing_else() -> None:
    source = b"""/CIDInit /ProcSet findresource begin (evil) run % comment
    1 begincodespacerange <00><FF> endcodespacerange
    2 beginbfrange <01> <03> <0041> <05><06> [<3042> <3044>] endbfrange
    1 beginbfchar <07> <D842DFB7> endbfchar"""
    lines = to_unicode(source).split(b"\n")
    assert b"<00> <ff>" in lines
    assert b"<01> <03> <0041>" in lines
    assert b"<05> <06> [<3042> <3044>]" in lines
    assert b"<07> <d842dfb7>" in lines
    assert not any(b"evil" in line or b"%" in line for line in lines)
