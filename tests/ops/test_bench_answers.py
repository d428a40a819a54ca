"""The measures of single answers: small ones of each, whose answers are what they should be. No time is asserted."""

from __future__ import annotations

import pytest

from ops.bench import answers, product
from ops.bench.answers import Sizes, figures
from ops.bench.product import Bare, Product, served


def test_each_measure_asks_what_it_says() -> None:
    found = figures(Sizes(1_200, 12, 2, 20, 2, 24, 2, 1, 3))
    room, night = found["room"], found["night"]
    assert room["open_all_unread"]["bytes"] > 4 * room["open"]["bytes"] > 4 * 100 * 100
    assert 0.8 < room["open"]["bytes"] / room["open_small"]["bytes"] < 1.25  # a hundred events of both
    sizes = {name: room["search"][name]["bytes"] for name in answers.QUERIES}
    assert min(sizes["common"], sizes["two_words"]) > sizes["rare"] > sizes["absent"]
    assert (night["rooms"], night["missed"]) == (12, 24)
    assert night["return"]["bytes"] > night["return_missing_nothing"]["bytes"] + 24 * 200
    assert found["herd"]["connections"] == 50 and found["upload"]["files"] == 2
    login = found["login"]
    assert login["wrong_tries_checked"] + login["wrong_tries_told_to_wait"] == 24
    assert login["wrong_tries_told_to_wait"] > 0 < login["cpu_ms_each"]


def test_memory_of_those_who_wait_is_a_slope(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(product, "IDLE", (100, 400))
    for kind in (Product, Bare):
        with served(kind) as server:
            assert 0 < product.idle_memory(server) < 200
