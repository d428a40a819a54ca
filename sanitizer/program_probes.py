"""The attempts of ``sanitizer.probes`` from where LibreOffice works, in bubblewrap: a world with files of its own.

Rules kept here:

- The ways are the same; three aim at the machine instead of at the little root that a program cannot do without: its
  files and folders, writing anywhere but in the room, and a room that fills up memory without end.
- It runs alone in the place of LibreOffice: nothing but the standard library, and no file but what lies in the room.

Example: ``sanitizer.self_check`` is its only user.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from sanitizer.probes import PROBES, Target, attempt

_OF_THE_MACHINE = frozenset({"boot", "home", "media", "opt", "root", "run", "srv", "sys"})
_ELSEWHERE = ("/", "/etc", "/home", "/opt", "/root", "/usr/lib", "/usr/share/fonts", "/var/cache", "/var/tmp")
_MORE_THAN_A_ROOM = 1 << 30


def _list_root(_: Target) -> None:
    seen = [Path("/", name) for name in sorted(_OF_THE_MACHINE & set(os.listdir("/")))]  # noqa: PTH208
    if not any(any(folder.iterdir()) for folder in seen):
        raise OSError("nothing of the machine is there")


def _file_write(target: Target) -> None:
    for folder in _ELSEWHERE:
        path = Path(folder, f"sekisho-probe-{target['pid']}")
        try:
            path.write_bytes(b"x")
        except OSError:
            continue
        path.unlink()
        return
    raise OSError("nowhere")


def _fill_memory(_: Target) -> None:
    path = Path("probe-fill")
    try:
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, _MORE_THAN_A_ROOM)
    finally:
        path.unlink(missing_ok=True)


PROGRAM_PROBES: dict[str, Callable[[Target], None]] = {
    **PROBES,
    "list-root": _list_root,
    "file-write": _file_write,
    "fill-memory": _fill_memory,
}


def main(argv: list[str]) -> None:
    """Try all against the target in the arguments (name=number); one line ``name 1`` (blocked) or ``name 0`` each."""
    target = {name: int(number) for name, _, number in (one.partition("=") for one in argv[2:])}
    outcome = attempt(target, PROGRAM_PROBES)
    Path(argv[1]).write_text("".join(f"{name} {held:d}\n" for name, held in outcome.items()), encoding="ascii")


if __name__ == "__main__":
    main(sys.argv)
