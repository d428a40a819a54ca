"""The fan-out's measure runs and counts what it sends (its figures are reported, not judged)."""

from __future__ import annotations

import pytest

from ops.bench import fanout


@pytest.mark.parametrize("kind", ["product", "bare"])
@pytest.mark.parametrize("mode", ["paced", "saturated"])
async def test_every_delivery_of_a_small_run_arrives(kind: str, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fanout, "DELIVERIES", 2_000)
    assert await fanout._rate(kind, 10, mode) > 0
