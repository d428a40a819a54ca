"""How like its original a rebuilt file is, as it is worked out after the verdict: waiting, then done.

Rules: one comparison for each attachment and treatment, because one rebuilding serves every zone that asks for the
same treatment; a try is counted before it is made, and after ``MAX_TRIES`` there is nothing to say; what is done
stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

Side = Literal["original", "rebuilt"]
MAX_TRIES = 3


class PagePicture(Struct, frozen=True):
    """The picture of one page (from 1), a blob among the renditions."""

    page: int
    side: Side
    blob: str


class Comparison(Struct, frozen=True):
    """``asked``: somebody wants it although it takes seconds (Office files). ``similarity``: as in the sanitizer's
    report; None where there is nothing to compare."""

    attachment: str
    treatment: str
    tries: int = 0
    done: bool = False
    asked: bool = False
    similarity: Mapping[str, Any] | None = None
    pictures: tuple[PagePicture, ...] = ()
