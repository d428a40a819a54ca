"""Writing: Enter does as chosen and never during a conversion; nothing typed is lost; refusals stand beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import CDPSession, expect
from support.desk import Desk

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

Desks = Callable[..., Awaitable[Desk]]
MY_NUMBER = "マイナンバーは 1234-5678-9018 です"


async def convert(cdp: CDPSession, text: str) -> None:
    """The input method shows ``text`` as being converted."""
    await cdp.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})


async def press_enter(cdp: CDPSession, key_code: int) -> None:
    """A real Enter key; 229 is what a browser reports while the input method takes it."""
    key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": key_code, "nativeVirtualKeyCode": key_code}
    await cdp.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **key})
    await cdp.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})


@pytest.mark.parametrize("key_code", [13, 229])
async def test_enter_during_a_conversion_never_sends(desks: Desks, room: str, key_code: int) -> None:
    sato = await desks("sato")
    await sato.enter(room)
    cdp = await sato.page.context.new_cdp_session(sato.page)
    await sato.composer.focus()
    await convert(cdp, "かいぎ")
    await press_enter(cdp, key_code)
    await convert(cdp, "会議")
    await press_enter(cdp, key_code)
    await cdp.send("Input.insertText", {"text": "会議"})
    await expect(sato.composer).to_have_value("会議")
    await expect(sato.page.locator("li.message")).to_have_count(0)

    await sato.page.keyboard.press("Enter")
    await sato.assert_said("会議")
    await expect(sato.composer).to_have_value("")


async def test_enter_does_as_chosen(desks: Desks, room: str) -> None:
    sato = await desks("sato")
    await sato.enter(room)
    await sato.composer.fill("一行目")
    await sato.composer.press("Shift+Enter")
    await sato.page.keyboard.type("二行目")
    await sato.composer.press("Enter")
    await sato.assert_said("一行目\n二行目")

    await sato.page.locator(".menu > button").click()
    await sato.page.get_by_role("radio", name="Enterで改行（Ctrl+Enterで送信）").check()
    await sato.page.keyboard.press("Escape")
    await sato.composer.fill("三行目")
    await sato.composer.press("Enter")
    await expect(sato.composer).to_have_value("三行目\n")
    await expect(sato.page.locator("li.message")).to_have_count(1)
    await sato.composer.press("Control+Enter")
    await sato.assert_said("三行目")
    await sato.page.reload()
    await sato.composer.fill("覚えている")
    await sato.composer.press("Enter")
    await expect(sato.composer).to_have_value("覚えている\n")


async def test_a_draft_outlives_another_room_and_a_reload(desks: Desks, room: str) -> None:
    sato = await desks("sato")
    await sato.enter(room)
    await sato.composer.fill("書きかけの文")
    await sato.enter("給湯室")
    await expect(sato.room(room).locator(".draft-mark")).to_be_visible()
    await expect(sato.composer).to_have_value("")
    await sato.page.reload()
    await sato.enter(room)
    await expect(sato.composer).to_have_value("書きかけの文")


async def test_a_my_number_is_refused_beside_its_text(desks: Desks, room: str) -> None:
    sato = await desks("sato")
    suzuki = await desks("suzuki", "internet")
    await suzuki.enter(room)
    await sato.enter(room)
    await sato.composer.fill(MY_NUMBER)
    await sato.composer.press("Enter")
    reason = sato.pending.get_by_role("alert")
    await expect(reason).to_contain_text("送信できませんでした。")
    await expect(reason).to_contain_text("個人番号(マイナンバー)と思われる数字があるため")
    await expect(sato.pending.locator(".text")).to_have_text(MY_NUMBER)
    await expect(suzuki.page.locator("li.message")).to_have_count(0)

    await reason.get_by_role("button", name="書き直す").click()
    await expect(sato.composer).to_have_value(MY_NUMBER)
    await expect(sato.composer).to_be_focused()
    await sato.composer.fill("番号は窓口で確認してください")
    await sato.composer.press("Enter")
    await suzuki.assert_said("番号は窓口で確認してください")
    await expect(sato.pending).to_have_count(0)


async def test_refusals_come_in_the_language_of_the_page(desks: Desks, room: str) -> None:
    sato = await desks("sato", "lgwan", "?lang=en")
    await sato.enter(room)
    await sato.composer.fill(MY_NUMBER)
    await sato.composer.press("Enter")
    reason = sato.pending.get_by_role("alert")
    await expect(reason).to_contain_text("This looks like it contains an Individual Number (My Number)")
    await reason.get_by_role("button", name="Discard").click()
    await expect(sato.pending).to_have_count(0)


async def test_too_long_a_text_is_said_before_it_is_sent(desks: Desks, room: str) -> None:
    sato = await desks("sato")
    await sato.enter(room)
    await sato.composer.fill("長" * 20_003)
    await expect(sato.page.locator("#composer-note")).to_contain_text("3文字超過しています")
    await expect(sato.page.get_by_role("button", name="送信する")).to_be_disabled()
    await sato.composer.press("Control+Enter")
    await expect(sato.page.locator("li.message")).to_have_count(0)
    await sato.composer.fill("長" * 20_000)
    await sato.composer.press("Control+Enter")
    await expect(sato.page.locator("li.message[data-seq]")).to_have_count(1)
