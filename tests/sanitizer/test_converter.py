"""The place where LibreOffice works: shut, bounded, killed on time; and what it draws and lays out for others."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator

import psutil
import pytest
from PIL import Image
from support.jails import examine, released, started
from support.legacy_samples import RTF, needs_converter
from support.metafile_samples import emf
from support.ooxml_samples import in_paragraph, paragraph, word

from sanitizer import intake, program_probes
from sanitizer.conversion import Reading
from sanitizer.converter import Converter, NotConverted
from sanitizer.formats.package.metafiles import Metafiles
from sanitizer.limits import Limits
from sanitizer.probes import PROBES
from sanitizer.recipes import RECIPES, Recipe
from sanitizer.self_check import probe_converter
from sanitizer.supervisor import Supervisor, Unavailable
from sanitizer.wire import Answer, Status

PICTURE = (
    '<w:r><w:drawing><wp:inline><wp:extent cx="1800000" cy="900000"/><wp:docPr id="1" name="a"/><a:graphic>'
    '<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic><pic:nvPicPr>'
    '<pic:cNvPr id="1" name="a"/><pic:cNvPicPr/></pic:nvPicPr><pic:blipFill><a:blip r:embed="rId1"/></pic:blipFill>'
    '<pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="1800000" cy="900000"/></a:xfrm>'
    '<a:prstGeom prst="rect"/></pic:spPr></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>'
)
OUTSIDE = """
import sys
from sanitizer.program_probes import PROGRAM_PROBES
for name in ("list-root", "file-write", "fill-memory"):
    PROGRAM_PROBES[name]({"pid": 1})
"""


@pytest.fixture(scope="module")
def supervisor() -> Iterator[Supervisor]:
    with started(Supervisor(strict=True)) as supervisor:
        yield supervisor


def with_metafile() -> bytes:
    """A document with a metafile in it, twice."""
    draft = word(paragraph("庁舎") + in_paragraph(PICTURE) + in_paragraph(PICTURE))
    draft.add("word/media/image1.emf", emf()).relate("word/document.xml", "image", "media/image1.emf")
    return draft.data()


def drawn(data: bytes) -> Image.Image:
    """The only picture of a package."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        names = [name for name in package.namelist() if "/media/" in name]
        assert len(names) == 1
        return Image.open(io.BytesIO(package.read(names[0])))


async def convert(recipe: Recipe, limits: Limits, data: bytes = RTF) -> int:
    """The size of what comes out."""
    converter, source, output = Converter(), os.memfd_create("source"), intake.new_output(limits.max_output)
    try:
        os.write(source, data)
        return (await converter.convert(source, len(data), output, recipe, limits)).size
    finally:
        converter.close_now()
        os.close(source)
        os.close(output)


@needs_converter
def test_every_way_out_of_the_room_is_shut() -> None:
    probed = probe_converter()
    assert probed is not None
    assert (probed.isolation, probed.escaped) == ("bubblewrap", ())
    assert probed.blocked == tuple(program_probes.PROGRAM_PROBES)
    assert set(PROBES) < set(probed.blocked)


def test_the_ways_of_its_own_are_open_outside() -> None:
    subprocess.run([sys.executable, "-c", OUTSIDE], check=True, cwd="/tmp")


@needs_converter
async def test_the_clock_kills_all_of_it() -> None:
    converter = Converter()
    await converter.prepared()
    source, output = os.memfd_create("source"), intake.new_output(1 << 20)
    os.write(source, RTF)
    try:
        for limits, code in ((Limits(wall_seconds=0.2), "timeout"), (Limits(cpu_seconds=0), "timeout")):
            with pytest.raises(NotConverted) as no:
                await converter.convert(source, len(RTF), output, RECIPES["rtf-docx"], limits)
            assert no.value.code == code
        task = asyncio.create_task(converter.convert(source, len(RTF), output, RECIPES["rtf-docx"], Limits()))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    finally:
        converter.close_now()
        os.close(source)
        os.close(output)
    assert [one.name() for one in psutil.Process().children(recursive=True) if one.name() == "soffice.bin"] == []


