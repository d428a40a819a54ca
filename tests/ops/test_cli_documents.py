"""``docs/cli.md``, ``--help`` and the parser say the same; what the operator's documents tell to type can be typed."""

from __future__ import annotations

import argparse
import io
import re
import shlex
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path

import pytest

from ops import cli

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
OPERATORS = [ROOT / "docs/cli.md", ROOT / "docs/operations.md", *sorted((ROOT / "ops/runbooks").glob("*.md"))]
JAPANESE = re.compile(r"[぀-ヿ一-鿿]")


def commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Every parser that can be run."""
    if parser.get_default("run") is not None:
        yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from commands(below)


ALL = {parser.prog: parser for parser in commands(cli.parser())}


def words_of(parser: argparse.ArgumentParser) -> set[str]:
    """Options, and positional arguments by their name on the page."""
    words: set[str] = set()
    for action in parser._actions:
        if not isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
            words |= set(action.option_strings) or {str(action.metavar)}
    return words


def sections() -> dict[str, str]:
    return {part.split("`")[0]: part for part in re.split(r"^## `", PAGE, flags=re.M)[1:]}


def documented(section: str) -> set[str]:
    """The first word of each code span in the first column."""
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    spans = [span.split()[0] for row in rows for span in re.findall(r"`([^`]+)`", row)]
    return {span for span in spans if span.startswith("-") or span[0].isupper()}


def test_every_command_has_its_section_and_every_section_its_command() -> None:
    assert sorted(sections()) == sorted(ALL)


@pytest.mark.parametrize("command", sorted(ALL))
def test_a_section_names_every_option_and_nothing_else(command: str) -> None:
    assert documented(sections()[command]) == words_of(ALL[command])


def test_the_list_of_commands_is_the_list_of_modules() -> None:
    there = {parser.split()[1] for parser in ALL}
    assert there == set(cli.COMMANDS)


@pytest.mark.parametrize("command", sorted(ALL))
def test_every_option_is_explained_in_both_languages(command: str) -> None:
    for action in ALL[command]._actions:
        if not isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
            said = str(action.help)
            assert JAPANESE.search(said) and re.search(r"/ ?[a-z]", said), (action.dest, said)


def test_help_keeps_to_the_width_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for parser in ALL.values():
        explained = parser.format_help().split("\n\n", 2)[-1]
        assert max(cli._width(line) for line in explained.splitlines()) <= 80, parser.prog


def calls() -> list[tuple[str, str]]:
    """Every ``sekisho`` call in the code blocks of the operator's documents."""
    found = []
    for path in OPERATORS:
        for block in re.findall(r"^ *```\w*\n(.*?)^ *```", path.read_text(encoding="utf-8"), re.M | re.S):
            for part in re.split(r" #|\||&&|\n", block):
                call = re.search(r"(?:bin/|^ *)(sekisho [a-z].*)", part)
                if call:
                    found.append((path.name, call[1]))
    return found


def test_what_the_documents_tell_to_type_is_understood() -> None:
    assert len(calls()) > 20
    for page, call in calls():
        parser = cli.parser()
        try:
            parser.parse_args(shlex.split(call)[1:])
        except SystemExit as error:
            raise AssertionError(f"{page}: {call}") from error


# How it begins and how it fails ---------------------------------------------------------------------------------------


def run(*words: str) -> tuple[int, str]:
    """Exit status and what was said on standard error."""
    with redirect_stderr(io.StringIO()) as said:
        try:
            status = cli.main(words)
        except SystemExit as error:
            assert isinstance(error.code, int)
            status = error.code
    return status, said.getvalue()


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("nope",),
        ("user",),
        ("user", "add"),
        ("user", "roles", "x", "--role", "king", "--data", "d"),
        ("backup", "--data", "d"),
        ("backup", "-o", "f"),
        ("restore", "f"),
        ("restore", "f", "--data", "d", "--check"),
        ("zone", "show", "--data", "d", "--config", "c"),
        ("serve",),
        ("demo", "--load", "many"),
        ("bench", "people"),
    ],
)
def test_wrong_use_is_told_in_both_languages(words: tuple[str, ...]) -> None:
    status, said = run(*words)
    assert status == 2
    assert "使い方が違います" in said and "--help" in said and "Traceback" not in said


def test_what_does_not_exist_yet_says_so() -> None:
    for words in (("demo", "--towns", "2"), ("peer", "list")):
        status, said = run(*words)
        assert status == 2
        assert JAPANESE.search(said) and re.search(r"not part|do not exist", said)


BAD = """
data = "relative"
preset = "gamma"
[[listeners]]
name = "a"
zone = "lgwann"
host = "127.0.0.1"
port = "8080"
[limits]
upload_mb = 5
"""


@pytest.mark.parametrize("command", [["serve"], ["init"], ["zone", "show"], ["user", "enable", "x"], ["migrate"]])
def test_a_bad_configuration_is_told_with_all_its_mistakes(tmp_path: Path, command: list[str]) -> None:
    path = tmp_path / "sekisho.toml"
    path.write_text(BAD)
    status, said = run(*command, "--config", str(path))
    assert status == 2
    for line, key in (
        (2, "data"),
        (3, "preset"),
        (6, "listeners[0].zone"),
        (8, "listeners[0].port"),
        (10, "upload_mb"),
    ):
        assert re.search(rf"^line {line}: .*{re.escape(key)}", said, re.M), (line, said)
    assert "直してください" in said


def test_a_fault_of_ours_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser's own function stands in for the fault."""
    broken = cli.parser("peer")

    def fault(args: argparse.Namespace) -> int:
        raise LookupError("unforeseen")

    broken._subparsers._group_actions[0].choices["peer"].set_defaults(run=fault)  # type: ignore[union-attr,index]
    monkeypatch.setattr(cli, "parser", lambda only: broken)
    status, said = run("peer")
    assert status == 70
    assert "思いがけない不具合" in said and "unforeseen" in said and "Traceback" not in said
    monkeypatch.setenv("SEKISHO_TRACEBACK", "1")
    assert "Traceback" in run("peer")[1]


@pytest.mark.parametrize("words", [["--help"], ["sanitize", "--help"], ["audit", "verify", "--help"]])
def test_the_small_ones_start_without_the_server(words: list[str]) -> None:
    """CPU time would vary with the machine; what is imported does not."""
    heavy = "('sqlalchemy', 'alembic', 'starlette', 'uvicorn', 'pikepdf', 'fontTools')"
    script = (
        f"import sys, ops.cli\ntry: ops.cli.main({words})\nexcept SystemExit: pass\n"
        f"print([m for m in {heavy} if m in sys.modules], file=sys.stderr)"
    )
    began = time.monotonic()
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stderr.strip() == "[]", ran.stderr
    assert time.monotonic() - began < 20


def test_the_extra_for_speed_is_what_the_tests_run_with() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(project["project"]["optional-dependencies"]["speed"]) <= set(project["dependency-groups"]["dev"])
