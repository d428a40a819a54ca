"""Sets of short words in one column: comma-joined, sorted; the empty set is the empty string."""

from __future__ import annotations

from collections.abc import Iterable


def join(words: Iterable[str]) -> str:
    return ",".join(sorted(words))


def split(text: str) -> frozenset[str]:
    return frozenset(text.split(",")) if text else frozenset()
