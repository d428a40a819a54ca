"""A format module that does what its file says; the files are the attacks. Runs inside the jail only."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable

from sanitizer.formats.base import Change, Job, NeedsPassword, Rebuilt, Refused
from sanitizer.limits import Limits
from sanitizer.wire import Answer, Status, write_answer

ANSWER, OUTPUT = 3, 5


def _loop() -> None:
    while True:
        pass


def _block(seconds: float = -1) -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire(timeout=seconds)


def _abort() -> None:
    os.abort()


def _hoard() -> None:
    kept = []
    while True:
        kept.append(b"x" * (1 << 24))


def _fork_bomb() -> None:
    while True:
        os.fork()


def _write_for_ever() -> None:
    at = 0
    while True:
        at += os.pwrite(OUTPUT, b"x" * (1 << 20), at)


def _deep(level: int = 0) -> int:
    return _deep(level + 1) + 1


def _say(answer: bytes) -> None:
    os.write(ANSWER, answer)
    os._exit(0)


def _flood_answer() -> None:
    try:
        while True:
            os.write(ANSWER, b"x" * 4096)
    finally:
        os._exit(0)


def _password(job: Job) -> None:
    if job.password != "合言葉":
        raise NeedsPassword(wrong=job.password is not None)


def _work() -> None:
    end = time.process_time() + 0.6
    while time.process_time() < end:
        pass


def _lock(job: Job) -> None:
    raise NeedsPassword(wrong=job.password is not None)


def _refuse(code: str) -> None:
    raise Refused(code, "as told")


def _done(output_type: str, size: int) -> bytes:
    return write_answer(Answer(Status.DONE, input_type="text/plain", output_type=output_type, size=size))


ATTACKS: dict[bytes, Callable[[Job], object]] = {
    b"crash": lambda job: ctypes.string_at(0),
    b"abort": lambda job: _abort(),
    b"leave": lambda job: os._exit(0),
    b"loop": lambda job: _loop(),
    b"block": lambda job: _block(),
    b"wait": lambda job: _block(0.8),
    b"hoard": lambda job: _hoard(),
    b"fork-bomb": lambda job: _fork_bomb(),
    b"execute": lambda job: os.execv("/bin/true", ["true"]),
    b"write-for-ever": lambda job: _write_for_ever(),
    b"deep": lambda job: _deep(),
    b"garbage-answer": lambda job: _say(b"\xff" * 600),
    b"flood-answer": lambda job: _flood_answer(),
    b"lie-size": lambda job: _say(_done("text/plain", 1 << 40)),
    b"lie-nothing": lambda job: _say(_done("text/plain", 0)),
    b"lie-type": lambda job: _say(_done("application/x-evil", 5)),
    b"lie-unwritten": lambda job: _say(_done("text/plain", 100)),
    b"password": _password,
    b"busy-verifier": lambda job: _work(),
    b"locked": lambda job: _lock(job),
    b"refuse-bomb": lambda job: _refuse("bomb"),
    b"refuse-unheard": lambda job: _refuse("unheard-of"),
    b"refuse-released": lambda job: _refuse("released"),
    b"raise": lambda job: int("x"),
}


def rebuild(data: bytes, job: Job) -> Rebuilt:
    """Do what the first word says, then hand the file over as it is, or as large as it wants."""
    attack = ATTACKS.get(data.split(b"\n")[0].strip())
    if attack is not None:
        attack(job)
    if data.startswith(b"huge"):
        return Rebuilt(b"x" * (job.limits.max_output + 1), "text/plain")
    if data.startswith(b"mislabel"):
        return Rebuilt(b"rebuilt: " + data, "image/png")
    removed = [Change("secret", 2, "page 3"), Change("Not A Slug!", 1, "日本語")]
    return Rebuilt(b"rebuilt: " + data, "text/plain", removed, [Change(job.treatment, 1)])


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """A picture that the verifier likes, or not."""
    if b"ugly" in data:
        return b"not a picture"
    if b"unseen" in data:
        return None
    if b"thumb-crash" in data:
        ctypes.string_at(0)
    return b"picture"
