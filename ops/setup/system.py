"""What Sekisho needs of the operating system, and the one apt call that installs what is missing.

Presence is asked of the thing itself (can the library be loaded, is there a font with Japanese letters), not of the
package manager: machines get these from elsewhere, too.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
import zoneinfo
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Need:
    """One thing of the system: ``package`` is its Debian and Ubuntu name, ``without`` what is off if it is missing."""

    package: str
    present: Callable[[], bool]
    without: str
    required: bool = False
    not_on: frozenset[str] = frozenset()  # os-release IDs whose package of this name is of no use
    tests: bool = False  # only tests ask for it: installed for ``make test`` alone
    extra: str = ""  # installed where ``SEKISHO_EXTRAS`` names it, and not missed elsewhere
    units: tuple[str, ...] = ()  # services that the package starts, and that nobody asked for


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _has_libarchive() -> bool:
    return _loads("libarchive.so.13")


def has_pip_for_environments() -> bool:
    """True if ``python3 -m venv`` can make an environment with pip in it."""
    return importlib.util.find_spec("ensurepip") is not None


def _can_make_environments() -> bool:
    return has_pip_for_environments() or shutil.which("uv") is not None


def _knows_tokyo() -> bool:
    try:
        zoneinfo.ZoneInfo("Asia/Tokyo")
    except zoneinfo.ZoneInfoNotFoundError:
        return False
    return True


def _has_japanese_font() -> bool:
    if shutil.which("fc-list") is None:
        return False
    listed = subprocess.run(["fc-list", ":lang=ja", "file"], capture_output=True, text=True, check=False)
    return bool(listed.stdout.strip())


def _has_browser() -> bool:
    return any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))


def _finds(program: str) -> bool:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin") is not None


def clock_library() -> str:
    """The path of libfaketime for programs with threads, as Debian and Ubuntu install it; empty without it."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    return str(found[0]) if found else ""


_NO_CONVERTER = "doc, xls, ppt and RTF files are refused"


def _has_office(library: str) -> bool:
    """Whether the part of LibreOffice is there that holds ``library``; any packaging of it will do."""
    found = shutil.which("soffice")
    return found is not None and (Path(found).resolve().parent / library).is_file()


NEEDS: tuple[Need, ...] = (
    Need("python3-venv", _can_make_environments, "nothing can be set up", required=True),
    Need("libmagic1", lambda: _loads("libmagic.so.1"), "attachments cannot be identified, so every one is refused"),
    Need("libseccomp2", lambda: _loads("libseccomp.so.2"), "the jail cannot be closed, so every attachment is refused"),
    Need("libarchive13", _has_libarchive, "LZH, 7z, RAR, tar and encrypted ZIP files are refused"),
    Need("tzdata", _knows_tokyo, "times are shown in UTC"),
    Need("fonts-noto-cjk", _has_japanese_font, "Japanese letters are missing in sample PDFs and in this browser"),
    Need("bubblewrap", lambda: shutil.which("bwrap") is not None, _NO_CONVERTER),
    *(
        Need(f"libreoffice-{part}-nogui", partial(_has_office, library), _NO_CONVERTER)
        for part, library in (("writer", "libswlo.so"), ("calc", "libsclo.so"), ("impress", "libsdlo.so"))
    ),
    Need("ffmpeg", lambda: _finds("ffmpeg"), "sound and video but MP3 and WAV are refused", extra="media"),
    # Node, as the package playwright brings it, is linked to it.
    Need("libatomic1", lambda: _loads("libatomic.so.1"), "the browser tests fail"),
    Need("squid", lambda: _finds("squid"), "tests with a real proxy are skipped", tests=True, units=("squid",)),
    Need("faketime", lambda: bool(clock_library()), "tests that set a server's clock are skipped", tests=True),
    Need("c-icap", lambda: _finds("c-icap-client"), "tests of ICAP are skipped", tests=True, units=("c-icap",)),
    Need(
        "clamav-daemon",
        lambda: _finds("clamd"),
        "tests with a real virus scanner are skipped",
        tests=True,
        units=("clamav-daemon", "clamav-daemon.socket", "clamav-freshclam"),
    ),
    # Ubuntu's package of this name only installs a snap, which servers and containers cannot run.
    Need("chromium", _has_browser, "the browser tests do not run", not_on=frozenset({"ubuntu"})),
)


