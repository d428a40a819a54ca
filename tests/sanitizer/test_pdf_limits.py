"""Bad input ends in a refusal with a code, or in a sound file, quickly; it never hangs and never grows."""

from __future__ import annotations

import io
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pdf_readers import pixels, rebuilt, text
from support.received_pdf import TEXT, Draft, benign, everything, picture, show, written

from sanitizer.formats.base import NeedsPassword, Refused
from sanitizer.formats.pdf import thumbnail
from sanitizer.limits import Limits

SECONDS = 5.0  # CPU that one bomb may take


@contextmanager
def refused(code: str) -> Iterator[None]:
    """The body is refused with ``code`` in time."""
    start = time.process_time()
    with pytest.raises(Refused) as caught:
        yield
    assert caught.value.code == code
    assert time.process_time() - start < SECONDS


def test_no_bytes_are_no_pdf() -> None:
    with refused("unreadable"):
        rebuilt(b"")


@pytest.mark.parametrize("data", [b"%PDF-1.7\n", b"MZ" + bytes(999), b"%PDF-1.4\n%%EOF", b"\0" * 4096])
def test_no_pdf_is_refused(data: bytes) -> None:
    with refused("unreadable"):
        rebuilt(data)


def test_a_pdf_without_pages_is_refused() -> None:
    with refused("no-page"):
        rebuilt(written({1: b"<</Type/Catalog/Pages 2 0 R>>", 2: b"<</Type/Pages/Kids[]/Count 0>>"}))


def test_a_form_without_pages_is_refused_as_such() -> None:
    with refused("no-page"):
        rebuilt(b"%PDF-1.4\n1 0 obj<</Type/Catalog/AcroForm<</XFA(x)>>>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF")


def test_a_page_tree_without_kids_is_recovered() -> None:
    original = bytes(Draft()).replace(b"/Kids[3 0 R]", b"/Nope[3 0 R]")
    result = rebuilt(original)
    assert TEXT in text(result.data)
    assert "page-tree" in [change.kind for change in result.changed]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.95])
def test_truncated_files_are_recovered_or_refused(share: float) -> None:
    data = everything()
    try:
        rebuilt(data[: int(len(data) * share)])
    except Refused as refusal:
        assert refusal.code in ("unreadable", "no-page")


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 255)), max_size=40))
def test_damaged_files_are_recovered_or_refused(damage: list[tuple[int, int]]) -> None:
    data = bytearray(everything())
    for at, value in damage:
        data[at % len(data)] = value
    with suppress(Refused, NeedsPassword):
        rebuilt(bytes(data))


