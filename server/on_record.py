"""Refusals that are on record already: the writer wrote their leaf, so nobody writes a second one."""

from __future__ import annotations

from rooms.refusals import Refusal


class OnRecord(Refusal):
    """A refusal whose leaf the writer has written already."""

    __slots__ = ()


def on_record(refusal: Refusal) -> OnRecord:
    return OnRecord(*refusal)
