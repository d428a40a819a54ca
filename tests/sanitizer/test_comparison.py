"""How like its original a rebuilt file is: numbers and pictures out of jails, after the verdict."""

from __future__ import annotations

import hashlib
import io
import os
import struct
from collections.abc import Collection, Iterator
from dataclasses import replace

import docx
import pytest
from PIL import Image, ImageDraw
from support.jails import examine, started
from support.received_pdf import Draft, benign

from sanitizer.comparison import SIDES, Compared, Side, may_be_pictured
from sanitizer.converter import missing
from sanitizer.formats import pixels
from sanitizer.formats.base import Change, Drawing, Page
from sanitizer.formats.pixels import compared, packed, page_of, results, unpacked
from sanitizer.layouts import _RECIPES
from sanitizer.limits import Limits
from sanitizer.recipes import RECIPES
from sanitizer.supervisor import Supervisor
from sanitizer.verdict import FileFacts, Verdict, refused

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
STAMP = b"BT /F1 14 Tf 20 160 Td (Notice) Tj ET 0 0 1 rg 200 20 60 40 re f\n"
NO_STAMP = b"BT /F1 14 Tf 20 160 Td (Notice) Tj ET\n"


@pytest.fixture(scope="module")
def supervisor() -> Iterator[Supervisor]:
    with started(Supervisor()) as running:
        yield running


def memory(data: bytes) -> int:
    descriptor = os.memfd_create("test")
    os.write(descriptor, data)
    return descriptor


def facts(data: bytes, mime: str) -> FileFacts:
    return FileFacts("a", len(data), hashlib.sha256(data).hexdigest(), mime)


async def comparison(
    supervisor: Supervisor,
    original: bytes,
    rebuilt: bytes,
    *removed: Change,
    sides: Collection[Side] = SIDES,
    mime: str = PDF,
) -> Compared | None:
    """What is found of two files as if a verdict had bound them together."""
    verdict = Verdict("released", "released", facts(original, mime), "rebuild", facts(rebuilt, mime), removed)
    one, other = memory(original), memory(rebuilt)
    try:
        return await supervisor.compare(one, other, verdict, sides=sides)
    finally:
        os.close(one)
        os.close(other)


async def test_a_rebuilt_file_that_looks_the_same_is_like_it_to_the_last_pixel(supervisor: Supervisor) -> None:
    data = benign()
    examined = await examine(supervisor, data, name="a.pdf")
    assert examined.output is not None
    source = memory(data)
    found = await supervisor.compare(source, examined.output, examined.verdict)
    os.close(source)
    os.close(examined.output)
    assert found is not None
    assert found.report() == {"pages": 1, "of": 1, "mean": 1.0, "least": 1.0, "differing": [], "places": {}}
    assert found.pictures == ()


async def test_what_is_gone_is_found_with_its_place_and_shown_side_by_side(supervisor: Supervisor) -> None:
    found = await comparison(supervisor, bytes(Draft(STAMP)), bytes(Draft(NO_STAMP)))
    assert found is not None
    report = found.report()
    assert report["differing"] == [1]
    assert report["least"] < 0.98
    left, top, right, bottom = report["places"]["1"]
    assert 600 <= left <= 667 <= 866 <= right <= 930  # of a page of 300 × 200, from its left and its top
    assert 640 <= top <= 700 <= 900 <= bottom <= 960
    shown = {picture.side: Image.open(io.BytesIO(picture.png)).convert("RGB") for picture in found.pictures}
    assert shown["original"].getpixel((460, 320)) == (0, 0, 255)
    assert shown["rebuilt"].getpixel((460, 320)) == (255, 255, 255)


@pytest.mark.parametrize("change", [Change("hidden-layer", 1, "page 1"), Change("older-revision", 1)])
async def test_a_page_that_held_something_hidden_is_not_pictured(supervisor: Supervisor, change: Change) -> None:
    found = await comparison(supervisor, bytes(Draft(STAMP)), bytes(Draft(NO_STAMP)), change)
    assert found is not None
    assert found.report()["differing"] == [1]
    assert [picture.side for picture in found.pictures] == ["rebuilt"]


