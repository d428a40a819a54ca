"""What programs write, and what comes from outside, is not in the grammar: only what was rebuilt is."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import docx
import openpyxl
import pptx
import pytest
from support.verified_ooxml import assert_rejected

from sanitizer.verify import VERIFIERS

HERE = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("SEKISHO_CORPUS", HERE.parent / "shared" / "corpus"))
LARGEST = 2_000_000  # bytes
OFFICE_TYPES = [mime for mime in VERIFIERS if "officedocument" in mime]
OFFICE = ("docx", "xlsx", "pptx", "officexml")


class Writer(Protocol):
    """A document of any of the libraries."""

    def save(self, path_or_stream: io.BytesIO, /) -> object: ...


@pytest.mark.parametrize("make", [docx.Document, openpyxl.Workbook, pptx.Presentation])
def test_rejects_what_libraries_write(make: Callable[[], Writer]) -> None:
    written = io.BytesIO()
    make().save(written)
    assert_rejected(written.getvalue(), "member-order", "member-header", "method")


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus beside the checkout; SEKISHO_CORPUS may name it")
@pytest.mark.parametrize("kind", ["benign", "hostile"])
def test_rejects_every_original(kind: str) -> None:
    files = [path for family in OFFICE for path in sorted((CORPUS / kind / family).glob("*"))]
    assert files
    for path in files:
        if path.stat().st_size <= LARGEST:
            for mime in OFFICE_TYPES:
                assert_rejected(path.read_bytes(), mime=mime)
