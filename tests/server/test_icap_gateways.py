"""Real gateways: squid with downloads of a program and of a browser and uploads through it, and c-icap's client."""

from __future__ import annotations

import asyncio
import io
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pikepdf
import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import async_playwright
from support.icap import Answer, Gateway, respmod
from support.installation import Installation, installed
from support.serving import Serving, free_port
from support.squid import Site, needs_squid, origin, squid

pytestmark = pytest.mark.asyncio(loop_scope="module")
C_ICAP = shutil.which("c-icap-client")
CHROMIUM = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)
HTML = b"<!doctype html><title>page</title><p>hello</p>" + b"<!-- -->" * 1000
EXE = b"MZ" + b"\x90" * 5000


def scripted_pdf() -> bytes:
    """A page with a script that runs when it is opened."""
    written = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        script = pikepdf.Dictionary(S=pikepdf.Name("/JavaScript"), JS="app.alert('secret place')")
        pdf.Root.OpenAction = pdf.make_indirect(script)
        pdf.save(written)
    return written.getvalue()


def photo() -> bytes:
    image = Image.new("RGB", (64, 48), (200, 120, 40))
    exif = image.getexif()
    exif[0x010E] = "secret place"
    written = io.BytesIO()
    image.save(written, "JPEG", exif=exif)
    return written.getvalue()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    extra = '[icap]\nzone = "lgwan"\nhost = "127.0.0.1"\nport = 0\n'
    async with installed(tmp_path_factory.mktemp("icap") / "data", extra=extra, people=False) as running:
        yield running


