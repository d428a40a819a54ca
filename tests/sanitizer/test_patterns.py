"""Patterns with possessive groups mean the same whichever engine compiles them, and no module goes round the choice."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest

ALONE = (codes.IN, codes.LITERAL, codes.NOT_LITERAL, codes.ANY)


def _has_possessive_group(parsed: Any) -> bool:
    for code, argument in parsed:
        if code is codes.ATOMIC_GROUP:
            return True
        if code is codes.POSSESSIVE_REPEAT and (len(argument[2]) != 1 or argument[2][0][0] not in ALONE):
            return True
        if any(_has_possessive_group(inner) for inner in _inside(argument)):
            return True
    return False


def _inside(argument: Any) -> Iterator[Any]:
    for item in argument if isinstance(argument, (tuple, list)) else (argument,):
        if isinstance(item, parser.SubPattern):
            yield item
        elif isinstance(item, list):
            yield from (one for one in item if isinstance(one, parser.SubPattern))


def test_what_counts_as_a_possessive_group() -> None:
    assert _has_possessive_group(parser.parse(r"x(?:a|bc)*+"))
    assert _has_possessive_group(parser.parse(r"(?:y|(?>ab))"))
    assert not _has_possessive_group(parser.parse(r"[ab]*+c?+(?:a|bc)*"))


def offenders() -> tuple[list[str], int]:
    """Imports every module of the sanitizer while ``re.compile`` is watched; for a process that has imported none.

    Answers where possessive groups were compiled by ``re`` alone, and how many modules there are.
    """
    found: list[str] = []
    compile_ = re.compile

    def watched(pattern: Any, flags: Any = 0) -> Any:
        caller = traceback.extract_stack(limit=2)[0]
        ours = "sanitizer" in caller.filename and not caller.filename.endswith("patterns.py")
        if ours and isinstance(pattern, (str, bytes)) and _has_possessive_group(parser.parse(pattern, flags)):
            found.append(f"{caller.filename}:{caller.lineno}")
        return compile_(pattern, flags)

    re.compile = watched
    import sanitizer

    names = [m.name for m in pkgutil.walk_packages(sanitizer.__path__, "sanitizer.")]
    for name in names:
        importlib.import_module(name)
    return found, len(names)


def test_no_module_compiles_a_possessive_group_with_re_alone() -> None:
    script = "import json, test_patterns; print(json.dumps(test_patterns.offenders()))"
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    )
    found, modules = json.loads(run.stdout)
    assert found == []
    assert modules > 60


@pytest.mark.parametrize("needs_regex", [True, False])
def test_either_engine_reads_alike(monkeypatch: pytest.MonkeyPatch, needs_regex: bool) -> None:
    from sanitizer import patterns

    if not needs_regex and sys.version_info < (3, 11, 5):
        pytest.skip("re matches possessive groups wrongly here")
    monkeypatch.setattr(patterns, "NEEDS_REGEX", needs_regex)
    string = patterns.compile_pattern(rb"\((?:[^()\\]++|\\[\s\S])*+\)")
    assert [m[0] for m in string.finditer(b"(a\\)b) (c(d) (\\\\)")] == [b"(a\\)b)", b"(d)", b"(\\\\)"]
    loud = patterns.compile_pattern("(?:ab|c)++", re.IGNORECASE)
    found = loud.match("aBCx")
    assert found is not None
    assert found.end() == 3


def test_an_unknown_flag_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from sanitizer import patterns

    monkeypatch.setattr(patterns, "NEEDS_REGEX", True)
    with pytest.raises(ValueError, match="no fellow"):
        patterns.compile_pattern("a", re.DEBUG)
