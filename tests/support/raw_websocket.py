"""A WebSocket client that writes whatever bytes it likes, and reads only when asked."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from support.served import Served

HOST = "town.test"
UPGRADE = (
    f"GET /api/v1/ws HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: sekisho.v1\r\n\r\n"
).encode()

TEXT, BINARY, CONT, CLOSE, PING, PONG = 0x1, 0x2, 0x0, 0x8, 0x9, 0xA
READ = b'{"op":"read","room":"r_1","seq":1}'
ANSWER = b'{"op":"read_mark","room":"r_1","seq":1}'


def encode(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bool = True) -> bytes:
    """A client's frame (section 5.2)."""
    size = len(payload)
    bit = 0x80 if mask else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if size < 126:
        head += bytes([bit | size])
    elif size < 65536:
        head += struct.pack("!BH", bit | 126, size)
    else:
        head += struct.pack("!BQ", bit | 127, size)
    if not mask:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


class Raw:
    """A client that writes whatever it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, *frames: bytes) -> None:
        self.writer.write(b"".join(frames))

    async def frame(self) -> tuple[int, bytes]:
        """(opcode, payload); a server's frames are whole and not masked."""
        head = await asyncio.wait_for(self.reader.readexactly(2), 5)
        assert head[0] & 0x80 and not head[1] & 0x80
        size = head[1]
        if size == 126:
            size = struct.unpack("!H", await self.reader.readexactly(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", await self.reader.readexactly(8))[0]
        return head[0] & 0x0F, await self.reader.readexactly(size)

    async def assert_closed(self, *codes: int) -> None:
        """A close frame with one of ``codes``, then the end of the stream and no reset."""
        opcode, payload = await self.frame()
        while opcode != CLOSE:
            opcode, payload = await self.frame()
        assert struct.unpack("!H", payload[:2])[0] in codes
        assert await asyncio.wait_for(self.reader.read(), 5) == b""

    async def assert_answers(self) -> None:
        self.send(encode(TEXT, READ))
        assert await self.frame() == (TEXT, ANSWER)


async def handshake(
    town: Served, changes: Mapping[str, str] | None = None, *, receive_buffer: int = 0
) -> tuple[Raw, bytes]:
    """A raw client and the head of the server's answer. ``receive_buffer``: bytes the kernel takes for it, about."""
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", town.port()))
    reader, writer = await asyncio.open_connection(sock=sock, limit=2**16 if not receive_buffer else 4096)
    headers = {
        "Host": f"127.0.0.1:{town.port()}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "sekisho.v1",
        "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
    }
    changed = dict(changes or {})
    path = changed.pop("path", "/api/v1/ws")
    headers.update({name.replace("_", "-"): value for name, value in changed.items()})
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items() if value), "", ""]
    writer.write("\r\n".join(lines).encode())
    try:
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    except asyncio.IncompleteReadError as error:
        answer = error.partial
    return Raw(reader, writer), answer


@asynccontextmanager
async def opened(town: Served) -> AsyncIterator[Raw]:
    """A raw client that is ready."""
    raw, answer = await handshake(town)
    assert answer.startswith(b"HTTP/1.1 101 ")
    raw.send(encode(TEXT, b'{"op":"hello","token":"%s"}' % town.engine.add_session("sato").encode()))
    assert (await raw.frame())[1].startswith(b'{"op":"ready"')
    try:
        yield raw
    finally:
        raw.writer.close()
