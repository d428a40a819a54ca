"""What comes from outside is in no grammar: the corpus's originals, handed to the verifiers as if they were outputs.

The corpus is found beside the checkout, or where ``SEKISHO_CORPUS`` says; without it these tests are skipped.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from sanitizer.limits import Limits
from sanitizer.verify import VERIFIERS, Violation

HERE = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("SEKISHO_CORPUS", HERE.parent / "shared" / "corpus"))
LIMITS = Limits()
TABLES = ("text/csv", "text/tab-separated-values")
TEXTS = ("text/plain", *TABLES)  # any text is one, and does nothing where it is served

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus beside the checkout; SEKISHO_CORPUS may name it"),
]


def rows() -> list[dict[str, str]]:
    """The lines of the manifest."""
    with (CORPUS / "MANIFEST.tsv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def accepting(path: Path) -> set[str]:
    """The types of which the verifiers take this file to be."""
    data, found = path.read_bytes(), set()
    for mime, module in VERIFIERS.items():
        try:
            import_module(module).verify(data, LIMITS, mime)
        except Violation:
            continue
        found.add(mime)
    return found


def test_no_hostile_file_is_an_output() -> None:
    files = [row["path"] for row in rows() if row["kind"] != "benign"]
    assert len(files) > 100
    for path in files:
        found = accepting(CORPUS / path)
        assert found <= set(TEXTS), (path, found)
        if path.split("/")[1] == "csv":
            assert not found & set(TABLES), path


def test_a_benign_original_is_one_only_if_there_is_nothing_to_take_out() -> None:
    for row in rows():
        found = accepting(CORPUS / row["path"]) - set(TEXTS) if row["kind"] == "benign" else set()
        assert all(mime.startswith("image/") and mime != "image/svg+xml" for mime in found), (row["path"], found)
        assert not found or row["threat"] in ("", "-"), (row["path"], row["threat"])


def test_no_file_with_an_active_finding_is_an_output() -> None:
    """By the corpus's own checker, level A: all of them, benign and hostile."""
    files = [str(CORPUS / row["path"]) for row in rows()]
    command = [sys.executable, str(CORPUS / "check_clean.py"), "--scan", "--level", "A", *files]
    run = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if "ModuleNotFoundError" in run.stderr:
        pytest.skip("the checker of the corpus needs further libraries")
    lines = [line.split("\t") for line in run.stdout.splitlines()]
    active = {line[0] for line in lines if len(line) > 2 and line[2] == "A"}
    assert len(active) > 200
    for path in active:
        found = accepting(Path(path))
        assert found <= set(TEXTS), (path, found)
        assert not found & set(TABLES) or Path(path).parent.name != "csv", path
