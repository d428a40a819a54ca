"""Every screen in both languages; axe finds no breach of WCAG 2.2 AA; narrow screens and zoom lose nothing."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, expect
from support.desk import Desk
from support.sekisho_process import Demo

from ops import build_client
from ops.demo_data.talk import DISGUISED, FORM

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

Desks = Callable[..., Awaitable[Desk]]
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
WIDER_THAN_SEEN = """() =>
  [...document.querySelectorAll("html, .timeline, .panel-body, .rooms-body, .band")]
    .filter((box) => box.scrollWidth > box.clientWidth + 1)
    .map((box) => box.className || box.tagName)"""
ALL = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


@pytest.fixture(scope="package")
def axe() -> str:
    """axe-core's source."""
    build_client.install_modules()
    return (build_client.MODULES / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


async def breaches(page: Page, axe: str, rules: dict[str, Any]) -> list[str]:
    """What axe finds on the page as it is now: rule, element."""
    await page.evaluate(axe)
    found: dict[str, Any] = await page.evaluate("(rules) => axe.run(document, rules)", rules)
    nodes = [(rule["id"], node) for rule in found["violations"] for node in rule["nodes"]]
    return [f"{rule}: {node['target']} {node['failureSummary']}" for rule, node in nodes]


@pytest.mark.parametrize("look", ["light", "dark", "contrast"])
async def test_axe_finds_nothing_on_any_screen(
    demo: Demo, desks: Desks, contexts: Callable[..., Awaitable[BrowserContext]], axe: str, look: str
) -> None:
    """Looks differ in colours alone, so the others are asked about those."""
    rules = ALL if look == "light" else COLOURS
    options: dict[str, Any] = {"bypass_csp": True, "reduced_motion": "reduce"}
    options |= {"color_scheme": "dark"} if look == "dark" else {}
    options |= {"contrast": "more"} if look == "contrast" else {}
    outside = await (await contexts(**options)).new_page()
    await outside.goto(demo.zones["lgwan"])
    await expect(outside.locator("input[name=password]")).to_be_visible()
    assert await breaches(outside, axe, rules) == []

    sato = await desks("sato", **options)
    page = sato.page
    await expect(page.locator("html")).to_have_attribute("data-theme", look)
    assert await breaches(page, axe, rules) == []
    await sato.enter("窓口改善プロジェクト")
    await sato.assert_released(FORM)
    assert await breaches(page, axe, rules) == []
    await sato.card(FORM).get_by_role("button", name="通関証").click()
    await expect(page.locator(".certificate")).to_be_visible()
    assert await breaches(page, axe, rules) == []
    await sato.card(FORM).get_by_role("button", name="見比べる").click()
    await expect(page.locator(".likeness")).to_be_visible(timeout=20_000)
    assert await breaches(page, axe, rules) == []
    await page.keyboard.press("i")
    await expect(page.locator(".people li").first).to_be_visible()
    assert await breaches(page, axe, rules) == []
    await page.keyboard.press("n")
    await expect(page.get_by_role("dialog")).to_be_visible()
    assert await breaches(page, axe, rules) == []
    await page.keyboard.press("Escape")
    await sato.enter("鈴木 健一")
    await expect(sato.card(DISGUISED).locator(".card-line.stop")).to_be_visible()
    assert await breaches(page, axe, rules) == []
    await page.locator(".menu > button").click()
    assert await breaches(page, axe, rules) == []


async def test_english_shows_no_japanese_of_the_interface(
    demo: Demo, desks: Desks, contexts: Callable[..., Awaitable[BrowserContext]]
) -> None:
    outside = await (await contexts()).new_page()
    await outside.goto(f"{demo.zones['lgwan']}/?lang=en")
    await expect(outside.get_by_role("button", name="Log in")).to_be_visible()
    await expect(outside.locator("html")).to_have_attribute("lang", "en")
    await assert_english(outside.locator(".login-card").inner_text)

    sato = await desks("sato", "lgwan", "?lang=en")
    page = sato.page
    await sato.enter("窓口改善プロジェクト")
    card = sato.card(FORM)
    await expect(card.get_by_role("button", name="Certificate")).to_be_visible(timeout=20_000)
    await assert_english(card.locator(".track").inner_text)
    await assert_english(card.locator(".card-line").inner_text)
    await assert_english(page.locator("#audience").inner_text)
    await card.get_by_role("button", name="Certificate").click()
    await assert_english(page.locator(".certificate dl").first.inner_text)
    await card.get_by_role("button", name="Compare").click()
    await assert_english(page.locator(".likeness").inner_text)
    await assert_english(page.locator(".taken").first.inner_text)
    await page.keyboard.press("?")
    await assert_english(page.get_by_role("dialog").inner_text)
    await page.keyboard.press("Escape")
    await page.keyboard.press("n")
    await assert_english(page.get_by_role("dialog").inner_text)
    await page.keyboard.press("Escape")
    await sato.enter("鈴木 健一")
    await assert_english(sato.card(DISGUISED).locator(".card-line.stop").inner_text)


async def assert_english(text: Callable[[], Awaitable[str]]) -> None:
    said = await text()
    assert said.strip() != ""
    assert not JAPANESE.search(said), said


async def test_the_language_is_changed_in_place_and_kept(desks: Desks) -> None:
    sato = await desks("sato")
    await sato.enter("給湯室")
    await sato.composer.fill("書きかけ")
    await sato.page.get_by_role("button", name="English").click()
    await expect(sato.page.locator(".band-zone")).to_have_text("LGWAN zone")
    await expect(sato.page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    await expect(sato.composer).to_have_value("書きかけ")
    await sato.page.reload()
    await expect(sato.page.locator(".band-zone")).to_have_text("LGWAN zone")


@pytest.mark.parametrize(("width", "height"), [(320, 640), (400, 800), (800, 700), (1100, 768)])
async def test_nothing_is_cut_off_on_narrow_screens(desks: Desks, width: int, height: int) -> None:
    """320 px is 1280 px at 400 % zoom (WCAG 1.4.10)."""
    sato = await desks("sato", viewport={"width": width, "height": height})
    page = sato.page
    await sato.enter("窓口改善プロジェクト")
    await sato.assert_released(FORM)
    await assert_no_sideways_scrolling(page)
    await assert_the_page_stays_put(page)
    for name in ("開く", "通関証"):
        await sato.card(FORM).get_by_role("button", name=name, exact=True).click()
        await expect(page.locator(".panel h2")).to_be_visible()
        await assert_no_sideways_scrolling(page)
        await page.locator(".panel").get_by_role("button", name="閉じる").click()
    if width < 600:
        await page.get_by_role("button", name="トークルームの一覧へ戻る").click()
        await expect(sato.room("給湯室")).to_be_visible()
        await assert_no_sideways_scrolling(page)


async def assert_the_page_stays_put(page: Page) -> None:
    """Only its parts scroll: what is shown never pushes the band out of sight."""
    assert await page.evaluate("() => document.scrollingElement.scrollHeight - innerHeight") <= 0


async def assert_no_sideways_scrolling(page: Page) -> None:
    assert await page.evaluate(WIDER_THAN_SEEN) == []
