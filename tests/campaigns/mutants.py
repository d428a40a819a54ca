"""Campaign: small changes to the code that numbers, records and lets in; the tests must notice.

Shows: which share of the mutants dies by the tests of its module. What survives is listed for reading: a test is
missing, or the change makes no difference.

>>> python -m campaigns.mutants --folder DIR                # doctest: +SKIP
>>> python -m campaigns.mutants --count 200 --folder DIR    # doctest: +SKIP

A mutant differs in one place: a comparison, ``and``/``or``, a condition, a constant, an operator, a call that is left
out, a value that is not returned or kept. Left alone: annotations, docstrings, words of exceptions and of the log. Each
runs in a forked child whose importer gives the changed module; the parent has imported what does not depend on it. They
come in an order by chance, so that a part of them is a fair sample. Resumable; a module that was edited begins anew.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import hashlib
import importlib
import importlib.abc
import importlib.util
import json
import os
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from campaigns.state import keep, recalled

ROOT = Path(__file__).parents[2]
CPU_SECONDS, WALL_SECONDS = 45, 300
WARM = (
    "aiosqlite", "alembic.command", "alembic.config", "cryptography.hazmat.primitives.asymmetric.ed25519", "httpx",
    "msgspec", "sqlalchemy.dialects.postgresql", "sqlalchemy.dialects.sqlite", "sqlalchemy.ext.asyncio",
    "starlette.routing", "uvicorn", "websockets.asyncio.client", "websockets.server",
)  # fmt: skip
_WARM_IS_FINE = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
_RECORD = tuple(f"tests/rooms/test_audit_{name}.py" for name in ("leaf", "tree", "checkpoint", "bundle", "store"))
_SEQ = ("tests/rooms/test_perform.py", "tests/rooms/test_gathering.py", "tests/rooms/test_receiving.py")
_AUTH = ("tests/server/test_sessions.py", "tests/server/test_http_accounts.py")
TARGETS: dict[str, tuple[str, ...]] = {
    "rooms/audit/leaf.py": _RECORD,
    "rooms/audit/tree.py": _RECORD,
    "rooms/audit/checkpoint.py": _RECORD,
    "rooms/audit/bundle.py": _RECORD[::-1],
    "rooms/store/audit.py": (
        "tests/rooms/test_audit_found.py",
        "tests/rooms/test_audit_store.py",
        "tests/rooms/test_perform.py",
    ),
    "rooms/store/kept_head.py": ("tests/rooms/test_audit_store.py",),
    "rooms/decide/posting.py": (*_SEQ, "tests/rooms/test_my_number.py"),
    "rooms/store/posting.py": (*_SEQ, "tests/rooms/test_prepared.py", "tests/server/test_http_rooms.py"),
    "rooms/decide/restoring.py": ("tests/rooms/test_restoring.py",),
    "rooms/store/restoring.py": ("tests/rooms/test_restoring.py",),
    "server/incarnations.py": ("tests/rooms/test_restoring.py", "tests/server/test_session.py"),
    "rooms/permissions.py": (*_SEQ, *_AUTH),
    "rooms/session.py": _AUTH,
    "rooms/decide/sessions.py": _AUTH,
    "rooms/store/sessions.py": _AUTH,
    "server/sessions.py": _AUTH,
    "server/logins.py": _AUTH,
}

# Mutation ------------------------------------------------------------------------------------------------------------

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip


class Mutant(NamedTuple):
    """``place``: the how manyeth node of the walk; ``kind``: what is done to it."""

    module: str
    line: int
    place: int
    kind: str

    @property
    def name(self) -> str:
        return f"{self.module}:{self.line} {self.kind} #{self.place}"


def _left_alone(tree: ast.AST) -> set[int]:
    """The ids of nodes that are no code of the product: annotations, docstrings, words told to people."""
    alone: set[int] = set()

    def leave(*nodes: ast.AST | None) -> None:
        for node in nodes:
            if node is not None:
                alone.update(id(child) for child in ast.walk(node))

    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            leave(node.returns, *node.decorator_list, *(a.annotation for a in ast.walk(node) if isinstance(a, ast.arg)))
        if isinstance(node, ast.ClassDef):
            leave(*node.keywords)
        if isinstance(node, ast.AnnAssign):
            leave(node.annotation)
        if isinstance(node, ast.Raise | ast.Import | ast.ImportFrom):
            leave(*(child for child in ast.walk(node) if isinstance(child, ast.Constant | ast.JoinedStr)))
        if isinstance(node, ast.Assert):
            leave(node)
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Name)
            and node.value.id in ("Literal", "Layer")
        ):
            leave(node)
        if isinstance(node, ast.Expr) and (isinstance(node.value, ast.Constant) or _is_told(node.value)):
            leave(node)
        if isinstance(node, ast.Assign) and _is_typing(node):
            leave(node)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            leave(node)
    return alone


def _is_told(node: ast.expr) -> bool:
    """``log.warning(…)`` and its like."""
    return isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[0] in ("log", "_log")


def _is_typing(node: ast.Assign) -> bool:
    names = {target.id for target in node.targets if isinstance(target, ast.Name)}
    alias = isinstance(node.value, ast.Subscript | ast.BinOp) and all(name[0].isupper() for name in names)
    alias = alias and not any(name.isupper() for name in names)
    return alias or bool(names & {"__slots__", "__all__"}) or "TypeVar" in ast.unparse(node.value)


def _kinds(node: ast.AST) -> Iterator[str]:
    """What can be done to a node."""
    match node:
        case ast.Compare():
            yield f"{type(node.ops[0]).__name__}->{_COMPARISONS[type(node.ops[0])].__name__}"
        case ast.BoolOp():
            yield "and<->or"
        case ast.UnaryOp(op=ast.Not()):
            yield "not removed"
        case ast.Constant(value=bool() | int() | str() | bytes()):
            yield "constant"
        case ast.BinOp() | ast.AugAssign() if type(node.op) in _OPERATORS:
            yield f"{type(node.op).__name__}->{_OPERATORS[type(node.op)].__name__}"
        case ast.If() | ast.While() | ast.IfExp():
            yield "condition turned round"
        case ast.Return() if node.value is not None and not _is_none(node.value):
            yield "returns None"
        case ast.Expr(value=ast.Call() | ast.Await()):
            yield "call left out"
        case ast.Assign() if not _is_none(node.value):
            yield "None kept"


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _change(node: ast.AST) -> None:
    """Do it, in place."""
    match node:
        case ast.Compare():
            node.ops[0] = _COMPARISONS[type(node.ops[0])]()
        case ast.BoolOp():
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case ast.UnaryOp():
            node.operand = ast.UnaryOp(ast.Not(), node.operand)
        case ast.Constant():
            node.value = _other(node.value)
        case ast.BinOp() | ast.AugAssign():
            node.op = _OPERATORS[type(node.op)]()
        case ast.If() | ast.While() | ast.IfExp():
            node.test = ast.UnaryOp(ast.Not(), node.test)
        case ast.Return() | ast.Expr() | ast.Assign():
            node.value = ast.Constant(None)


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + {int: 1, str: "X", bytes: b"X"}[type(value)]


def mutants_of(module: str, source: str) -> list[Mutant]:
    """Every mutant of a module."""
    tree = ast.parse(source)
    alone = _left_alone(tree)
    return [
        Mutant(module, getattr(node, "lineno", 0), place, kind)
        for place, node in enumerate(ast.walk(tree))
        if id(node) not in alone
        for kind in _kinds(node)
    ]


def mutated(source: str, mutant: Mutant) -> str:
    """The module's source with the one change."""
    tree = copy.deepcopy(ast.parse(source))
    node = next(node for place, node in enumerate(ast.walk(tree)) if place == mutant.place)
    _change(node)
    return ast.unparse(ast.fix_missing_locations(tree))


