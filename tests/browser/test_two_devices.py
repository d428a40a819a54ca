"""One person at two computers, or in two tabs, without network: what was written comes together, once, in one order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import BrowserContext, expect
from support.desk import Console, Desk
from support.sekisho_process import Demo

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

Desks = Callable[..., Awaitable[Desk]]
GONE = (r"net::ERR_INTERNET_DISCONNECTED", r"net::ERR_CONNECTION_REFUSED", r"WebSocket connection to .* failed")


async def write(desk: Desk, *texts: str) -> None:
    for text in texts:
        await desk.composer.fill(text)
        await desk.composer.press("Control+Enter")
        await expect(desk.composer).to_have_value("")


async def texts_of(desk: Desk, count: int) -> list[str]:
    said = desk.page.locator("li.message[data-seq] .text")
    await expect(said).to_have_count(count, timeout=30_000)
    return await said.all_inner_texts()


async def test_two_computers_offline_come_together(desks: Desks, room: str, console: Console) -> None:
    console.expect(*GONE)
    office, shelter, suzuki = await desks("sato"), await desks("sato"), await desks("suzuki", "internet")
    for desk in (office, shelter, suzuki):
        await desk.enter(room)
    for desk in (office, shelter):
        await desk.page.context.set_offline(True)
        await expect(desk.page.locator(".connection")).to_be_visible()
    await write(office, "庁舎から一つめ", "庁舎から二つめ")
    await write(shelter, "避難所から一つめ", "避難所から二つめ")
    await office.composer.fill("庁舎の書きかけ")
    await shelter.composer.fill("避難所の書きかけ")
    await suzuki.say("その間の鈴木")
    for desk in (shelter, office):
        await desk.page.context.set_offline(False)
    orders = [await texts_of(desk, 5) for desk in (office, shelter, suzuki)]
    assert orders[0] == orders[1] == orders[2]
    assert len(set(orders[0])) == 5
    for place in ("庁舎", "避難所"):
        own = [text for text in orders[0] if text.startswith(place)]
        assert own == [f"{place}から一つめ", f"{place}から二つめ"]
    for desk, draft in ((office, "庁舎の書きかけ"), (shelter, "避難所の書きかけ")):
        await expect(desk.pending).to_have_count(0)
        await expect(desk.composer).to_have_value(draft)


async def test_two_tabs_offline_lose_nothing_of_each_other_when_both_are_closed(
    demo: Demo, desks: Desks, room: str, console: Console, contexts: Callable[..., Awaitable[BrowserContext]]
) -> None:
    console.expect(*GONE)
    other_room = f"{room} other"
    demo.make_room(other_room)
    one = await desks("sato")
    computer = one.page.context
    two = Desk(await computer.new_page(), one.url)
    await two.open()
    await two.assert_inside()
    await one.enter(room)
    await two.enter(other_room)
    await computer.set_offline(True)
    await write(one, "一つめのタブ")
    await write(two, "二つめのタブ")
    await two.composer.fill("二つめの書きかけ")
    await one.composer.fill("一つめの書きかけ")
    await one.page.close()
    await two.page.close()
    await computer.set_offline(False)
    again = Desk(await computer.new_page(), one.url)
    await again.open()
    await again.assert_inside()
    for name, text, draft in (
        (room, "一つめのタブ", "一つめの書きかけ"),
        (other_room, "二つめのタブ", "二つめの書きかけ"),
    ):
        await again.enter(name)
        await again.assert_said(text)
        await expect(again.composer).to_have_value(draft)
    await expect(again.pending).to_have_count(0)
