"""Section 5 of the grammar: data of streams, each rule kept and broken one at a time."""

from __future__ import annotations

import re
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.canonical_pdf import MINIMAL, Obj, stream, write
from support.pdf_samples import (
    ADOBE,
    BF,
    CFF,
    CID,
    CMAP,
    CMAP_END,
    CMAP_START,
    CODESPACE,
    JFIF,
    JPEG,
    RICH,
    SCAN,
    SFNT,
    TO_UNICODE,
    TYPE1,
    TYPE1_CLEAR,
    UCS,
    frame,
    icc,
    index,
    segment,
    sfnt,
)

from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.pdf import verify
from sanitizer.verify.pdf.fonts import check_cff, check_sfnt
from sanitizer.verify.pdf.functions import check_calculator, check_icc
from sanitizer.verify.pdf.images import check_jpeg

LIMITS = Limits()


def page_with(data: bytes) -> bytes:
    """A file whose page has this content."""
    page = MINIMAL["Page"].but(Contents="@Content")
    return write({**MINIMAL, "Page": page, "Content": stream(data, flate=True)})


def assert_accepted(data: bytes) -> None:
    verify(page_with(data), LIMITS)


def assert_content_rejected(data: bytes, code: str, limits: Limits = LIMITS) -> None:
    with pytest.raises(Violation) as caught:
        verify(page_with(data), limits)
    assert caught.value.code == code


OPERATORS = re.split(
    " ",
    "b B b* B* BT c cm CS cs d d0 d1 Do EMC ET f F f* G g gs h i j J K k l M m n q Q re RG rg ri s S SC sc SCN scn sh"
    " T* Tc Td TD Tf Tj TJ TL Tm Tr Ts Tw Tz v w W W* y ' \"",
)


@pytest.mark.parametrize("operator", [name for name in OPERATORS if name != "EMC"])
def test_operators(operator: str) -> None:
    name = operator.encode()
    for good in (
        name,
        b"1 2 " + name,
        b"3 " + name,
        name + b" " + name,
        name + b"/F",
        name + b"(a)",
        name + b"<41>",
        name + b"[1]",
    ):
        assert_accepted(good)
    for bad in (
        name + b"0",
        name + b"-",
        b"1" + name,
        name + b"x",
        name + b"!",
        name + b"\x80",
        name + b"{",
        name + b"%",
    ):
        if bad.decode("latin-1") not in OPERATORS:
            assert_content_rejected(bad, "content-token")


