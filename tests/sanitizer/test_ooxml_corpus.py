"""A sample of real files: all come out in the grammar, or say why not (marker ``corpus``)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sanitizer.formats.base import Job, NeedsPassword, Refused, ToConvert
from sanitizer.formats.ooxml import rebuild
from sanitizer.identify import identify
from sanitizer.limits import Limits
from sanitizer.verify.ooxml import verify

HERE = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("SEKISHO_CORPUS", HERE.parent / "shared" / "corpus"))
NOT_DRAWN = b"-"  # metafiles keep their places
EVERY = 4  # one file in four, so that the test takes seconds
LARGEST = 300_000  # bytes

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus beside the checkout; SEKISHO_CORPUS may name it"),
]


def sample(kind: str) -> list[Path]:
    """Some files of ``kind``."""
    found = sorted(path for family in ("docx", "xlsx", "pptx") for path in (CORPUS / kind / family).glob("*"))
    return [path for path in found if path.stat().st_size <= LARGEST][::EVERY]


@pytest.mark.parametrize("path", [*sample("benign"), *sample("hostile")], ids=lambda path: path.name)
def test_real_files_come_out_in_the_grammar_or_say_why_not(path: Path) -> None:
    data = path.read_bytes()
    try:
        mime = identify(data, path.name).mime
        result = rebuild(data, Job(mime, "rebuild", path.name, None, Limits(), drawn=NOT_DRAWN))
    except NeedsPassword:
        return
    except Refused as refused:
        assert refused.code in ("unreadable", "unsupported-office", "type-mismatch"), refused
        return
    if isinstance(result, ToConvert):  # a binary workbook
        assert result.recipe == "xlsb-xlsx"
        return
    verify(result.data, Limits(), result.mime)
    assert not result.mime.endswith(".12")
    for active in (b"vbaProject", b"oleObject", b"activeX", b"macroEnabled"):
        assert active not in result.data
