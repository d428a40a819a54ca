"""MSG: a message of Outlook, written anew as one, or as mail if something is attached (``docs/grammar-mail.md``).

Rules kept here:

- Nothing of the received file is copied: a list of properties is read, its texts and pages are made anew, what is
  attached goes through an examination of its own.
- A message without attachments leaves as a compound file with the properties of a list and nothing else; with
  attachments, or too long for the simplest compound file, it leaves as mail (``ops/decisions/0012``).
"""

from __future__ import annotations

from collections.abc import Sequence

from sanitizer.formats.base import Job, Picture, Rebuilt, Table, Treated, Unpacked
from sanitizer.formats.mail import outlook, outlook_writer, packing, reading
from sanitizer.formats.mail.kinds import KINDS
from sanitizer.formats.mail.model import Message
from sanitizer.formats.markup.notes import Notes
from sanitizer.limits import Limits

__all__ = ["KINDS", "pack", "pictures", "tables", "text", "thumbnail", "unpack"]


def unpack(data: bytes, job: Job) -> Unpacked:
    """What is attached. Raises ``Refused``."""
    return Unpacked(packing.members(_message(data, Notes(KINDS))))


def pack(data: bytes, job: Job, members: Sequence[Treated]) -> Rebuilt:
    """The message written anew. Raises ``Refused``."""
    notes = Notes(KINDS)
    message = _message(data, notes)
    made = None if message.attached() else outlook_writer.written(message, notes, job.limits)
    if made is None:
        notes.changed("mail-format")
        return packing.packed(message, members, notes, job.limits)
    removed, changed = notes.lists()
    return Rebuilt(made, "application/vnd.ms-outlook", removed, changed)


def _message(data: bytes, notes: Notes) -> Message:
    return outlook.message(data, notes, packing.as_mail)


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """A message has no thumbnail."""
    return None


def text(data: bytes, limits: Limits) -> str:
    """What a rebuilt message says."""
    return reading.words(_message(data, Notes(KINDS)), limits)


def tables(data: bytes, limits: Limits) -> list[Table]:
    """The tables of a rebuilt message."""
    return reading.tables(_message(data, Notes(KINDS)), limits)


def pictures(data: bytes, limits: Limits) -> list[Picture]:
    """The pictures of a rebuilt message."""
    return reading.pictures(_message(data, Notes(KINDS)), limits)
