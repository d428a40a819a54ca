"""The runner: a process that puts one foreign program into bubblewrap, waits for its end and hands its output out.

Started by exec as ``python -I -m sanitizer.runner N`` with an empty environment, where N is its end of a
SOCK_SEQPACKET pair. It parses no file: it copies bytes into the room and out of it.

Rules kept here:

- The room is memory of bounded size in a mount namespace of the runner's own: a document never lies on a disk, and
  nothing of it is left when the runner is gone, however it ends.
- Order: die with the parent, become nobody, namespaces, room, limits, bubblewrap. What fails ends the runner.
- The output is read after the program and all its processes are dead, from a regular file, no link followed, as many
  bytes as it may have and no more.

Example: ``sanitizer.converter`` is its only user.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import stat
import sys
from pathlib import Path

import msgspec

from sanitizer import bubblewrap, namespaces, program_seccomp

MAX_TASK = 64 * 1024  # bytes of a task on the wire
RESTART = 81  # LibreOffice has set up its profile and wants to be started again
_NOT_STARTED = 70
_PLACE = "/tmp"  # any folder that exists: the mount hides it in this namespace alone
_CHUNK = 1 << 20
_PROCESSES = 256
_TRIES = 3


class Task(msgspec.Struct, frozen=True):
    """One program to run. Descriptors that ride along: output; input if ``source``; files for the room if ``seeded``
    (``pack_folder``)."""

    parent: int
    argv: list[str]
    folders: list[str]
    environment: dict[str, str]
    source: str  # name of the input in the room; empty: none
    size: int  # bytes of the input
    result: str  # name of the output in the room; a folder is handed out packed
    seeded: bool
    room_bytes: int
    cpu_seconds: int
    memory: int  # bytes of address space
    max_file: int


class Ran(msgspec.Struct, frozen=True):
    """The end: exit status as bubblewrap tells it, bytes of output (0: none), CPU seconds, peak RSS in bytes.
    ``problem``: why the program could not be started at all."""

    status: int
    size: int = 0
    cpu_seconds: float = 0.0
    peak_rss: int = 0
    problem: str = ""


_task: msgspec.json.Decoder[Task] = msgspec.json.Decoder(Task)
_files: msgspec.msgpack.Decoder[dict[str, bytes]] = msgspec.msgpack.Decoder(dict[str, bytes])
_ran: msgspec.json.Decoder[Ran] = msgspec.json.Decoder(Ran)


def read_ran(data: bytes) -> Ran:
    """The answer of a runner; raises ``msgspec.DecodeError``."""
    try:
        return _ran.decode(data)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(f"{error}") from None


def main(argv: list[str]) -> None:
    """Run one task and answer once."""
    link = socket.socket(fileno=int(argv[1]))
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for the trusting side
        signal.signal(number, signal.SIG_IGN)
    data, descriptors, _, _ = socket.recv_fds(link, MAX_TASK, 8)
    task = _task.decode(data)
    namespaces.die_with_parent()
    if os.getppid() != task.parent:
        raise SystemExit("the trusting side is gone")
    try:
        answer = _run(task, descriptors)
    except Exception as error:  # told to the trusting side
        answer = Ran(_NOT_STARTED, problem=f"{type(error).__name__}: {error}"[:300])
    link.send(msgspec.json.encode(answer))


def _run(task: Task, descriptors: list[int]) -> Ran:
    output, rest = descriptors[0], descriptors[1:]
    source = rest.pop(0) if task.source else -1
    seed = rest.pop(0) if task.seeded else -1
    program = program_seccomp.compile_filter()
    world = bubblewrap.World(tuple(task.argv), tuple(task.folders), task.environment)
    namespaces.become_nobody()
    namespaces.die_with_parent()  # becoming nobody has cleared it
    namespaces.adopt_orphans()
    namespaces.enter_runner_namespaces()
    namespaces.mount_memory(_PLACE, task.room_bytes)
    room = Path(_PLACE, "room")
    _furnish(room, task, source, seed)
    inside = os.open(room, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for _ in range(_TRIES):
        status = _bubble(world, str(room), program, task)
        if status != RESTART:
            break
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    size = _hand_out(inside, task.result, output) if status == 0 else 0
    return Ran(status, size, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def _furnish(room: Path, task: Task, source: int, seed: int) -> None:
    (room / "tmp").mkdir(parents=True)
    if task.seeded:
        for name, content in _files.decode(os.pread(seed, os.fstat(seed).st_size, 0)).items():
            (room / name).parent.mkdir(parents=True, exist_ok=True)
            (room / name).write_bytes(content)
            (room / name).chmod(0o700)
    if task.source:
        with (room / task.source).open("xb") as file:
            offset = 0
            while offset < task.size and (part := os.pread(source, min(_CHUNK, task.size - offset), offset)):
                file.write(part)
                offset += len(part)


def _bubble(world: bubblewrap.World, room: str, program: bytes, task: Task) -> int:
    """Run the program to its end; its status as a shell would tell it."""
    bwrap = shutil.which(bubblewrap.PROGRAM, path="/usr/bin:/usr/local/bin:/bin")
    if bwrap is None:
        raise FileNotFoundError(bubblewrap.PROGRAM)
    filter_file = os.memfd_create("filter", 0)
    os.write(filter_file, program)
    os.lseek(filter_file, 0, os.SEEK_SET)
    arguments = bubblewrap.command(world, room, filter_file)
    child = os.fork()
    if child == 0:
        _become(bwrap, arguments, task)
    os.close(filter_file)
    _, status = os.waitpid(child, 0)
    _wait_for_all()
    return os.waitstatus_to_exitcode(status)


def _wait_for_all() -> None:
    """Bubblewrap leaves before the first process of its namespace does."""
    try:
        while True:
            os.wait()
    except ChildProcessError:
        return


def _become(bwrap: str, arguments: list[str], task: Task) -> None:
    try:
        namespaces.die_with_parent()
        null = os.open("/dev/null", os.O_RDWR)
        for number in range(3):
            os.dup2(null, number)
        _limit(task)
        os.execve(bwrap, arguments, {})
    finally:
        os._exit(_NOT_STARTED)


def _limit(task: Task) -> None:
    for kind, value in (
        (resource.RLIMIT_AS, task.memory),
        (resource.RLIMIT_CPU, task.cpu_seconds),
        (resource.RLIMIT_FSIZE, task.max_file),
        (resource.RLIMIT_NPROC, _PROCESSES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        resource.setrlimit(kind, (value, value))


def _hand_out(room: int, name: str, output: int) -> int:
    """Copy the output; its size, 0 if there is none. One that is too large is not copied."""
    try:
        found = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=room)
    except OSError:
        return 0
    status = os.fstat(found)
    if stat.S_ISDIR(status.st_mode):
        return _hand_out_folder(name, output)
    if not stat.S_ISREG(status.st_mode):
        return 0
    if status.st_size > os.fstat(output).st_size:
        return status.st_size
    offset = 0
    while offset < status.st_size and (part := os.pread(found, _CHUNK, offset)):
        offset += os.pwrite(output, part[: status.st_size - offset], offset)
    return offset


def pack_folder(files: dict[str, bytes]) -> bytes:
    """Files by their paths, for a ``seeded`` task."""
    return msgspec.msgpack.encode(files)


def _hand_out_folder(name: str, output: int) -> int:
    """All files of a folder; asked for only where no received file was in the room."""
    room = Path(_PLACE, "room")
    files = sorted(path for path in (room / name).rglob("*") if path.is_file())
    return os.pwrite(output, pack_folder({str(path.relative_to(room)): path.read_bytes() for path in files}), 0)


if __name__ == "__main__":
    main(sys.argv)