def icap_port(town: Installation) -> int:
    assert town.application.icap_socket is not None
    return int(town.application.icap_socket.getsockname()[1])


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with origin() as site:
        site.pages = {
            "/": ("text/html", b'<a id="pdf" download href="/report.pdf">pdf</a><a id="exe" href="/tool.exe">exe</a>'),
            "/long.html": ("text/html", HTML),
            "/report.pdf": ("application/pdf", scripted_pdf()),
            "/photo": ("image/jpeg", photo()),
            "/tool.exe": ("application/octet-stream", EXE),
            "/disguised.html": ("text/html", scripted_pdf()),
        }
        yield site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def proxy(town: Installation, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    running = squid(tmp_path_factory.mktemp("squid"), icap_port(town))
    address = await asyncio.to_thread(running.__enter__)
    try:
        yield address
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


def through(proxy: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(proxy=proxy, timeout=30, trust_env=False)


@needs_squid
async def test_what_a_program_downloads_is_rebuilt(town: Installation, site: Site, proxy: str) -> None:
    async with through(proxy) as client:
        pdf = await client.get(f"{site.url}/report.pdf")
        picture = await client.get(f"{site.url}/photo")
    assert (pdf.status_code, pdf.headers["content-type"]) == (200, "application/pdf")
    assert pdf.content.startswith(b"%PDF-") and b"secret place" not in pdf.content and b"JavaScript" not in pdf.content
    assert int(pdf.headers["content-length"]) == len(pdf.content) and "etag" not in pdf.headers
    assert picture.status_code == 200 and b"secret place" not in picture.content
    leaf = town.leaves("file.sanitize")[-1]
    assert (leaf["zone"], leaf["notes"]["by"], leaf["notes"]["client"]) == ("lgwan", "icap-respmod", "127.0.0.1")
    assert leaf["notes"]["host"] == "127.0.0.1"


@needs_squid
async def test_pages_go_through_untouched_and_programs_do_not(site: Site, proxy: str) -> None:
    async with through(proxy) as client:
        page = await client.get(f"{site.url}/long.html")
        program = await client.get(f"{site.url}/tool.exe")
        disguised = await client.get(f"{site.url}/disguised.html")
    assert (page.status_code, page.content) == (200, HTML)
    for answered in (program, disguised):
        assert answered.status_code == 403
        assert answered.headers["content-type"] == "text/html; charset=utf-8"
        assert "このファイルは通せません" in answered.text and "not let through" in answered.text
    assert "executable" in program.text and "type-mismatch" in disguised.text


@needs_squid
async def test_a_part_of_a_file_is_asked_for_whole(site: Site, proxy: str) -> None:
    async with through(proxy) as client:
        headers = {"range": "bytes=0-99", "accept-encoding": "gzip, br"}
        answered = await client.get(f"{site.url}/report.pdf", headers=headers)
    asked = site.asked[-1]
    assert "range" not in asked and asked["accept-encoding"] == "identity"
    assert answered.status_code == 200 and answered.content.startswith(b"%PDF-")


@needs_squid
async def test_what_is_uploaded_is_rebuilt(town: Installation, site: Site, proxy: str) -> None:
    async with through(proxy) as client:
        files = {"photo": ("旅行.jpg", photo(), "image/jpeg")}
        form = await client.post(f"{site.url}/up", data={"title": "題名"}, files=files)
        raw = await client.post(f"{site.url}/a.jpg", content=photo(), headers={"content-type": "image/jpeg"})
        refused = await client.post(f"{site.url}/up", files={"f": ("a.pdf", EXE, "application/pdf")})
        plain = await client.post(f"{site.url}/up", data={"title": "題名"})
    assert [r.status_code for r in (form, raw, refused, plain)] == [200, 200, 403, 200]
    assert len(site.sent) == 3
    (form_kind, sent), (raw_kind, picture), (_, fields) = site.sent
    assert form_kind.startswith("multipart/form-data") and "題名".encode() in sent and "旅行.jpg".encode() in sent
    assert raw_kind == "image/jpeg" and picture.startswith(b"\xff\xd8")
    assert b"secret place" not in sent + picture and b"\xff\xd8\xff" in sent
    assert fields.startswith(b"title=")
    assert [leaf["notes"]["by"] for leaf in town.leaves("file.sanitize")][-3:] == ["icap-reqmod"] * 3


@needs_squid
@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium: apt-get install chromium")
async def test_what_a_browser_downloads_is_rebuilt(site: Site, proxy: str) -> None:
    arguments = ["--proxy-bypass-list=<-loopback>", "--no-sandbox"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=arguments, proxy={"server": proxy, "bypass": "<-loopback>"}
        )
        page = await browser.new_page()
        await page.goto(f"{site.url}/")
        async with page.expect_download() as downloading:
            await page.click("#pdf")
        got = await asyncio.to_thread((await (await downloading.value).path()).read_bytes)
        await page.click("#exe")
        await page.wait_for_selector("text=このファイルは通せません")
        await browser.close()
    assert got.startswith(b"%PDF-")
    assert b"JavaScript" not in got and b"secret place" not in got


@pytest.mark.skipif(C_ICAP is None, reason="needs Debian's c-icap: apt-get install c-icap")
@pytest.mark.parametrize("more", [(), ("-nopreview",), ("-no204",), ("-nopreview", "-no204")])
async def test_c_icap_s_client_gets_a_rebuilt_file(town: Installation, tmp_path: Path, more: tuple[str, ...]) -> None:
    source, target = tmp_path / "in.jpg", tmp_path / "out.jpg"
    source.write_bytes(photo())
    common = ("-i", "127.0.0.1", "-p", str(icap_port(town)), "-s", "respmod", "-v", *more)
    said = await run(*common, "-f", str(source), "-o", str(target), "-resp", "http://www.example.jp/in.jpg")
    assert "HTTP/1.0 200 OK" in said and "Content-Type: image/jpeg" in said
    rebuilt = target.read_bytes()
    assert rebuilt.startswith(b"\xff\xd8") and b"secret place" not in rebuilt
    page = tmp_path / "page.html"
    page.write_bytes(HTML)
    said = await run(*common, "-f", str(page), "-resp", "http://www.example.jp/", "-rhx", "Content-Type: text/html")
    assert ("hello" in said) if "-no204" in more and "-nopreview" in more else ("Allow 204 response" in said)


@pytest.mark.skipif(C_ICAP is None, reason="needs Debian's c-icap: apt-get install c-icap")
async def test_c_icap_s_client_reads_our_options(town: Installation) -> None:
    for service in ("respmod", "reqmod"):
        said = await run("-i", "127.0.0.1", "-p", str(icap_port(town)), "-s", service)
        assert "Allow 204: Yes" in said and "Preview: 1024" in said and f"Methods: {service.upper()}" in said


async def run(*arguments: str) -> str:
    """What c-icap's client says; it must end well."""
    assert C_ICAP is not None
    process = await asyncio.create_subprocess_exec(
        C_ICAP, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, said
    return said.decode("utf-8", "replace")


async def test_the_command_serves_icap_alone(tmp_path: Path) -> None:
    """``sekisho serve`` with ICAP and a listener for operations, in a process and an event loop of its own."""
    port = free_port()
    server = Serving(tmp_path / "alone", ("lgwan",), f'[icap]\nhost = "127.0.0.1"\nport = {port}\n')
    server.config.write_text(server.config.read_text("utf-8") + "operations = true\n", "utf-8")

    def talk() -> Answer:
        server.start()
        try:
            with Gateway(port) as gateway:
                gateway.send(respmod(photo(), b"Content-Type: image/jpeg", request=b"GET /a.jpg HTTP/1.1\r\n\r\n"))
                return gateway.answer()
        finally:
            assert server.stop() == 0

    answer = await asyncio.to_thread(talk)
    assert answer.http_status == 200 and answer.body is not None
    assert answer.body.startswith(b"\xff\xd8") and b"secret place" not in answer.body
