"""The documents are true: what they name exists, what they link resolves, what they tell to type can be typed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
import unicodedata
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("sekisho")
PATH = re.compile(r"^[\w.-]+(/[\w.-]+)*(/|\.(py|ts|tsx|css|html|md|toml|lock|sh|yml|service))$")


def read(root: Path, name: str) -> str:
    return (root / name).read_text(encoding="utf-8")


def documents(tree: list[Path]) -> list[Path]:
    return [path for path in tree if path.suffix == ".md"]


def fenced(text: str) -> list[str]:
    """The lines of the fenced code blocks."""
    return [line for block in re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S) for line in block.splitlines()]


def running(text: str) -> str:
    """The text without its code blocks."""
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def quoted(text: str) -> set[str]:
    """What stands between backticks in running text."""
    return set(re.findall(r"`([^`\n]+)`", running(text)))


def slug(heading: str) -> str:
    """The anchor that code hosts give a heading."""
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    kept = (c for c in plain if c in " -_" or unicodedata.category(c)[0] in "LN")
    return "".join(kept).replace(" ", "-")


def anchors(text: str) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", running(text), re.M)}


def test_every_file_that_architecture_names_exists(root: Path) -> None:
    named = {word for word in quoted(read(root, "ARCHITECTURE.md")) if PATH.match(word)}
    assert len(named) > 40
    assert "\n".join(sorted(word for word in named if not (root / word).exists())) == ""


def test_architecture_names_every_folder(root: Path, tree: list[Path]) -> None:
    folders = {parent.as_posix() for path in tree for parent in path.parents} - {"."}
    named = quoted(read(root, "ARCHITECTURE.md"))
    assert "\n".join(sorted(folder for folder in folders if f"{folder}/" not in named)) == ""


def test_links_between_documents_resolve(root: Path, tree: list[Path]) -> None:
    broken = []
    for document in documents(tree):
        for target in re.findall(r"\]\(([^)\s]+)\)", read(root, document.as_posix())):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            aim = (root / document.parent / path).resolve() if path else root / document
            is_there = aim.exists() and (not anchor or anchor in anchors(aim.read_text(encoding="utf-8")))
            if not is_there:
                broken.append(f"{document}: {target}")
    assert broken == []


def test_the_index_leads_to_every_document(root: Path, tree: list[Path]) -> None:
    index = read(root, "docs/index.md")
    own = [path.name for path in documents(tree) if path.parent == Path("docs") and path.name != "index.md"]
    assert [name for name in own if f"({name})" not in index] == []


def test_pictures_are_shown_where_they_exist(root: Path, tree: list[Path]) -> None:
    pictures = [path.as_posix() for path in tree if path.parts[:2] == ("docs", "images")]
    told = "".join(read(root, document.as_posix()) for document in documents(tree))
    assert [picture for picture in pictures if Path(picture).name not in told] == []


@pytest.mark.parametrize("name", ["README.md", "README.ja.md", "CONTRIBUTING.md"])
def test_make_targets_that_documents_tell_exist(root: Path, name: str) -> None:
    told = set(re.findall(r"\bmake ([a-z]+)\b", "\n".join([*fenced(read(root, name)), *quoted(read(root, name))])))
    targets = set(re.findall(r"^([a-z-]+):", read(root, "Makefile"), re.M))
    assert told and told <= targets


def told_commands(text: str) -> set[tuple[str, ...]]:
    """The ``sekisho`` calls in a document's code, without comments."""
    lines = (line.split(" #")[0].strip() for line in fenced(text))
    calls = (shlex.split(line) for line in lines if re.match(r"(\.venv/bin/)?sekisho ", line))
    return {tuple(call[1:]) for call in calls}


def test_commands_that_the_readmes_tell_are_understood(root: Path) -> None:
    calls = told_commands(read(root, "README.md"))
    assert calls and calls == told_commands(read(root, "README.ja.md"))
    for call in calls:
        words = [word for word in call if re.fullmatch(r"[a-z]+", word)]
        names = words[:2] if words[0] in {"audit", "user", "zone", "bench"} else words[:1]
        shown = subprocess.run([COMMAND, *names, "--help"], capture_output=True, text=True, check=True).stdout
        assert [word for word in call if word.startswith("-") and word not in shown] == []


def test_make_help_lists_the_habits(root: Path) -> None:
    shown = subprocess.run(["make", "help"], cwd=root, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"make (\w+)", shown)) >= {"setup", "demo", "test", "check", "client", "wheel", "bench"}


def test_the_change_log_speaks_of_this_version(root: Path) -> None:
    version = tomllib.loads(read(root, "pyproject.toml"))["project"]["version"]
    assert f"## [{version}]" in read(root, "CHANGELOG.md")


def test_every_decision_is_listed_and_names_what_lost(root: Path, tree: list[Path]) -> None:
    folder = Path("ops/decisions")
    listed = read(root, "ops/decisions/README.md")
    decisions = [path for path in documents(tree) if path.parent == folder and path.name != "README.md"]
    assert len(decisions) >= 10
    for decision in decisions:
        assert f"({decision.name})" in listed
        assert "**Decided.**" in read(root, decision.as_posix()) and "**Lost" in read(root, decision.as_posix())


def test_ci_runs_what_a_developer_runs(root: Path) -> None:
    assert re.search(r"^exec make .*\btest\b", read(root, ".ci/run"), re.M)
    assert (root / ".ci/run").stat().st_mode & 0o111


# Words that must not be in the tree are put together here, so that this file does not hold them either.
MODEL_PRODUCT = "LoGo" + "Chat"
MACHINE_PATHS = re.compile("|".join("/" + folder + "/" + rest for folder, rest in
                                    [("home", r"\w+/"), ("Users", r"\w+/"), ("root", ""), ("work", "")]))  # fmt: skip


def test_the_tree_names_no_model_and_no_one_s_machine(root: Path, tree: list[Path]) -> None:
    found = []
    for path in tree:
        try:
            text = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if MODEL_PRODUCT.lower() in text.lower().replace(" ", "") or "LoGo" + "チャット" in text:
            found.append(f"{path}: {MODEL_PRODUCT}")
        found += [f"{path}: {hit.group()}" for hit in MACHINE_PATHS.finditer(text)]
    assert found == []
