"""Pages as pictures with their text behind them; thumbnails from pixels."""

from __future__ import annotations

import io

from PIL import Image, ImageFilter
from pypdf import PdfReader
from support.pdf_readers import everything_in, keys_and_names, pixels, rebuilt, text, whole
from support.received_pdf import JAPANESE, TEXT, Draft, benign, everything

from sanitizer.formats.pdf import thumbnail
from sanitizer.limits import Limits


def mean_difference(a: tuple[tuple[int, int], bytes], b: tuple[tuple[int, int], bytes]) -> float:
    """Mean absolute difference of the samples of two pictures of one size."""
    assert a[0] == b[0]
    return sum(abs(x - y) for x, y in zip(a[1], b[1], strict=True)) / len(a[1])


def test_a_flattened_page_is_a_picture_that_looks_the_same() -> None:
    original = everything()
    flat = rebuilt(original, "flatten")
    assert mean_difference(pixels(flat.data), pixels(original)) < 3
    page = PdfReader(io.BytesIO(flat.data)).pages[0]
    assert set(whole(page["/Resources"])) == {"/Font", "/XObject"}
    assert "/Annots" not in page
    assert b"SECRET" not in everything_in(flat.data)
    assert ("flattened", 1) in [(change.kind, change.count) for change in flat.changed]


def test_a_flattened_page_keeps_its_text() -> None:
    found = text(rebuilt(benign("japanese_text"), "flatten").data)
    assert TEXT in found
    assert JAPANESE in found


def test_the_text_is_where_it_was() -> None:
    d = Draft(b"BT /F1 14 Tf 20 160 Td (left) Tj 200 -100 Td (right) Tj ET")
    found: list[tuple[str, int, int]] = []
    page = PdfReader(io.BytesIO(rebuilt(bytes(d), "flatten").data)).pages[0]

    def visit(piece: str, _cm: list[float], tm: list[float], _font: object, _size: float) -> None:
        if piece.strip():
            found.append((piece.strip(), round(tm[4]), round(tm[5])))

    page.extract_text(visitor_text=visit)
    assert [word for word, _, _ in found] == ["left", "right"]
    assert abs(found[0][1] - 20) <= 2 and abs(found[1][1] - 220) <= 2
    assert abs(found[0][2] - found[1][2] - 100) <= 2


def test_a_page_without_text_has_no_font() -> None:
    flat = rebuilt(bytes(Draft(b"1 0 0 rg 0 0 150 200 re f")), "flatten")
    assert "/Tf" not in text(flat.data)
    assert "/Font" not in whole(PdfReader(io.BytesIO(flat.data)).pages[0]["/Resources"])


def test_text_pages_stay_small() -> None:
    line = b"The quick brown fox jumps. " * 3
    lines = b"".join(b"BT /F1 10 Tf 40 %d Td (%b) Tj ET\n" % (y, line) for y in range(40, 800, 14))
    flat = rebuilt(bytes(Draft(lines, size=(595, 842))), "flatten")
    assert len(flat.data) < 75_000


def test_a_small_seal_and_a_pale_ground_keep_their_colour() -> None:
    lines = b"".join(b"BT /F1 10 Tf 40 %d Td (The quick brown fox jumps.) Tj ET\n" % y for y in range(40, 800, 14))
    seal, ground = b"1 0 0 rg 500 700 14 14 re f\n", b"0.9 0.95 1 rg 300 100 100 200 re f\n"
    (width, height), data = pixels(rebuilt(bytes(Draft(ground + lines + seal, size=(595, 842))), "flatten").data)
    channels = len(data) // (width * height)
    for x, y, colour in ((507, 707, (255, 0, 0)), (350, 200, (230, 242, 255)), (550, 500, (255, 255, 255))):
        at = channels * (width * ((842 - y) * height // 842) + x * width // 595)
        assert all(abs(a - b) <= 24 for a, b in zip(data[at : at + 3], colour, strict=True)), (x, y, data[at : at + 3])


def test_a_rotated_page_keeps_its_orientation() -> None:
    d = Draft()
    d.page["Rotate"] = "90"
    flat = rebuilt(bytes(d), "flatten").data
    assert pixels(flat)[0] == (200, 300)
    assert TEXT.split()[0] in text(flat)


def test_photographs_become_jpeg() -> None:
    d = Draft(b"q 300 0 0 200 0 0 cm /Im0 Do Q")
    boxes = ((-2, -1, 1, 1), (-1, -1, 1, 1), (-1, 0, 1, 1))
    channels = [Image.effect_mandelbrot((300, 200), box, 60) for box in boxes]
    photo = Image.merge("RGB", channels).filter(ImageFilter.GaussianBlur(3)).tobytes()
    entries = "/Type/XObject/Subtype/Image/Width 300/Height 200/ColorSpace/DeviceRGB/BitsPerComponent 8"
    d.resource("XObject", "Im0", d.stream(entries, photo))
    assert "/DCTDecode" in keys_and_names(rebuilt(bytes(d), "flatten").data)


def test_a_thumbnail_is_a_small_png() -> None:
    png = thumbnail(rebuilt(benign()).data, Limits())
    assert png is not None
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        assert max(image.size) == 320 and abs(image.size[1] - 213) <= 1
        assert len(image.convert("RGB").getcolors(1 << 20) or []) > 2


def test_there_is_no_thumbnail_of_what_is_no_pdf() -> None:
    assert thumbnail(b"nonsense", Limits()) is None
