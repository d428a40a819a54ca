"""Reads Office Open XML packages as ``docs/grammar-ooxml.md`` allows them: canonical ZIP and XML, one table.

Rules kept here:

- Written from the grammar and its table alone; no library for Office, XML or ZIP files, not a line of the transformer.
- Nothing of a package is decoded but Deflate streams and UTF-8. Pictures go to ``sanitizer.verify.image``.
- What cannot be looked up, compared or matched as a whole is a violation.

In reading order: ``checks``, ``table`` (the facts, §3), ``members`` (§1), ``elements``, ``cells`` and ``markup`` (§2
and §3), ``values`` (§3), ``rules`` (§5), ``names`` and ``relations`` (§4), ``fields`` (§6), ``formulas`` (§7),
``links`` (§8), ``notes`` (§9), and ``package``, which holds them together; ``usual`` is about speed alone.

>>> from sanitizer.verify.ooxml.package import NESTED
>>> verify(b"PK\\x03\\x04", Limits(), NESTED)
Traceback (most recent call last):
sanitizer.verify.Violation: ('truncated', 'member 1')
"""

from __future__ import annotations

from sanitizer.limits import Limits
from sanitizer.verify.ooxml.checks import Budget
from sanitizer.verify.ooxml.package import verify_package
from sanitizer.verify.ooxml.usual import learn as warm

__all__ = ["verify", "warm"]


def verify(data: bytes, limits: Limits, mime: str) -> None:
    """Nothing if ``data`` is a package of the grammar, of the type ``mime``, within ``limits``, else ``Violation``."""
    verify_package(data, mime, Budget.of(limits))
