"""From an empty folder to the first words: the one-time link, the first administrator; what one zone withholds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import BrowserContext, expect
from support.desk import Console, Desk
from support.sekisho_process import Installation

from ops import build_client

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

PASSWORD = "kasumi-no-seki-12"


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """A fresh server of a closed segment: LGWAN and the zone of My Number work."""
    build_client.build()
    with Installation(tmp_path, "lgwan", "mynumber") as running:
        yield running


async def test_the_first_administrator_and_what_a_zone_withholds(
    installation: Installation, contexts: Callable[..., Awaitable[BrowserContext]], console: Console
) -> None:
    console.expect(r"status of (404|422) .*/api/v1/setup")
    computer = await contexts()
    desk = Desk(await computer.new_page(), installation.zones["lgwan"])
    link = installation.link()
    await register(desk, link)
    await expect(desk.page.locator(".notice")).to_have_text("管理者を登録しました。ログインしてください。")
    await desk.log_in("kanri", PASSWORD)
    await expect(desk.page.locator(".rooms .empty")).to_contain_text("参加しているトークルームはまだありません。")
    await assert_link_is_used_up(computer, link)
    await make_channel(desk, "窓口")
    await desk.say("LGWANだけの話です")
    make_room_of_both_zones(installation, "連絡")
    await desk.enter("連絡")
    await desk.say("LGWANからの連絡です")

    closed = Desk(await computer.new_page(), installation.zones["mynumber"])
    await closed.open()
    await expect(closed.page.locator(".band-zone")).to_have_text("個人番号区画")
    await closed.log_in("kanri", PASSWORD)
    await closed.assert_inside()
    await expect(closed.page.locator(".room-line")).to_have_text(["連絡"])
    await closed.enter("連絡")
    await expect(closed.page.locator(".withheld")).to_have_text(
        "この区画では表示できない投稿です。投稿された区画の端末で確認してください。"
    )
    await desk.say("つづきです")
    await expect(closed.page.locator(".withheld")).to_contain_text("表示できない投稿が2件あります")
    await expect(desk.page.locator("#audience")).to_have_text("1人・LGWAN区画からだけ見えます")
    await expect(closed.page.locator("#audience")).to_have_text("1人・個人番号区画からだけ見えます")
    assert "LGWANからの連絡" not in await closed.page.content()


async def register(desk: Desk, link: str) -> None:
    """Fill in the page behind the link; the secret leaves the address with the answer."""
    page = desk.page
    await page.goto(link)
    await expect(page.get_by_role("heading", name="最初の管理者を登録する")).to_be_visible()
    await page.get_by_role("button", name="登録する").click()
    await expect(page.get_by_role("alert")).to_have_text("すべての欄を入力してください。")
    await page.fill("input[name=organisation]", "霞ヶ浜市")
    await page.fill("input[name=name]", "井上 亮")
    await page.fill("input[name=username]", "kanri")
    await page.fill("input[name=password]", "mijikai")
    await page.get_by_role("button", name="登録する").click()
    await expect(page.get_by_role("alert")).to_have_text("パスワードは8文字以上にしてください。")
    await page.fill("input[name=password]", PASSWORD)
    await page.get_by_role("button", name="登録する").click()
    await desk.assert_outside()
    assert "#" not in page.url


async def assert_link_is_used_up(computer: BrowserContext, link: str) -> None:
    page = await computer.new_page()
    await page.goto(link)
    for name, value in (("organisation", "別の市"), ("name", "だれか"), ("username", "dareka"), ("password", PASSWORD)):
        await page.fill(f"input[name={name}]", value)
    await page.get_by_role("button", name="登録する").click()
    await expect(page.get_by_role("alert")).to_contain_text("このリンクは使えません。")
    await page.close()


async def make_channel(desk: Desk, name: str) -> None:
    """An empty room, made with the dialog."""
    page = desk.page
    await page.locator("main").get_by_role("button", name="新しいトークルーム").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_text("チャンネル", exact=True).click()
    await dialog.get_by_label("名前").fill(name)
    await dialog.get_by_role("button", name="作成する").click()
    await expect(page.locator(".room-head h1")).to_have_text(name)


def make_room_of_both_zones(installation: Installation, name: str) -> None:
    """A channel open to LGWAN and to My Number work, which no dialog offers by itself."""
    with httpx.Client(base_url=f"{installation.zones['lgwan']}/api/v1/", timeout=20, trust_env=False) as client:
        token = client.post("login", json={"login": "kanri", "password": PASSWORD}).json()["token"]
        body = {"kind": "channel", "name": name, "members": [], "zones": ["lgwan", "mynumber"]}
        answered = client.post("rooms", json=body, headers={"Authorization": f"Bearer {token}"})
        assert answered.status_code == 201, answered.text
