"""Files on their way: picked, pasted and dropped; refused with what to send instead; passwords; large ones in parts."""

from __future__ import annotations

import io
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pikepdf
import pytest
from playwright.async_api import Request, expect
from support.desk import Desk
from support.received_pdf import benign

from ops.demo_data import sample_files

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

Desks = Callable[..., Awaitable[Desk]]
HAND_OVER = """
([selector, kind, name, type, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(bytes)], name, { type }));
  const target = document.querySelector(selector);
  const options = { bubbles: true, cancelable: true };
  if (kind === "paste") target.dispatchEvent(new ClipboardEvent("paste", { ...options, clipboardData: data }));
  else for (const step of ["dragenter", "dragover", "drop"])
    target.dispatchEvent(new DragEvent(step, { ...options, dataTransfer: data }));
}
"""


def encrypted_pdf(password: str) -> bytes:
    """A harmless PDF that only ``password`` opens."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(benign())) as pdf:
        pdf.save(out, encryption=pikepdf.Encryption(user=password, owner="owner", R=6))
    return out.getvalue()


def sample(extension: str) -> tuple[str, bytes]:
    """A file of the demo's samples by its extension."""
    return next((name, data) for name, data in sample_files().items() if name.endswith(extension))


async def test_a_refused_file_says_why_and_what_to_send_instead(desks: Desks, room: str) -> None:
    suzuki, sato = await desks("suzuki", "internet"), await desks("sato", "lgwan")
    await suzuki.enter(room)
    await sato.enter(room)
    program = next(data for data in sample_files().values() if data.startswith(b"MZ"))
    await suzuki.choose("お見積書.pdf", program)
    warning = suzuki.draft("お見積書.pdf").get_by_role("alert")
    await expect(warning).to_contain_text("実行できるファイル", timeout=20_000)
    await expect(warning).to_contain_text("文書や画像に替えてください")
    await suzuki.composer.press("Control+Enter")
    card = sato.card("お見積書.pdf")
    await expect(card.locator(".card-line.stop")).to_contain_text("実行できるファイル")
    await expect(card.locator(".step.failed")).to_have_text(re.compile("検査"))
    await expect(card.locator(".card-acts")).to_have_count(0)


async def test_a_protected_file_asks_for_its_password_in_place(desks: Desks, room: str) -> None:
    suzuki, sato = await desks("suzuki", "internet"), await desks("sato", "lgwan")
    await suzuki.enter(room)
    await sato.enter(room)
    await suzuki.attach("保護.pdf", encrypted_pdf("himitsu-3"))
    field = suzuki.card("保護.pdf").get_by_label("ファイルのパスワード")
    await expect(field).to_be_visible(timeout=20_000)
    await expect(sato.card("保護.pdf")).to_contain_text("送信者がパスワードを入力すると検査を始めます")

    await field.fill("machigai")
    await field.press("Enter")
    await expect(suzuki.card("保護.pdf").get_by_role("status")).to_have_text(
        "パスワードが違います。入力し直してください。", timeout=20_000
    )
    await expect(field).to_have_value("")
    await field.fill("himitsu-3")
    await field.press("Enter")
    await sato.assert_released("保護.pdf")
    await expect(sato.card("保護.pdf")).to_contain_text("暗号化を外しました。")


async def test_a_pasted_picture_gets_a_name_and_is_sent(desks: Desks, room: str) -> None:
    sato = await desks("sato", "lgwan")
    await sato.enter(room)
    _, photo = sample(".jpg")
    await sato.page.evaluate(HAND_OVER, ["#composer", "paste", "image.jpg", "image/jpeg", list(photo)])
    await expect(sato.page.locator(".composer .card-name bdi")).to_have_text(re.compile(r"^貼り付け-\d{8}-\d{6}\.jpg$"))
    await sato.composer.press("Control+Enter")
    card = sato.page.locator(".timeline .card")
    await expect(card.locator("img")).to_be_visible(timeout=20_000)
    await card.get_by_role("button", name="開く", exact=True).click()
    picture = sato.page.locator(".viewer-image img")
    await expect(picture).to_have_js_property("complete", True)
    assert await picture.evaluate("(image) => image.naturalWidth") > 100


