"""An attachment arrives, is tried, is judged, is read, and its original goes."""

from __future__ import annotations

from rooms.attachment import Release
from rooms.commands import Command


class ReceiveAttachment(Command, frozen=True):
    """The bytes are durable in quarantine under ``blob``; ``name`` is as the sender wrote it."""

    room: str
    name: str
    size: int
    sha256: str
    blob: str
    chance: bytes


class StartTry(Command, frozen=True):
    """Counted before the sanitizer sees the file, so that a file that kills the server is poison after three."""

    attachment: str


class GiveBackTry(Command, frozen=True):
    """The sanitizer did not get to say anything (the server ends, no jail can be had): the try does not count."""

    attachment: str


class JudgeAttachment(Command, frozen=True):
    """The sanitizer's word: ``releases`` for the zones that are still open."""

    attachment: str
    releases: tuple[Release, ...]


class NoteThumbnail(Command, frozen=True):
    """What was left for ``LATER`` was drawn, under the blob ``thumbnail``, or cannot be (None). Not an act on record:
    it changes neither what may be read nor by whom."""

    attachment: str
    treatment: str
    thumbnail: str | None


class GivePassword(Command, frozen=True):
    """The uploader gave a password (which is not part of the command: it is never stored)."""

    attachment: str


class ForgetOriginal(Command, frozen=True):
    """The received bytes are past their time; an attachment that was never posted goes altogether. ``posted``: as it
    was when that was found; what was posted meanwhile begins another time.
    """

    attachment: str
    posted: bool
