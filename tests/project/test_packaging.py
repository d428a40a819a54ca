"""The wheel is whole: the built client, the five packages, the migrations; and nobody else's package has our names."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

PACKAGES = ("rooms", "sanitizer", "federation", "server", "ops")
UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def wheel(root: Path, tree: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built whole from a copy of the checkout. What the build needs stands in the environment and, for the
    client, in ``node_modules``, so that nothing is fetched: the pins of both are the same."""
    copy = tmp_path_factory.mktemp("checkout")
    for path in tree:
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / path, copy / path)
    modules = Path("web_client/node_modules")
    if (root / modules).exists():
        shutil.copytree(root / modules, copy / modules, symlinks=True)
    out = tmp_path_factory.mktemp("dist")
    command: list[str | Path] = [UV, "build", "--wheel", "--no-build-isolation"]
    command += ["--python", sys.executable, "--out-dir", out, copy]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(out.glob("sekisho-*.whl"))


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_build_s_pins_are_the_environment_s(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(project["build-system"]["requires"]) <= set(project["dependency-groups"]["dev"])


def test_the_wheel_holds_the_five_packages_and_their_types(names: set[str]) -> None:
    assert {f"{package}/__init__.py" for package in PACKAGES} <= names
    assert {f"{package}/py.typed" for package in PACKAGES} <= names


def test_the_wheel_holds_every_file_of_the_packages(names: set[str], tree: list[Path]) -> None:
    ours = {path.as_posix() for path in tree if path.parts[0] in PACKAGES}
    tools = {"ops/build_client.py", "ops/screenshots.py"}
    for_checkouts = {name for name in ours if name.startswith("ops/setup/")} | tools
    assert ours - for_checkouts - names == set()
    assert names & for_checkouts == set()


def test_the_wheel_holds_the_built_client(wheel: Path, names: set[str]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        page = archive.read("server/client/index.html").decode()
        scripts = [name for name in names if name.startswith("server/client/") and name.endswith(".js")]
        assert scripts and any(Path(name).name in page for name in scripts)
        assert max(archive.getinfo(name).file_size for name in scripts) > 10_000


def test_the_wheel_holds_the_migrations(names: set[str]) -> None:
    assert "rooms/store/migrations/env.py" in names
    assert any(name.startswith("rooms/store/migrations/versions/0001") for name in names)


def test_the_wheel_holds_nothing_else(names: set[str]) -> None:
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == set(PACKAGES)


def test_our_names_are_ours_alone(wheel: Path, tmp_path: Path) -> None:
    """Installed beside all that it needs, no other distribution provides a package of one of our names."""
    install: list[str | Path] = [UV, "pip", "install", "--quiet", "--no-deps", "--target", tmp_path]
    install += ["--python", sys.executable, wheel]
    subprocess.run(install, check=True)
    program = (
        f"import json, sys; sys.path[:0] = [{str(tmp_path)!r}, {sysconfig.get_path('purelib')!r}]; "
        "import importlib.metadata as m; print(json.dumps(m.packages_distributions()))"
    )
    told = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    providers = {package: set(by) for package, by in json.loads(told.stdout).items() if package in PACKAGES}
    assert providers == {package: {"sekisho"} for package in PACKAGES}
