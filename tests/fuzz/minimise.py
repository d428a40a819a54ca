"""The smallest file that still shows a finding: ``python -m fuzz.minimise "rebuild text/html" FILE``.

Members of a ZIP go first, then pieces of its members; of other files pieces of bytes, large ones before small ones.

>>> smaller(b"aaaXbbb", lambda data: b"X" in data)
b'X'
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from fuzz import zips
from fuzz.findings import Finding
from fuzz.targets import TARGETS, Target

Shows = Callable[[bytes], bool]


def smaller(data: bytes, shows: Shows) -> bytes:
    """``data`` without what does not matter to ``shows``."""
    members = zips.read(data)
    return _in_members(members, shows) if members else _in_bytes(data, shows)


def _in_bytes(data: bytes, shows: Shows) -> bytes:
    size = len(data) // 2
    while size:
        at = 0
        while at < len(data):
            shorter = data[:at] + data[at + size :]
            if shows(shorter):
                data = shorter
            else:
                at += size
        size //= 2
    return data


def _in_members(members: list[zips.Member], shows: Shows) -> bytes:
    for one in list(members):
        rest = [other for other in members if other is not one]
        if rest and shows(zips.write(rest)):
            members = rest
    for at in range(len(members)):
        content = _in_bytes(members[at].content, partial(_shows_with, members, at, shows))
        members = _with(members, at, content)
    return zips.write(members)


def _with(members: list[zips.Member], at: int, content: bytes) -> list[zips.Member]:
    return [*members[:at], members[at].holding(content), *members[at + 1 :]]


def _shows_with(members: list[zips.Member], at: int, shows: Shows, content: bytes) -> bool:
    return shows(zips.write(_with(members, at, content)))


def finding(target: Target, name: str, data: bytes) -> tuple[str, str] | None:
    """Kind and signature of what the target finds in a file, if anything."""
    try:
        label = target.take((name, data))
    except Finding as found:
        return found.kind, found.signature
    return ("unreadable", label) if label.startswith("unreadable by") else None


def main(target_name: str, path: Path) -> None:
    """Write the small file beside the large one."""
    target = next(one for one in TARGETS if one.name == target_name)
    data = path.read_bytes()
    wanted = finding(target, path.name, data)
    if wanted is None:
        raise SystemExit("this target finds nothing in this file")
    small = smaller(data, lambda shorter: finding(target, path.name, shorter) == wanted)
    path.with_suffix(f".small{path.suffix}").write_bytes(small)
    print(f"{wanted}: {len(data)} → {len(small)} bytes")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
