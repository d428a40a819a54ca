"""Makes the pictures of the README from the running demo: ``python -m ops.screenshots``.

Rules kept here:

- A picture shows the product as it is: a fresh ``sekisho demo``, its own sample city, nothing drawn in afterwards.
- A picture is a PNG of at most ``MOST`` bytes, so that a clone stays small.
- Needs Debian's chromium and Playwright (a development dependency); the wheel leaves this file out.

Example: ``python -m ops.screenshots`` writes ``docs/images/two-zones.png``.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

from ops import build_client
from ops.demo_data.talk import COUNTER, FORM

SEKISHO = Path(sys.executable).with_name("sekisho")
CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
IMAGES = Path(__file__).parent.parent / "docs" / "images"
PASSWORD = "picture-of-the-day"  # of a demo that lives as long as the picture is taken
MOST = 300_000
GAP = 12
HEIGHT = 720
WINDOWS = (("tanaka", "internet", 560), ("sato", "lgwan", 860))


@contextmanager
def demo() -> Iterator[Mapping[str, str]]:
    """The address of each zone of a demo with a fresh sample city."""
    with tempfile.TemporaryDirectory() as name:
        folder, ready = Path(name), Path(name) / "ready.json"
        command: list[str | Path] = [SEKISHO, "demo", "--data", folder / "data", "--ready-file", ready]
        ports = ["--port-internet", "0", "--port-lgwan", "0"]
        environment = {**os.environ, "SEKISHO_DEMO_PASSWORD": PASSWORD}
        process = subprocess.Popen([*command, *ports], stdout=subprocess.DEVNULL, env=environment)
        try:
            while not ready.exists():
                if process.poll() is not None:
                    raise SystemExit("the demo did not start")
                time.sleep(0.1)
            yield json.loads(ready.read_text())["zones"]
        finally:
            process.terminate()
            process.wait()


async def window(browser: Browser, address: str, login: str, width: int) -> bytes:
    """The room of the counters as this person sees it, with the form's card in sight."""
    context = await browser.new_context(viewport={"width": width, "height": HEIGHT}, locale="ja-JP")
    page = await context.new_page()
    await page.goto(address)
    await page.fill("input[name=username]", login)
    await page.fill("input[name=password]", PASSWORD)
    await page.keyboard.press("Enter")
    await page.locator(".room-line", has_text=COUNTER.name).click()
    await show_card(page)
    picture = await page.screenshot()
    await context.close()
    return picture


async def show_card(page: Page) -> None:
    """Wait for the verdict and the small picture, read the room, and put the form's post at the top."""
    card = page.locator(".timeline .card", has_text=FORM)
    await card.locator("img").wait_for()
    await page.locator(".timeline").evaluate("(box) => { box.scrollTop = box.scrollHeight; }")
    await page.locator(".room-line[aria-current] .count").wait_for(state="detached")
    await card.evaluate("(card) => card.closest('li').scrollIntoView({ block: 'start' })")
    await page.mouse.move(0, 0)
    await page.wait_for_load_state("networkidle")


async def two_zones(zones: Mapping[str, str]) -> bytes:
    """Both zones side by side, as PNG."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        pictures = [await window(browser, zones[zone], login, width) for login, zone, width in WINDOWS]
        whole = await side_by_side(browser, pictures)
        await browser.close()
    return whole


async def side_by_side(browser: Browser, pictures: Sequence[bytes]) -> bytes:
    """The browser lays the pictures out, so that no other reader of pictures is needed."""
    width = sum(width for _, _, width in WINDOWS) + GAP
    page = await browser.new_page(viewport={"width": width, "height": HEIGHT})
    images = "".join(f'<img src="data:image/png;base64,{b64encode(each).decode()}">' for each in pictures)
    style = f"body {{ margin: 0; display: flex; gap: {GAP}px }}"
    await page.set_content(f"<style>{style}</style>{images}", wait_until="load")
    return await page.screenshot()


def save(picture: bytes, path: Path) -> None:
    """Write the PNG; raises ``SystemExit`` where it is too large."""
    if len(picture) > MOST:
        raise SystemExit(f"{path.name} has {len(picture)} bytes, more than {MOST}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture)
    print(f"{path}: {len(picture)} bytes")


def main() -> None:
    build_client.build()
    with demo() as zones:
        picture = asyncio.run(two_zones(zones))
    save(picture, IMAGES / "two-zones.png")


if __name__ == "__main__":
    main()