@settings(deadline=None)
@given(st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01*'\"", min_size=1, max_size=4))
def test_no_other_word_is_an_operator(word: str) -> None:
    expected = (word in OPERATORS and word != "EMC") or not word.strip("01")
    if expected:
        assert_accepted(word.encode())
    else:
        with pytest.raises(Violation):
            verify(page_with(word.encode()), LIMITS)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" \0\t\n\f\r",
        b"1 w",
        b"1/N(a)2<41>3[4]5 w",
        b"+1.5.-3 w",
        b"(a(b(c))d\\)\\(\\\\)Tj",
        b"((",  # replaced below
        b"<4 1\n>Tj",
        b"<>Tj",
        b"[(a)-5<41>/N]TJ",
        b"]][[",
        b"/Name#20 gs",
        b"/ gs",
        b"/P BMC EMC",
        b"/P\t\nBMC/Q BMC EMC EMC",
        b"/P <</MCID 0>> BDC EMC",
        b"/P <</ActualText (a)>> BDC EMC",
        b"/P <</ActualText <feff65e5>>> BDC EMC",
        b"/P <</ActualText () /MCID 2147483647>> BDC EMC",
        b"q/P BMC Q EMC",
        b"1/P BMC 1 EMC",
        b"(%)Tj",
    ],
)
def test_content_allows(data: bytes) -> None:
    assert_accepted(b"((x))" if data == b"((" else data)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"% comment", "content-token"),
        (b"q %\n Q", "content-token"),
        (b"{ 1 }", "content-token"),
        (b"BX EX", "content-token"),
        (b"/P MP", "content-token"),
        (b"/P <</MCID 0>> DP", "content-token"),
        (b"1w", "content-token"),
        (b"39c02", "content-token"),
        (b"/P BMC 1EMC", "content-token"),
        (b"true", "content-token"),
        (b"null", "content-token"),
        (b"1 0 R", "content-token"),
        (b"<</A 1>>", "content-token"),
        (b">>", "content-token"),
        (b">", "content-token"),
        (b"<4g>", "content-token"),
        (b"<41", "content-token"),
        (b"(a", "content-string"),
        (b"(a(b)", "content-string"),
        (b"(a\\)", "content-string"),
        (b")", "content-token"),
        (b"\x80", "content-token"),
        (b"qQ", "content-token"),
        (b"BMC", "content-token"),
        (b"1 BMC EMC", "content-token"),
        (b"/P 1 BMC EMC", "content-token"),
        (b"/P BMCx EMC", "content-token"),
        (b"/PBMC EMC", "content-marks"),
        (b"/P BDC EMC", "content-token"),
        (b"/P /MC0 BDC EMC", "content-token"),
        (b"/P<</MCID 0>> BDC EMC", "content-token"),
        (b"/P  <</MCID 0>> BDC EMC", "content-token"),
        (b"/P <</MCID 0>>BDC EMC", "content-token"),
        (b"/P <</MCID 00>> BDC EMC", "content-token"),
        (b"/P <</MCID -1>> BDC EMC", "content-token"),
        (b"/P <</MCID 2147483648>> BDC EMC", "integer-too-large"),
        (b"/P <<>> BDC EMC", "content-token"),
        (b"/P <</Lang (ja)>> BDC EMC", "content-token"),
        (b"/P <</MCID 0 /ActualText (a)>> BDC EMC", "content-token"),
        (b"/P <</ActualText (a(b))>> BDC EMC", "content-token"),
        (b"/P <</ActualText <61>>> BDC EMC", "string-spelling"),
        (b"/P <</ActualText (<script>)>> BDC EMC", "content-actual-text"),
        (b"/OC BMC EMC", "content-optional"),
        (b"/OC /MC0 BDC EMC", "content-token"),
        (b"/OC <</MCID 0>> BDC EMC", "content-optional"),
        (b"/O#43 <</MCID 0>> BDC EMC", "content-optional"),
        (b"/P#20 BMC EMC", "content-optional"),
        (b"EMC", "content-marks"),
        (b"/P BMC", "content-marks"),
        (b"/P BMC EMC EMC /P BMC", "content-marks"),
        (b"EMC /P BMC", "content-marks"),
        (b"/P BMC EMCx", "content-token"),
        (b"EI", "content-token"),
        (b"BI", "content-token"),
        (b"ID", "content-token"),
    ],
)
def test_content_forbids(data: bytes, code: str) -> None:
    assert_content_rejected(data, code)


def test_content_without_filter_and_in_forms_and_glyphs_and_tilings() -> None:
    for name in ("Content", "Form", "StampForm", "Tiling", "Glyph"):
        for flate in (False, True):
            verify(write({**RICH, name: Obj(RICH[name].entries, b"q Q", flate)}), LIMITS)
            with pytest.raises(Violation, match="content-token"):
                verify(write({**RICH, name: Obj(RICH[name].entries, b"q BX", flate)}), LIMITS)


@settings(deadline=None)
@given(st.binary(max_size=30))
def test_content_scanner_never_fails_otherwise(data: bytes) -> None:
    try:
        verify(page_with(data), LIMITS)
    except Violation as violation:
        assert violation.code != "unverifiable"


INLINE = b"BI /BPC 8 /CS /G /F /AHx /H 2 /W 3 ID 0001020a0bff>\nEI"


