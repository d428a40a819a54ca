"""Logs: one JSON object per line on standard error, for people with ``jq`` and for the town's log server.

Rules: a record is one line whatever it says (JSON escapes line breaks and controls, so nothing can forge a record);
nothing that people write is logged: no message text, file name, password, token or cookie; an exception is logged
with its frames (file names shortened to the package) and never shown to a user.

>>> import json, logging
>>> record = logging.LogRecord("sekisho", logging.INFO, "", 0, "up\\nagain", None, None)
>>> json.loads(JsonFormatter().format(record))["message"]
'up\\nagain'
"""

from __future__ import annotations

import logging
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import TextIO

import msgspec

from server.timestamps import timestamp

_EXTRAS = ("request_id", "listener", "zone", "session", "code")


class JsonFormatter(logging.Formatter):
    """``at``, ``level``, ``logger``, ``message``; then what the record carries of ``request_id`` and the like."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": timestamp(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({name: getattr(record, name) for name in _EXTRAS if hasattr(record, name)})
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            line["error"] = type(error).__name__
            line["detail"] = str(error)
            line["frames"] = _frames(record.exc_info[2])
        return msgspec.json.encode(line, enc_hook=str).decode()


def _frames(where: TracebackType | None) -> list[str]:
    return [
        f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(where, limit=-20)
    ]


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Make the root logger write JSON lines. ``level`` is the settings' ``log.level`` and counts for our own loggers
    alone: libraries speak from warnings on, because what they would tell beyond that (statements, frames) holds what
    people write.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level.upper()]))
    logging.getLogger("sekisho").setLevel(level.upper())
    logging.getLogger("sekisho.sockets.frames").setLevel(logging.WARNING)