# Trial ---------------------------------------------------------------------------------------------------------------


class _Importer(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module from a text instead of its file."""

    def __init__(self, module: str, source: str) -> None:
        self._name = module.removesuffix(".py").replace("/", ".")
        self._path = str(ROOT / module)
        self._source = source

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(fullname, self, origin=self._path) if fullname == self._name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._source, self._path, "exec"), module.__dict__)


def _child(module: str, source: str, tests: Sequence[str]) -> int:
    """pytest's exit status over the tests, with that source."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.chdir(ROOT)
    sys.meta_path.insert(0, _Importer(module, source))
    return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-W", _WARM_IS_FINE, *tests]))


def trial(module: str, source: str, tests: Sequence[str]) -> str:
    """``survived``, ``killed`` or ``timeout``."""
    process = os.fork()
    if process == 0:
        status = 1
        try:
            status = _child(module, source, tests)
        finally:
            os._exit(status)
    until = time.monotonic() + WALL_SECONDS
    while time.monotonic() < until:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            verdict = "survived" if status == 0 else "timeout" if os.WIFSIGNALED(status) else "killed"
            break
        time.sleep(0.05)
    else:
        verdict = "timeout"
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)  # jails that a killed test has left
    return verdict


def warm_up() -> None:
    """Import what no mutant changes."""
    for name in WARM:
        importlib.import_module(name)
    product = [name for name in sys.modules if name.split(".")[0] in ("rooms", "server", "support")]
    assert not product, f"the parent has imported {product[0]}: mutants would not be seen"


