"""The sanitizer's measure: it runs, its parts add up, and what is not there is named. No time is asserted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ops.bench import samples, sanitizer
from ops.bench.sanitizer import Cost, figures, soak


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for kind in ("text", "pdf"):
        name, data = min(samples.make(kind).items(), key=lambda item: len(item[1]))
        (tmp_path / name).write_bytes(data)
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing")
    return tmp_path


def test_every_sample_is_the_same_again() -> None:
    for kind in samples.MAKERS:
        assert samples.make(kind) == samples.make(kind)


def test_figures_of_a_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sanitizer, "EMPTY", 2)
    monkeypatch.setitem(sanitizer.PEERS, "qpdf", ["no-such-tool", "{in}"])
    monkeypatch.setitem(sanitizer.PEERS, "ghostscript", ["cp", "{in}", "{out}"])
    found = figures(folder)
    assert (found["files"], found["probes"]["blocked"], found["isolation"]) == (3, 18, "full")
    pdf = found["formats"]["pdf"]
    assert (pdf["files"], pdf["released"], found["formats"]["txt"]["released"]) == (2, 1, 1)
    assert pdf["cpu_ms"]["mean"] > pdf["jails_ms"]["mean"] > 0 < pdf["cells_ms"]
    assert found["files_per_second"]["txt"]["< 10 kB"] > 0
    assert found["peers"]["qpdf"] == "not installed"
    assert found["peers"]["ghostscript"]["mean"] > 0


def test_a_soak_samples_memory_to_the_end(folder: Path) -> None:
    found = soak(40, folder)
    assert len(found["kib"]) == 21
    assert all(one["trusting"] > 0 < one["cells"] for one in found["kib"])


def test_seconds_per_megabyte_are_those_of_all_bytes() -> None:
    one = Cost(Path("a.PDF"), 500_000, True, 1, 100.0, 20.0, 5.0)
    assert (one.all, one.format) == (125.0, "pdf")
    assert sanitizer._per_megabyte([(125.0, 500_000), (75.0, 1_500_000)]) == 0.1
    assert sanitizer._per_megabyte([]) is None


def test_the_cells_are_found() -> None:
    assert sanitizer._spent([os.getpid()]) > 0
