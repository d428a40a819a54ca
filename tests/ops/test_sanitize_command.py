"""``sekisho sanitize``: exit statuses, the report, and an OUTPUT that exists only when released."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.clamav import EICAR, clamd, needs_clamd

from ops import cli


def command(*arguments: object) -> int:
    """The exit status of ``sekisho sanitize ARGUMENTS``."""
    return cli.main(["sanitize", *map(str, arguments)])


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A small photo with a place in it."""
    path = tmp_path / "写真.png"
    image = Image.new("RGB", (40, 30), (200, 120, 40))
    exif = image.getexif()
    exif[0x010E] = "secret place"
    image.save(path, exif=exif)
    return path


@pytest.fixture
def folder(tmp_path: Path, picture: Path) -> Path:
    """A tree with everything that can lie about in one."""
    folder = tmp_path / "in"
    (folder / "下" / "empty folder").mkdir(parents=True)
    (folder / "a.png").write_bytes(picture.read_bytes())
    (folder / "下" / "b.png").write_bytes(picture.read_bytes())
    (folder / "下" / "program.exe").write_bytes(b"MZ")
    (folder / "empty.pdf").touch()
    os.mkfifo(folder / "fifo")
    (folder / "link.png").symlink_to(picture)
    (folder / os.fsdecode("報告.txt".encode("cp932"))).write_bytes(b"\x7fELF")
    return folder


def lines_of(report: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in report.read_text("utf-8").splitlines()]


def test_a_released_file_is_there_with_its_report(tmp_path: Path, picture: Path) -> None:
    output, report = tmp_path / "out.png", tmp_path / "report.json"
    assert command(picture, "-o", output, "--report", report) == 0
    said = json.loads(report.read_text("utf-8"))
    assert said["verdict"] == "released"
    assert said["input"]["name"] == "写真.png"
    assert said["input"]["sha256"] == hashlib.sha256(picture.read_bytes()).hexdigest()
    assert said["output"] == {
        "name": "out.png",
        "size": output.stat().st_size,
        "sha256": hashlib.sha256(output.read_bytes()).hexdigest(),
        "type": "image/png",
    }
    assert said["verified"]["ok"] is True
    assert said["treatment"] == "rebuild"
    assert b"secret place" not in output.read_bytes()
    assert output.stat().st_mode & 0o777 == 0o666 & ~_umask()


def test_a_refused_file_leaves_nothing_not_even_an_older_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, output, report = tmp_path / "a.pdf", tmp_path / "out.pdf", tmp_path / "report.json"
    source.write_bytes(b"\x7fELF and more")
    output.write_bytes(b"of an earlier run")
    assert command(source, "-o", output, "--report", report) == 3
    assert not output.exists()
    assert json.loads(report.read_text("utf-8"))["code"] == "executable"
    said = capsys.readouterr().err
    assert "実行できるファイル" in said
    assert "Programs, scripts and shortcuts" in said


def test_an_empty_and_a_sparse_file_have_verdicts(tmp_path: Path) -> None:
    source, report = tmp_path / "a.pdf", tmp_path / "report.json"
    for size, code in ((0, "empty"), (4 << 30, "too-large")):
        with source.open("wb") as file:
            file.truncate(size)
        assert command(source, "-o", tmp_path / "out.pdf", "--report", report) == 3
        assert json.loads(report.read_text("utf-8"))["code"] == code


def test_a_folder_keeps_its_tree_and_every_entry_has_a_verdict(tmp_path: Path, folder: Path) -> None:
    output, report = tmp_path / "out", tmp_path / "report.jsonl"
    assert command(folder, "-o", output, "--report", report) == 0
    said = {line["input"]["name"]: line for line in lines_of(report)}
    assert list(said) == sorted(said)
    assert {str(name): line["code"] for name, line in said.items()} == {
        "a.png": "released",
        "empty.pdf": "empty",
        "fifo": "unreadable",
        "link.png": "unreadable",
        os.fsdecode("報告.txt".encode("cp932")): "executable",
        "下/b.png": "released",
        "下/program.exe": "executable",
    }
    released = {str(path.relative_to(output)) for path in output.rglob("*") if path.is_file()}
    assert released == {"a.png", "下/b.png"}
    assert said["下/b.png"]["output"]["name"] == "下/b.png"


def test_a_folder_twice_removes_what_is_no_longer_released(tmp_path: Path, folder: Path) -> None:
    output = tmp_path / "out"
    assert command(folder, "-o", output) == 0
    (folder / "a.png").write_bytes(b"\x7fELF")
    assert command(folder, "-o", output) == 0
    assert not (output / "a.png").exists()
    assert (output / "下" / "b.png").exists()


def test_progress_and_sums_are_told(tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(folder, "-o", tmp_path / "out") == 0
    assert "7 files: 2 released, 5 refused, 0 need a password" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["missing", "-o", "out"], "does not exist"),
        (["{picture}", "-o", "{picture}"], "the same file"),
        (["{picture}", "-o", "{tmp}"], "is a folder"),
        (["{picture}", "-o", "{tmp}/none/out"], "does not exist"),
        (["{folder}", "-o", "{picture}"], "is a file"),
        (["{folder}", "-o", "{folder}"], "apart from each other"),
        (["{folder}", "-o", "{folder}/下/out"], "apart from each other"),
        (["{folder}", "-o", "{tmp}"], "apart from each other"),
        (["{picture}", "-o", "{tmp}/out", "--password-file", "{tmp}/none"], "one line of UTF-8"),
        (["{picture}", "-o", "{tmp}/out", "--report", "{tmp}/out"], "another file"),
        (["{picture}", "-o", "{tmp}/out", "--report", "{tmp}/none/report"], "does not exist"),
    ],
)
def test_wrong_use_is_told_and_touches_nothing(
    tmp_path: Path,
    picture: Path,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    sentence: str,
) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert command(*(one.format(tmp=tmp_path, picture=picture, folder=folder) for one in arguments)) == 2
    assert sentence in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_full_disk_is_told_without_a_trace(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(picture, "-o", "/proc/out.png") == 1
    said = capsys.readouterr().err
    assert "Check free space and permissions" in said
    assert "Traceback" not in said


def test_without_the_virus_scanner_there_is_no_verdict_and_no_output(
    tmp_path: Path, picture: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for source in (picture, folder):
        output, report = tmp_path / f"of {source.name}", tmp_path / f"report of {source.name}"
        assert command(source, "-o", output, "--report", report, "--clamd", tmp_path / "nobody") == 1
        assert "the virus scanner is away" in capsys.readouterr().err
        assert not report.exists() and not output.is_file()
        assert not [path for path in output.rglob("*") if path.is_file()]


@needs_clamd
def test_what_the_virus_scanner_finds_is_refused(tmp_path: Path, folder: Path) -> None:
    (folder / "eicar.txt").write_bytes(EICAR)
    report = tmp_path / "report.json"
    with clamd(tmp_path) as sock:
        assert command(folder / "eicar.txt", "-o", tmp_path / "out.txt", "--clamd", sock) == 3
        assert command(folder, "-o", tmp_path / "out", "--report", report, "--clamd", sock) == 0
    codes = {line["input"]["name"]: line["code"] for line in lines_of(report)}
    assert (codes["eicar.txt"], codes["a.png"]) == ("malware", "released")
    assert not (tmp_path / "out" / "eicar.txt").exists()


def _umask() -> int:
    umask = os.umask(0o022)
    os.umask(umask)
    return umask