@pytest.mark.parametrize(
    "data",
    [
        INLINE,
        b"q " + INLINE + b" Q",
        b"(a)" + INLINE,
        b"BI /F /AHx /H 1 /IM true /W 9 ID ffff>\nEI",
        b"BI /D [1 0] /F /AHx /H 1 /I true /IM true /W 9 ID ffff>\nEI",
        b"BI /BPC 1 /CS [/I /RGB 1 <000000ffffff>] /F /AHx /H 1 /W 8 ID ff>\nEI",
        b"BI /BPC 8 /CS /Cs1 /F /AHx /H 1 /W 1 ID ffffffffffff>\nEI",
        b"BI /F /AHx /H 1 /W 1 ID >\nEI",
        b"BI /BPC 8 /CS /CMYK /F /AHx /H 1 /W 1 ID ffffffff>\nEI",
        b"BI /BPC 8 /CS /G /F [/AHx /DCT] /H 1 /W 1 ID " + JPEG.hex().encode() + b">\nEI",
        b"BI /DP [null <</ColorTransform 0>>] /F [/AHx /DCT] /H 1 /W 1 ID " + JPEG.hex().encode() + b">\nEI",
        b"BI /DP [null <</Columns 8 /K -1>>] /F [/AHx /CCF] /H 1 /IM true /W 8 ID 00>\nEI",
    ],
)
def test_inline_images_allow(data: bytes) -> None:
    assert_accepted(data)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (INLINE.replace(b"ff>", b"ff00>"), "inline-image-size"),
        (INLINE.replace(b"ff>", b"f>"), "inline-image"),
        (INLINE.replace(b"ff>", b"FF>"), "inline-image"),
        (INLINE.replace(b"ff>", b"f f>"), "inline-image"),
        (INLINE.replace(b">\nEI", b">EI"), "inline-image"),
        (INLINE.replace(b">\nEI", b">\n EI"), "inline-image"),
        (INLINE + b"x", "inline-image"),
        (INLINE.replace(b"ID ", b"ID\n"), "inline-image"),
        (INLINE.replace(b"BI ", b"BI\n"), "content-token"),
        (b"1" + INLINE, "content-token"),
        (INLINE.replace(b"/BPC 8", b"/BPC 3"), "inline-image"),
        (INLINE.replace(b"/BPC 8 ", b""), "inline-image-size"),
        (INLINE.replace(b"/BPC 8 /CS /G", b"/CS /G /BPC 8"), "inline-image"),
        (INLINE.replace(b"/BPC", b"/BitsPerComponent"), "inline-image"),
        (INLINE.replace(b"/AHx", b"/Fl"), "inline-image"),
        (INLINE.replace(b"/AHx", b"[/AHx]"), "inline-image"),
        (INLINE.replace(b"/AHx", b"[/AHx /Fl]"), "inline-image"),
        (INLINE.replace(b"/H 2", b"/H 0"), "too-many-pixels"),
        (INLINE.replace(b"/H 2", b"/H -2"), "inline-image"),
        (INLINE.replace(b"/H 2", b"/H 2.0"), "inline-image"),
        (INLINE.replace(b"/H 2", b"/H 02"), "inline-image"),
        (INLINE.replace(b"/H 2", b"/H 100000000"), "too-many-pixels"),
        (INLINE.replace(b"/H 2", b"/H 2147483648"), "integer-too-large"),
        (INLINE.replace(b"/H 2", b"/H 2 /I false"), "inline-image"),
        (INLINE.replace(b"/F /AHx", b"/DP [null <</K 0>>] /F /AHx"), "inline-image-size"),
        (INLINE.replace(b"/F /AHx", b"/DP [null <<>>] /F [/AHx /CCF]"), "bad-value"),
        (INLINE.replace(b"/F /AHx", b"/DP [null <</K 0>>] /F [/AHx /DCT]"), "unknown-key"),
        (INLINE.replace(b"/F /AHx", b"/DP [null <</A 1>>] /F [/AHx /CCF]"), "unknown-key"),
        (INLINE.replace(b"/F /AHx", b"/DP [null <</Rows 1 /K 0>>] /F [/AHx /CCF]"), "key-order"),
        (INLINE.replace(b"/F /AHx", b"/F [/AHx /DCT]"), "jpeg-start"),
        (INLINE.replace(b"/G", b"/#47"), "inline-image"),
        (INLINE.replace(b"/G", b"[/I /RGB 256 ()]"), "inline-image-palette"),
        (INLINE.replace(b"/G", b"[/I /G 0 (ab)]"), "inline-image-palette"),
        (INLINE.replace(b"/G", b"[/I /RGB 0 <616263>]"), "string-spelling"),
        (INLINE.replace(b"/G", b"[/Indexed /RGB 0 (abc)]"), "inline-image"),
    ],
)
def test_inline_images_forbid(data: bytes, code: str) -> None:
    assert_content_rejected(data, code)


def rejected(
    name: str, code: str, *, data: bytes | None = None, flate: bool | None = None, **entries: str | None
) -> None:
    """RICH with one stream replaced is rejected with this code."""
    item = RICH[name].but(**entries)
    changed = Obj(item.entries, item.data if data is None else data, item.flate if flate is None else flate)
    with pytest.raises(Violation) as caught:
        verify(write({**RICH, name: changed}), LIMITS)
    assert caught.value.code == code


