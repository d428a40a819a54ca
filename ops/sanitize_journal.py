"""What a run of ``sekisho sanitize`` over a folder has done so far, so that one that was killed goes on.

Rules kept here:

- A line is written when a file's verdict is there and its output lies in its place, whole. Whatever ends the process
  leaves at most one torn line, which counts as none.
- A line counts in a later run only if it is of the same order (folders, treatment, password or none, scanner, release
  and grammars), the input is the very same (device, inode, size, times of content and of status), and the output,
  hashed again, is what was released. Anything else is done anew, and its old output removed.
- One run at a time: the journal is locked. The end of a run removes it; lines wait on the disk, not in memory.

Example::

    with Journal(Path("report.json.journal"), order_of(...), target) as journal:
        done = journal.resume({"a.pdf": stamp_of(path)}, password=False)
        journal.add(number, "a.pdf", stamp, report)
        journal.lines(range(count))
        journal.remove()
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from sanitizer.intake import sha256
from sanitizer.verdict import ENGINE
from sanitizer.verify import GRAMMARS

Stamp = list[int] | None
Report = dict[str, Any]
FORM = 1


class Done(NamedTuple):
    """``output``: its name in the target, None if nothing left."""

    verdict: str
    output: str | None


class JournalInUse(Exception):
    """Another run over these folders is under way."""


def order_of(*wishes: object) -> str:
    """Names what was asked for and of which release."""
    told = (FORM, version("sekisho"), ENGINE, sorted(GRAMMARS.items()), *wishes)
    return hashlib.sha256(repr(told).encode("utf-8", "surrogatepass")).hexdigest()


def stamp_of(path: Path) -> Stamp:
    """What changes whenever the file does; None for what is no regular file."""
    try:
        status = path.lstat()
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


class Journal:
    """See the module's rules. ``target``: the folder of the outputs."""

    def __init__(self, path: Path, order: str, target: Path) -> None:
        self.path = path
        self._order = order
        self._target = target
        self._places: dict[int, tuple[int, int]] = {}  # of the lines of this run: offset and size
        self._earlier: dict[str, tuple[int, int]] = {}  # of those of the runs before
        self._end = 0
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise JournalInUse(path) from None
        self._take_up()

    def resume(self, stamps: Mapping[str, Stamp], password: bool) -> dict[str, Done]:
        """What earlier runs have done of these files, by name, and still holds. What else they have left is removed.
        ``password``: one was given, so that what had asked for one is tried again."""
        done: dict[str, Done] = {}
        left: set[str] = set()
        for name, place in self._earlier.items():
            entry = self._entry(place)
            report: Report = entry["report"]
            output = report["output"]["name"] if report["output"] is not None else None
            waiting = password and report["verdict"] == "needs_password"
            stamp = stamps.get(name)
            claimed = output != name and output in stamps  # by a file that has come since
            same = stamp is not None and entry["stamp"] == stamp and not waiting and not claimed
            if same and self._lies_there(report):
                done[name] = Done(report["verdict"], output)
            elif output is not None:
                left.add(output)
        for output in left - {one.output for one in done.values()}:
            (self._target / output).unlink(missing_ok=True)
        return done

    def take_over(self, number: int, name: str) -> None:
        """The line of an earlier run is that of the file with this number."""
        self._places[number] = self._earlier[name]

    def add(self, number: int, name: str, stamp: Stamp, report: Report) -> None:
        """The verdict on the file with this number. ``stamp`` None: a later run does it anew."""
        self._places[number] = self._append({"name": name, "stamp": stamp, "report": report})

    def lines(self, numbers: Iterable[int]) -> Iterator[Report]:
        """The reports of this run by number."""
        for number in numbers:
            report: Report = self._entry(self._places[number])["report"]
            yield report

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    # The file --------------------------------------------------------------------------------------------------------

    def _take_up(self) -> None:
        """Go on behind the last whole line of the same order, or begin anew."""
        with open(self._file, "rb", closefd=False) as file:
            first = file.readline()
            if first == self._header():
                self._end = len(first)
                for line in file:
                    if not self._known(line):
                        break
                    self._earlier[json.loads(line)["name"]] = (self._end, len(line))
                    self._end += len(line)
        os.ftruncate(self._file, self._end)
        if not self._end:
            self._end = os.pwrite(self._file, self._header(), 0)

    def _header(self) -> bytes:
        return json.dumps({"journal": FORM, "order": self._order}).encode("ascii") + b"\n"

    @staticmethod
    def _known(line: bytes) -> bool:
        if not line.endswith(b"\n"):
            return False
        try:
            return set(json.loads(line)) == {"name", "stamp", "report"}
        except (ValueError, TypeError):
            return False

    def _append(self, entry: dict[str, Any]) -> tuple[int, int]:
        line = json.dumps(entry).encode("ascii") + b"\n"
        written = 0
        while written < len(line):
            written += os.pwrite(self._file, line[written:], self._end + written)
        place = (self._end, len(line))
        self._end += len(line)
        return place

    def _entry(self, place: tuple[int, int]) -> dict[str, Any]:
        entry: dict[str, Any] = json.loads(os.pread(self._file, place[1], place[0]))
        return entry

    def _lies_there(self, report: Report) -> bool:
        """Whether the output is what was released."""
        facts = report["output"]
        if facts is None:
            return True
        try:
            descriptor = os.open(self._target / facts["name"], os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return False
        try:
            same_size = os.fstat(descriptor).st_size == facts["size"]
            return same_size and bool(sha256(descriptor, facts["size"]) == facts["sha256"])
        finally:
            os.close(descriptor)
