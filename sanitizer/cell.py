"""The cell: a process that has imported every parser and forks one jailed process per file.

Started by exec as ``python -I -m sanitizer.cell_start N`` with an empty environment, where N is its end of a
SOCK_SEQPACKET pair and all it owns. It holds no database, key or configuration.

Rules kept here:

- It ends when the trusting side ends: by parent-death signal, and by the end of the socket.
- It parses nothing but samples of ours, once, at its birth (``sanitizer.warming``).
- Order of its birth: hello → import → warm → settle → prepare locks → namespaces → empty root → try one jail → ready.
- It never reads a descriptor that it passes on. It reports a death only after the process is gone.
- One thread, so that fork is safe. A jail has one thread as well, except for the one format that needs more.

Example: ``sanitizer.supervisor`` is its only user.
"""

from __future__ import annotations

import codecs
import importlib
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import NoReturn

from sanitizer import jail, kinds, namespaces, settling, warming, worker
from sanitizer.wire import MAX_MESSAGE, Ended, Hello, Ready, Run, Started, decode_to_cell, encode

_WAYS = 256  # remembered
_NOT_BORN = -255  # status of a process that could not be forked
_NOT_LOCKED, _STUMBLED = 70, 71  # exit statuses of a jailed process

# Python imports a codec when it is first used, and in a jail nothing can be imported
_ENCODINGS = (
    *("ascii", "latin-1", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "idna", "punycode"),
    *("cp932", "shift_jis", "shift_jis_2004", "euc_jp", "euc_jis_2004", "iso2022_jp", "iso2022_jp_2", "iso2022_jp_ext"),
    *("cp437", "cp850", "cp1252", "mac_roman", "unicode_escape", "raw_unicode_escape", "quopri", "base64", "hex"),
)


@dataclass(slots=True)
class Cell:
    """What the serving loop holds."""

    link: socket.socket
    modules: dict[str, ModuleType]
    locks: jail.Locks
    own_namespace: int | None  # descriptor of the cell's process namespace; None: jails share it
    notes: list[str]
    jails: dict[int, tuple[int, int]] = field(default_factory=dict)  # pidfd → (run id, process id)
    ways: dict[tuple[int, ...], jail.Steps] = field(default_factory=dict)  # by descriptors and limits


def main(argv: list[str]) -> None:
    """Be born, then serve until the trusting side is gone."""
    link = socket.socket(fileno=int(argv[1]))
    sys.stdin = sys.stdout = sys.stderr = None
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for the trusting side, which drains and then closes the link
        signal.signal(number, signal.SIG_IGN)
    hello = decode_to_cell(link.recv(MAX_MESSAGE))
    if not isinstance(hello, Hello):
        raise SystemExit("the first message must be hello")
    namespaces.die_with_parent()
    if os.getppid() != hello.parent:
        raise SystemExit("the trusting side is gone")
    try:
        cell = _born(link, hello)
    except Exception as error:  # told to the trusting side, which refuses to start
        link.send(encode(Ready("", f"{type(error).__name__}: {error}"[:500])))
        raise SystemExit(1) from error
    link.send(encode(Ready(cell.locks.tier, notes=cell.notes)))
    _serve(cell)


def _born(link: socket.socket, hello: Hello) -> Cell:
    """Import everything and go as far into isolation as the system allows; raises if that is not far enough."""
    sys.path.extend(hello.path)
    for encoding in _ENCODINGS:
        codecs.lookup(encoding)
    modules = {mime: importlib.import_module(name) for mime, name in hello.modules.items()}
    warming.warm(modules)
    settling.settle()
    locks = jail.prepare("full")
    namespaces.become_nobody()
    namespaces.die_with_parent()  # becoming nobody has cleared it
    problem = "" if hello.namespaces else "namespaces are switched off"
    problem = problem or _rehearse(lambda: _try_jail(Cell(link, modules, locks, _into_namespaces(), [])))
    if problem and hello.strict:
        raise RuntimeError(f"full isolation is not possible here ({problem})")
    if problem:
        cell = Cell(link, modules, replace(locks, tier="landlock"), None, [problem])
        _try_jail(cell)
        return cell
    return Cell(link, modules, locks, _into_namespaces(link), [])


def _into_namespaces(link: socket.socket | None = None) -> int:
    """Become the first process of new namespaces with an empty root; returns a descriptor of the process namespace. The
    process that came in stays outside, waits, and ends as its child does."""
    namespaces.enter_cell_namespaces()
    child = os.fork()
    if child:
        if link:
            link.close()
        _, status = os.waitpid(child, 0)
        os._exit(0 if status == 0 else _STUMBLED)
    namespaces.die_with_parent()
    own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    namespaces.empty_root()
    return own