def accepted(name: str, data: bytes, **entries: str | None) -> None:
    item = RICH[name].but(**entries)
    verify(write({**RICH, name: Obj(item.entries, data, item.flate)}), LIMITS)


def test_images() -> None:
    accepted("Gray", b"")
    accepted("Gray", bytes(5))
    accepted("Fax", b"anything")
    rejected("Gray", "image-size", data=bytes(7))
    rejected("SoftMask", "image-size", data=bytes(5))
    rejected("Stencil", "image-size", data=bytes(2))
    rejected("Predicted", "image-size", data=bytes(9))
    rejected("Gray", "too-many-pixels", Width="100000", Height="100000")
    rejected("Gray", "bad-value", Width="0")
    rejected("Gray", "bad-value", ColorSpace="/Pattern")
    rejected("Gray", "bad-value", ColorSpace="[/Pattern /DeviceRGB]")
    rejected("Gray", "bad-value", BitsPerComponent="3")
    rejected("Gray", "missing-key", BitsPerComponent=None)
    rejected("Gray", "missing-key", ColorSpace=None)
    rejected("Photo", "missing-key", ColorSpace="/DeviceGray")
    rejected("Fax", "missing-key", ColorSpace=None)
    rejected("Gray", "unknown-key", Alternates="[]")
    rejected("Gray", "unknown-key", SMaskInData="1")
    rejected("SoftMask", "unknown-key", SMask="@Gray")
    rejected("SoftMask", "unknown-key", StructParent="1")
    rejected("Stencil", "unknown-key", ColorSpace="/DeviceGray")
    rejected("Stencil", "bad-value", ImageMask="false")
    rejected("Stencil", "bad-value", BitsPerComponent="8")
    rejected("Photo", "bad-value", Filter="/JPXDecode")
    rejected("Photo", "bad-value", Filter="[/DCTDecode]")
    rejected("Photo", "jpeg-start", data=b"")
    rejected("Gray", "missing-key", DecodeParms="<</Predictor 15>>")
    rejected("Gray", "bad-value", DecodeParms="<</Colors 33 /Columns 1 /Predictor 15>>")
    rejected("Gray", "bad-value", DecodeParms="<</Colors 1 /Columns 1 /Predictor 1>>")
    rejected("Gray", "unknown-key", DecodeParms="<</Colors 1 /Columns 1 /EarlyChange 1 /Predictor 15>>")
    rejected("Gray", "bad-value", DecodeParms="<<>>")
    rejected("Fax", "unknown-key", DecodeParms="<</JBIG2Globals @ICC>>")
    rejected("Stencil", "bad-value", DecodeParms="<</Colors 1 /Columns 1 /Predictor 15>>")
    rejected("Gray", "flate-trailing-bytes", data=zlib.compress(bytes(6)) + b"x", flate=False, Filter="/FlateDecode")


