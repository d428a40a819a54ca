"""Reads OpenDocument files as ``docs/grammar-odf.md`` allows them: canonical ZIP and XML, one table.

Rules kept here:

- Written from the grammar and its table alone; no library for OpenDocument, XML or ZIP files, not a line of the
  transformer.
- The ZIP and the way in which XML is cut are those of ``sanitizer.verify.ooxml``; pictures go to
  ``sanitizer.verify.image``, drawings to ``sanitizer.verify.markup.svg``.

In reading order: ``table`` (the facts, §3), ``formulas`` (§7, §8), ``values`` (§3, §6), ``markup`` (§2, §3), and
``package`` (§1, §4, §5), which holds them together.

>>> verify(b"PK\\x03\\x04", Limits(), "application/vnd.oasis.opendocument.text")
Traceback (most recent call last):
sanitizer.verify.Violation: ('truncated', 'member 1')
"""

from __future__ import annotations

from sanitizer.limits import Limits
from sanitizer.verify.odf.package import verify_package
from sanitizer.verify.ooxml.checks import Budget


def verify(data: bytes, limits: Limits, mime: str) -> None:
    """Nothing if ``data`` is a file of the grammar, of the type ``mime`` and within ``limits``, else ``Violation``."""
    verify_package(data, mime, Budget.of(limits))
