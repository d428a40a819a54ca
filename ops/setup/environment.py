"""The Python environment ``.venv`` and the built web client, each made again only when what it is made of has changed.

uv lives in an environment of its own, ``.tools/``, so that it can make and replace ``.venv``. It is fetched by pip,
which knows the machine's package index; uv does not read pip's settings, so they are handed on to it.
"""

from __future__ import annotations

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from ops.setup.system import has_pip_for_environments

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools"
UV = TOOLS / "bin" / "uv"
VENV = ROOT / ".venv"
STAMP = TOOLS / "python.stamp"
COMMAND = VENV / "bin" / "sekisho"
CLIENT_BUILDER = ROOT / "ops" / "build_client.py"


def python_digest() -> str:
    """Stands for everything that decides what ``.venv`` holds, the checkout's place included."""
    seen = hashlib.sha256(f"{sys.version}\0{ROOT}".encode())
    for file in [ROOT / "pyproject.toml", ROOT / "uv.lock", *sorted((ROOT / "ops" / "setup").glob("*.py"))]:
        seen.update(file.read_bytes())
    return seen.hexdigest()


def is_ready() -> bool:
    """True if ``.venv`` is what this checkout's present state asks for."""
    return COMMAND.exists() and STAMP.exists() and STAMP.read_text(encoding="ascii") == python_digest()


def uv_pin(pyproject: Path = ROOT / "pyproject.toml") -> str:
    """The requirement ``uv==…`` of the development group: one pin for the set-up, the tests and ``make wheel``."""
    group = tomllib.loads(pyproject.read_text(encoding="utf-8"))["dependency-groups"]["dev"]
    return next(str(line) for line in group if str(line).startswith("uv=="))


def _run(*command: str | Path, env: Mapping[str, str] | None = None) -> None:
    subprocess.run([str(word) for word in command], cwd=ROOT, env=env, check=True)


def _make_tools() -> None:
    """``.tools/`` with the pinned uv in it, fetched by pip; without pip, with the uv that the machine has."""
    if not has_pip_for_environments():
        (TOOLS / "bin").mkdir(parents=True, exist_ok=True)
        UV.unlink(missing_ok=True)
        UV.symlink_to(shutil.which("uv") or "uv")
        return
    python = TOOLS / "bin" / "python"
    if not python.exists() or subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode != 0:
        _run(sys.executable, "-m", "venv", "--clear", TOOLS)
    _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", uv_pin())


def pip_settings(listing: str) -> dict[str, str]:
    """pip's effective settings from ``pip config list``; the environment's win over a file's.

    >>> pip_settings("global.index-url='https://a.example/simple'")
    {'index-url': 'https://a.example/simple'}
    """
    found: dict[str, tuple[int, str]] = {}
    for line in listing.splitlines():
        section_and_name, _, value = line.partition("=")
        section, _, name = section_and_name.rpartition(".")
        if section not in {"global", "install", ":env:"} or not value:
            continue
        rank = ("global", "install", ":env:").index(section)
        if name not in found or found[name][0] <= rank:
            found[name] = (rank, str(ast.literal_eval(value)))
    return {name: value for name, (_, value) in found.items()}


def _machine_settings() -> dict[str, str]:
    """What this machine's pip is set to; nothing where there is no pip."""
    if not has_pip_for_environments():
        return {}
    listing = [str(TOOLS / "bin" / "python"), "-m", "pip", "config", "list"]
    return pip_settings(subprocess.run(listing, capture_output=True, text=True, check=True).stdout)


def uv_environment(given: Mapping[str, str], pip: Mapping[str, str]) -> dict[str, str]:
    """The environment for uv: what the machine told pip, told to uv, unless uv was told something itself."""
    env = {name: value for name, value in given.items() if name != "VIRTUAL_ENV"}
    env["UV_PROJECT_ENVIRONMENT"] = str(VENV)
    env.setdefault("UV_PYTHON_DOWNLOADS", "never")
    env.setdefault("UV_SYSTEM_CERTS", "true")  # as Debian's pip does: a town's own proxy has its own authority
    if "index-url" in pip and not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & given.keys():
        env["UV_DEFAULT_INDEX"] = pip["index-url"]
    if "cert" in pip:
        env.setdefault("SSL_CERT_FILE", pip["cert"])
    return env


def _locked_index() -> str:
    """The index that ``uv.lock`` was made from."""
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    return next(str(package["source"]["registry"]) for package in packages if "registry" in package["source"])


def _sync(env: Mapping[str, str]) -> None:
    """Make ``.venv`` what ``uv.lock`` says.

    The lock names its index's files by address, so where the machine has another index the lock is turned into hashed
    requirements, and these are installed from there.
    """
    index = env.get("UV_DEFAULT_INDEX") or env.get("UV_INDEX_URL")
    if not index or index.rstrip("/") == _locked_index().rstrip("/"):
        _run(UV, "sync", "--frozen", "--quiet", "--python", sys.executable, env=env)
        return
    requirements = TOOLS / "requirements.txt"
    _run(UV, "export", "--frozen", "--quiet", "--no-emit-project", "--output-file", requirements, env=env)
    _run(UV, "venv", "--quiet", "--allow-existing", "--python", sys.executable, VENV, env=env)
    _run(UV, "pip", "sync", "--quiet", "--require-hashes", "--python", VENV / "bin" / "python", requirements, env=env)
    _run(UV, "pip", "install", "--quiet", "--no-deps", "--python", VENV / "bin" / "python", "--editable", ROOT, env=env)


def provide() -> None:
    """Make ``.venv``. ``subprocess.CalledProcessError``: the tool that failed has said why."""
    print("setup: installing the Python packages of uv.lock into .venv", flush=True)
    _make_tools()
    _sync(uv_environment(os.environ, _machine_settings()))
    STAMP.write_text(python_digest(), encoding="ascii")


def provide_client() -> None:
    """Build the web client where its sources have changed since the last time; the builder says so itself."""
    env = dict(os.environ)
    env.setdefault("NODE_USE_SYSTEM_CA", "1")
    env.setdefault("NPM_CONFIG_UPDATE_NOTIFIER", "false")
    _run(VENV / "bin" / "python", CLIENT_BUILDER, env=env)