@pytest.mark.parametrize(
    ("space", "count"),
    [
        ("/DeviceGray", 1),
        ("/DeviceRGB", 3),
        ("/DeviceCMYK", 4),
        ("[/CalGray <</WhitePoint [1 1 1]>>]", 1),
        ("[/CalRGB <</WhitePoint [1 1 1]>>]", 3),
        ("[/Lab <</WhitePoint [1 1 1]>>]", 3),
        ("[/ICCBased @ICC]", 3),
        ("[/Indexed [/ICCBased @ICC] 0 (abc)]", 1),
        ("[/Separation /Gold /DeviceCMYK @Sampled]", 1),
        ("[/DeviceN [/A /B] /DeviceCMYK @Sampled]", 2),
    ],
)
def test_image_rows_follow_the_colour_space(space: str, count: int) -> None:
    for bits, row in (("1", -(-3 * count // 8)), ("8", 3 * count), ("16", 6 * count)):
        accepted("Gray", bytes(2 * row), ColorSpace=space, BitsPerComponent=bits)
        rejected("Gray", "image-size", data=bytes(2 * row + 1), ColorSpace=space, BitsPerComponent=bits)


def test_palette_is_measured_by_its_base() -> None:
    for base, count in (("[/ICCBased @ICC]", 3), ("[/DeviceN [/A /B] /DeviceCMYK @Sampled]", 2), ("/DeviceCMYK", 4)):
        accepted("Gray", b"", ColorSpace=f"[/Indexed {base} 1 ({'a' * 2 * count})]")
        rejected("Gray", "bad-value", ColorSpace=f"[/Indexed {base} 1 ({'a' * (2 * count + 1)})]")


@pytest.mark.parametrize(
    "data",
    [
        JPEG,
        b"\xff\xd8"
        + segment(0xC2, frame(9, 9))
        + segment(0xC4, b"")
        + SCAN
        + segment(0xDD, b"\0\1")
        + SCAN
        + b"\xff\xd9",
        b"\xff\xd8" + segment(0xC1, frame(1, 1)) + segment(0xDA, b"") + b"\xff\xd9",
    ],
)
def test_jpeg_allows(data: bytes) -> None:
    check_jpeg(data, LIMITS, "")


FRAME = segment(0xC0, frame(1, 1))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "jpeg-start"),
        (JPEG[1:], "jpeg-start"),
        (JPEG[:-1], "jpeg-segment"),
        (JPEG[:-2], "jpeg-segment"),
        (JPEG + b"\0", "jpeg-segment"),
        (JPEG + JPEG, "jpeg-segment"),
        (JPEG + b"\xff\xd9", "jpeg-segment"),
        (b"\xff\xd8\xff\xd9", "jpeg-frame"),
        (b"\xff\xd8" + FRAME + FRAME + SCAN + b"\xff\xd9", "jpeg-frame"),
        (b"\xff\xd8" + FRAME + segment(0xC2, frame(1, 1)) + b"\xff\xd9", "jpeg-frame"),
        (b"\xff\xd8\xff" + FRAME + b"\xff\xd9", "jpeg-segment"),
        (b"\xff\xd8" + FRAME + b"\xff\xda\0\1\xff\xd9", "jpeg-segment"),
        (b"\xff\xd8" + FRAME + b"\xff\xda\xff\xff\xff\xd9", "jpeg-segment"),
        (b"\xff\xd8" + FRAME + SCAN + b"\xff\x01\xff\xd9", "jpeg-segment"),
        (b"\xff\xd8" + FRAME + SCAN + b"\xff\xff\xd9", "jpeg-segment"),
        (b"\xff\xd8" + segment(0xC0, frame(0, 1)) + b"\xff\xd9", "jpeg-segment"),
        (b"\xff\xd8" + segment(0xC0, frame(65535, 65535)) + b"\xff\xd9", "jpeg-segment"),
        (b"\xff\xd8" + segment(0xC0, frame(1, 1)[:5]) + b"\xff\xd9", "jpeg-segment"),
        (b"\xff\xd8" + FRAME + JFIF[:-2] + b"\1\0" + b"\xff\xd9", "jpeg-segment"),
        (b"\xff\xd8" + FRAME + segment(0xE0, b"JFXX\0" + bytes(9)) + b"\xff\xd9", "jpeg-segment"),
        (b"\xff\xd8" + FRAME + segment(0xE0, b"JFIF\0" + bytes(10)) + b"\xff\xd9", "jpeg-segment"),
        (b"\xff\xd8" + FRAME + ADOBE[:-1] + b"\xff\xd9", "jpeg-segment"),
        (b"\xff\xd8" + FRAME + segment(0xEE, b"Ad0be" + bytes(7)) + b"\xff\xd9", "jpeg-segment"),
        *((b"\xff\xd8" + FRAME + segment(marker, b"x") + b"\xff\xd9", "jpeg-segment") for marker in range(0xE1, 0xEE)),
        *(
            (b"\xff\xd8" + FRAME + segment(marker, b"x") + b"\xff\xd9", "jpeg-segment")
            for marker in (0xFE, 0xC3, 0xC9, 0xCC)
        ),
    ],
)
def test_jpeg_forbids(data: bytes, code: str) -> None:
    with pytest.raises(Violation) as caught:
        check_jpeg(data, LIMITS, "")
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (TO_UNICODE.replace(b"12 dict", b"13 dict"), "cmap-head"),
        (b"%!\n" + TO_UNICODE, "cmap-head"),
        (TO_UNICODE.replace(b"(UCS)", b"(UCT)"), "cmap-head"),
        (TO_UNICODE.replace(b"begincmap\n", b"begincmap\n/Identity-H usecmap\n"), "cmap-head"),
        (TO_UNICODE.replace(b"Type 2 def\n", b"Type 2 def\n/WMode 0 def\n"), "cmap-tail"),
        (TO_UNICODE + b"\n", "cmap-tail"),
        (TO_UNICODE[:-1], "cmap-tail"),
        (TO_UNICODE.replace(b"endcmap", b"(x) run\nendcmap"), "cmap-tail"),
        (CMAP_START + UCS + CID + CMAP_END, "cmap-section"),
        (CMAP_START + UCS + BF.replace(b"2 beginbfchar", b"1 beginbfchar") + CMAP_END, "cmap-section"),
        (CMAP_START + UCS + BF.replace(b"2 beginbfchar", b"3 beginbfchar") + CMAP_END, "cmap-section"),
        (CMAP_START + UCS + BF.replace(b"endbfchar", b"endbfrange") + CMAP_END, "cmap-section"),
        (CMAP_START + UCS + BF.replace(b"<0041>", b"<004>") + CMAP_END, "cmap-section"),
        (CMAP_START + UCS + BF.replace(b"<0041>", b"<004A>") + CMAP_END, "cmap-section"),
        (CMAP_START + UCS + BF.replace(b"<0041>", b"/A") + CMAP_END, "cmap-section"),
        (CMAP_START + UCS + BF.replace(b"<0041>", b"<" + b"00" * 513 + b">") + CMAP_END, "cmap-section"),
        (CMAP_START + UCS + BF.replace(b"<0001>", b"<0000000001>") + CMAP_END, "cmap-section"),
        (CMAP_START + UCS + BF.replace(b"<0001>", b"<>") + CMAP_END, "cmap-section"),
        (CMAP_START + UCS + BF.replace(b"[<00410042> <>]", b"[]") + CMAP_END, "cmap-section"),
        (CMAP_START + UCS + BF.replace(b"> <", b">  <") + CMAP_END, "cmap-section"),
        (CMAP_START + UCS + b"0 beginbfchar\nendbfchar\n" + CMAP_END, "cmap-tail"),
        (CMAP_START + UCS + b"101 beginbfchar\n" + b"<00> <00>\n" * 101 + b"endbfchar\n" + CMAP_END, "cmap-tail"),
    ],
)
def test_to_unicode_forbids(data: bytes, code: str) -> None:
    rejected("ToUnicode", code, data=data)