def campaign(folder: Path, count: int, seed: int, only: str = "") -> dict[str, Any]:
    """Try up to ``count`` mutants in all (0: every one) and answer the figures of all runs in this folder."""
    warm_up()
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.json"
    sources = {module: (ROOT / module).read_text(encoding="utf-8") for module in TARGETS if only in module}
    digests = {module: hashlib.sha256(source.encode()).hexdigest()[:16] for module, source in sources.items()}
    kept: dict[str, dict[str, str]] = recalled(state) or {}
    results = {f"{module} {digest}": kept.get(f"{module} {digest}", {}) for module, digest in digests.items()}
    everyone = [mutant for module, source in sources.items() for mutant in mutants_of(module, source)]
    random.Random(seed).shuffle(everyone)
    sound: set[str] = set()
    for mutant in everyone[: count or None]:
        module, source = mutant.module, sources[mutant.module]
        tried = results[f"{module} {digests[module]}"]
        if mutant.name in tried:
            continue
        if module not in sound:
            assert trial(module, ast.unparse(ast.parse(source)), TARGETS[module]) == "survived", f"{module}: tests fail"
            sound.add(module)
        tried[mutant.name] = trial(module, mutated(source, mutant), TARGETS[module])
        if tried[mutant.name] == "survived":
            print(f"survived: {mutant.name}", file=sys.stderr, flush=True)
        keep(state, kept | results)
    return _figures(results, len(everyone))


def _figures(results: dict[str, dict[str, str]], all_of_them: int) -> dict[str, Any]:
    counts = {name.split()[0]: Counter(tried.values()) for name, tried in results.items() if tried}
    total: Counter[str] = sum(counts.values(), Counter())
    return {
        "mutants": all_of_them,
        "tried": total.total(),
        **total,
        "killed_share": round(1 - total["survived"] / max(1, total.total()), 3),
        "modules": {module: f"{c.total() - c['survived']} of {c.total()}" for module, c in sorted(counts.items())},
        "survivors": sorted(name for tried in results.values() for name, how in tried.items() if how == "survived"),
    }


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=0)
    arguments.add_argument("--only", default="", help="modules whose path holds this")
    arguments.add_argument("--folder", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    print(json.dumps(campaign(given.folder, given.count, given.seed, given.only), indent=2))
