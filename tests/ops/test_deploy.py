"""The service, the example configuration and the runbooks fit each other and the product."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ops.doctor import KEY_FILES
from server.settings import Settings, load, warnings

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "ops/systemd"
RUNBOOKS = sorted((ROOT / "ops/runbooks").glob("*.md"))
EXAMPLE = ROOT / "ops/deploy/sekisho.toml"


def unit(name: str) -> configparser.RawConfigParser:
    class Unit(configparser.RawConfigParser):
        def optionxform(self, optionstr: str) -> str:
            return optionstr

    parsed = Unit(strict=False)
    parsed.read_string((SYSTEMD / name).read_text(encoding="utf-8"))
    return parsed


def settings() -> Settings:
    found = load(EXAMPLE)
    assert isinstance(found, Settings), str(found)
    return found


def test_the_example_configuration_is_sound_for_production() -> None:
    found = settings()
    assert warnings(found) == []
    assert found.sanitizer.strict
    assert [one.zone for one in found.listeners if not one.operations] == ["internet", "lgwan"]


def test_the_service_writes_the_data_folder_of_the_example_and_nothing_else() -> None:
    service = unit("sekisho.service")["Service"]
    assert Path("/var/lib") / service["StateDirectory"] == settings().data
    assert service["ProtectSystem"] == "strict"
    assert service["StateDirectoryMode"] == "0700" and service["UMask"] == "0077"
    assert "ReadWritePaths" not in service


def test_the_service_leaves_the_jail_what_it_needs() -> None:
    service = unit("sekisho.service")["Service"]
    assert set(service["RestrictNamespaces"].split()) == {"user", "net", "pid", "ipc", "mnt", "uts", "cgroup"}
    assert {"@mount", "landlock_create_ruleset", "landlock_restrict_self"} <= set(service["SystemCallFilter"].split())
    assert service["CapabilityBoundingSet"] == "CAP_NET_BIND_SERVICE"


def test_the_service_gives_the_drain_its_time() -> None:
    service = unit("sekisho.service")["Service"]
    assert int(service["TimeoutStopSec"]) > settings().drain_seconds
    assert service["Type"] == "notify" and service["RestartPreventExitStatus"] == "2"


def test_the_backup_may_write_where_it_writes() -> None:
    service = unit("sekisho-backup.service")["Service"]
    folder = re.search(r"FOLDER=(\S+)", service["Environment"])
    assert folder is not None
    assert set(service["ReadWritePaths"].split()) == {str(settings().data), folder[1]}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not on this machine")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    """The program itself is not installed here; another one stands in its place."""
    for path in SYSTEMD.iterdir():
        text = path.read_text(encoding="utf-8").replace("/opt/sekisho/.venv/bin/sekisho", "/bin/true")
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    units = [str(tmp_path / path.name) for path in SYSTEMD.iterdir()]
    ran = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_every_runbook_is_listed_and_speaks_both_languages() -> None:
    listed = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    assert len(RUNBOOKS) >= 9
    for path in RUNBOOKS:
        text = path.read_text(encoding="utf-8")
        assert f"(../ops/runbooks/{path.name})" in listed
        assert re.match(r"# [^/]*[぀-ヿ一-鿿][^/]* / [A-Za-z][\w ,]+\n", text), path.name


def test_what_the_runbooks_install_is_there() -> None:
    told = {name for path in RUNBOOKS for name in re.findall(r"\bops/[\w./-]+\w", path.read_text(encoding="utf-8"))}
    assert {"ops/deploy/sekisho.toml", "ops/deploy/apparmor-sekisho"} <= told
    assert [name for name in told if not list(ROOT.glob(f"{name}*"))] == []


def test_the_table_of_places_names_the_keys() -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    assert [name for name in KEY_FILES if f"`keys/{name}`" not in page] == []
