"""The trusting side's end of one cell: start it, send runs, hear of deaths, kill on time.

Rules kept here:

- The server never forks: a cell is started by exec, with an empty environment and one socket.
- Every jailed process has a wall clock here; when it strikes, the process (and with it its whole namespace) gets
  SIGKILL through a pidfd, so that no other process can be hit.
- A cell that dies fails its runs with ``CellDied``; the caller revives it and decides what to try again.
- No descriptor outlives its run: the answer pipe, the pidfd and the pair are closed on every path.

>>> link = CellLink({"image/png": "sanitizer.formats.image"})          # doctest: +SKIP
>>> link.spawn(); link.wait_ready(30.0).isolation                      # doctest: +SKIP
'full'
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from sanitizer.wire import (
    MAX_ANSWER,
    MAX_MESSAGE,
    Ended,
    FromCell,
    Hello,
    Ready,
    Run,
    Started,
    decode_from_cell,
    encode,
)

START_SECONDS = 60.0  # for a cell to import everything, and for a jail to be born

_LEAVE_SECONDS = 3.0


class CellDied(Exception):
    """The cell is gone (killed, crashed or out of memory); its runs have no answer."""


class NoIsolation(Exception):
    """The cell could not lock anything in; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a jailed process ended, as the trusting side saw it."""

    status: int  # exit code, or minus the signal
    timed_out: bool
    cpu_seconds: float
    peak_rss: int  # bytes
    untrusted_answer: bytes


@dataclass(slots=True)
class _Running:
    """A run under way."""

    wall_seconds: float
    done: asyncio.Future[Ended]
    pidfd: int = -1
    clock: asyncio.TimerHandle | None = None
    timed_out: bool = False
    abandoned: bool = False


@dataclass(slots=True)
class CellLink:
    """One cell and its runs. ``modules`` and ``path`` are what it imports; see ``wire.Hello``."""

    modules: Mapping[str, str]
    path: Sequence[str] = ()
    strict: bool = False
    namespaces: bool = True
    ready: Ready | None = None
    _process: subprocess.Popen[bytes] | None = None
    _socket: socket.socket | None = None
    _loop: asyncio.AbstractEventLoop | None = None
    _runs: dict[int, _Running] = field(default_factory=dict)
    _next: int = 0
    _waiting_ready: asyncio.Future[Ready] | None = None

    @property
    def alive(self) -> bool:
        """False before the start, after the end, and once the death of the cell was noticed."""
        return self._socket is not None

    @property
    def pid(self) -> int | None:
        """The process id of the cell's outer process."""
        return self._process.pid if self._process else None

    def spawn(self) -> None:
        """Exec the cell and greet it. It imports for about half a second before it is ready."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-I", "-m", "sanitizer.cell_start", str(theirs.fileno())]
            null = subprocess.DEVNULL
            self._process = subprocess.Popen(
                command,
                stdin=null,
                stdout=null,
                stderr=null,
                env={},
                cwd="/",
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._socket, self.ready = ours, None
        ours.send(encode(Hello(os.getpid(), dict(self.modules), list(self.path), self.strict, self.namespaces)))

    def wait_ready(self, seconds: float) -> Ready:
        """Block until the cell is ready; only before an event loop runs. Raises ``NoIsolation``."""
        assert self._socket is not None
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        if not poll.poll(seconds * 1000):
            raise NoIsolation(f"the inspection process did not start within {seconds:.0f} s")
        message, _ = _receive(self._socket)
        if not isinstance(message, Ready) or not message.isolation:
            raise NoIsolation(message.problem if isinstance(message, Ready) else "the inspection process ended at once")
        self.ready = message
        return message

    async def revive(self) -> Ready:
        """Start again after a death; waits until the new cell is ready."""
        await self.close()
        loop = asyncio.get_running_loop()
        self.spawn()
        self._attach(loop)
        self._waiting_ready = loop.create_future()
        try:
            async with asyncio.timeout(START_SECONDS):
                return await self._waiting_ready
        except TimeoutError:
            raise CellDied from None
        finally:
            self._waiting_ready = None

    async def run(self, run: Run, wall_seconds: float, *descriptors: int) -> Ending:
        """One jailed process, from birth to death. ``run.id`` is set here; ``descriptors`` stay the caller's. Raises
        ``CellDied``. Cancelling kills the process."""
        if self._socket is None:
            raise CellDied
        loop = asyncio.get_running_loop()
        self._attach(loop)
        reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            self._next += 1
            running = _Running(wall_seconds, loop.create_future())
            running.clock = loop.call_later(START_SECONDS, self._hung)
            self._runs[self._next] = running
            self._send(msgspec.structs.replace(run, id=self._next), writer, *descriptors)
            os.close(writer)
            writer = -1
            ended = await self._ended(running)
            return Ending(ended.status, running.timed_out, ended.cpu_seconds, ended.peak_rss, _drain(reader))
        finally:
            os.close(reader)
            if writer >= 0:
                os.close(writer)

    async def close(self) -> None:
        """End the cell and all its jails, and wait until it is gone."""
        self._fail()
        process, self._process = self._process, None
        if process is not None:
            await asyncio.to_thread(_wait, process)

    def close_now(self) -> None:
        """The same without an event loop."""
        self._fail()
        process, self._process = self._process, None
        if process is not None:
            _wait(process)

    async def _ended(self, running: _Running) -> Ended:
        try:
            return await running.done
        except asyncio.CancelledError:
            running.abandoned = True
            _kill(running)
            raise

    def _send(self, run: Run, *descriptors: int) -> None:
        assert self._socket is not None
        try:
            socket.send_fds(self._socket, [encode(run)], descriptors)
        except OSError as error:
            self._fail()
            raise CellDied from error

    def _attach(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._loop is loop or self._socket is None:
            return
        self._loop = loop
        self._socket.setblocking(False)
        loop.add_reader(self._socket.fileno(), self._readable)

    def _readable(self) -> None:
        """One message; the loop calls again while there are more."""
        if self._socket is None:
            return
        try:
            message, descriptors = _receive(self._socket)
        except BlockingIOError:
            return
        if message is None:
            self._fail()
        else:
            self._heard(message, descriptors)

    def _heard(self, message: FromCell, descriptors: list[int]) -> None:
        if isinstance(message, Ready):
            self.ready = message
            if self._waiting_ready is not None and not self._waiting_ready.done():
                self._waiting_ready.set_result(message)
        elif isinstance(message, Started):
            self._started(message, descriptors)
        else:
            self._gone(message)

    def _started(self, message: Started, descriptors: list[int]) -> None:
        assert self._loop is not None
        running = self._runs.get(message.id)
        if running is None or running.pidfd >= 0 or not descriptors:
            _close(descriptors)
            self._fail()  # no cell of ours says so
            return
        running.pidfd = descriptors[0]
        _stop_clock(running)
        running.clock = self._loop.call_later(running.wall_seconds, _time_out, running)
        if running.abandoned:
            _kill(running)

    def _gone(self, message: Ended) -> None:
        running = self._runs.pop(message.id, None)
        if running is None:
            self._fail()  # the same
            return
        _forget(running)
        if not running.done.done():
            running.done.set_result(message)

    def _hung(self) -> None:
        """A run was never born: the cell does not answer."""
        self._fail()

    def _fail(self) -> None:
        """The cell is dead, or as good as dead: every run fails, every descriptor is closed."""
        if self._socket is not None:
            if self._loop is not None and not self._loop.is_closed():
                self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
        self._socket, self._loop, runs, self._runs = None, None, self._runs, {}
        for running in runs.values():
            _kill(running)
            _forget(running)
            if not running.done.done():
                running.done.set_exception(CellDied())
                running.done.exception()  # seen, also where nobody waits any more
        if self._waiting_ready is not None and not self._waiting_ready.done():
            self._waiting_ready.set_exception(CellDied())


def _wait(process: subprocess.Popen[bytes]) -> None:
    """A cell ends by itself when its socket closes; one that does not is killed."""
    try:
        process.wait(_LEAVE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _receive(link: socket.socket) -> tuple[FromCell | None, list[int]]:
    """The next message and its descriptors; None at the end of the cell, and where it speaks another language."""
    try:
        data, descriptors, _, _ = socket.recv_fds(link, MAX_MESSAGE, 1, socket.MSG_CMSG_CLOEXEC)
    except ConnectionError:
        return None, []
    try:
        return (decode_from_cell(data) if data else None), descriptors
    except msgspec.DecodeError:
        _close(descriptors)
        return None, []


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _time_out(running: _Running) -> None:
    running.timed_out = True
    _kill(running)


def _kill(running: _Running) -> None:
    if running.pidfd >= 0:
        try:
            signal.pidfd_send_signal(running.pidfd, signal.SIGKILL)
        except ProcessLookupError:
            return


def _stop_clock(running: _Running) -> None:
    if running.clock is not None:
        running.clock.cancel()


def _forget(running: _Running) -> None:
    _stop_clock(running)
    if running.pidfd >= 0:
        os.close(running.pidfd)
        running.pidfd = -1


def _drain(reader: int) -> bytes:
    """What lies in the pipe of a dead process, one byte more than an answer can have at most."""
    try:
        return os.read(reader, MAX_ANSWER + 1)
    except BlockingIOError:
        return b""