async def test_no_pictures_where_the_caller_wants_none(supervisor: Supervisor) -> None:
    found = await comparison(supervisor, bytes(Draft(STAMP)), bytes(Draft(NO_STAMP)), sides=())
    assert found is not None
    assert found.report()["differing"] == [1]
    assert found.pictures == ()


async def test_a_layer_that_is_off_is_not_in_the_picture_of_the_original(supervisor: Supervisor) -> None:
    """What a reader does not see on opening the file is not drawn: hidden content cannot leave as pixels."""
    draft = Draft(b"/OC /L BDC 1 0 0 rg 0 0 300 200 re f EMC\n" + STAMP)
    layer = draft.add("<</Type/OCG/Name(x)>>")
    draft.catalogue["OCProperties"] = f"<</OCGs[{layer}]/D<</OFF[{layer}]>>>>"
    draft.resources["Properties"] = {"L": layer}
    found = await comparison(supervisor, bytes(draft), bytes(Draft(NO_STAMP)))
    assert found is not None
    original = next(picture.png for picture in found.pictures if picture.side == "original")
    assert Image.open(io.BytesIO(original)).convert("RGB").getpixel((20, 20)) == (255, 255, 255)


async def test_a_picture_is_compared_as_it_is_shown(supervisor: Supervisor) -> None:
    upright = Image.linear_gradient("L").convert("RGB").crop((0, 0, 256, 128))
    turned = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.transpose(Image.Transpose.ROTATE_90).save(turned, "PNG", exif=exif)
    straight = io.BytesIO()
    upright.save(straight, "PNG")
    found = await comparison(supervisor, turned.getvalue(), straight.getvalue(), mime="image/png")
    assert found is not None
    assert found.report()["mean"] == 1.0


async def test_other_bytes_than_those_of_the_verdict_are_not_compared(supervisor: Supervisor) -> None:
    original, rebuilt = memory(bytes(Draft(STAMP))), memory(bytes(Draft(NO_STAMP)))
    verdict = Verdict("released", "released", facts(b"x", PDF), "rebuild", facts(bytes(Draft(NO_STAMP)), PDF))
    assert await supervisor.compare(original, rebuilt, verdict) is None
    assert await supervisor.compare(original, rebuilt, refused("empty", facts(b"", PDF), "rebuild")) is None
    os.close(original)
    os.close(rebuilt)


async def test_what_cannot_be_drawn_is_not_compared(supervisor: Supervisor) -> None:
    assert await comparison(supervisor, b"%PDF-1.4 nothing", bytes(Draft(NO_STAMP))) is None
    assert await comparison(supervisor, b"a,b\n", b"a,b\n", mime="text/csv") is None


async def test_a_page_that_is_missing_is_like_nothing(supervisor: Supervisor) -> None:
    frames = [Image.new("L", (32, 32), shade) for shade in (0, 90, 200)]
    three, two = io.BytesIO(), io.BytesIO()
    frames[0].save(three, "TIFF", save_all=True, append_images=frames[1:])
    frames[0].save(two, "TIFF", save_all=True, append_images=frames[1:2])
    found = await comparison(supervisor, three.getvalue(), two.getvalue(), mime="image/tiff")
    assert found is not None
    assert (found.of, [score.likeness for score in found.scores]) == (3, [1.0, 1.0, 0.0])
    assert found.report()["differing"] == [3]


async def test_a_long_file_is_compared_as_far_as_the_limit_goes(supervisor: Supervisor) -> None:
    frames = [Image.new("L", (16, 16), shade) for shade in range(0, 200, 10)]
    data = io.BytesIO()
    frames[0].save(data, "TIFF", save_all=True, append_images=frames[1:])
    before = supervisor.limits
    supervisor.limits = replace(before, compared_pages=11)
    try:
        found = await comparison(supervisor, data.getvalue(), data.getvalue(), mime="image/tiff")
    finally:
        supervisor.limits = before
    assert found is not None
    assert (len(found.scores), found.of) == (11, 20)