def test_to_unicode_allows() -> None:
    accepted("ToUnicode", CMAP_START + UCS + CMAP_END)
    full = b"100 beginbfchar\n" + b"<00> <" + b"00" * 512 + b">\n" + b"<00> <00>\n" * 99 + b"endbfchar\n"
    accepted("ToUnicode", CMAP_START + UCS + full + full + CMAP_END)


def test_cmap() -> None:
    accepted("CMap", CMAP.replace(b"/WMode 0 def\n", b"/WMode 1 def\n"), WMode="1")
    accepted("CMap", CMAP.replace(b"/WMode 0 def\n", b""), WMode=None)
    accepted("CMap", CMAP.replace(b"/Identity-H usecmap\n", b""), UseCMap=None)
    accepted("CMap", CMAP.replace(b"cidchar", b"notdefchar").replace(b"cidrange", b"notdefrange"))
    rejected("CMap", "cmap-tail", WMode=None)
    rejected("CMap", "cmap-head", WMode="1")
    rejected("CMap", "cmap-head", UseCMap=None)
    rejected("CMap", "cmap-head", UseCMap="/Identity-V")
    rejected("CMap", "cmap-head", CMapName="/Other")
    rejected("CMap", "cmap-head", CIDSystemInfo="<</Ordering (Japan1) /Registry (Adobe) /Supplement 6>>")
    rejected("CMap", "cmap-section", data=CMAP.replace(b"65535", b"65536"))
    rejected("CMap", "cmap-section", data=CMAP.replace(b"65535", b"00"))
    rejected("CMap", "cmap-section", data=CMAP.replace(CODESPACE, BF))
    rejected("CMap", "cmap-head", data=CMAP.replace(b"Type 1 def", b"Type 2 def"))


