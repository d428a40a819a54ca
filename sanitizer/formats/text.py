"""Plain text: every byte as received, but for controls.

Rules kept here:

- Encoding, byte order mark and line ends stay; a text with nothing to take out leaves exactly as it came.
- What looks like HTML or a script is only text here: the file is served as ``text/plain`` and nothing runs.
- What leaves is in the grammar of ``docs/grammar-text.md``.

>>> rebuild(b"a\\x00b\\r\\n", Job("text/plain", "rebuild", "a.txt", None, Limits())).data
b'ab\\r\\n'
"""

from __future__ import annotations

from sanitizer.formats.base import Change, Job, Rebuilt, Refused
from sanitizer.formats.text_encoding import read_text, recognised, without_controls
from sanitizer.formats.text_kinds import KINDS
from sanitizer.limits import Limits

__all__ = ["KINDS", "rebuild", "thumbnail"]


def rebuild(data: bytes, job: Job) -> Rebuilt:
    """The text without controls. Raises ``Refused`` for what is in no known encoding."""
    removed: list[Change] = []
    changed: list[Change] = []
    text = without_controls(read_text(data, changed), removed)
    if not text.body:
        raise Refused("empty")
    return Rebuilt(text.bom + text.body, job.mime, removed, changed)


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """A text has no thumbnail."""
    return None


def text(data: bytes, limits: Limits) -> str:
    """The characters."""
    return recognised(data).decoded()
