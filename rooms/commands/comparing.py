"""Working out how like its original a rebuilt file is: the server's own work, after the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rooms.commands import Command
from rooms.comparison import PagePicture


class AskComparison(Command, frozen=True):
    """Somebody who may read the file asks for a comparison that is not made by itself, because it costs seconds."""

    attachment: str
    treatment: str


class StartComparison(Command, frozen=True):
    """Counted before the jails see the files."""

    attachment: str
    treatment: str


class GiveBackComparison(Command, frozen=True):
    """The jails did not get to say anything: the try does not count."""

    attachment: str
    treatment: str


class NoteComparison(Command, frozen=True):
    """What was found; ``similarity`` None: there is nothing to compare. Not an act on record: it changes neither what
    may be read nor by whom."""

    attachment: str
    treatment: str
    similarity: Mapping[str, Any] | None
    pictures: tuple[PagePicture, ...] = ()