@pytest.mark.skipif(bool(missing()), reason=f"Office files are laid out by LibreOffice: apt-get install {missing()}")
async def test_office_files_are_laid_out_to_be_compared(supervisor: Supervisor) -> None:
    one, other = docx.Document(), docx.Document()
    for document in (one, other):
        document.add_paragraph("開庁時間を変更します。")
    one.add_paragraph("この段落は消えました。" * 20)
    files = []
    for document in (one, other):
        out = io.BytesIO()
        document.save(out)
        files.append(out.getvalue())
    verdict = Verdict("released", "released", facts(files[0], DOCX), "rebuild", facts(files[1], DOCX))
    hiding = replace(verdict, removed=(Change("tracked-change", 1, "sheet 3"),))
    descriptors = [memory(data) for data in files]
    try:
        assert await supervisor.compare(descriptors[0], descriptors[1], verdict) is None, (
            "it takes seconds, so it must be asked for"
        )
        found = await supervisor.compare(descriptors[0], descriptors[1], hiding, layout=True)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    assert found is not None
    assert found.report()["differing"] == [1]
    assert [picture.side for picture in found.pictures] == ["rebuilt"], "what was tracked away is not pictured"


def test_every_layout_is_a_recipe() -> None:
    assert all(RECIPES[name].target == "pdf" for name in _RECIPES.values())


def drawn(*boxes: tuple[int, int, int, int]) -> Page:
    image = Image.new("RGB", (200, 280), "white")
    pen = ImageDraw.Draw(image)
    for line in range(20, 260, 12):
        pen.rectangle((20, line, 180, line + 3), fill="black")
    for box in boxes:
        pen.rectangle(box, fill="gray")
    return page_of(image, 842)


def test_likeness_falls_with_what_is_different() -> None:
    page, little, much = drawn(), drawn((50, 50, 80, 80)), drawn((20, 20, 180, 200))
    assert compared(page, page) == (1.0, False, None)
    assert 0.9 < compared(page, little).likeness < 1
    assert compared(page, little).differs
    assert compared(page, much).likeness < 0.65
    assert compared(page, page_of(Image.new("RGB", (280, 200)), 842)).likeness == 0.0


def test_slight_noise_is_no_difference() -> None:
    page = drawn()
    noisy = bytes(value ^ (4 * (at % 5 == 0)) for at, value in enumerate(page.rgb))
    score = compared(page, Page(page.width, page.height, noisy))
    assert 0.98 < score.likeness < 1
    assert not score.differs


def test_a_drawing_travels_as_numbers_and_pixels_alone() -> None:
    drawing = Drawing(5, [drawn(), page_of(Image.new("L", (3, 9)), 842)])
    data = packed(drawing)
    assert unpacked(data, Limits()) == drawing
    for broken in (b"", data[:-1], data + b"x", b"X" + data[1:], data[:12], struct.pack("<4sII", b"SKP1", 1, 9)):
        with pytest.raises(ValueError, match=r"head|page|length"):
            unpacked(broken, Limits())


def test_the_trusting_side_knows_the_layout_of_scores() -> None:
    found = results(Drawing(1, [drawn()]), Drawing(1, [drawn((50, 50, 80, 80))]))
    likeness, differs, *box = struct.unpack("<IB4H", found)
    assert (likeness < pixels.WHOLE, differs, len(found)) == (True, 1, pixels.PER_PAGE)
    assert box[0] < box[2] <= 1000


def test_what_was_hidden_decides_about_pictures() -> None:
    assert may_be_pictured(2, [Change("javascript", 1, "page 2"), Change("hidden-layer", 1, "page 1")])
    assert not may_be_pictured(1, [Change("hidden-layer", 1, "page 1")])
    assert not may_be_pictured(7, [Change("hidden-content", 1)])
    assert not may_be_pictured(1, [Change("javascript", 1)] * 200), "the list may be cut short"
