"""Which event loop the server runs on: uvloop where it is installed (the extra ``speed``), else asyncio's own.

Rules: nothing of ours depends on the choice; it is said in the log; a setting may ask for one, and asking for uvloop
where it is not installed is refused at the start.

>>> loop_of("asyncio").name
'asyncio'

Python's collector of cycles is set here too, for it stops the loop while it looks.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import importlib.util
from collections.abc import Callable
from typing import NamedTuple

from server.installation import StartRefused


class Loop(NamedTuple):
    """``factory`` makes a new loop for ``asyncio.Runner``."""

    name: str
    factory: Callable[[], asyncio.AbstractEventLoop]


def loop_of(wanted: str) -> Loop:
    """The loop for a choice of the setting ``event_loop``. Raises ``StartRefused`` (``no_uvloop``)."""
    there = importlib.util.find_spec("uvloop") is not None
    if wanted == "uvloop" and not there:
        raise StartRefused(
            "no_uvloop",
            'uvloop が入っていません。追加機能 speed を入れるか、設定を event_loop = "auto" にしてください。',
            'uvloop is not installed. Install the extra "speed", or set event_loop = "auto".',
        )
    if wanted == "asyncio" or not there:
        return Loop("asyncio", asyncio.new_event_loop)
    return Loop("uvloop", importlib.import_module("uvloop").new_event_loop)


YOUNG, MIDDLE, OLD = 25_000, 20, 20


def collect_seldom() -> None:
    """After the start: what is there stays as long as the server and is not looked at again; what a message makes holds
    no cycles, so looking after every 700 objects found nothing (a tenth of the time of a busy server)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
