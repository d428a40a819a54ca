"""The installation that the tests of a module share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from support.installation import Installation, installed


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """A running installation. Its tests are marked ``pytest.mark.asyncio(loop_scope="module")``."""
    async with installed(tmp_path_factory.mktemp("town") / "data") as running:
        yield running