@pytest.mark.parametrize(
    "data", [b"{ }", b"{ { } { } ifelse }", b"{ -0.5 2147483647 add }", b"{ " * 32 + b"} " * 31 + b"}"]
)
def test_calculator_allows(data: bytes) -> None:
    check_calculator(data, 1)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"{ } ",
        b" { }",
        b"{  }",
        b"{ } { }",
        b"{ { }",
        b"{ } }",
        b"1 { }",
        b"{ } 1",
        b"{ 2147483648 }",
        b"{ 01 }",
        b"{ run }",
        b"{ (a) }",
        b"{ /a }",
        b"{ 1 }\n",
        b"{\n}",
        b"{ " * 33 + b"} " * 32 + b"}",
        b"}",
        b"{",
        b"} {",
    ],
)
def test_calculator_forbids(data: bytes) -> None:
    with pytest.raises(Violation):
        check_calculator(data, 1)


def test_icc() -> None:
    for space, count in ((b"GRAY", 1), (b"RGB ", 3), (b"Lab ", 3), (b"CMYK", 4)):
        check_icc(icc(space), {b"N": count}, 1)
        for other in {1, 3, 4} - {count}:
            with pytest.raises(Violation, match="icc-space"):
                check_icc(icc(space), {b"N": other}, 1)
    tag = struct.pack(">4sII", b"desc", 144, 4)
    check_icc(icc(b"GRAY", tag + b"abcd", 1), {b"N": 1}, 1)
    for bad, code in (
        (icc(b"GRAY", tag + b"abc", 1), "icc-tags"),
        (icc(b"GRAY", tag, 2), "icc-tags"),
        (icc(b"GRAY", b"", 1), "icc-tags"),
        (icc(b"GRAY") + b"\0", "icc-header"),
        (icc(b"GRAY")[:-1], "icc-header"),
        (icc(b"GRAY").replace(b"acsp", b"acsq"), "icc-header"),
        (icc(b"HSV "), "icc-space"),
        (b"", "icc-header"),
    ):
        with pytest.raises(Violation, match=code):
            check_icc(bad, {b"N": 1}, 1)
    rejected("ICC", "icc-space", data=icc(b"GRAY"))
    rejected("ICC", "bad-value", N="2")


def test_type1() -> None:
    for matrix in (
        b"/FontMatrix {1 0 0 1 0 0}",
        b"/FontMatrix[.1 -2. +3e5 4E-5 0 0]",
        b"/FontMatrix [ 1 0 0 1 0 0 ]def",
        b"/FontMatrix \n[1\n0 0 1 0 0]",
    ):
        accepted("FontFile", b"%!" + matrix + b"\x80", Length1=str(2 + len(matrix)), Length2="1", Length3="0")
    accepted("FontFile", b"%!", Length1="2", Length2="0", Length3="0")
    # what is encrypted is not looked at
    accepted("FontFile", b"%!/FontMatrix (x)", Length1="2", Length2="15", Length3="0")
    for matrix in (
        b"[1 0 0 1 0]",
        b"[1 0 0 1 0 0 0]",
        b"[1 0 0 1 0 (x)]",
        b"[1 0 0 1 0 0",
        b"(alert)",
        b"",
        b"[1 0 0 1 0 a]",
        b"[ 1e 0 0 1 0 0]",
    ):
        clear = b"%!/FontMatrix " + matrix
        rejected("FontFile", "type1-matrix", data=clear, Length1=str(len(clear)), Length2="0", Length3="0")
    rejected("FontFile", "type1-lengths", data=TYPE1 + b"0")
    rejected("FontFile", "type1-lengths", data=b"X" + TYPE1[1:])
    rejected("FontFile", "type1-lengths", Length1=str(len(TYPE1_CLEAR) + 1))


