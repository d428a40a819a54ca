"""A container that a text editor can write: a line ``NAME HEX`` for each member; its members may attack. In the jail.

``NAME !CODE`` is a member refused by the container itself. A first line ``attack WHAT`` makes the module lie.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from sanitizer import parcel
from sanitizer.formats.base import Change, Job, Member, NeedsPassword, Rebuilt, Treated, Unpacked
from sanitizer.formats.members import words_of
from sanitizer.limits import Limits
from sanitizer.wire import Answer, Status, write_answer

ANSWER, OUTPUT = 3, 5


def unpack(data: bytes, job: Job) -> Unpacked:
    """The members, one by one."""
    lines = data.decode().splitlines()
    if lines[0].startswith("attack "):
        _attack(lines[0].split(" ")[1], job)
    unpacked = Unpacked(_members(lines))
    unpacked.removed.append(Change("comment", 1))
    if job.password:
        unpacked.changed += [Change("encryption", 1)] * lines[0].startswith("attack password")
    return unpacked


def _members(lines: list[str]) -> Iterator[Member]:
    for line in lines:
        name, _, content = line.partition(" ")
        if name not in ("attack", "endless"):
            yield Member(name, refused=content[1:]) if content[:1] == "!" else Member(name, bytes.fromhex(content))
        while name == "endless":
            yield Member("a.txt", b"x")


def _attack(what: str, job: Job) -> None:
    if what == "password" and job.password != "合言葉":
        raise NeedsPassword(wrong=job.password is not None)
    if what == "size":
        _say(Answer(Status.UNPACKED, input_type=job.mime, size=1 << 40))
    if what == "garbage":
        os.pwrite(OUTPUT, b"x" * 500, 0)
        _say(Answer(Status.UNPACKED, input_type=job.mime, size=500))
    if what == "type":
        _say(Answer(Status.UNPACKED, input_type="application/x-evil", size=parcel.Writer(OUTPUT, 100).finish()))


def _say(answer: Answer) -> None:
    os.write(ANSWER, write_answer(answer))
    os._exit(0)


def pack(data: bytes, job: Job, members: list[Treated]) -> Rebuilt:
    """One line for each member: its name, its code, its type, and its bytes in hex."""
    lines = [f"{m.name} {m.code} {m.mime} {m.read().hex()}\n" for m in members]
    return Rebuilt(b"rebuilt: " + "".join(lines).encode(), job.mime, [], [Change("packed", len(members))])


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """Never asked."""
    raise AssertionError


def text(data: bytes, limits: Limits) -> str:
    """The names."""
    return "".join(words_of(line.split(" ")[0], b"", limits) for line in data.decode().splitlines()[1:])
