"""Real pictures, texts and tables from the corpus beside the checkout: rebuilt, verified, judged by its own checker.

The corpus is found at ``../shared/corpus`` beside the checkout's folder, at ``../../shared/corpus``, or where
``SEKISHO_CORPUS`` says; without it these tests are skipped.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sanitizer.formats import csv_table
from sanitizer.formats import image as image_format
from sanitizer.formats import text as text_format
from sanitizer.formats.base import Job, Refused
from sanitizer.limits import Limits
from sanitizer.refusals import SENTENCES
from sanitizer.verify import Violation
from sanitizer.verify import image as image_verifier
from sanitizer.verify import text as text_verifier
from sanitizer.verify import text_table as table_verifier

pytestmark = pytest.mark.corpus

TYPES = {kind: f"image/{kind}" for kind in ("png", "jpeg", "gif", "webp", "tiff", "bmp")}
TYPES |= {"text": "text/plain", "csv": "text/csv"}
FORMATS = {"text/plain": text_format, "text/csv": csv_table}
READERS = {"text/plain": text_verifier, "text/csv": table_verifier}


def corpus() -> Path | None:
    checkout = Path(__file__).resolve().parents[2]
    places = [Path(os.environ.get("SEKISHO_CORPUS", checkout / "no-corpus"))]
    places += [parent / "shared" / "corpus" for parent in (checkout.parent, checkout.parent.parent)]
    return next((place for place in places if (place / "MANIFEST.tsv").is_file()), None)


ROOT = corpus()


def rows() -> list[dict[str, str]]:
    """The lines of the manifest whose folder is one of ours."""
    if ROOT is None:
        return []
    with (ROOT / "MANIFEST.tsv").open(encoding="utf-8", newline="") as lines:
        found = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [row for row in found if row["path"].split("/")[1] in TYPES]


ROWS = rows()


@pytest.fixture(scope="module")
def folder() -> Path:
    if ROOT is None:
        pytest.skip("no corpus: put it at ../shared/corpus beside the checkout, or set SEKISHO_CORPUS")
    return ROOT


@pytest.fixture(scope="module")
def outputs(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path | str]:
    """Path in the corpus → the rebuilt file, verified, or the code of its refusal."""
    made: dict[str, Path | str] = {}
    limits = Limits()
    for row in ROWS:
        source = folder / row["path"]
        mime = TYPES[source.parent.name]
        try:
            result = FORMATS.get(mime, image_format).rebuild(
                source.read_bytes(), Job(mime, "rebuild", source.name, None, limits)
            )
        except Refused as refusal:
            made[row["path"]] = refusal.code
            continue
        READERS.get(mime, image_verifier).verify(result.data, limits, result.mime)
        target = tmp_path_factory.mktemp("out") / source.name
        target.write_bytes(result.data)
        made[row["path"]] = target
    return made


def test_benign_files_are_released(outputs: dict[str, Path | str]) -> None:
    refused = [row["path"] for row in ROWS if row["kind"] == "benign" and isinstance(outputs[row["path"]], str)]
    # one file of the set is no bitmap: it begins with another signature, and no viewer opens it
    assert len(refused) <= 1


def test_benign_texts_and_tables_keep_every_byte(outputs: dict[str, Path | str], folder: Path) -> None:
    for row in ROWS:
        made = outputs[row["path"]]
        if row["kind"] == "benign" and row["path"].split("/")[1] in ("text", "csv"):
            assert isinstance(made, Path)
            assert made.read_bytes() == (folder / row["path"]).read_bytes()


def test_refusals_have_sentences_and_are_of_what_cannot_be_shown(outputs: dict[str, Path | str]) -> None:
    for row in ROWS:
        code = outputs[row["path"]]
        if isinstance(code, str):
            assert code in SENTENCES
            assert row["kind"] in ("malformed", "bomb") or code == "unsupported-sylk" or "oss-fuzz" in row["path"]


def test_pictures_do_not_grow(outputs: dict[str, Path | str], folder: Path) -> None:
    pairs = [(outputs[row["path"]], folder / row["path"]) for row in ROWS if row["kind"] == "benign"]
    sizes = [(made.stat().st_size, source.stat().st_size) for made, source in pairs if isinstance(made, Path)]
    if sizes:
        assert sum(after for after, _ in sizes) <= 1.1 * sum(before for _, before in sizes)


def test_the_checker_of_the_corpus_finds_nothing(outputs: dict[str, Path | str], folder: Path) -> None:
    for path, made in outputs.items():
        if isinstance(made, Path):
            command = [sys.executable, str(folder / "check_clean.py"), str(folder / path), str(made)]
            run = subprocess.run(command, capture_output=True, text=True, check=False)
            if "ModuleNotFoundError" in run.stderr:
                pytest.skip("the checker of the corpus needs further libraries")
            assert (run.returncode, run.stdout) == (0, ""), path


def test_originals_with_findings_are_violations(folder: Path) -> None:
    for row in ROWS:
        if row["kind"] == "hostile":
            mime = TYPES[row["path"].split("/")[1]]
            with pytest.raises(Violation):
                READERS.get(mime, image_verifier).verify((folder / row["path"]).read_bytes(), Limits(), mime)