def missing(and_tests: bool = True) -> list[Need]:
    """What this machine lacks, in the order of ``NEEDS``; with what only tests need, or without."""
    wanted = [need for need in NEEDS if not need.extra or need.extra in extras()]
    return [need for need in wanted if (and_tests or not need.tests) and not need.present()]


def distribution(os_release: Path = Path("/etc/os-release")) -> str:
    """The ``ID`` of os-release(5), ``""`` where there is none."""
    if not os_release.exists():
        return ""
    fields = dict(line.split("=", 1) for line in os_release.read_text(encoding="utf-8").splitlines() if "=" in line)
    return fields.get("ID", "").strip('"')


def installable(needs: Sequence[Need], distro: str) -> list[str]:
    """The packages to ask apt for."""
    return [need.package for need in needs if distro not in need.not_on]


def _as_root() -> list[str] | None:
    """The prefix that makes a command root's; None where the caller may not become root without being asked."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    if subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0:
        return ["sudo", "-n"]
    return ["sudo"] if sys.stdin.isatty() else None


# Debian's packages start the services that they bring, unless this file says no (invoke-rc.d(8)): nobody asked for a
# proxy or a virus scanner on this machine, and tests start their own.
_NOTHING_STARTS = """
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ] && printf '#!/bin/sh\\nexit 101\\n' >$policy 2>/dev/null; then
  chmod +x $policy
  trap 'rm -f $policy' EXIT
fi
"$@"
"""


def install(packages: Sequence[str]) -> bool:
    """Install ``packages`` with apt. False: there is no apt, no right to use it, or apt failed (it has said why)."""
    prefix = _as_root()
    if prefix is None or shutil.which("apt-get") is None:
        return False
    print(f"setup: installing with apt: {' '.join(packages)}", flush=True)
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    subprocess.run([*apt, "update"], check=False)  # a broken third-party source must not stop the install
    apt += ["install", "-y", "--no-install-recommends", *packages]
    done = subprocess.run([*prefix, "sh", "-c", _NOTHING_STARTS, "sh", *apt], stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.stdout.buffer.write(done.stdout)
    return done.returncode == 0


def tell(needs: Sequence[Need], distro: str) -> None:
    """Say what is switched off, and the one line that would change it."""
    if not needs:
        return
    for need in needs:
        print(f"setup: without {need.package}: {need.without}", file=sys.stderr)
    packages = installable(needs, distro)
    if packages:
        print(f"setup: to have it, run: sudo apt-get install -y {' '.join(packages)}", file=sys.stderr)
    if any(need.package == "chromium" and distro in need.not_on for need in needs):
        print("setup: to have it, run: sudo .venv/bin/playwright install --with-deps chromium", file=sys.stderr)


def extras() -> list[str]:
    """What was asked for besides, by name (``make setup SEKISHO_EXTRAS=media``)."""
    return os.environ.get("SEKISHO_EXTRAS", "").replace(",", " ").split()


def for_tests() -> bool:
    """Whether ``make test`` asks."""
    return os.environ.get("SEKISHO_FOR_TESTS") == "1"


def _stop(units: Sequence[str]) -> None:
    """Not at the next start of the machine either."""
    prefix = _as_root()
    if units and prefix is not None and Path("/run/systemd/system").is_dir():
        subprocess.run([*prefix, "systemctl", "disable", "--now", *units], capture_output=True, check=False)


def provide() -> bool:
    """Install what is missing if that is allowed, and tell what stays off. False if the set-up cannot go on."""
    distro = distribution()
    lacking = missing(for_tests())
    # Apart: what only tests need must not stand in the way of the rest where apt does not know it.
    for some in ([need for need in lacking if not need.tests], [need for need in lacking if need.tests]):
        packages = installable(some, distro)
        if packages and install(packages):
            _stop([unit for need in some for unit in need.units])
    lacking = missing(for_tests())
    tell(lacking, distro)
    return not any(need.required for need in lacking)
