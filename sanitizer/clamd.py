"""A virus scanner in front of the rebuild: clamd's stream over its unix socket (clamd(8), ``zINSTREAM``).

Rules kept here:

- clamd only says no. Its yes spares a file nothing: jail, rebuild and verification follow all the same.
- What clamd does not answer is not clean. Away (nobody listens) says nothing about the file; undecided (an error, a
  connection that broke twice, no answer in time) does.
- Its answer is one line of at most ``MAX_REPLY`` bytes; of a name of malware only letters that names have are kept.
- All calls block and are bounded by ``seconds`` in all; call them in a thread.

Example::

    scanner = Clamd(Path("/run/clamav/clamd.ctl"))
    scanner.scan(descriptor, size).state                     # "clean", "found", "undecided" or "away"
"""

from __future__ import annotations

import os
import re
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

State = Literal["clean", "found", "undecided", "away"]

CHUNK = 256 * 1024
MAX_REPLY = 1024
_CONNECT_SECONDS = 5.0
_ODD = re.compile(r"[^A-Za-z0-9._:/() -]")


@dataclass(frozen=True, slots=True)
class Scanned:
    """What the scanner says of a file. ``detail``: the name of the malware, or why there is no word; for operators."""

    by: str
    state: State
    detail: str = ""


class _Broken(Exception):
    """The connection ended without an answer."""


@dataclass(frozen=True, slots=True)
class Clamd:
    """A clamd at a unix socket. ``required``: what it has not called clean is not released; else it goes on, noted in
    the report. ``seconds``: for one file, all in all."""

    path: Path
    required: bool = True
    seconds: float = 150.0

    def scan(self, descriptor: int, size: int) -> Scanned:
        """The word on the first ``size`` bytes behind ``descriptor``, whose position stays as it is. Never raises."""
        until = time.monotonic() + self.seconds
        for _ in range(2):  # a connection that breaks may be clamd's restart; twice, it is the file
            try:
                with self._connected() as connection:
                    return _verdict(_streamed(connection, descriptor, size, until))
            except _Broken:
                continue
            except TimeoutError:
                return Scanned("clamd", "undecided", "no answer in time")
            except OSError as error:
                return Scanned("clamd", "away", os.strerror(error.errno) if error.errno else "no connection")
        return Scanned("clamd", "undecided", "connection broken")

    def version(self) -> str:
        """What ``zVERSION`` answers. Raises ``OSError`` where nobody does."""
        with self._connected() as connection:
            connection.settimeout(_CONNECT_SECONDS)
            connection.sendall(b"zVERSION\0")
            return _cleaned(_reply(connection, time.monotonic() + _CONNECT_SECONDS))

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(_CONNECT_SECONDS)
            connection.connect(str(self.path))
        except TimeoutError as error:  # its queue is full: it is there, and has no place
            connection.close()
            raise ConnectionRefusedError from error
        except OSError:
            connection.close()
            raise
        return connection


def _streamed(connection: socket.socket, descriptor: int, size: int, until: float) -> bytes:
    """clamd's line on the bytes. It may answer before the end (a size limit) and close: what it said is read then."""
    try:
        _left(connection, until)
        connection.sendall(b"zINSTREAM\0")
        offset = 0
        while offset < size:
            part = os.pread(descriptor, min(CHUNK, size - offset), offset)
            if not part:
                break
            _left(connection, until)
            connection.sendall(struct.pack(">I", len(part)) + part)
            offset += len(part)
        connection.sendall(struct.pack(">I", 0))
    except (BrokenPipeError, ConnectionResetError):
        pass
    return _reply(connection, until)


def _reply(connection: socket.socket, until: float) -> bytes:
    """One reply, without its NUL. Raises ``_Broken`` (the end came first), ``TimeoutError``, ``OSError``."""
    reply = b""
    while b"\0" not in reply and len(reply) <= MAX_REPLY:
        _left(connection, until)
        try:
            more = connection.recv(MAX_REPLY)
        except ConnectionResetError:
            more = b""
        if not more:
            raise _Broken
        reply += more
    return reply.partition(b"\0")[0]


def _left(connection: socket.socket, until: float) -> None:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)


def _verdict(reply: bytes) -> Scanned:
    """``stream: OK``, ``stream: NAME FOUND``, or an error such as ``INSTREAM size limit exceeded. ERROR``."""
    if reply == b"stream: OK":
        return Scanned("clamd", "clean")
    if reply.startswith(b"stream: ") and reply.endswith(b" FOUND"):
        return Scanned("clamd", "found", _cleaned(reply[8:-6]))
    return Scanned("clamd", "undecided", _cleaned(reply))


def _cleaned(reply: bytes) -> str:
    return _ODD.sub("?", reply.decode("ascii", "replace"))[:200]
