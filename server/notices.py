"""What the server rests from, as people, ``sekisho doctor`` and the metrics are told.

Rules kept here: said once, when it changes; ``paused`` is true of what the routes do at that moment: the load's level
and the disk decide both (``server.load``, ``server.storage_watch``); messages are on the list only when the disk is
full.

>>> paused(Level.SEARCH, no_files=False, reads_only=False)
['marks', 'previews', 'search']
>>> paused(Level.NONE, no_files=True, reads_only=True)
['uploads', 'posts']
"""

from __future__ import annotations

import logging
from typing import Any, Protocol

from server import wire
from server.framing import frame
from server.load import Level, Load
from server.storage_watch import StorageWatch

log = logging.getLogger("sekisho.load")

_SHED: tuple[tuple[Level, wire.Paused], ...] = (
    (Level.MARKS, "marks"),
    (Level.PREVIEWS, "previews"),
    (Level.SEARCH, "search"),
    (Level.UPLOADS, "uploads"),
)


class Tell(Protocol):
    """``server.websocket_endpoint.WebSocketEndpoint.tell``."""

    def __call__(self, notice: bytes, *, on_ready: bool) -> None: ...


def paused(level: Level, *, no_files: bool, reads_only: bool) -> list[wire.Paused]:
    """What rests, in the order in which it is given up."""
    rests = [name for at, name in _SHED if level >= at]
    if no_files and "uploads" not in rests:
        rests.append("uploads")
    return [*rests, "posts"] if reads_only else rests


class Notices:
    """``look`` after anything may have changed; ``tell`` reaches those who asked for notices."""

    def __init__(self, load: Load, storage: StorageWatch, tell: Tell) -> None:
        self._load = load
        self._storage = storage
        self._tell = tell
        self._said = wire.ServerNotice([], [])

    def look(self) -> None:
        """Say it, if it is not what was said last."""
        notice = self.notice()
        if notice == self._said:
            return
        self._said = notice
        level = logging.WARNING if notice.paused else logging.INFO
        log.log(level, "resting: %s", ", ".join(notice.paused) or "nothing")
        self._tell(frame(notice), on_ready=bool(notice.paused))

    def notice(self) -> wire.ServerNotice:
        storage = self._storage
        rests = paused(self._load.level, no_files=storage.refuses_uploads, reads_only=storage.reads_only)
        why: list[wire.NoticeReason] = ["busy"] if self._load.level else []
        return wire.ServerNotice([*why, "storage"] if storage.refuses_uploads or storage.reads_only else why, rests)

    def answer(self) -> dict[str, Any]:
        """For ``sekisho doctor``: level, what rests, and what was measured last."""
        return {
            "level": int(self._load.level),
            "paused": list(self.notice().paused),
            "measures": self._load.measures._asdict(),
        }
