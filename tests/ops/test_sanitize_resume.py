"""``sekisho sanitize`` over a folder, killed and begun again: nothing twice, nothing missing, nothing stale."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ops import cli
from ops.sanitize_journal import Journal, JournalInUse, order_of, stamp_of

SEKISHO = Path(sys.executable).with_name("sekisho")
FILES = 60
ORDER = order_of("x")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures in two folders, one file that is refused, one name that is no Unicode."""
    folder = tmp_path / "in"
    (folder / "下").mkdir(parents=True)
    for number in range(FILES):
        place = folder / ("下" if number % 2 else "") / f"{number:03}.png"
        Image.effect_noise((160, 120), 50 + number).save(place)
    (folder / "z.pdf").write_bytes(b"\x7fELF")
    (folder / os.fsdecode("報告.txt".encode("cp932"))).write_bytes(b"text")
    return folder


def command(*arguments: object) -> int:
    return cli.main(["sanitize", *map(str, arguments)])


def lines_of(report: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in report.read_text("utf-8").splitlines()]


def outputs(target: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of every output: a file that was made anew has others."""
    found = (path for path in target.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {str(path.relative_to(target)): (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def killed(folder: Path, target: Path, report: Path, after: int) -> None:
    """A run that is killed (SIGKILL) once so many outputs are there."""
    order: list[str | Path] = [SEKISHO, "sanitize", folder, "-o", target, "--report", report]
    with subprocess.Popen(order, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 60
        while len(outputs(target)) < after:
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)


def test_a_killed_run_goes_on_where_it_stopped(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, report = tmp_path / "out", tmp_path / "report.json"
    killed(folder, target, report, 10)
    killed(folder, target, report, 25)
    assert not report.exists()
    (target / ".sekisho-left.part").write_bytes(b"half")
    journal = tmp_path / "report.json.journal"
    done = [json.loads(line) for line in journal.read_bytes().splitlines()[1:]]
    released = [entry["report"]["output"]["name"] for entry in done if entry["report"]["output"]]
    assert len(released) >= 20
    before = outputs(target)
    assert command(folder, "-o", target, "--report", report) == 0
    after = outputs(target)
    assert {name: after[name] for name in released} == {name: before[name] for name in released}
    assert f"{len({entry['name'] for entry in done})} files are done" in capsys.readouterr().err
    said = [line["input"]["name"] for line in lines_of(report)]
    names = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    assert said == sorted(names, key=lambda name: Path(name).parts) and len(said) == FILES + 2
    assert not journal.exists() and not (target / ".sekisho-left.part").exists()


def test_what_changed_since_is_done_again_and_what_went_is_removed(tmp_path: Path, folder: Path) -> None:
    target, report = tmp_path / "out", tmp_path / "report.json"
    killed(folder, target, report, 30)
    before = outputs(target)
    changed, gone, lost, spoilt = "000.png", "002.png", "004.png", "006.png"
    assert {changed, gone, lost, spoilt} <= before.keys()
    Image.new("RGB", (5, 5)).save(folder / changed)
    (folder / gone).unlink()
    (target / lost).unlink()
    with (target / spoilt).open("r+b") as file:
        file.write(b"X")
    assert command(folder, "-o", target, "--report", report) == 0
    after = outputs(target)
    assert gone not in after and lost in after
    assert after[changed] != before[changed] and after[spoilt] != before[spoilt]
    with Image.open(target / changed) as image:
        assert image.size == (5, 5)
    said = {line["input"]["name"] for line in lines_of(report)}
    assert gone not in said and len(said) == FILES + 1


def test_another_order_begins_anew(tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target, report = tmp_path / "out", tmp_path / "report.json"
    killed(folder, target, report, 5)
    assert command(folder, "-o", target, "--report", report, "--treatment", "flatten") == 0
    assert "are done" not in capsys.readouterr().err
    assert {line["treatment"] for line in lines_of(report)} == {"flatten"}


def test_two_runs_at_once_are_one_too_many(tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "out"
    with (tmp_path / "out.journal").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert command(folder, "-o", target) == 1
    assert "Another run over these folders is under way" in capsys.readouterr().err
    assert command(folder, "-o", target) == 0
    assert not (tmp_path / "out.journal").exists()


def test_a_report_among_the_files_is_none_of_them(tmp_path: Path, folder: Path) -> None:
    report = folder / "report.json"
    assert command(folder, "-o", tmp_path / "out", "--report", report) == 0
    assert not [line for line in lines_of(report) if "journal" in line["input"]["name"]]


# The journal by itself ------------------------------------------------------------------------------------------------


def released(name: str, data: bytes, output: str) -> dict[str, Any]:
    facts = {"name": output, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return {"verdict": "released", "output": facts, "input": {"name": name}}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


def written(tmp_path: Path, target: Path) -> tuple[Path, dict[str, Any]]:
    """A journal of three files, and their stamps."""
    path, stamps = tmp_path / "journal", {}
    with Journal(path, ORDER, target) as journal:
        for number, name in enumerate("abc"):
            (tmp_path / name).write_bytes(b"input " + name.encode())
            (target / name).write_bytes(name.encode())
            stamps[name] = stamp_of(tmp_path / name)
            journal.add(number, name, stamps[name], released(name, name.encode(), name))
    return path, stamps


def test_whatever_tears_the_journal_costs_at_most_what_is_torn(tmp_path: Path, target: Path) -> None:
    path, stamps = written(tmp_path, target)
    whole = path.read_bytes()
    ends = [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
    near = {end + by for end in ends for by in (-1, 0, 1)} - {len(whole) + 1}
    for length in sorted({*range(0, len(whole), 11), *near}):
        path.write_bytes(whole[:length])
        for name in "abc":
            (target / name).write_bytes(name.encode())
        with Journal(path, ORDER, target) as journal:
            done = journal.resume(stamps, password=False)
        assert len(done) == max(0, sum(end <= length for end in ends) - 1)
    path.write_bytes(whole.replace(b'"report"', b'"rapport"', 1))
    with Journal(path, ORDER, target) as journal:
        assert journal.resume(stamps, password=False) == {}


def test_an_output_that_another_file_has_taken_over_stays(tmp_path: Path, target: Path) -> None:
    """First ``a`` left under the name ``c``; then ``a`` changed, and ``b`` was given that name."""
    path = tmp_path / "journal"
    (tmp_path / "b").write_bytes(b"b")
    (target / "c").write_bytes(b"made of b")
    stamps = {"a": [1, 2, 3, 4, 5], "b": stamp_of(tmp_path / "b")}
    with Journal(path, ORDER, target) as journal:
        journal.add(0, "a", [0, 0, 0, 0, 0], released("a", b"made of a", "c"))
        journal.add(1, "b", stamps["b"], released("b", b"made of b", "c"))
    with Journal(path, ORDER, target) as journal:
        assert set(journal.resume(stamps, password=False)) == {"b"}
    assert (target / "c").read_bytes() == b"made of b"
    with Journal(path, ORDER, target) as journal:
        claimed = {**stamps, "c": [9, 9, 9, 9, 9]}  # a file of that very name has come
        assert journal.resume(claimed, password=False) == {}


def test_what_asked_for_a_password_is_tried_again_with_one(tmp_path: Path, target: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    stamps = {"a": stamp_of(tmp_path / "a")}
    report = {"verdict": "needs_password", "output": None, "input": {"name": "a"}}
    path = tmp_path / "journal"
    with Journal(path, ORDER, target) as journal:
        journal.add(0, "a", stamps["a"], report)
    with Journal(path, ORDER, target) as journal:
        assert set(journal.resume(stamps, password=False)) == {"a"}
        assert journal.resume(stamps, password=True) == {}
        with pytest.raises(JournalInUse):
            Journal(path, ORDER, target)
