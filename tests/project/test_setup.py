"""Setting up: what is asked of the machine is handed on, what it lacks is named, and nothing is guessed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ops.setup import environment, system
from ops.setup.system import Need

BROWSER = Need("chromium", lambda: False, "the browser tests do not run", not_on=frozenset({"ubuntu"}))
MAGIC = Need("libmagic1", lambda: False, "every file is refused")


def test_pip_s_settings_are_read_with_pip_s_own_order() -> None:
    listing = ":env:.index-url='https://env.example'\nglobal.cert='/c.pem'\nglobal.index-url='https://file.example'"
    assert environment.pip_settings(listing) == {"index-url": "https://env.example", "cert": "/c.pem"}
    assert environment.pip_settings("freeze.all='1'\nglobal.timeout='5'") == {"timeout": "5"}


def test_the_machine_s_index_reaches_uv() -> None:
    pip = {"index-url": "https://a.example", "cert": "/c.pem"}
    env = environment.uv_environment({"VIRTUAL_ENV": "/elsewhere"}, pip)
    assert env["UV_DEFAULT_INDEX"] == "https://a.example" and env["SSL_CERT_FILE"] == "/c.pem"
    assert "VIRTUAL_ENV" not in env


def test_uv_s_own_settings_win() -> None:
    given = {"UV_INDEX_URL": "https://uv.example", "SSL_CERT_FILE": "/mine.pem"}
    env = environment.uv_environment(given, {"index-url": "https://pip.example", "cert": "/c.pem"})
    assert "UV_DEFAULT_INDEX" not in env and env["SSL_CERT_FILE"] == "/mine.pem"


def test_one_pin_of_uv_serves_set_up_and_lock(root: Path) -> None:
    version = environment.uv_pin().removeprefix("uv==")
    assert f'name = "uv"\nversion = "{version}"' in (root / "uv.lock").read_text(encoding="utf-8")


def test_the_distribution_is_read_from_os_release(tmp_path: Path) -> None:
    release = tmp_path / "os-release"
    release.write_text('NAME="Ubuntu"\nID=ubuntu\nVERSION_ID="24.04"\n', encoding="utf-8")
    assert system.distribution(release) == "ubuntu"
    assert system.distribution(tmp_path / "none") == ""


def test_apt_is_asked_only_for_what_is_of_use_there() -> None:
    assert system.installable([BROWSER, MAGIC], "debian") == ["chromium", "libmagic1"]
    assert system.installable([BROWSER, MAGIC], "ubuntu") == ["libmagic1"]


def test_what_stays_off_is_said_with_one_line_to_run(capsys: pytest.CaptureFixture[str]) -> None:
    system.tell([MAGIC, BROWSER], "debian")
    said = capsys.readouterr().err
    assert "without libmagic1: every file is refused" in said
    assert said.count("to have it, run: sudo apt-get install -y libmagic1 chromium") == 1


def test_a_complete_machine_hears_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    system.tell([], "debian")
    assert capsys.readouterr().err == ""


def test_a_python_that_is_too_old_is_passed_over(root: Path, tmp_path: Path) -> None:
    old = tmp_path / "python-old"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    good = tmp_path / "python3"
    good.write_text('#!/bin/sh\n[ "$1" = -c ] && exit 0\necho "set up with $0 $*"\n', encoding="utf-8")
    for script in (old, good):
        script.chmod(0o755)
    text = (root / "ops/setup/setup.sh").read_text(encoding="utf-8").replace("/usr/bin/python3 ", "")
    copy = tmp_path / "ops/setup/setup.sh"
    copy.parent.mkdir(parents=True)
    copy.write_text(text, encoding="utf-8")
    env = {"SEKISHO_PYTHON": str(old), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", str(copy)], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"set up with {good} -m ops.setup"


@pytest.mark.parametrize(("asked", "missed"), [("", False), ("media", True), ("other, media", True), ("other", False)])
def test_an_extra_is_missed_only_where_it_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, asked: str, missed: bool
) -> None:
    monkeypatch.setenv("SEKISHO_EXTRAS", asked)
    monkeypatch.setenv("PATH", "/nowhere")
    assert ("ffmpeg" in [need.package for need in system.missing(and_tests=False)]) == missed
