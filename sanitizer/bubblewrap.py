"""The command line of bubblewrap: which little world a foreign program is put into. Pure.

Rules kept here:

- Every namespace is new, there is no network, no ``/proc``, no ``/home``, no ``/etc`` but what fonts need, and nothing
  that could be run but the program and its libraries.
- No option is used that a hardened service forbids: what may not be done inside is a matter of the filter.
- Everything that is mounted is read-only, but for the room: one folder in memory, gone with the program.
- The program dies with bubblewrap, bubblewrap with its runner, the runner with the trusting side.

Source: bwrap(1) 0.8.

>>> "--unshare-all" in command(World(("/bin/true",), (), {}), "/tmp/room", 5)
True
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOM = "/room"  # where the program sees its folder
PROGRAM = "bwrap"

_LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/lib32")
_FONTS = ("/usr/share/fonts", "/usr/local/share/fonts", "/usr/share/fontconfig", "/etc/fonts", "/var/cache/fontconfig")
_ALIASES = ("/lib", "/lib64", "/lib32")
_DEVICES = ("/dev/null", "/dev/urandom")


@dataclass(frozen=True, slots=True)
class World:
    """What is run, what it may read besides libraries and fonts (what does not exist is left out), and what it finds
    in its environment."""

    argv: tuple[str, ...]
    folders: tuple[str, ...]
    environment: Mapping[str, str]


def command(world: World, room: str, filter_descriptor: int) -> list[str]:
    """The arguments of bubblewrap, itself first. ``room``: the folder outside; ``filter_descriptor``: BPF to load."""
    arguments = [PROGRAM, "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session"]
    arguments += ["--clearenv", "--cap-drop", "ALL", "--seccomp", str(filter_descriptor)]
    for name, value in (*world.environment.items(), ("HOME", ROOM), ("TMPDIR", "/tmp")):
        arguments += ["--setenv", name, value]
    for folder in dict.fromkeys((*_LIBRARIES, *_FONTS, *world.folders)):
        if Path(folder).exists():
            arguments += ["--ro-bind", folder, folder]
    for alias in _ALIASES:
        if Path(alias).is_symlink():
            arguments += ["--symlink", os.readlink(alias), alias]  # noqa: PTH115
        elif Path(alias).exists():
            arguments += ["--ro-bind", alias, alias]
    for device in _DEVICES:
        arguments += ["--dev-bind", device, device]
    arguments += ["--bind", room, ROOM, "--bind", f"{room}/tmp", "/tmp", "--remount-ro", "/", "--chdir", ROOM]
    return [*arguments, "--", *world.argv]
