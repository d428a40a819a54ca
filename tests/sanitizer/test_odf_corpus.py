"""Real OpenDocument files: all come out in the grammar, or say why not (marker ``corpus``)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sanitizer.formats.base import Job, NeedsPassword, Rebuilt, Refused
from sanitizer.formats.odf import rebuild
from sanitizer.identify import identify
from sanitizer.limits import Limits
from sanitizer.verify.odf import verify

HERE = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("SEKISHO_CORPUS", HERE.parent / "shared" / "corpus"))

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus beside the checkout; SEKISHO_CORPUS may name it"),
]


def files(kind: str) -> list[Path]:
    """All of ``kind``; they are few and small."""
    return sorted((CORPUS / kind / "odf").glob("*"))


@pytest.mark.parametrize("path", [*files("benign"), *files("hostile")], ids=lambda path: path.name)
def test_real_files_come_out_in_the_grammar_or_say_why_not(path: Path) -> None:
    data = path.read_bytes()
    try:
        mime = identify(data, path.name).mime
        result = rebuild(data, Job(mime, "rebuild", path.name, None, Limits(), drawn=b""))
    except NeedsPassword:
        return
    except Refused as refused:
        assert refused.code == "unreadable", refused
        return
    assert isinstance(result, Rebuilt)  # metafiles are not drawn here
    verify(result.data, Limits(), result.mime)
    assert b"Basic/" not in result.data
    assert b"ObjectReplacements" not in result.data
