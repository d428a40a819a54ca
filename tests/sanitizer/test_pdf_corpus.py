"""A sample of real files: harmless ones look and read the same, hostile ones come out clean (marker ``corpus``)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.pdf_readers import keys, pixels, rebuilt, text

from sanitizer.formats.base import NeedsPassword, Refused

HERE = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("SEKISHO_CORPUS", HERE.parent / "shared" / "corpus"))
EVERY = 4  # one file in four, so that the test takes seconds
LARGEST = 300_000  # bytes
ACTIVE = {
    "/JS",
    "/JavaScript",
    "/OpenAction",
    "/AA",
    "/XFA",
    "/EmbeddedFiles",
    "/EF",
    "/AF",
    "/RichMediaContent",
}

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus beside the checkout; SEKISHO_CORPUS may name it"),
]


def sample(kind: str) -> list[Path]:
    """Some files of ``kind``."""
    found = sorted((CORPUS / kind / "pdf").glob("*.pdf"))
    return [path for path in found if path.stat().st_size <= LARGEST][::EVERY]


@pytest.mark.parametrize("path", sample("benign"), ids=lambda path: path.name)
def test_harmless_files_look_and_read_the_same(path: Path) -> None:
    original = path.read_bytes()
    result = rebuilt(original).data
    try:
        shown = pixels(original)
    except Exception:
        pytest.skip("pdfium cannot draw the original")
    (width, height), samples = pixels(result)
    assert shown[0] == (width, height)
    different = sum(a != b for a, b in zip(shown[1], samples, strict=True))
    assert different <= 0.0005 * len(samples)
    assert text(result) == text(original)


@pytest.mark.parametrize("path", sample("hostile"), ids=lambda path: path.name)
def test_hostile_files_come_out_clean_or_not_at_all(path: Path) -> None:
    try:
        result = rebuilt(path.read_bytes()).data
    except NeedsPassword:
        return
    except Refused as refusal:
        assert refusal.code in ("unreadable", "no-page")
        return
    assert not keys(result) & ACTIVE
