"""Sections 1.3, 2 and 3 of the grammar: spelling of values, kinds of strings, Flate."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sanitizer.verify import Violation
from sanitizer.verify.pdf.flate import Inflater
from sanitizer.verify.pdf.kinds import is_ascii, is_da, is_ident, is_lang, is_text, is_uri
from sanitizer.verify.pdf.values import Name, Reference, String, parse_dictionary


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (b"<<>>", {}),
        (b"<</A 1>>", {b"A": 1}),
        (b"<</A -0.50>>", {b"A": -0.5}),
        (b"<</A 2147483647>>", {b"A": 2147483647}),
        (b"<</A 9999999999.0>>", {b"A": 9999999999.0}),
        (b"<</A 12 0 R>>", {b"A": Reference(12)}),
        (b"<</A /B#20#2F#FF>>", {b"A": Name(b"B /\xff")}),
        (b"<</A (a\\(\\)\\\\)>>", {b"A": String(b"a()\\")}),
        (b"<</A ()>>", {b"A": String(b"")}),
        (b"<</A <0aff>>>", {b"A": String(b"\x0a\xff")}),
        (b"<</A [] /B [1 2.5 -3] /C [1 0 R] /D [[] <<>>]>>", {b"A": [], b"B": [1, 2.5, -3], b"C": [1], b"D": [[], {}]}),
        (b"<</A true /B false /C null>>", {b"A": True, b"B": False, b"C": None}),
        (b"<</A#20 1 /B 2>>", {b"A ": 1, b"B": 2}),
    ],
)
def test_reads_canonical_values(written: bytes, value: object) -> None:
    assert parse_dictionary(written) == value


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"01", "syntax"),
        (b"+1", "syntax"),
        (b"1.", "syntax"),
        (b".5", "syntax"),
        (b"--1", "syntax"),
        (b"1e3", "syntax"),
        (b"12345678901", "syntax"),
        (b"1.12345678901", "syntax"),
        (b"2147483648", "integer-too-large"),
        (b"[2147483648 1]", "integer-too-large"),
        (b"-2147483648", "integer-too-large"),
        (b"1 1 R", "syntax"),
        (b"01 0 R", "syntax"),
        (b"0 0 R", "syntax"),
        (b"1 0 r", "syntax"),
        (b"True", "syntax"),
        (b"nul", "syntax"),
        (b"truefalse", "syntax"),
        (b"/", "syntax"),
        (b"/#41", "syntax"),
        (b"/#00", "syntax"),
        (b"/#2f", "syntax"),
        (b"/A#2", "syntax"),
        (b"/A(b)", "syntax"),
        (b"/A\x80", "syntax"),
        (b"/" + b"a" * 128, "name-too-long"),
        (b"/" + b"#20" * 128, "name-too-long"),
        (b"(\\n)", "syntax"),
        (b"(\\101)", "syntax"),
        (b"(a(b)c)", "syntax"),
        (b"(\x7f)", "syntax"),
        (b"(\t)", "syntax"),
        (b"(a", "syntax"),
        (b"<61>", "string-spelling"),
        (b"<>", "string-spelling"),
        (b"<0A>", "syntax"),
        (b"<0>", "syntax"),
        (b"<0a 0b>", "syntax"),
        (b"(" + b"a" * ((1 << 20) + 1) + b")", "string-too-long"),
        (b"[1  2]", "syntax"),
        (b"[ 1]", "syntax"),
        (b"[1 ]", "syntax"),
        (b"[1]2", "syntax"),
        (b"[1 [2]3]", "syntax"),
        (b"[1", "syntax"),
        (b"%c\n1", "syntax"),
        (b"1\n", "syntax"),
        (b"<</B 1/C 2>>", "syntax"),
        (b"<< /B 1>>", "syntax"),
        (b"<</B 1 >>", "syntax"),
        (b"<</B  1>>", "syntax"),
        (b"<</B/C>>", "syntax"),
        (b"<</B>>", "syntax"),
        (b"<</B 1>", "syntax"),
        (b"<<1 2>>", "syntax"),
        (b"<</B 1 /B 2>>", "key-order"),
        (b"<</C 1 /B 2>>", "key-order"),
        (b"<</B#20 1 /B 2>>", "key-order"),
        (b"[" * 40 + b"]" * 40, "nested-too-deep"),
        (b"[" * 39 + b"[1]" + b"]" * 39, "nested-too-deep"),
        (b"<</A " * 40 + b"1" + b">>" * 40, "nested-too-deep"),
    ],
)
def test_rejects_other_spellings(value: bytes, code: str) -> None:
    with pytest.raises(Violation) as caught:
        parse_dictionary(b"<</A " + value + b">>")
    assert caught.value.code == code


@pytest.mark.parametrize("text", [b"", b"<<", b"1", b"[]", b"<<>>\n", b"<<>> ", b" <<>>", b"<<>><<>>"])
def test_rejects_what_is_not_one_dictionary(text: bytes) -> None:
    with pytest.raises(Violation, match="syntax"):
        parse_dictionary(text)


def test_reads_forty_levels() -> None:
    parse_dictionary(b"<</A " + b"[" * 39 + b"]" * 39 + b">>")
    parse_dictionary(b"<</A " + b"[" * 38 + b"[1]" + b"]" * 38 + b">>")


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=40).filter(lambda name: 0 not in name))
def test_reads_every_name_in_its_one_spelling(name: bytes) -> None:
    regular = set(range(0x21, 0x7F)) - set(b"#%()/<>[]{}")
    written = b"".join(bytes([byte]) if byte in regular else b"#%02X" % byte for byte in name)
    assert parse_dictionary(b"<</A /" + written + b">>") == {b"A": name}
    escaped = b"".join(b"#%02X" % byte for byte in name)
    if escaped != written:
        with pytest.raises(Violation):
            parse_dictionary(b"<</A /" + escaped + b">>")


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_reads_every_string_in_its_one_spelling(value: bytes) -> None:
    literal = b"(" + value.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)") + b")"
    hexadecimal = b"<" + value.hex().encode() + b">"
    printable = all(0x20 <= byte <= 0x7E for byte in value)
    right, wrong = (literal, hexadecimal) if printable else (hexadecimal, literal)
    assert parse_dictionary(b"<</A " + right + b">>") == {b"A": value}
    with pytest.raises(Violation):
        parse_dictionary(b"<</A " + wrong + b">>")


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"abc\t\r\n",
        b"\x18\x7e\x80\xff",
        b"\xfe",
        b"\xfe\xff",
        "\ufeff市役所".encode("utf-16-be"),
        b"\xfe\xff\0\t",
        b"java script:",
        b"scripts <scripting",
        "\ufeff𠮷".encode("utf-16-be"),
        b"one rror=",
    ],
)
def test_text_allows(value: bytes) -> None:
    assert is_text(value)


@pytest.mark.parametrize(
    "value",
    [
        b"\0",
        b"\x0b",
        b"\x0c",
        b"\x17",
        b"\x7f",
        b"\xff\xfea",
        b"\xef\xbb\xbfa",
        b"\xfe\xff\0",
        b"\xfe\xff\xd8\0",
        b"\xfe\xff\0\0",
        b"\xfe\xff\0\x0b",
        b"\xfe\xff\0\x1f",
        b"\xfe\xff\xdc\0\xd8\0",
        b"<script>",
        b"< \nIMG src",
        b"x<IFrame/",
        b"<svg>",
        b"<object ",
        b"<embed",
        b"JavaScript:",
        b"onError=",
        "\ufeff<\u3000script>".encode("utf-16-be"),
    ],
)
def test_text_forbids(value: bytes) -> None:
    assert not is_text(value)


@pytest.mark.parametrize(
    "value", [b"http://a", b"HTTPS://a.jp/?q=%E5#x", b"mailto:a@b", b"Tel:+81-3", b"http://[::1]/~a"]
)
def test_uri_allows(value: bytes) -> None:
    assert is_uri(value)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"http://",
        b"mailto:",
        b"javascript:x",
        b"file:///etc",
        b"ftp://a",
        b" http://a",
        b"http://a b",
        b"http://a\n",
        b"//a",
        b"http://a\\b",
        b"http://a<b>",
        b"http://\xe5",
        b'http://a"',
        b"http:/a",
        b"https://" + b"a" * 4089,
        b"data:text/html,x",
    ],
)
def test_uri_forbids(value: bytes) -> None:
    assert not is_uri(value)


def test_other_kinds() -> None:
    assert is_da(b"/F1 12 Tf 0 g") and is_da(b"a" * 1024) and not is_da(b"a" * 1025)
    assert not any(is_da(bytes([byte])) for byte in [*range(0x20), *b"()<>[]{}%\\", *range(0x7F, 256)])
    assert is_ascii(b"Adobe (1)") and is_ascii(b"a" * 127) and not is_ascii(b"a" * 128) and not is_ascii(b"\x1f")
    assert (
        is_lang(b"")
        and is_lang(b"ja-JP-x-1")
        and not any(map(is_lang, [b"-", b"ja-", b"j2", b"abcdefghi", b"ja\n", b"ja_JP"]))
    )
    assert is_ident(b"A+b.c,_-9") and not any(map(is_ident, [b"", b"a b", b"a#", b"a" * 64, b"a\n"]))


def test_flate_takes_exactly_one_stream() -> None:
    packed = zlib.compress(b"abc" * 1000)
    assert Inflater(3000).inflate(packed) == b"abc" * 1000
    assert Inflater(3000).measure(packed) == 3000
    assert Inflater(0).inflate(zlib.compress(b"")) == b""


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (zlib.compress(b"abc") + b"\0", "flate-trailing-bytes"),
        (zlib.compress(b"abc")[:-1], "flate-truncated"),
        (zlib.compress(b"abc")[:-1] + b"\0", "flate-invalid"),
        (zlib.compress(b"abc")[2:-4], "flate-invalid"),
        (b"", "flate-truncated"),
        (b"\x79" + zlib.compress(b"abc")[1:], "flate-invalid"),
        (zlib.compress(bytes(3001)), "inflated-too-large"),
        (zlib.compress(bytes(5_000_000)), "inflated-too-large"),
    ],
)
def test_flate_rejects(data: bytes, code: str) -> None:
    with pytest.raises(Violation) as caught:
        Inflater(3000).inflate(data)
    assert caught.value.code == code


def test_flate_rejects_a_preset_dictionary() -> None:
    machine = zlib.compressobj(zdict=b"abcabc")
    with pytest.raises(Violation, match="flate-invalid"):
        Inflater(100).inflate(machine.compress(b"abcabc") + machine.flush())


def test_budget_is_shared_by_all_streams() -> None:
    inflater = Inflater(5)
    inflater.inflate(zlib.compress(b"abc"))
    with pytest.raises(Violation, match="inflated-too-large"):
        inflater.measure(zlib.compress(b"abc"))
