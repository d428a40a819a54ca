"""The verifiers: an explicit table, media type of an output → module with an independent reader.

Rules kept here:

- A verifier shares no code and no parser with the transformer of its format; it is written from ``docs/grammar-*.md``.
- ``verify`` returns None for a file in the canonical grammar and raises ``Violation`` for everything else; any other
  exception counts as a violation too. Fail closed: a type without a line here is never released.
- It runs in a jail of its own, in a process that has imported no format module.

A module offers ``def verify(data: bytes, limits: Limits, mime: str) -> None``. ``mime`` is the media type as which the
file is going to be served; a file of another type of the same family is a violation. A module for one type alone need
not look at it: the table has led to it.

>>> Violation("trailing-bytes", "offset 120").code
'trailing-bytes'
"""

from __future__ import annotations

import re
from typing import Protocol

from sanitizer.limits import Limits

VERIFIERS: dict[str, str] = {
    "application/pdf": "sanitizer.verify.pdf",
    "application/vnd.ms-outlook": "sanitizer.verify.mail.outlook",
    "application/vnd.oasis.opendocument.formula": "sanitizer.verify.odf",
    "application/vnd.oasis.opendocument.formula-template": "sanitizer.verify.odf",
    "application/vnd.oasis.opendocument.graphics": "sanitizer.verify.odf",
    "application/vnd.oasis.opendocument.graphics-template": "sanitizer.verify.odf",
    "application/vnd.oasis.opendocument.presentation": "sanitizer.verify.odf",
    "application/vnd.oasis.opendocument.presentation-template": "sanitizer.verify.odf",
    "application/vnd.oasis.opendocument.spreadsheet": "sanitizer.verify.odf",
    "application/vnd.oasis.opendocument.spreadsheet-template": "sanitizer.verify.odf",
    "application/vnd.oasis.opendocument.text": "sanitizer.verify.odf",
    "application/vnd.oasis.opendocument.text-template": "sanitizer.verify.odf",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "sanitizer.verify.ooxml",
    "application/vnd.openxmlformats-officedocument.presentationml.slideshow": "sanitizer.verify.ooxml",
    "application/vnd.openxmlformats-officedocument.presentationml.template": "sanitizer.verify.ooxml",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "sanitizer.verify.ooxml",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.template": "sanitizer.verify.ooxml",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "sanitizer.verify.ooxml",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.template": "sanitizer.verify.ooxml",
    "application/zip": "sanitizer.verify.archive",
    "audio/mp4": "sanitizer.verify.media.boxes",
    "audio/mpeg": "sanitizer.verify.media.mp3",
    "audio/wav": "sanitizer.verify.media.wave",
    "image/avif": "sanitizer.verify.image",
    "image/bmp": "sanitizer.verify.image",
    "image/gif": "sanitizer.verify.image",
    "image/jpeg": "sanitizer.verify.image",
    "image/png": "sanitizer.verify.image",
    "image/svg+xml": "sanitizer.verify.markup.svg",
    "image/tiff": "sanitizer.verify.image",
    "image/webp": "sanitizer.verify.image",
    "message/rfc822": "sanitizer.verify.mail.message",
    "text/calendar": "sanitizer.verify.cards.calendar",
    "text/csv": "sanitizer.verify.text_table",
    "text/html": "sanitizer.verify.markup.html",
    "text/plain": "sanitizer.verify.text",
    "text/tab-separated-values": "sanitizer.verify.text_table",
    "text/vcard": "sanitizer.verify.cards.vcard",
    "video/mp4": "sanitizer.verify.media.boxes",
}


_VERSIONS = {
    "archive": 1,
    "cards": 1,
    "image": 2,
    "mail": 1,
    "media": 1,
    "markup": 2,
    "odf": 1,
    "ooxml": 1,
    "pdf": 1,
    "text": 2,
}
_FAMILIES = {mime: re.split("[._]", module.removeprefix("sanitizer.verify."))[0] for mime, module in VERIFIERS.items()}
GRAMMARS: dict[str, str] = {mime: f"{family}-{_VERSIONS[family]}" for mime, family in _FAMILIES.items()}
"""Which version of which written grammar (``docs/grammar-*.md``) a verifier checks."""


class Violation(Exception):
    """The output breaks the grammar. ``code`` matches ``[a-z0-9][a-z0-9-]{0,39}``; ``where`` is at most 40 characters
    of ``[A-Za-z0-9 .,#/-]``, never taken from the file."""

    def __init__(self, code: str, where: str = "") -> None:
        super().__init__(code, where)
        self.code = code
        self.where = where


class Verifier(Protocol):
    """The shape of a verifier module."""

    def verify(self, data: bytes, limits: Limits, mime: str) -> None:
        """Nothing if ``data`` is in the grammar of ``mime``, else ``Violation``."""
