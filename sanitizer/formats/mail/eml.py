"""EML: a message by RFC 5322 and MIME, written anew (``docs/grammar-mail.md``).

Rules kept here:

- Nothing of the received file is copied: fields of a list, texts and pages are read and written again; what is attached
  goes through an examination of its own, messages too.
- Japanese character sets leave as UTF-8. ``flatten`` flattens what is attached.

>>> list(unpack(b"Subject: a\\n\\nb", Job("message/rfc822", "rebuild", "a.eml", None, Limits())).members)
[]
"""

from __future__ import annotations

from collections.abc import Sequence

from sanitizer.formats.base import Job, Picture, Rebuilt, Refused, Table, Treated, Unpacked
from sanitizer.formats.mail import packing, reading, tree
from sanitizer.formats.mail.entity import read
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
    return packing.packed(_message(data, notes), members, notes, job.limits)


def _message(data: bytes, notes: Notes) -> Message:
    if not data.strip():
        raise Refused("empty")
    return tree.message(read(data), notes)


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """A message has no thumbnail."""
    return None


def text(data: bytes, limits: Limits) -> str:
    """What a rebuilt message says, and what is attached to it."""
    return reading.words(tree.message(read(data), Notes(KINDS)), limits)


def tables(data: bytes, limits: Limits) -> list[Table]:
    """The tables of a rebuilt message."""
    return reading.tables(tree.message(read(data), Notes(KINDS)), limits)


def pictures(data: bytes, limits: Limits) -> list[Picture]:
    """The pictures of a rebuilt message."""
    return reading.pictures(tree.message(read(data), Notes(KINDS)), limits)
