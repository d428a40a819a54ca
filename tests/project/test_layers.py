"""The layers hold: who may import whom, what the pure domain must not touch, where parsers may live."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

IMPURE = {"aiosqlite", "asyncio", "logging", "os", "random", "secrets", "socket", "sqlalchemy", "sqlite3", "time"}
CLOCKS = {"now", "utcnow", "today", "uuid4", "urandom"}
PARSERS = {"pikepdf", "PIL", "pypdfium2", "magic", "lxml", "olefile", "fontTools"}
JAILED = ("sanitizer/identify.py", "sanitizer/formats/", "sanitizer/verify/")
DATABASES = {"aiosqlite", "sqlalchemy", "sqlite3"}
WRITERS_OF_SAMPLES = "ops/demo_data/"  # it writes files and reads none


def modules(root: Path, tree: list[Path], packages: tuple[str, ...]) -> Iterator[tuple[str, ast.Module]]:
    for path in tree:
        if path.suffix == ".py" and path.parts[0] in packages:
            yield path.as_posix(), ast.parse((root / path).read_text(encoding="utf-8"))


def imported(module: ast.Module) -> set[str]:
    """The top-level names of all modules that ``module`` imports, late imports included."""
    names = {alias.name for node in ast.walk(module) if isinstance(node, ast.Import) for alias in node.names}
    froms = [node for node in ast.walk(module) if isinstance(node, ast.ImportFrom) and not node.level]
    return {name.split(".")[0] for name in names | {node.module or "" for node in froms}}


def is_pure(name: str) -> bool:
    return name.startswith("rooms/") and not name.startswith(("rooms/perform", "rooms/slices", "rooms/store"))


def test_import_contracts_are_kept(root: Path) -> None:
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([command], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_pure_domain_has_no_io_no_clock_and_no_chance(root: Path, tree: list[Path]) -> None:
    found = []
    for name, module in modules(root, tree, ("rooms",)):
        if not is_pure(name):
            continue
        found += [f"{name} imports {word}" for word in imported(module) & IMPURE]
        calls = [node.func for node in ast.walk(module) if isinstance(node, ast.Call)]
        attributes = [call.attr for call in calls if isinstance(call, ast.Attribute)]
        found += [f"{name} calls {word}()" for word in attributes if word in CLOCKS]
    assert found == []


def test_parsers_of_untrusted_files_live_on_the_jailed_side_alone(root: Path, tree: list[Path]) -> None:
    packages = ("rooms", "sanitizer", "federation", "server", "ops")
    found = [
        f"{name} imports {word}"
        for name, module in modules(root, tree, packages)
        for word in imported(module) & PARSERS
        if not name.startswith((*JAILED, WRITERS_OF_SAMPLES))
    ]
    assert found == []


NAMES_WITHOUT_SQL = {"Connection", "Error", "sqlite_version"}  # what is handed on, caught or told
BARE_REFERENCE = "ops/bench/"  # measures the library alone, to compare with


def speaks_sql(module: ast.Module) -> bool:
    """True if ``module`` uses a database library for more than ``NAMES_WITHOUT_SQL``."""
    nodes = list(ast.walk(module))
    froms = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module in {"sqlalchemy", "sqlite3"}]
    used = {alias.name for node in froms for alias in node.names}
    used |= {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in DATABASES
    }
    return bool(used - NAMES_WITHOUT_SQL)


def test_sql_lives_in_the_store_alone(root: Path, tree: list[Path]) -> None:
    packages = ("rooms", "sanitizer", "federation", "server", "ops")
    found = [
        name
        for name, module in modules(root, tree, packages)
        if speaks_sql(module) and not name.startswith(("rooms/store/", BARE_REFERENCE))
    ]
    assert found == []
