"""The main job, as people do it: a hostile PDF from the internet zone is read in the closed one, on a receipt."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Frame, Page, expect
from support.desk import Desk, until
from support.pdf_readers import everything_in, keys_and_names
from support.received_pdf import hostile, marker
from support.sekisho_process import Demo, sekisho

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

KINDS = ("javascript", "open-action", "embedded-file", "launch", "xfa", "older-revision")
ACTIVE = {"/JavaScript", "/JS", "/OpenAction", "/AA", "/EmbeddedFiles", "/EmbeddedFile", "/Launch", "/XFA", "/Prev"}
REMOVED = ("JavaScript", "開いたときの動作", "埋め込みファイル", "プログラム等の起動", "動的フォーム", "以前の版の内容")
FORM = "見積依頼書.pdf"


async def test_the_story_in_both_zones_of_one_browser(
    demo: Demo, contexts: Callable[..., Awaitable[BrowserContext]], room: str, tmp_path: Path
) -> None:
    computer = await contexts()
    outside = Desk(await computer.new_page(), demo.zones["internet"])
    inside = Desk(await computer.new_page(), demo.zones["lgwan"])
    await outside.open()
    await outside.log_in("suzuki")
    await outside.assert_inside()
    await inside.open()
    await inside.assert_outside()
    await inside.log_in("sato")
    await inside.assert_inside()
    await assert_cookies_of_both_zones(computer, outside, inside)

    await expect(outside.page.locator(".band-zone")).to_have_text("インターネット区画")
    await expect(inside.page.locator(".band-zone")).to_have_text("LGWAN区画")
    await outside.enter(room)
    received = hostile(*KINDS)
    await outside.attach(FORM, received, "見積の様式です。")
    await inside.assert_unread(room, 1)
    await inside.enter(room)
    await expect(inside.message("見積の様式です。").locator(".made-in")).to_contain_text("インターネット")
    await outside.assert_released(FORM)
    await inside.assert_released(FORM)
    await inside.assert_unread(room, 0)

    await assert_viewer_shows_pdf(inside)
    rebuilt = await clean_download(inside)
    receipt = await whole_receipt(inside, received, rebuilt)
    (tmp_path / "receipt.json").write_bytes(receipt)
    (tmp_path / FORM).write_bytes(rebuilt)
    sekisho("audit", "receipt", tmp_path / "receipt.json", tmp_path / FORM)


async def assert_cookies_of_both_zones(computer: BrowserContext, outside: Desk, inside: Desk) -> None:
    """Both zones keep their own cookie on one host, and each page stays logged in as its own person."""
    names = {cookie.get("name") for cookie in await computer.cookies()}
    assert names == {"__Host-sekisho-internet", "__Host-sekisho-lgwan"}
    for desk, name in ((outside, "鈴木 健一"), (inside, "佐藤 美咲")):
        await desk.page.reload()
        await expect(desk.page.locator(".band-name")).to_have_text(name)


async def assert_viewer_shows_pdf(inside: Desk) -> None:
    """開く shows the rebuilt file in the panel, by the browser's own reader."""
    page = inside.page
    await inside.card(FORM).get_by_role("button", name="開く", exact=True).click()
    address = await page.locator(".viewer-frame").get_attribute("src") or ""
    response = await page.request.get(inside.url + address)
    assert (response.status, response.headers["content-type"]) == (200, "application/pdf")
    assert "sandbox" in response.headers["content-security-policy"]
    await expect(page.locator(".panel-viewer h2")).to_have_text(FORM)
    await until(lambda: bool(pages_of_reader(page)))
    await expect(pages_of_reader(page)[0].locator("#sizer")).to_have_attribute("style", re.compile(r"height: [1-9]"))


def pages_of_reader(page: Page) -> list[Frame]:
    """The frames in which Chromium's PDF reader draws; it keeps them inside its own."""
    return [frame for frame in page.frames if frame.parent_frame and frame.parent_frame.url.startswith("chrome-ext")]


async def clean_download(inside: Desk) -> bytes:
    """ダウンロード gives a PDF in which another reader finds nothing of what the received one carried."""
    data = await inside.download(inside.card(FORM).get_by_role("link", name="ダウンロード"))
    assert data.startswith(b"%PDF")
    assert keys_and_names(data) & ACTIVE == set()
    said = everything_in(data)
    assert [kind for kind in KINDS if marker(kind) in said] == []
    return data


async def whole_receipt(inside: Desk, received: bytes, rebuilt: bytes) -> bytes:
    """通関証 names every fact in words, and can be saved as it was signed."""
    page = inside.page
    await inside.card(FORM).get_by_role("button", name="通関証").click()
    facts = page.locator(".certificate .fact dd")
    await expect(facts).to_have_count(16)
    assert "" not in [text.strip() for text in await facts.all_inner_texts()]
    text = (await inside.text_of_panel()).replace("\u2060", "")
    for words in REMOVED:
        assert words in text, words
    assert text.count("か所") >= 3
    assert sha256(received).hexdigest() in text
    assert sha256(rebuilt).hexdigest() in text
    return await inside.download(page.get_by_role("link", name="通関証を保存する"))


async def test_a_card_moves_live_while_both_look(demo: Demo, desks: Callable[..., Awaitable[Desk]], room: str) -> None:
    sato, tanaka = await desks("sato", "lgwan"), await desks("tanaka", "internet")
    await sato.enter(room)
    await tanaka.enter(room)
    await tanaka.attach("写真.txt", "港地区の訪問記録です。\n".encode())
    await expect(sato.card("写真.txt").locator(".step").first).to_have_class(re.compile("done"))
    await sato.assert_released("写真.txt")
    await sato.say("受け取りました。")
    await tanaka.assert_said("受け取りました。")
    await expect(tanaka.card("写真.txt").locator(".card-zones")).to_contain_text("LGWAN: 開けます")


async def test_unread_counts_rise_and_fall(demo: Demo, desks: Callable[..., Awaitable[Desk]], room: str) -> None:
    sato, suzuki = await desks("sato", "lgwan"), await desks("suzuki", "lgwan")
    await sato.enter("給湯室")
    await suzuki.enter(room)
    for number in range(3):
        await suzuki.say(f"連絡 {number}")
        await sato.assert_unread(room, number + 1)
    await expect(sato.page).to_have_title(re.compile(r"^\(\d+\) "))
    await sato.enter(room)
    await sato.assert_unread(room, 0)
    await expect(sato.page.locator(".unread-line")).to_be_visible()