@pytest.mark.parametrize(
    "data",
    [
        SFNT,
        sfnt({b"cvt ": b""}, b"true"),
        sfnt({b"CFF ": b"x", b"GPOS": b"12345", b"OS/2": b"", b"head": b"1234"}, b"OTTO"),
    ],
)
def test_sfnt_allows(data: bytes) -> None:
    check_sfnt(data, 1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "sfnt-header"),
        (sfnt({b"head": b""}, b"ttcf"), "sfnt-header"),
        (sfnt({b"head": b""}, b"OTTo"), "sfnt-header"),
        (sfnt({b"glyf": b"", b"head": b""})[:-1], "sfnt-header"),
        (SFNT[:6] + b"\0\0" + SFNT[8:], "sfnt-header"),
        (SFNT[:4] + b"\0\0" + bytes(6) + SFNT[12:], "sfnt-header"),
        (sfnt({b"head": b"", b"glyf": b""}), "sfnt-tag"),
        (sfnt({b"SVG ": b""}), "sfnt-tag"),
        (sfnt({b"meta": b""}), "sfnt-tag"),
        (SFNT.replace(b"glyf", b"head"), "sfnt-tag"),
        (SFNT + bytes(4), "sfnt-layout"),
        (SFNT[:-1], "sfnt-layout"),
        (SFNT.replace(b"abc\0", b"abc\1"), "sfnt-layout"),
        (SFNT.replace(b"abc\0", b"abc\0\0\0\0\0"), "sfnt-layout"),
        (SFNT[:20] + b"\0\0\0\x2d" + SFNT[24:], "sfnt-layout"),
    ],
)
def test_sfnt_forbids(data: bytes, code: str) -> None:
    with pytest.raises(Violation) as caught:
        check_sfnt(data, 1)
    assert caught.value.code == code


def test_font_files() -> None:
    rejected("FontFile2", "sfnt-header", data=b"%!", Length1="2")
    rejected("FontFile2", "sfnt-length", Length1="1")
    rejected("OpenType", "sfnt-header", data=CFF)
    rejected("FontFile3", "cff-header", data=SFNT)
    rejected("FontFile3", "cff-header", Subtype="/Type1C", data=b"")


@pytest.mark.parametrize(
    "data",
    [
        CFF,
        CFF + b"rest",
        b"\1\0\5\1\0" + CFF[4:],
        b"\1\0\4\1" + index(b"A", b"B") + index(b"", b"0") + index(b"x") + index(),
    ],
)
def test_cff_allows(data: bytes) -> None:
    check_cff(data, 1)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\2" + CFF[1:],
        b"\1\0\3\1" + CFF[4:],
        CFF[:-1],
        b"\1\0\4\1" + index() + index() + index() + index(),
        b"\1\0\4\1" + index(b"A") + index() + index() + index(),
        b"\1\0\4\1" + index(b"A") + index(b"0", b"1") + index() + index(),
        b"\1\0\4\1" + b"\0\1\0\1\2A" + CFF[10:],
        b"\1\0\4\1" + b"\0\1\5\1\2A" + CFF[10:],
        b"\1\0\4\1" + b"\0\1\1\2\2A" + CFF[10:],
        b"\1\0\4\1" + b"\0\2\1\1\3\2AB" + index(b"", b"") + index() + index(),
        b"\1\0\4\1" + b"\xff\xff\4",
        b"\1\0\4\1" + b"\0\1\1\1\xff",
        b"\1\0\xff\1" + CFF[4:],
    ],
)
def test_cff_forbids(data: bytes) -> None:
    with pytest.raises(Violation):
        check_cff(data, 1)


def test_large_content_is_fast_and_flat() -> None:
    """Ten megabytes go through the scanner without recursion or back-tracking."""
    operators = b"BT /F1 12 Tf 1 0 0 1 72.5 700.25 Tm [(Hello) -20.5 (World\\)) 3] TJ <00ab> Tj ET\n"
    assert_accepted(operators * 20_000)
    assert_content_rejected(b"(" * 1_000_000, "content-string")
    assert_accepted(b"(" * 100_000 + b")" * 100_000)


def test_raw_streams_still_inflate_exactly() -> None:
    for name in ("Mesh", "Sampled", "Palette", "GidMap"):
        rejected(name, "flate-truncated", data=zlib.compress(b"abc")[:-2], Filter="/FlateDecode")
        verify(write({**RICH, name: Obj(RICH[name].entries, b"abc", True)}), LIMITS)


def test_lookup_and_other_roles_do_not_mix() -> None:
    shared = {**RICH, "CIDFont": RICH["CIDFont"].but(CIDToGIDMap="@Palette")}
    with pytest.raises(Violation, match="unreachable"):
        verify(write(shared), LIMITS)
    mixed = {**RICH, "CIDFont": RICH["CIDFont"].but(CIDToGIDMap="@ToUnicode")}
    with pytest.raises(Violation, match="two-roles"):
        verify(write(mixed), LIMITS)