async def test_a_dropped_file_is_shown_where_it_lands_and_sent(desks: Desks, room: str) -> None:
    tanaka = await desks("tanaka", "internet")
    await tanaka.enter(room)
    name, data = sample(".csv")
    await tanaka.page.evaluate(HAND_OVER, [".timeline", "drop", name, "text/csv", list(data)])
    await expect(tanaka.draft(name)).to_be_visible()
    await expect(tanaka.page.locator(".drop-here")).to_have_count(0)
    await tanaka.composer.press("Control+Enter")
    await tanaka.assert_released(name)
    await expect(tanaka.card(name)).to_contain_text("計算式として動くセル")
    await tanaka.card(name).get_by_role("button", name="開く", exact=True).click()
    table = tanaka.page.locator(".viewer-text table")
    await expect(table.locator("th").first).to_have_text("避難所")
    await expect(table.locator("td", has_text="=SUM")).to_have_text("'=SUM(C2,C6,C9)")


async def test_a_draft_file_can_be_taken_out_again(desks: Desks, room: str) -> None:
    sato = await desks("sato", "lgwan")
    await sato.enter(room)
    await sato.choose("メモ.txt", "要らないメモ".encode())
    await sato.choose("空.txt", b"")
    await expect(sato.draft("空.txt").get_by_role("alert")).to_contain_text("空のファイルです")
    await sato.page.get_by_role("button", name="空.txtの添付をやめる").click()
    await sato.page.get_by_role("button", name="メモ.txtの添付をやめる").click()
    await expect(sato.page.locator(".composer .card")).to_have_count(0)


async def test_a_large_file_goes_in_parts_with_progress(desks: Desks, room: str, tmp_path: Path) -> None:
    sato = await desks("sato", "internet")
    await sato.enter(room)
    cdp = await sato.page.context.new_cdp_session(sato.page)
    rate = 4 * 1024 * 1024
    await cdp.send("Network.enable")
    throttle = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": rate}
    await cdp.send("Network.emulateNetworkConditions", throttle)
    sent: list[str] = []

    def note(request: Request) -> None:
        if "/api/v1/uploads/" in request.url:
            sent.append(request.method)

    sato.page.on("request", note)
    record = tmp_path / "記録.txt"
    record.write_bytes("訓練の記録です。\n".encode() * 400_000)
    await sato.page.locator("input[type=file]").set_input_files(record)
    await expect(sato.draft("記録.txt")).to_contain_text(re.compile(r"アップロード中 [1-9]\d?%"))
    await sato.composer.press("Control+Enter")
    await expect(sato.page.locator("#composer-note")).to_contain_text("アップロードが終わりしだい送信します")
    await expect(sato.card("記録.txt")).to_be_visible(timeout=20_000)
    assert sent == ["POST", "PATCH", "PATCH"]
    await expect(sato.card("記録.txt").locator(".card-acts")).to_be_visible(timeout=20_000)


async def test_a_file_with_a_my_number_stays_in_its_zone_and_says_so(desks: Desks, room: str) -> None:
    sato, suzuki = await desks("sato", "lgwan"), await desks("suzuki", "internet")
    await sato.enter(room)
    await suzuki.enter(room)
    await sato.choose("名簿.txt", "マイナンバー 1234-5678-9018\n".encode())
    await expect(sato.draft("名簿.txt").get_by_role("alert")).to_contain_text("個人番号", timeout=20_000)
    await sato.composer.press("Control+Enter")
    own = sato.card("名簿.txt")
    await expect(own.locator(".card-zones")).to_contain_text("インターネット: 通せません")
    await expect(own.locator(".card-line.stop")).to_contain_text("番号を消して送り直すか")
    await expect(own.get_by_role("button", name="開く", exact=True)).to_be_visible()
    other = suzuki.card("名簿.txt")
    await expect(other.locator(".card-line.stop")).to_contain_text("インターネット区画には出していません")
    await expect(other.locator(".card-acts")).to_have_count(0)
