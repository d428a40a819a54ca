"""Bytes of a conversation at a pace: heads, chunks and previews (RFC 3507 sections 4.4.1 and 4.5, RFC 9112 7.1).

Rules kept here:
- a head comes within ``HEAD_SECONDS``, a body moves on by ``LEAST`` bytes within ``PACE_SECONDS``, an answer is taken
  at that pace; else the connection ends;
- a chunk's line has at most ``MAX_LINE`` bytes, its size at most eight digits; trailers are read and dropped;
- a preview holds no more than was announced; ``ieof`` ends nothing but a preview;
- of a body that nobody wants at most as much as a file may have is read and dropped, then the connection ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import re

from server.icap.messages import CONTINUE, BadMessage

HEAD_SECONDS = 20.0
PACE_SECONDS = 60.0
LINGER_SECONDS = 2.0
LEAST = 4096
MAX_LINE = 1024
_PIECE = 64 * 1024
_MAX_TRAILERS = 32
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*((?:;[^\r\n]*)?)")


class Gone(Exception):
    """The other side ended the connection, or is too slow."""


class Wire:
    """One connection. ``idle``: seconds it may rest between two messages."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, idle: float, pace: float = PACE_SECONDS
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._idle = idle
        self.pace = pace

    async def head(self) -> bytes | None:
        """The next head with its empty line; None if the connection ends between two messages."""
        try:
            async with asyncio.timeout(self._idle):
                first = await self._reader.read(1)
        except TimeoutError:
            return None
        except OSError as error:
            raise Gone from error
        if not first:
            return None
        try:
            async with asyncio.timeout(min(HEAD_SECONDS, self.pace)):
                return first + await self._reader.readuntil(b"\r\n\r\n")
        except TimeoutError:
            raise BadMessage(408, "head") from None
        except asyncio.LimitOverrunError:
            raise BadMessage(400, "head too long") from None
        except (asyncio.IncompleteReadError, OSError) as error:
            raise Gone from error

    async def exactly(self, size: int) -> bytes:
        """So many bytes (of HTTP heads, of a chunk)."""
        try:
            async with asyncio.timeout(self.pace):
                return await self._reader.readexactly(size)
        except (asyncio.IncompleteReadError, OSError, TimeoutError) as error:
            raise Gone from error

    async def line(self) -> bytes:
        """Up to a CRLF, without it."""
        try:
            async with asyncio.timeout(self.pace):
                line = await self._reader.readuntil(b"\r\n")
        except asyncio.LimitOverrunError:
            raise BadMessage(400, "line too long") from None
        except (asyncio.IncompleteReadError, OSError, TimeoutError) as error:
            raise Gone from error
        if len(line) > MAX_LINE:
            raise BadMessage(400, "line too long")
        return line[:-2]

    async def send(self, data: bytes) -> None:
        """Raises ``Gone`` where it is not taken in time."""
        try:
            self._writer.write(data)
            async with asyncio.timeout(self.pace):
                await self._writer.drain()
        except (OSError, TimeoutError) as error:
            self._writer.transport.abort()
            raise Gone from error

    async def linger(self) -> None:
        """After the last answer: read and drop for a while, for closing over unread bytes would lose the answer."""
        with contextlib.suppress(OSError, TimeoutError):
            if self._writer.can_write_eof():
                self._writer.write_eof()
            async with asyncio.timeout(min(LINGER_SECONDS, self.pace)):
                while await self._reader.read(_PIECE):
                    pass


class Body:
    """A chunked body, read piece by piece. ``seen``: what is known of its beginning; ``complete``: its end was read;
    ``in_preview``: what was sent first was read, and nobody was told to go on."""

    def __init__(self, wire: Wire, preview: int | None) -> None:
        self._wire = wire
        self._preview = preview
        self._ahead: list[bytes] = []  # read, and not handed out yet
        self._left = 0  # bytes of the chunk that is being read
        self._begun, self._got = 0.0, 0  # since when the pace is measured, and what came since
        self.seen = b""
        self.complete = False
        self.in_preview = False

    async def peek(self) -> None:
        """Read the preview, or where there is none the first piece: then ``seen`` is empty only if the body is."""
        if self._preview is not None:
            await self._read_preview(self._preview)
        if not self.seen and not self.complete:
            self.seen = await self._next()
            self._ahead.append(self.seen)

    async def read(self) -> bytes:
        """The next piece, from the beginning; empty at the end. Asks for what comes after the preview."""
        if self._ahead:
            return self._ahead.pop(0)
        return b"" if self.complete else await self._next()

    async def settle(self, most: int) -> bool:
        """Read and drop what still comes; False if it is more than ``most`` bytes: then the connection must end."""
        while not self.in_preview and not self.complete:
            most -= len(await self._next())
            if most < 0:
                return False
        return True

    async def _read_preview(self, most: int) -> None:
        while piece := await self._piece(preview=True):
            self._ahead.append(piece)
            most -= len(piece)
            if most < 0:
                raise BadMessage(400, "preview")
        self._preview = None
        self.seen = b"".join(self._ahead)
        self.in_preview = True

    async def _next(self) -> bytes:
        """The next piece behind the preview."""
        if self.in_preview:
            self.in_preview = False
            await self._wire.send(CONTINUE)
        piece = await self._piece(preview=False)
        self.complete = not piece
        return piece

    async def _piece(self, *, preview: bool) -> bytes:
        """Some bytes of a chunk; empty after the chunk of size zero."""
        if not self._left:
            self._left = await self._size(preview=preview)
            if not self._left:
                return b""
        piece = await self._wire.exactly(min(self._left, _PIECE))
        self._left -= len(piece)
        if not self._left and await self._wire.exactly(2) != b"\r\n":
            raise BadMessage(400, "chunk")
        self._pace(len(piece))
        return piece

    def _pace(self, size: int) -> None:
        now = asyncio.get_running_loop().time()
        self._got += size
        if self._got >= LEAST or not self._begun:
            self._begun, self._got = now, 0
        elif now - self._begun > self._wire.pace:
            raise Gone

    async def _size(self, *, preview: bool) -> int:
        found = _SIZE.fullmatch(await self._wire.line())
        if found is None:
            raise BadMessage(400, "chunk size")
        size = int(found[1], 16)
        ended = found[2].strip(b"; \t").lower() == b"ieof"
        if ended and (size or not preview):
            raise BadMessage(400, "ieof")
        if not size:
            await self._trailers()
            self.complete = ended
        return size

    async def _trailers(self) -> None:
        for _ in range(_MAX_TRAILERS):
            if not await self._wire.line():
                return
        raise BadMessage(400, "trailers")
