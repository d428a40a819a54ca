"""A virus scanner in front of the rebuild: clamd's stream over its unix socket (clamd(8), ``zINSTREAM``).

Rules kept here:

- clamd only says no. Its yes spares a file nothing: jail, rebuild and verification follow all the same.
- What clamd does not answer is not clean. Away (nobody listens) says nothing about the file; undecided (an error, a
  connection that broke twice, no answer in time) does.
- Its answer is one line of at most ``MAX_REPLY`` bytes; of a name of malware only letters that names have are kept.
- A call waits ``seconds`` in all, and may be cancelled at any point. It reads the file without a thread, in pieces:
  whoever asks has just hashed it.

Example::

    scanner = Clamd(Path("/run/clamav/clamd.ctl"))
    (await scanner.scan(descriptor, size)).state             # "clean", "found", "undecided" or "away"
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

State = Literal["clean", "found", "undecided", "away"]

CHUNK = 256 * 1024
MAX_REPLY = 1024
VERSION_SECONDS = 5.0
_ODD = re.compile(r"[^A-Za-z0-9._:/() -]")


@dataclass(frozen=True, slots=True)
class Scanned:
    """What the scanner says of a file. ``detail``: the name of the malware, or why there is no word; for operators."""

    by: str
    state: State
    detail: str = ""


class _Broken(Exception):
    """The connection ended without an answer; as an ``OSError`` it would be somebody away."""


@dataclass(frozen=True, slots=True)
class Clamd:
    """A clamd at a unix socket. ``required``: what it has not called clean is not released; else it goes on, noted in
    the report. ``seconds``: for one file, all in all."""

    path: Path
    required: bool = True
    seconds: float = 150.0

    async def scan(self, descriptor: int, size: int) -> Scanned:
        """The word on the first ``size`` bytes behind ``descriptor``, whose position stays as it is. Raises nothing."""
        try:
            async with asyncio.timeout(self.seconds):
                for _ in range(2):  # a connection that breaks may be clamd's restart; twice, it is the file
                    with contextlib.suppress(_Broken):
                        return await self._once(descriptor, size)
        except TimeoutError:
            return Scanned("clamd", "undecided", "no answer in time")
        except OSError as error:
            return Scanned("clamd", "away", os.strerror(error.errno) if error.errno else "no connection")
        return Scanned("clamd", "undecided", "connection broken")

    async def version(self) -> str:
        """What ``zVERSION`` answers. Raises ``OSError`` where nobody does."""
        async with asyncio.timeout(VERSION_SECONDS):
            with self._socket() as sock:
                loop = asyncio.get_running_loop()
                await loop.sock_connect(sock, str(self.path))
                await loop.sock_sendall(sock, b"zVERSION\0")
                return _cleaned(await _reply(sock))

    async def _once(self, descriptor: int, size: int) -> Scanned:
        with self._socket() as sock:
            await asyncio.get_running_loop().sock_connect(sock, str(self.path))
            # It may answer before the end (a size limit) and close: what it said is read then.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                await _stream(sock, descriptor, size)
            return _verdict(await _reply(sock))

    @staticmethod
    def _socket() -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.setblocking(False)
        return sock


async def _stream(sock: socket.socket, descriptor: int, size: int) -> None:
    send = asyncio.get_running_loop().sock_sendall
    await send(sock, b"zINSTREAM\0")
    offset = 0
    while part := os.pread(descriptor, min(CHUNK, size - offset), offset):
        await send(sock, struct.pack(">I", len(part)) + part)
        offset += len(part)
    await send(sock, struct.pack(">I", 0))


async def _reply(sock: socket.socket) -> bytes:
    """One reply, without its NUL. Raises ``_Broken`` where the end comes first."""
    reply = b""
    while b"\0" not in reply and len(reply) <= MAX_REPLY:
        try:
            more = await asyncio.get_running_loop().sock_recv(sock, MAX_REPLY)
        except ConnectionResetError:
            more = b""
        if not more:
            raise _Broken
        reply += more
    return reply.partition(b"\0")[0]


def _verdict(reply: bytes) -> Scanned:
    """``stream: OK``, ``stream: NAME FOUND``, or an error such as ``INSTREAM size limit exceeded. ERROR``."""
    if reply == b"stream: OK":
        return Scanned("clamd", "clean")
    if reply.startswith(b"stream: ") and reply.endswith(b" FOUND"):
        return Scanned("clamd", "found", _cleaned(reply[8:-6]))
    return Scanned("clamd", "undecided", _cleaned(reply))


def _cleaned(reply: bytes) -> str:
    return _ODD.sub("?", reply.decode("ascii", "replace"))[:200]
