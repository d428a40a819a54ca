"""One browser and one ``sekisho demo`` for the whole folder; a fresh context, and a fresh room, for every test."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, StorageState, async_playwright
from support.desk import Console, Desk
from support.sekisho_process import Demo

from ops import build_client

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

Desks = Callable[..., Awaitable[Desk]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = pytest.mark.skip(reason=f"no browser: {CHROMIUM} is not there (apt-get install chromium)")
    for item in items:
        if item.get_closest_marker("browser") and not CHROMIUM.exists():
            item.add_marker(missing)


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    build_client.build()
    with Demo(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="package")
async def console() -> AsyncIterator[Console]:
    """What the pages of this test complain of; at its end only what was announced may have been said."""
    heard = Console()
    yield heard
    assert heard.unexpected() == []


@pytest_asyncio.fixture(loop_scope="package")
async def contexts(browser: Browser, console: Console) -> AsyncIterator[Callable[..., Awaitable[BrowserContext]]]:
    """Makes browser contexts: separate people at separate computers."""
    made: list[BrowserContext] = []

    async def make(**options: Any) -> BrowserContext:
        options = {"locale": "ja-JP", "viewport": {"width": 1366, "height": 768}, **options}
        context = await browser.new_context(**options)
        context.set_default_timeout(20_000)
        await console.listen(context)
        made.append(context)
        return context

    yield make
    for context in made:
        await context.close()


@pytest.fixture(scope="package")
def cookies() -> dict[tuple[str, str], StorageState]:
    """The state of browsers in which someone has logged in, by (login, zone): a password costs a quarter second."""
    return {}


@pytest_asyncio.fixture(loop_scope="package")
async def desks(
    demo: Demo,
    contexts: Callable[..., Awaitable[BrowserContext]],
    cookies: dict[tuple[str, str], StorageState],
) -> Desks:
    """``await desks("sato", "lgwan")``: that person, logged in there, on a computer of their own."""

    async def sit_down(login: str, zone: str = "lgwan", query: str = "", **options: Any) -> Desk:
        known = cookies.get((login, zone))
        context = await contexts(**options, **({"storage_state": known} if known else {}))
        desk = Desk(await context.new_page(), demo.zones[zone])
        await desk.open(query)
        if known is None:
            await desk.log_in(login)
        await desk.assert_inside()
        cookies.setdefault((login, zone), await context.storage_state())
        return desk

    return sit_down


@pytest.fixture
def room(demo: Demo, request: pytest.FixtureRequest) -> str:
    """The name of a fresh group of sato, suzuki and tanaka, open to both zones."""
    name = re.sub(r"[^0-9a-z]+", " ", request.node.name.removeprefix("test_"))[:60].strip()
    demo.make_room(name)
    return name