def _rehearse(step: Callable[[], None]) -> str:
    """Do a step in a child that is thrown away; empty if it worked, else why not."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _end_with(_explained(step, writer))
    os.close(writer)
    os.waitpid(child, 0)
    os.set_blocking(reader, False)
    told = os.read(reader, 500).decode("utf-8", "replace")
    os.close(reader)
    return "" if told == "ok" else told or "ended without a word"


def _explained(step: Callable[[], None], writer: int) -> Callable[[], None]:
    def run() -> None:
        try:
            step()
            os.write(writer, b"ok")
        except Exception as error:
            os.write(writer, f"{type(error).__name__}: {error}".encode()[:500])

    return run


def _try_jail(cell: Cell) -> None:
    """One jail with nothing to do; raises if a process cannot be locked in."""
    _, status = os.waitpid(_fork_jail(cell, Run(0, "probe"), [], lambda: None), 0)
    if status:
        raise OSError(f"a jail could not be locked ({os.waitstatus_to_exitcode(status)})")


def _serve(cell: Cell) -> None:
    poll = select.poll()
    poll.register(cell.link, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == cell.link.fileno():
                data, descriptors, _, _ = socket.recv_fds(cell.link, MAX_MESSAGE, 5)
                if not data:
                    return
                _begin(cell, data, descriptors, poll)
            else:
                poll.unregister(descriptor)
                _end(cell, descriptor)


def _begin(cell: Cell, data: bytes, descriptors: list[int], poll: select.poll) -> None:
    """Fork a jail for a run and hand its pidfd to the trusting side."""
    run = decode_to_cell(data)
    if not isinstance(run, Run):
        raise SystemExit("only runs follow hello")
    try:
        pid = _fork_jail(cell, run, descriptors, lambda: worker.work(run, cell.modules))
    except OSError:  # no process to be had
        cell.link.send(encode(Ended(run.id, _NOT_BORN, 0.0, 0)))
        return
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    pidfd = os.pidfd_open(pid)
    cell.jails[pidfd] = (run.id, pid)
    poll.register(pidfd, select.POLLIN)
    socket.send_fds(cell.link, [encode(Started(run.id))], [pidfd])


def _end(cell: Cell, pidfd: int) -> None:
    """Take leave of a dead jail and tell what it cost."""
    run_id, pid = cell.jails.pop(pidfd)
    os.close(pidfd)
    _, status, usage = os.wait4(pid, 0)
    cpu = usage.ru_utime + usage.ru_stime
    cell.link.send(encode(Ended(run_id, os.waitstatus_to_exitcode(status), cpu, usage.ru_maxrss * 1024)))


def _fork_jail(cell: Cell, run: Run, descriptors: list[int], task: Callable[[], None]) -> int:
    """A new process in its own namespaces that locks itself in and does ``task``; returns its process id."""
    way = _way(cell, run, descriptors)
    if cell.own_namespace is not None:
        namespaces.unshare(namespaces.NEW_PID)
    try:
        pid = os.fork()
        if pid == 0:
            _end_with(lambda: _locked(run, way, task))
        return pid
    finally:
        if cell.own_namespace is not None:  # a child never gets here: it ends
            namespaces.set_pid_namespace(cell.own_namespace)


def _way(cell: Cell, run: Run, descriptors: list[int]) -> jail.Steps:
    """The steps into a jail, which are nearly always those of an earlier one."""
    key = (*descriptors, run.cpu_seconds, run.memory, run.max_file, threads := _needs_threads(run))
    way = cell.ways.get(key)
    if way is None:
        if len(cell.ways) >= _WAYS:
            cell.ways.clear()
        limits = {"cpu_seconds": run.cpu_seconds, "memory": run.memory, "max_file": run.max_file}
        way = cell.ways[key] = jail.steps(cell.locks, descriptors, **limits, threads=threads)
    return way


def _locked(run: Run, way: jail.Steps, task: Callable[[], None]) -> None:
    try:
        if run.patient:
            os.nice(19)
        jail.enter(way)
    except BaseException:
        os._exit(_NOT_LOCKED)
    task()


def _needs_threads(run: Run) -> bool:
    """Whether a decoder that works in threads may be wanted. Only the name can tell before the file is read; a file
    that is something else than its name says is refused by identification."""
    return run.kind in ("transform", "draw", "probe") and "image/heif" in kinds.types_of(run.name)


def _end_with(task: Callable[[], None]) -> NoReturn:
    """Do the task and end this process, whatever happens; nothing of the caller runs in it any more."""
    try:
        task()
    except BaseException:
        os._exit(_STUMBLED)
    os._exit(0)
