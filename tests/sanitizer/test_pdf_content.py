"""Content streams: plain ones stay byte for byte, others are mended so that the verifier accepts them."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pdf_readers import everything_in, pixels, rebuilt, text
from support.received_pdf import Draft, group4, picture

PIECES = [
    b"BT", b"ET", b"/F1 9 Tf", b"(a)Tj", b"((a)(b))Tj", b"(\\(", b"(", b")", b"<41>Tj", b"<4", b">", b"<<", b">>",
    b"[", b"]", b"[(a)-5(b)]TJ", b"{", b"}", b"% no", b"\n", b"q", b"Q", b"1 0 0 1 5 5 cm", b"0 0 9 9 re", b"f",
    b"12w", b"1.5.2 w", b"true", b"/P <</MCID 0>> BDC", b"/P<</MCID 1/ActualText(x<script)>>BDC", b"/OC /L1 BDC",
    b"/P BMC", b"EMC", b"/X MP", b"BX", b"EX", b"/P /Q DP", b"/A/B", b"BI /W 1 /H 1 /BPC 8 /CS /G ID ", b"x EI",
    b"EI", b"ID", b"BI", b"/#00 BMC", b"\\", b"\x80\xff", b"nonsense",
]  # fmt: skip


def content_of(data: bytes) -> bytes:
    """All that stands in the rebuilt file, streams decoded."""
    return everything_in(rebuilt(bytes(Draft(data))).data)


@pytest.mark.parametrize(
    "plain",
    [
        b"q 1 0 0 1 5 5 cm 0 0 50 50 re f Q",
        b"BT/F1 9 Tf[(a)-5(b(c)d)]TJ<414243>Tj(\\)\\\\)' ET",
        b"/P <</MCID 0>> BDC\n/F1 9 Tf\nEMC",
        b"/Span <</ActualText <feff3042> /MCID 3>> BDC EMC /Artifact BMC EMC",
    ],
)
def test_plain_content_stays_byte_for_byte(plain: bytes) -> None:
    assert plain in content_of(plain)


@pytest.mark.parametrize(
    ("given_content", "wanted"),
    [
        (b"q % secret\nQ", b"q  \nQ"),
        (b"1 0 0 RG nonsense 0 0 m", b"1 0 0 RG /Span BMC EMC 0 0 m"),
        (b"5 39c02 0 m", b"5 /Span BMC EMC 0 m"),
        (b"q BX Q EX", b"q /Span BMC EMC Q /Span BMC EMC"),
        (b"(a)) Tj", b"(a) []  Tj"),
        (b"/P << /MCID 4 /Secret (x) >> BDC q", b"/P <</MCID 4>> BDC q\nEMC"),
        (b"EMC q", b"  q"),
        (b"(never closed \\", b"(never closed \\\\)"),
        (b"/OC /Unknown BDC q EMC", b"/Span BMC q EMC"),
    ],
)
def test_other_content_is_mended(given_content: bytes, wanted: bytes) -> None:
    assert wanted in content_of(given_content)


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30), st.sampled_from([b" ", b"\n", b""]))
def test_whatever_is_in_the_content_the_output_is_in_the_grammar(pieces: list[bytes], between: bytes) -> None:
    rebuilt(bytes(Draft(between.join(pieces))))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_as_content_give_output_in_the_grammar(data: bytes) -> None:
    rebuilt(bytes(Draft(data)))


def samples() -> bytes:
    """The samples of the picture."""
    return picture("RGB").tobytes()


@pytest.mark.parametrize(
    ("keys", "data"),
    [
        (b"/CS/RGB/BPC 8", samples()),
        (b"/CS/RGB/BPC 8/F/Fl", zlib.compress(samples())),
        (b"/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter[/AHx/Fl]", zlib.compress(samples()).hex().encode() + b">"),
        (b"/IM true/D[1 0]", picture("1").tobytes()),
        (b"/CS[/Indexed/DeviceRGB 1 <ff000000ff00>]/BPC 1", picture("1").tobytes()),
        (b"/CS/G/BPC 1/F/CCF/DP<</K -1/Columns 40/Rows 24>>", group4()),
    ],
    ids=["raw", "flate", "hex and flate", "mask", "indexed", "ccitt"],
)
def test_inline_images_stay(keys: bytes, data: bytes) -> None:
    content = b"q 80 0 0 48 20 20 cm BI/W 40/H 24" + keys + b" ID " + data + b"\nEI Q 0 0 9 9 re f"
    original = bytes(Draft(content))
    result = rebuilt(original)
    assert result.removed == []
    assert pixels(result.data) == pixels(original)
    assert b"ID " in everything_in(result.data) and b">\nEI Q" in everything_in(result.data)


def test_bytes_hidden_behind_inline_samples_go() -> None:
    data = zlib.compress(picture("L").tobytes() + b"SECRET")
    content = b"q 80 0 0 48 20 20 cm BI/W 40/H 24/CS/G/BPC 8/F/Fl ID " + data + b"\nEI Q"
    result = rebuilt(bytes(Draft(content)))
    assert b"SECRET".hex().encode() not in everything_in(result.data)
    assert pixels(result.data) == pixels(bytes(Draft(content)))


def test_text_after_an_inline_image_stays() -> None:
    content = b"BI/W 1/H 1/CS/G/BPC 8 ID \x00 EI BT /F1 12 Tf 20 20 Td (after) Tj ET"
    assert "after" in text(rebuilt(bytes(Draft(content))).data)
