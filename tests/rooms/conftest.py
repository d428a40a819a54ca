"""The town that the tests of rooms live in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.town import Town, chance, open_town

from rooms.commands import SERVER
from rooms.commands.people import AddOrganisation


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """A town with the people sato, suzuki and tanaka."""
    opened = await open_town(tmp_path)
    opened.organisation = (await opened.do(AddOrganisation(SERVER, "霞ヶ浜市", chance()))).id
    for login in ("sato", "suzuki", "tanaka"):
        await opened.add(login)
    yield opened
    await opened.performer.close()
    await opened.database.close()
