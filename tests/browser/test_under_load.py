"""What people see while the server gives things up: one calm line, in their language, that goes away by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, expect
from support.desk import Console, Desk
from support.installation import PASSWORD, Installation, installed

from ops import build_client
from server import load as loads
from server.load import LIMITS, Level, Pace

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

Contexts = Callable[..., Awaitable[BrowserContext]]
ROOM = "災害対策本部"


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """A server in this process, whose memory is as short as the test says."""
    build_client.build()
    async with installed(tmp_path_factory.mktemp("busy") / "data") as running:
        running.application.load.pace = Pace(rise=0.0, hold=0.0)
        running.application.load_watch.every = 0.01
        sato = await running.login("sato", "lgwan")
        await sato.post("rooms", json={"kind": "group", "name": ROOM, "members": ["suzuki"]})
        yield running


async def press(town: Installation, level: Level) -> None:
    pressure = LIMITS["memory"][level - 1] if level else 0.0
    town.application.load_watch.memory = lambda: pressure
    async with asyncio.timeout(10):
        while town.application.load.level != level:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def sit_down(town: Installation, context: BrowserContext, login: str, query: str = "") -> Desk:
    desk = Desk(await context.new_page(), town.url("lgwan"))
    await desk.open(query)
    await desk.log_in(login, PASSWORD)
    await desk.assert_inside()
    await desk.enter(ROOM)
    return desk


async def test_the_line_says_what_rests_and_goes_away_by_itself(
    town: Installation, contexts: Contexts, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loads, "COME_BACK", 1)
    monkeypatch.setattr(loads, "SPREAD", 1)
    console.expect(r"status of 503")
    desk = await sit_down(town, await contexts(), "sato")
    line = desk.page.get_by_role("status").filter(has_text="混み合っています")
    await expect(line).to_have_count(0)
    for level, words in (
        (Level.MARKS, "既読の表示が少し遅れます"),
        (Level.PREVIEWS, "ファイルの縮小表示と見比べは、空きしだい作ります"),
        (Level.SEARCH, "検索は、空くまでお休みしています"),
        (Level.UPLOADS, "検索と新しいファイルの添付は、空くまでお待ちください"),
    ):
        await press(town, level)
        await expect(line).to_contain_text(f"混み合っています。メッセージは届きます。{words}")
    await desk.say("避難所を開けました")
    name = "被害一覧.txt"
    await desk.choose(name, "北小学校".encode())
    await expect(desk.page.locator(".card.draft")).to_contain_text("空きしだい送ります。このままお待ちください。")
    await press(town, Level.NONE)
    over = desk.page.get_by_role("status").filter(has_text="元どおり使えるようになりました。")
    await expect(over).to_be_visible()
    await expect(over).to_have_count(0, timeout=12_000)
    await expect(desk.page.locator(".card.draft")).not_to_contain_text("お待ちください", timeout=12_000)
    await desk.composer.press("Enter")
    await expect(desk.page.locator("li.message").last).to_contain_text(name)


async def test_who_comes_while_it_is_busy_is_told_in_english_too(town: Installation, contexts: Contexts) -> None:
    await press(town, Level.SEARCH)
    narrow = await contexts(viewport={"width": 375, "height": 700})
    desk = await sit_down(town, narrow, "suzuki", "?lang=en")
    line = desk.page.locator(".rest")
    await expect(line).to_have_text("The server is busy. Messages arrive. Searching rests until it has time again.")
    box = await line.bounding_box()
    assert box is not None and box["width"] <= 375 and box["height"] < 80
    await press(town, Level.NONE)
    await expect(line).to_have_text("Everything works as usual again.")


async def test_a_full_disk_is_told_as_what_it_is(town: Installation, contexts: Contexts) -> None:
    desk = await sit_down(town, await contexts(), "sato")
    line = desk.page.locator(".rest")
    for share, words in ((0.92, "新しいファイルを受け付けていません"), (0.96, "今は読むことだけができます")):
        town.fill_disk(share)
        town.application.notices.look()
        await expect(line).to_contain_text(words)
    town.fill_disk(0.1)
    town.application.notices.look()
    await expect(line).to_contain_text("元どおり")
