"""A server that goes away and comes back, one that hangs, a session that ends: nothing typed is lost or sent twice."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import BrowserContext, expect
from support.desk import Console, Desk
from support.sekisho_process import Demo, sekisho

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

Desks = Callable[..., Awaitable[Desk]]
GONE = (r"net::ERR_CONNECTION_REFUSED", r"WebSocket connection to .* failed")
UNAUTHENTICATED = r"status of 401"


async def test_posts_written_while_the_server_is_away_go_out_once(
    demo: Demo, desks: Desks, room: str, console: Console
) -> None:
    console.expect(*GONE)
    sato, suzuki = await desks("sato", "lgwan"), await desks("suzuki", "internet")
    await sato.enter(room)
    await suzuki.enter(room)
    await sato.say("止まる前の投稿")
    assert demo.stop() == 0
    await expect(sato.page.locator(".connection")).to_contain_text("再接続しています")
    for text in ("止まっている間の一つめ", "止まっている間の二つめ"):
        await sato.composer.fill(text)
        await sato.composer.press("Enter")
    await expect(sato.pending).to_have_count(2)
    await expect(sato.pending.last).to_contain_text("つながりしだい送信します")
    await sato.composer.fill("書きかけ")

    demo.start()
    for desk in (sato, suzuki):
        await desk.page.evaluate("dispatchEvent(new Event('online'))")
        await expect(desk.page.locator(".connection")).to_have_count(0, timeout=15_000)
        for text in ("止まる前の投稿", "止まっている間の一つめ", "止まっている間の二つめ"):
            await desk.assert_said(text)
    await expect(sato.pending).to_have_count(0)
    await expect(sato.composer).to_have_value("書きかけ")
    texts = await sato.page.locator("li.message .text").all_inner_texts()
    assert texts == ["止まる前の投稿", "止まっている間の一つめ", "止まっている間の二つめ"]


async def test_a_server_that_hangs_is_left_for_a_new_connection(
    demo: Demo, desks: Desks, room: str, console: Console
) -> None:
    console.expect(*GONE)
    sato = await desks("sato", "lgwan")
    await sato.enter(room)
    await sato.page.clock.install()
    demo.signal(signal.SIGSTOP)
    try:
        await sato.composer.fill("返事を待つ投稿")
        await sato.composer.press("Enter")
        await expect(sato.pending).to_contain_text("送信しています")
        await sato.page.clock.fast_forward(16_000)
        await expect(sato.page.locator(".connection")).to_contain_text("再接続しています")
        await expect(sato.pending).to_contain_text("つながりしだい送信します")
    finally:
        demo.signal(signal.SIGCONT)
    await sato.page.clock.fast_forward(31_000)
    await sato.assert_said("返事を待つ投稿")
    await expect(sato.pending).to_have_count(0)
    await expect(sato.page.locator(".connection")).to_have_count(0)


async def test_a_computer_without_network_says_so(desks: Desks, room: str, console: Console) -> None:
    console.expect(r"net::ERR_INTERNET_DISCONNECTED", *GONE)
    sato = await desks("sato", "lgwan")
    await sato.enter(room)
    await sato.page.context.set_offline(True)
    await expect(sato.page.locator(".connection")).to_contain_text("端末がネットワークにつながっていません")
    await sato.composer.fill("つながったら送る")
    await sato.composer.press("Enter")
    await expect(sato.pending).to_contain_text("つながりしだい送信します")
    await sato.page.context.set_offline(False)
    await sato.assert_said("つながったら送る")


async def test_logging_out_elsewhere_ends_nothing_here_but_an_administrator_does(
    demo: Demo, contexts: Callable[..., Awaitable[BrowserContext]]
) -> None:
    desk = Desk(await (await contexts()).new_page(), demo.zones["lgwan"])
    await desk.open()
    await desk.log_in("yamada")
    await desk.assert_inside()
    await desk.enter("窓口改善プロジェクト")
    with demo.person("yamada", "lgwan") as elsewhere:
        assert elsewhere.post("logout").status_code == 200
    await desk.say("まだ入っています")
    await desk.composer.fill("書きかけの報告")

    sekisho("user", "logout", "yamada", "--data", demo.data)
    await desk.assert_outside()
    await expect(desk.page.locator(".login-card .notice")).to_contain_text("ログインの有効期限が切れました")
    await expect(desk.page.locator("input[name=username]")).to_have_value("yamada")
    await desk.log_in("yamada")
    await expect(desk.composer).to_have_value("書きかけの報告")


async def test_logging_out_in_one_tab_ends_the_other(
    demo: Demo, contexts: Callable[..., Awaitable[BrowserContext]]
) -> None:
    computer = await contexts()
    one = Desk(await computer.new_page(), demo.zones["lgwan"])
    await one.open()
    await one.log_in("yamada")
    await one.assert_inside()
    other = Desk(await computer.new_page(), demo.zones["lgwan"])
    await other.open()
    await other.assert_inside()
    await one.page.locator(".menu > button").click()
    await one.page.get_by_role("button", name="ログアウトする").click()
    await expect(one.page.locator(".notice")).to_have_text("ログアウトしました。")
    await other.assert_outside()
    await other.page.reload()
    await other.assert_outside()


async def test_a_wrong_password_is_told_beside_the_field(
    demo: Demo, contexts: Callable[..., Awaitable[BrowserContext]], console: Console
) -> None:
    console.expect(UNAUTHENTICATED)
    desk = Desk(await (await contexts()).new_page(), demo.zones["internet"])
    await desk.open()
    await desk.log_in("ito", "chigau-password")
    await expect(desk.page.get_by_role("alert")).to_contain_text("職員IDまたはパスワードが違います")
    await expect(desk.page.locator("input[name=username]")).to_have_value("ito")
    await desk.log_in("ito")
    await desk.assert_inside()