def encrypted(user: str, owner: str) -> bytes:
    """A benign document, encrypted."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(benign("links", "form"))) as pdf:
        pdf.save(out, encryption=pikepdf.Encryption(user=user, owner=owner))
    return out.getvalue()


def test_an_empty_password_opens() -> None:
    result = rebuilt(encrypted("", "owner"))
    assert TEXT in text(result.data)
    assert "encryption" in [change.kind for change in result.changed]


def test_a_password_is_asked_for() -> None:
    with pytest.raises(NeedsPassword) as caught:
        rebuilt(encrypted("secret", "owner"))
    assert not caught.value.wrong


def test_a_wrong_password_is_told_apart() -> None:
    with pytest.raises(NeedsPassword) as caught:
        rebuilt(encrypted("secret", "owner"), password="wrong")
    assert caught.value.wrong


@pytest.mark.parametrize("password", ["secret", "owner"])
def test_the_right_password_opens(password: str) -> None:
    data = encrypted("secret", "owner")
    result = rebuilt(data, password=password)
    assert pixels(result.data) == pixels(data, password="secret")


def nested_flate(times: int) -> bytes:
    """Zeros, deflated again and again."""
    data = bytes(64 << 20)
    for _ in range(times):
        data = zlib.compress(data, 9)
    return data


@pytest.mark.parametrize("times", [1, 2])
def test_a_deflate_bomb_is_refused(times: int) -> None:
    d = Draft()
    filters = "/FlateDecode" * times
    d.resource("XObject", "X", d.stream(f"/Subtype/Form/BBox[0 0 1 1]/Filter[{filters}]", nested_flate(times)))
    with refused("bomb"):
        rebuilt(bytes(d))


def test_one_stream_used_two_thousand_times_is_refused() -> None:
    d = Draft()
    content = d.stream("", zlib.compress(b"0 0 m 1 1 l S\n" * 80_000, 1), flate=False)
    body = d.objects[int(content.split()[0])].replace(b"/Length", b"/Filter/FlateDecode/Length")
    d.objects[int(content.split()[0])] = body
    d.page["Contents"] = f"[{f'{content} ' * 2000}]"
    with refused("bomb"):
        rebuilt(bytes(d).replace(b"/Contents 4 0 R", b""), limits=replace(Limits(), max_inflated=100 << 20))


def test_too_many_pixels_are_refused() -> None:
    d = Draft()
    show(d, "/ColorSpace/DeviceGray/BitsPerComponent 8", bytes(100), flate=True)
    with refused("too-many-pixels"):
        rebuilt(bytes(d).replace(b"/Width 40/Height 24", b"/Width 99999/Height 2400"))


def test_too_many_pages_are_refused() -> None:
    d = Draft()
    d.kids *= 50
    data = bytes(d)
    with refused("too-many-pages"):
        rebuilt(data, limits=replace(Limits(), max_pages=49))
    assert len(rebuilt(data, limits=replace(Limits(), max_pages=50)).data) < 10_000


def test_a_page_tree_that_branches_without_end_is_refused() -> None:
    levels = {n: b"<</Type/Pages/Kids[%b]>>" % (b"%d 0 R " % (n + 1) * 40) for n in range(2, 20)}
    with refused("bomb"):
        rebuilt(written({1: b"<</Type/Catalog/Pages 2 0 R>>", **levels, 20: b"<</Kids[]>>"}))


def test_a_page_tree_that_loops_ends() -> None:
    d = Draft()
    d.kids = ["2 0 R", "3 0 R", "2 0 R"]
    assert TEXT in text(rebuilt(bytes(d)).data)


def test_forms_that_contain_themselves_end() -> None:
    d = Draft()
    own = f"{d._next} 0 R"
    d.stream(f"/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X {own}>>>>", b"/X Do")
    d.resource("XObject", "X", own)
    assert TEXT in text(rebuilt(bytes(d)).data)


def test_loops_of_outlines_actions_fields_and_structure_end() -> None:
    d = Draft()
    n = d._next
    d.add(f"<</Title(a)/Next {n} 0 R/First {n} 0 R>>")
    d.catalogue["Outlines"] = f"<</First {n} 0 R>>"
    d.add(f"<</S/JavaScript/JS(x)/Next[{n + 1} 0 R {n + 1} 0 R]>>")
    d.annotate(f"/Subtype/Link/Rect[0 0 1 1]/A {n + 1} 0 R")
    d.add(f"<</T(a)/Kids[{n + 3} 0 R]/Parent {n + 3} 0 R>>")
    d.fields.append(f"{n + 3} 0 R")
    d.add(f"<</S/P/K[{n + 4} 0 R]/P {n + 4} 0 R>>")
    d.catalogue["StructTreeRoot"] = f"<</K {n + 4} 0 R>>"
    d.add(f"<</FunctionType 3/Functions[{n + 5} 0 R]/Domain[0 1]/Bounds[]/Encode[0 1]>>")
    d.resource("Shading", "S", f"<</ShadingType 2/ColorSpace/DeviceGray/Coords[0 0 1 1]/Function {n + 5} 0 R>>")
    d.add(f"[/Indexed {n + 6} 0 R 1 <0000>]")
    d.resource("ColorSpace", "C", f"{n + 6} 0 R")
    assert TEXT in text(rebuilt(bytes(d)).data)


def test_deep_nesting_is_refused_or_cut() -> None:
    d = Draft()
    d.page["Deep"] = "[" * 400 + "]" * 400
    d.annotate("/Subtype/Text/Rect[0 0 1 1]/InkList " + "[" * 300 + "]" * 300)
    assert TEXT in text(rebuilt(bytes(d)).data)


def test_samples_beyond_the_picture_are_cut_off() -> None:
    d = Draft()
    show(d, "/ColorSpace/DeviceRGB/BitsPerComponent 8", picture("RGB").tobytes() + bytes(100_000), flate=True)
    original = bytes(d)
    result = rebuilt(original)
    assert [change.kind for change in result.removed] == ["stream-slack"]
    assert pixels(result.data) == pixels(original)


def test_an_image_that_cannot_be_decoded_paints_nothing() -> None:
    d = Draft()
    show(d, "/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode", b"no JPEG")
    result = rebuilt(bytes(d))
    assert [change.kind for change in result.removed] == ["image"]
    assert pixels(result.data) == pixels(bytes(Draft()))


def test_one_page_listed_thousands_of_times_is_refused() -> None:
    d = Draft()
    d.kids *= 5000
    with refused("bomb"):
        rebuilt(bytes(d))


def test_functions_made_of_functions_end() -> None:
    d = Draft()
    n = d._next
    for i in range(20):
        parts = f"{n + i + 1} 0 R " * 200
        numbers = f"/Domain[0 1]/Bounds[{'0 ' * 199}]/Encode[{'0 1 ' * 200}]"
        d.add(f"<</FunctionType 3{numbers}/Functions[{parts}]>>")
    d.resource("Shading", "S", f"<</ShadingType 2/ColorSpace/DeviceGray/Coords[0 0 1 1]/Function {n} 0 R>>")
    start = time.process_time()
    assert TEXT in text(rebuilt(bytes(d)).data)
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize(
    "content",
    [b"BI " * 200_000, b"(" * 500_000, b"/A/B" * 200_000, b"<<" * 200_000, b"1" * 500_000 + b"a", b"BMC EMC " * 50_000],
    ids=["images", "strings", "names", "dictionaries", "digits", "marks"],
)
def test_hostile_content_takes_linear_time(content: bytes) -> None:
    start = time.process_time()
    rebuilt(bytes(Draft(content)))
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize("piece", [b"<", b"beginbfrange <41><42>[", b"beginbfchar ", b"<41><42>"])
def test_hostile_cmaps_take_linear_time(piece: bytes) -> None:
    d = Draft()
    data = zlib.compress(b"beginbfrange" + piece * 100_000)
    cmap = d.stream("/Filter/FlateDecode", data)
    d.resource("Font", "F2", f"<</Type/Font/Subtype/Type1/BaseFont/F/ToUnicode {cmap}>>")
    start = time.process_time()
    rebuilt(bytes(d))
    assert time.process_time() - start < SECONDS


def test_a_thumbnail_of_a_vast_page_is_small() -> None:
    png = thumbnail(rebuilt(bytes(Draft(size=(14_400, 10)))).data, Limits())
    assert png is not None and len(png) < 10_000
