"""A whole visit without a mouse; the list of keys is one key away; focus comes back to where it was."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import BrowserContext, Page, expect
from support.desk import Desk
from support.sekisho_process import PASSWORD, Demo

from ops.demo_data.talk import FORM

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

Desks = Callable[..., Awaitable[Desk]]
MOST_TABS = 60
RING = """(element) => getComputedStyle(element).outlineStyle !== "none"
  || getComputedStyle(element.parentElement).boxShadow !== "none" """


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until the element with this accessible name has the focus, and the ring around it can be seen."""
    focused = page.locator(":focus")
    for _ in range(MOST_TABS):
        await page.keyboard.press("Tab")
        if await focused.count() and (await focused.aria_snapshot()).find(name) >= 0:
            assert await focused.evaluate(RING), f"{name} has the focus but shows no ring"
            return
    raise AssertionError(f"Tab does not reach {name}")


async def test_a_visit_without_a_mouse(
    demo: Demo, contexts: Callable[..., Awaitable[BrowserContext]], room: str
) -> None:
    desk = Desk(await (await contexts()).new_page(), demo.zones["lgwan"])
    page, keys = desk.page, desk.page.keyboard
    await desk.open()
    await expect(page.locator("input[name=username]")).to_be_focused()
    await keys.type("sato")
    await keys.press("Tab")
    await keys.type(PASSWORD)
    await keys.press("Enter")
    await desk.assert_inside()

    await keys.press("Control+k")
    await keys.type("窓口")
    await keys.press("Enter")
    await expect(desk.composer).to_be_focused()
    card = desk.card(FORM)
    await expect(card.locator(".card-acts")).to_be_visible(timeout=20_000)
    await card.get_by_role("button", name="開く", exact=True).focus()
    await keys.press("Enter")
    await expect(page.locator(".panel-viewer h2")).to_be_focused()
    await keys.press("Escape")
    await expect(card.get_by_role("button", name="開く", exact=True)).to_be_focused()
    await tab_to(page, "通関証")
    await keys.press("Enter")
    await expect(page.locator(".certificate")).to_be_visible()
    await keys.press("Escape")

    await keys.press("Control+k")
    await keys.type(room)
    await keys.press("Enter")
    await keys.type("キーボードだけで書きました")
    await keys.press("Enter")
    await desk.assert_said("キーボードだけで書きました")


async def test_a_question_mark_lists_the_keys(desks: Desks, room: str) -> None:
    sato = await desks("sato")
    keys = sato.page.keyboard
    await keys.press("?")
    dialog = sato.page.get_by_role("dialog", name="キーボード操作")
    await expect(dialog.locator(".shortcut")).to_have_count(12)
    await keys.press("Escape")
    await expect(dialog).to_have_count(0)
    await keys.press("Control+k")
    await keys.type(room)
    await keys.press("Enter")
    await keys.type("?")
    await expect(dialog).to_have_count(0)
    await expect(sato.composer).to_have_value("?")
    await keys.press("Control+/")
    await expect(dialog).to_be_visible()


async def test_rooms_are_walked_through_by_keys(desks: Desks, room: str) -> None:
    sato = await desks("sato")
    page, keys = sato.page, sato.page.keyboard
    await sato.enter("お知らせ")
    await keys.press("Alt+ArrowDown")
    await expect(page.locator(".room-head h1")).not_to_have_text("お知らせ")
    await keys.press("Alt+ArrowUp")
    await expect(page.locator(".room-head h1")).to_have_text("お知らせ")
    await page.locator("#timeline").focus()
    await keys.press("i")
    await expect(page.locator(".panel-members h2")).to_be_focused()
    await keys.press("Escape")
    await expect(page.locator(".panel-members h2")).to_be_hidden()
    await keys.press("m")
    await expect(sato.composer).to_be_focused()


async def test_the_first_tab_leads_past_the_rooms(desks: Desks, room: str) -> None:
    sato = await desks("sato")
    await sato.enter(room)
    await sato.page.reload()
    await expect(sato.composer).to_be_visible()
    await tab_to(sato.page, "本文へ移動する")
    await sato.page.keyboard.press("Enter")
    await expect(sato.page.locator("#timeline")).to_be_focused()
    await tab_to(sato.page, f"{room}への投稿")
    await tab_to(sato.page, "送信する")


async def test_a_room_is_made_by_keys(desks: Desks) -> None:
    sato = await desks("sato")
    page, keys = sato.page, sato.page.keyboard
    await keys.press("n")
    dialog = page.get_by_role("dialog", name="新しいトークルーム")
    await dialog.get_by_role("radio", name="グループ").focus()
    await keys.press("Space")
    await keys.press("Tab")
    await keys.type("鍵盤の部屋")
    await keys.press("Tab")
    await keys.type("鈴木")
    await expect(dialog.get_by_role("option")).to_have_text(["鈴鈴木 健一情報政策課"])
    await keys.press("Enter")
    await expect(dialog.locator(".chip")).to_have_text("鈴木 健一")
    await tab_to(page, "作成する")
    await keys.press("Enter")
    await expect(page.locator(".room-head h1")).to_have_text("鍵盤の部屋")