@needs_converter
async def test_an_end_in_the_middle_is_no_verdict() -> None:
    supervisor = Supervisor(strict=True)
    with started(supervisor):
        await supervisor.converter.prepared()
        under_way = asyncio.create_task(examine(supervisor, RTF, name="a.rtf"))
        await asyncio.sleep(0.3)
        supervisor.converter.close_now()
        with pytest.raises(Unavailable):
            await under_way


@needs_converter
async def test_an_output_has_its_largest_size() -> None:
    with pytest.raises(NotConverted) as no:
        await convert(RECIPES["rtf-docx"], Limits(max_output=2000))
    assert no.value.code == "output-too-large"


@needs_converter
async def test_what_it_is_not_is_not_opened() -> None:
    with pytest.raises(NotConverted, match="unreadable"):
        await convert(RECIPES["xls-xlsx"], Limits(), b"\x89PNG\r\n\x1a\n" + bytes(100))


@pytest.mark.parametrize("answer", [Answer(Status.CONVERT, "rtf-exe", size=3), Answer(Status.CONVERT, "rtf-docx")])
async def test_a_jail_that_asks_for_something_else_is_not_listened_to(answer: Answer) -> None:
    reading = Reading(-1, 0, "a.rtf")
    with pytest.raises(NotConverted, match="impossible conversion"):
        await reading.convert(Converter(), answer, intake.new_output(100), Limits())
    reading.close()


@needs_converter
async def test_a_metafile_is_drawn_where_it_stands(supervisor: Supervisor) -> None:
    examined = await examine(supervisor, with_metafile(), name="a.docx")
    verdict = examined.verdict
    assert (verdict.code, verdict.isolation) == ("released", "bubblewrap"), verdict
    assert {change.kind for change in verdict.changed} == {"metafile-picture"}
    assert examined.output is not None
    picture = drawn(os.pread(examined.output, 1 << 20, 0)).convert("RGBA")
    os.close(examined.output)
    width, height = picture.size
    assert abs(width / height - 2) < 0.05
    assert picture.getpixel((width * 3 // 4, height // 2)) == (0, 0, 0, 255)
    assert picture.getpixel((width // 4, height // 2)) in ((255, 255, 255, 0), (255, 255, 255, 255))


@needs_converter
async def test_a_metafile_alone_leaves_as_png(supervisor: Supervisor) -> None:
    picture = Image.open(io.BytesIO(await released(supervisor, emf(), name="a.emf")))
    assert (picture.format, round(picture.width / picture.height, 1)) == ("PNG", 2.0)


async def test_a_metafile_keeps_its_place_where_nothing_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sanitizer.converter._PLACES", ())
    with started(Supervisor(strict=True)) as bare:
        examined = await examine(bare, with_metafile(), name="a.docx")
        assert {change.kind for change in examined.verdict.removed} == {"metafile"}
        assert examined.output is not None
        assert drawn(os.pread(examined.output, 1 << 20, 0)).size == (1, 1)
        os.close(examined.output)
        flat = await examine(bare, word(paragraph("a")).data(), name="a.docx", treatment="flatten")
        alone = await examine(bare, emf(), name="a.emf")
    assert (flat.verdict.code, alone.verdict.code) == ("unsupported-flatten", "unsupported-image")


@needs_converter
async def test_flatten_lays_out_the_rebuilt_file(supervisor: Supervisor) -> None:
    letter = word(paragraph("霞ヶ浜市")).data()
    examined = await examine(supervisor, letter, name="a.docx", treatment="flatten", text=True)
    verdict = examined.verdict
    assert verdict.output is not None, verdict
    assert (verdict.output.name, verdict.output.type) == ("a.pdf", "application/pdf")
    assert "flattened" in {change.kind for change in verdict.changed}
    assert examined.text is not None
    assert "霞ヶ浜市" in examined.text
    assert examined.output is not None
    os.close(examined.output)


def test_metafiles_are_counted_and_bounded() -> None:
    metafiles = Metafiles()
    assert [metafiles.picture(data) for data in (emf(), emf(), b"\x1f\x8bnonsense", b"GIF89a")] == [None] * 4
    assert len(metafiles.found) == 1
    metafiles.take(b"no document")
    assert metafiles.picture(emf()) is None
