"""One path through the sanitizer and out to disk again, for ``sekisho sanitize``.

Rules kept here:

- Whatever cannot be opened as a regular file is a verdict too: ``unreadable``. A FIFO never blocks.
- A file appears whole or not at all: written beside its place, flushed, then renamed.

>>> line(refused("empty", FileFacts("a.pdf", 0, None, None), "rebuild"))[:22]
'{"verdict": "refused",'
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from sanitizer.supervisor import Examined, Supervisor
from sanitizer.verdict import FileFacts, Treatment, Verdict, refused

_CHUNK = 1 << 20


async def inspect(
    supervisor: Supervisor, path: Path, name: str, treatment: Treatment, password: str | None, *, follow: bool
) -> Examined:
    """The verdict on one path, called ``name`` in it; ``follow`` a symbolic link or refuse it."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError:
        facts = FileFacts(name, 0, None, None)
        return Examined(refused("unreadable", facts, treatment, detail="cannot be opened"), None, None)
    try:
        return await supervisor.examine(descriptor, name=name, treatment=treatment, password=password, thumbnail=False)
    finally:
        os.close(descriptor)


def hand_out(output: int, target: Path) -> None:
    """Put a released output into its place and close it."""
    try:
        _write_whole(target, lambda file: _copy(output, file))
    finally:
        os.close(output)


def write_text(target: Path, text: str) -> None:
    """Put a report into its place."""
    _write_whole(target, lambda file: file.write(text.encode("utf-8")))


def line(verdict: Verdict) -> str:
    """The report as one line of JSON. Names that are no Unicode keep their bytes as lone surrogates, escaped."""
    report = verdict.report()
    text = json.dumps(report, ensure_ascii=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = json.dumps(report)
    return text + "\n"


def _write_whole(target: Path, fill: Callable[[BinaryIO], object]) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".sekisho-", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            fill(file)
            file.flush()
            os.fchmod(file.fileno(), 0o666 & ~_umask())
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    """The file mode mask, read without changing it (proc(5))."""
    status = Path("/proc/self/status").read_text("ascii", "replace")
    return int(status.partition("Umask:")[2].split()[0], 8)


def _copy(output: int, file: BinaryIO) -> None:
    offset = 0
    while part := os.pread(output, _CHUNK, offset):
        file.write(part)
        offset += len(part)
