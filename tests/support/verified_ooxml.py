"""What the tests of the verifier of Office Open XML packages say of a file or of a package.

>>> from support.canonical_office import TEXT
>>> assert_accepted(TEXT)
>>> assert_rejected(TEXT.but("word/header1.xml", "head", "<head"), "tag")
"""

from __future__ import annotations

import re

import pytest
from support.canonical_ooxml import SHEET, SLIDES, WORD, Package, write

from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.ooxml import verify

LIMITS = Limits()


def assert_accepted(package: Package) -> None:
    """It is a sentence of the grammar."""
    verify(write(package), LIMITS, package.media_type)


def assert_rejected(package: Package | bytes, *codes: str, limits: Limits = LIMITS, mime: str = "") -> None:
    """It is none of this media type (else that of its main part), for one of these reasons, and the violation tells
    nothing of the file."""
    data = write(package) if isinstance(package, Package) else package
    mime = mime or (package.media_type if isinstance(package, Package) else _type(data))
    with pytest.raises(Violation) as caught:
        verify(data, limits, mime)
    assert not codes or caught.value.code in codes, caught.value
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", caught.value.code)
    assert re.fullmatch(r"[A-Za-z0-9 .,#/-]{0,40}", caught.value.where)


def _type(data: bytes) -> str:
    """The media type of the main part that is named in ``data``, of the outer package."""
    if b"word/document.xml" in data:
        return WORD
    return SHEET if b"xl/workbook.xml" in data else SLIDES
