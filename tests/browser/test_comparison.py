"""What people see of the rebuild: how like the original it looks, differing pages side by side, parts of a file."""

from __future__ import annotations

import io
import re
from collections.abc import Awaitable, Callable

import openpyxl
import pytest
from playwright.async_api import expect
from support.desk import Console, Desk
from support.received_pdf import Draft, hostile

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

Desks = Callable[..., Awaitable[Desk]]


def differing() -> bytes:
    """A page whose blue box at the lower right goes, because it says it is in another file."""
    draft = Draft(b"q 1 0 0 1 200 20 cm /X Do Q\n")
    box = draft.stream("/Type/XObject/Subtype/Form/BBox[0 0 60 40]/F(x)", b"0 0 1 rg 0 0 60 40 re f")
    draft.resource("XObject", "X", box)
    return bytes(draft)


def workbook() -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["施設", 100])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


async def test_a_page_that_differs_is_shown_beside_the_original(desks: Desks, room: str) -> None:
    suzuki, sato = await desks("suzuki", "internet"), await desks("sato", "lgwan")
    await suzuki.enter(room)
    await sato.enter(room)
    await suzuki.attach("図面.pdf", differing())
    card = sato.card("図面.pdf")
    await expect(card.locator(".card-likeness")).to_have_text(
        re.compile(r"見た目の一致\W+9\d\.\d\d\W%"), timeout=30_000
    )
    await card.get_by_role("button", name="見比べる").click()
    panel = sato.page.locator(".panel-compare")
    await expect(panel).to_contain_text("元のファイルと見た目が違うところがあります。")
    await expect(panel).to_contain_text("違うところ: 右下")
    await expect(panel).to_contain_text("外部ファイルの参照")
    for name in ("受け取ったファイルの1ページ目", "無害化したファイルの1ページ目"):
        picture = panel.get_by_role("img", name=name)
        await expect(picture).to_have_js_property("complete", True)
        assert await picture.evaluate("(image) => image.naturalWidth") > 500


async def test_the_larger_view_is_worked_by_keys_alone(desks: Desks, room: str) -> None:
    suzuki, sato = await desks("suzuki", "internet"), await desks("sato", "lgwan")
    await suzuki.enter(room)
    await sato.enter(room)
    await suzuki.attach("図面.pdf", differing())
    await expect(sato.card("図面.pdf").locator(".card-likeness")).to_be_visible(timeout=30_000)
    await sato.card("図面.pdf").get_by_role("button", name="見比べる").press("Enter")
    larger = sato.page.get_by_role("button", name="大きく見る")
    await larger.press("Enter")
    areas = sato.page.locator("dialog .larger-page")
    await expect(areas.locator("img")).to_have_count(2)
    await expect(sato.page.get_by_role("dialog")).to_be_visible()
    await sato.page.keyboard.press("+")
    await expect(areas.first).to_have_class(re.compile("wide"))
    await areas.first.focus()
    await sato.page.keyboard.press("End")
    one, other = await areas.first.element_handle(), await areas.last.element_handle()
    together = "([one, other]) => one.scrollTop > 0 && one.scrollTop === other.scrollTop"
    await sato.page.wait_for_function(together, arg=[one, other])
    await sato.page.keyboard.press("Escape")
    await expect(areas).to_have_count(0)
    await expect(larger).to_be_focused()


async def test_no_original_is_shown_outward_and_the_page_says_so(desks: Desks, room: str) -> None:
    sato, suzuki = await desks("sato", "lgwan"), await desks("suzuki", "internet")
    await sato.enter(room)
    await suzuki.enter(room)
    await sato.attach("図面.pdf", differing())
    await expect(suzuki.card("図面.pdf").locator(".card-likeness")).to_be_visible(timeout=30_000)
    await suzuki.card("図面.pdf").get_by_role("button", name="見比べる").click()
    panel = suzuki.page.locator(".panel-compare")
    await expect(panel.get_by_role("img")).to_have_count(1)
    await expect(panel).to_contain_text("元のファイルの絵は表示しません。")


async def test_what_was_taken_out_is_told_place_by_place(desks: Desks, room: str) -> None:
    sato = await desks("sato", "internet")
    await sato.enter(room)
    await sato.attach("申込.pdf", hostile("javascript", "metadata"))
    card = sato.card("申込.pdf")
    await expect(card.locator(".card-likeness")).to_contain_text("100", timeout=30_000)
    await card.get_by_role("button", name="見比べる").click()
    panel = sato.page.locator(".panel-compare")
    await expect(panel).to_contain_text("元のファイルと同じ見た目です。")
    await expect(panel.get_by_role("heading", level=4)).to_have_text(["ファイル全体", "1ページ目"])
    await expect(panel.get_by_role("listitem").filter(has_text="JavaScript")).to_have_count(2)


async def test_only_the_tables_of_a_workbook_are_saved(desks: Desks, room: str, console: Console) -> None:
    console.expect("404")  # there are no pictures
    sato = await desks("sato", "internet")
    await sato.enter(room)
    await sato.attach("様式.xlsx", workbook())
    await sato.assert_released("様式.xlsx")
    card = sato.card("様式.xlsx")
    more = card.get_by_role("button", name="一部だけダウンロードする")
    await more.press("Enter")
    data = await sato.download(card.get_by_role("button", name="表だけ"))
    assert data.decode("utf-8-sig") == "施設,100\r\n"
    await expect(card.locator(".parts-told")).to_have_text("様式.csvを保存しました。")
    await expect(more).to_be_focused()
    await more.press("Enter")
    await sato.page.keyboard.press("Escape")
    await expect(card.locator(".parts-sheet")).to_have_count(0)
    await more.press("Enter")
    await card.get_by_role("button", name="画像だけ").click()
    await expect(card.locator(".parts-told")).to_have_text("このファイルに画像は含まれていません。")
