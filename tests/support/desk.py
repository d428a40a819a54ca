"""A person at a browser page in one zone, as tests of the client tell it: they log in, open rooms, write, attach, read.

Rules: whatever the page says to its console, throws, or is stopped from by its content security policy ends up in
``Console``; the folder's fixture fails the test for all of it that the test did not announce with ``expect``.

>>> desk = await desks("sato", "lgwan")                                # doctest: +SKIP
>>> await desk.enter("窓口改善プロジェクト")                            # doctest: +SKIP
>>> await desk.say("確認しました。")                                    # doctest: +SKIP
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import BrowserContext, ConsoleMessage, Locator, Page, expect
from support.sekisho_process import PASSWORD

expect.set_options(timeout=15_000)  # of a machine that others use too
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""


@dataclass
class Console:
    """What pages complained of. ``expect`` announces what the test itself provokes, as regular expressions."""

    said: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def expect(self, *patterns: str) -> None:
        self.expected += patterns

    async def listen(self, context: BrowserContext) -> None:
        """Hear every page of the context from now on."""
        await context.add_init_script(REPORT_VIOLATIONS)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.said.append(f"uncaught: {error.error}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self.said.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def unexpected(self) -> list[str]:
        return [said for said in self.said if not any(re.search(pattern, said) for pattern in self.expected)]


@dataclass
class Desk:
    """``page`` is open at ``url``, the address of a zone."""

    page: Page
    url: str

    # Coming and going ------------------------------------------------------------------------------------------------

    async def open(self, query: str = "") -> None:
        await self.page.goto(f"{self.url}/{query}")

    async def log_in(self, login: str, password: str = PASSWORD) -> None:
        await self.page.fill("input[name=username]", login)
        await self.page.fill("input[name=password]", password)
        await self.page.keyboard.press("Enter")

    async def assert_inside(self) -> None:
        """Logged in, with the rooms on the screen."""
        await expect(self.page.locator(".room-line").first).to_be_attached()

    async def assert_outside(self) -> None:
        await expect(self.page.locator("input[autocomplete=current-password]")).to_be_visible()

    # Rooms -----------------------------------------------------------------------------------------------------------

    def room(self, name: str) -> Locator:
        exact = self.page.locator("bdi", has_text=re.compile(f"^{re.escape(name)}$"))
        return self.page.locator(".room-line").filter(has=exact)

    async def enter(self, name: str) -> None:
        """Open a room and wait until it can be written to."""
        await self.room(name).click()
        await expect(self.page.locator(".room-head h1")).to_have_text(name)
        await expect(self.composer).to_be_visible()

    async def assert_unread(self, name: str, count: int) -> None:
        counter = self.room(name).locator(".count > [aria-hidden]")
        if count:
            await expect(counter).to_have_text(str(count))
        else:
            await expect(counter).to_have_count(0)

    # Writing ---------------------------------------------------------------------------------------------------------

    @property
    def composer(self) -> Locator:
        return self.page.locator("#composer")

    async def say(self, text: str) -> None:
        """Write and send, and wait until the room shows it."""
        await self.composer.fill(text)
        await self.composer.press("Control+Enter")
        await self.assert_said(text)

    def message(self, text: str) -> Locator:
        """Posts of the room that hold ``text``; ``.pending`` ones are not among them."""
        return self.page.locator("li.message[data-seq]", has=self.page.locator(".text", has_text=text))

    async def assert_said(self, text: str, times: int = 1) -> None:
        await expect(self.message(text)).to_have_count(times)

    @property
    def pending(self) -> Locator:
        return self.page.locator(".pending")

    # Files -----------------------------------------------------------------------------------------------------------

    async def choose(self, name: str, data: bytes) -> None:
        """Pick a file for the draft."""
        chosen: Any = {"name": name, "mimeType": "application/octet-stream", "buffer": data}
        await self.page.locator("input[type=file]").set_input_files(chosen)
        await expect(self.draft(name)).to_be_visible()

    async def attach(self, name: str, data: bytes, text: str = "") -> None:
        """Pick a file and send it, with ``text``."""
        await self.choose(name, data)
        await self.composer.fill(text)
        await self.composer.press("Control+Enter")
        await expect(self.card(name)).to_be_visible()
        await expect(self.pending).to_have_count(0)

    def draft(self, name: str) -> Locator:
        return self.page.locator(".composer .card", has_text=name)

    def card(self, name: str) -> Locator:
        return self.page.locator(".timeline .card", has_text=name)

    async def assert_released(self, name: str) -> None:
        """The card's track is at its end and the file can be opened."""
        await expect(self.card(name).locator(".card-acts")).to_be_visible(timeout=20_000)
        await expect(self.card(name).locator(".step.done")).to_have_count(4)

    async def download(self, link: Locator) -> bytes:
        async with self.page.expect_download() as downloading:
            await link.click()
        path = await (await downloading.value).path()
        return path.read_bytes()

    async def text_of_panel(self) -> str:
        return await self.page.locator(".panel").inner_text()


async def until(happened: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for what the browser does outside the page's own documents, which ``expect`` cannot see."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.05)
