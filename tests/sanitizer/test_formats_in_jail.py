"""Every registered format goes all the way: jailed rebuild, jailed verification, jailed thumbnail."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import Literal

import pikepdf
import pytest
from PIL import Image
from support.heic_samples import PHOTO
from support.jails import examine, started
from support.media_samples import MISSING, mp3, wav
from support.received_pdf import benign

from sanitizer.formats import FORMATS as REGISTERED
from sanitizer.kinds import CONTAINERS, output_name
from sanitizer.supervisor import Supervisor
from sanitizer.verdict import Treatment
from sanitizer.verify import VERIFIERS

# types without a thumbnail, whose pages LibreOffice lays out: see the tests of each in the jail
OFFICE = ("sanitizer.formats.ooxml", "sanitizer.formats.odf", "sanitizer.formats.legacy", "sanitizer.formats.metafile")
RECODED = ("sanitizer.formats.media.recoded",)  # what ffmpeg reads: see test_media_in_jail
# containers are made of members of these formats: see test_archive
FORMATS = {
    mime: module
    for mime, module in REGISTERED.items()
    if not module.startswith(OFFICE + RECODED) and mime not in CONTAINERS
}
PNG_START = b"\x89PNG\r\n\x1a\n"


def _picture(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(buffer, kind)
    return buffer.getvalue()


def _pdf() -> bytes:
    buffer = io.BytesIO()
    with pikepdf.new() as document:
        document.add_blank_page(page_size=(200, 200))
        page = document.pages[0]
        page.Contents = document.make_stream(b"1 0 0 rg 20 20 100 100 re f")
        document.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
        document.save(buffer)
    return buffer.getvalue()


HTML = "<!DOCTYPE html><title>お知らせ</title><p onclick='x()'>休館日<script>x()</script>"
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>x()</script><text>庁舎</text><circle r="4" onclick="x()"/></svg>'
CALENDAR = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:会議\r\nX-A:1\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
CARD = "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=SHIFT_JIS;ENCODING=QUOTED-PRINTABLE:=8D=B2=93=A1\r\nEND:VCARD\r\n"
SAMPLES: dict[str, bytes] = {
    "application/pdf": _pdf(),
    "application/xhtml+xml": HTML.encode(),
    "audio/mpeg": mp3(6),
    "audio/wav": wav(),
    "image/avif": _picture("AVIF"),
    "image/bmp": _picture("BMP"),
    "image/gif": _picture("GIF"),
    "image/heif": PHOTO,
    "image/jpeg": _picture("JPEG"),
    "image/png": _picture("PNG"),
    "image/svg+xml": SVG.encode(),
    "image/tiff": _picture("TIFF"),
    "image/webp": _picture("WEBP"),
    "text/calendar": CALENDAR.encode("cp932"),
    "text/csv": "品名,数\r\nりんご,=1+1\r\n".encode("cp932"),
    "text/html": HTML.encode("cp932"),
    "text/plain": "霞ヶ浜市のお知らせ\n".encode("euc_jp"),
    "text/tab-separated-values": "品名\t数\nりんご\t3\n".encode("utf-16"),
    "text/vcard": CARD.encode(),
}

# what leaves as another type
LEAVES_AS = {"application/xhtml+xml": "text/html", "image/heif": "image/jpeg"}
# what nothing here draws
NOT_DRAWN = {"application/xhtml+xml", "image/svg+xml"} | {
    mime for mime in FORMATS if mime.startswith(("text/", "audio/"))
}


@pytest.fixture(scope="module")
def supervisor() -> Iterator[Supervisor]:
    with started(Supervisor(strict=True)) as supervisor:
        yield supervisor


def test_every_format_has_a_sample_and_a_verifier() -> None:
    assert FORMATS.keys() == SAMPLES.keys()
    assert {LEAVES_AS.get(mime, mime) for mime in FORMATS} <= VERIFIERS.keys()


@pytest.mark.parametrize("treatment", ["rebuild", "flatten"])
@pytest.mark.parametrize("mime", FORMATS)
async def test_a_sample_is_released_verified_and_drawn(supervisor: Supervisor, mime: str, treatment: Treatment) -> None:
    if (mime, treatment) == ("audio/mpeg", "flatten") and MISSING:
        pytest.skip(f"MP3 is encoded anew by ffmpeg: apt-get install {MISSING}")
    examined = await examine(supervisor, SAMPLES[mime], name=output_name("見本", mime), treatment=treatment)
    verdict = examined.verdict
    assert verdict.outcome == "released", verdict
    assert verdict.output is not None
    assert examined.output is not None
    os.close(examined.output)
    assert (verdict.input.type, verdict.output.type) == (mime, LEAVES_AS.get(mime, mime))
    assert verdict.verified is not None
    assert verdict.verified.ok
    if mime not in NOT_DRAWN:
        assert examined.thumbnail is not None
        assert examined.thumbnail.startswith(PNG_START)


@pytest.mark.parametrize("mime", FORMATS)
async def test_half_a_sample_has_a_verdict_too(supervisor: Supervisor, mime: str) -> None:
    half = SAMPLES[mime][: len(SAMPLES[mime]) // 2]
    examined = await examine(supervisor, half, name=output_name("見本", mime))
    assert examined.verdict.code in ("released", "unreadable", "no-page", "unknown-type"), examined.verdict
    if examined.output is not None:
        os.close(examined.output)


@pytest.mark.parametrize("mime", FORMATS)
async def test_pass_serves_what_came_and_draws_it_from_a_rebuilt_copy(supervisor: Supervisor, mime: str) -> None:
    examined = await examine(supervisor, SAMPLES[mime], name=output_name("見本", mime), treatment="pass")
    assert (examined.verdict.outcome, examined.output) == ("released", None)
    assert (examined.thumbnail is not None) == (mime not in NOT_DRAWN)


def _encrypted(revision: Literal[2, 3, 4, 6], user: str) -> bytes:
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(benign())) as document:
        aes = revision > 3
        document.save(buffer, encryption=pikepdf.Encryption(user=user, owner="x", R=revision, aes=aes, metadata=aes))
    return buffer.getvalue()


@pytest.mark.parametrize("user", ["", "himitsu"])
@pytest.mark.parametrize("revision", [2, 3, 4, 6])
async def test_an_encrypted_pdf_leaves_as_the_plain_one_does(
    supervisor: Supervisor, revision: Literal[2, 3, 4, 6], user: str
) -> None:
    password = user or None
    plain = await examine(supervisor, benign(), name="a.pdf")
    examined = await examine(supervisor, _encrypted(revision, user), name="a.pdf", password=password)
    for each in (plain, examined):
        assert each.output is not None
        os.close(each.output)
    kinds = {change.kind for change in examined.verdict.changed}
    assert kinds == {change.kind for change in plain.verdict.changed} | {"encryption"}
    assert examined.verdict.removed == plain.verdict.removed


async def test_a_broken_encrypted_pdf_is_not_pieced_together(supervisor: Supervisor) -> None:
    broken = _encrypted(6, "").replace(b"/Root", b"/Toor").replace(b"/Type /Catalog", b"/Type /Nothing")
    examined = await examine(supervisor, broken, name="a.pdf")
    assert examined.verdict.outcome == "refused"
    assert examined.output is None
