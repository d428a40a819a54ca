"""A gateway that speaks ICAP byte by byte as a test says, and reads the answers strictly.

>>> with Gateway(port) as gateway:                                                     # doctest: +SKIP
...     gateway.send(respmod(b"%PDF-...", b"Content-Type: application/pdf"))
...     answer = gateway.answer()
"""

from __future__ import annotations

import re
import socket
from types import TracebackType
from typing import NamedTuple, Self

from server.icap.messages import encapsulated

REQUEST = b"GET http://www.example.jp/%E5%B1%8A.pdf HTTP/1.1\r\nHost: www.example.jp\r\n\r\n"


class Answer(NamedTuple):
    """``head``: of the HTTP message inside, empty if there is none; ``body``: None if there is none."""

    status: int
    fields: dict[str, str]
    head: bytes
    body: bytes | None

    @property
    def http_status(self) -> int:
        return int(self.head.split(b" ", 2)[1])

    def http(self, name: str) -> str:
        """A field of the HTTP message inside."""
        found = re.search(rb"(?im)^%s: ([^\r]*)\r" % name.encode(), self.head)
        return found[1].decode("latin-1") if found else ""


class Gateway:
    """One connection."""

    def __init__(self, port: int, timeout: float = 20) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), timeout)
        self._file = self._sock.makefile("rb")

    def send(self, data: bytes) -> None:
        self._sock.sendall(data)

    def ended(self) -> bool:
        """Whether the other side has ended the connection, with nothing more to say."""
        try:
            return self._file.read(1) == b""
        except ConnectionError:
            return True

    def answer(self) -> Answer:
        status, fields = self._head()
        if "encapsulated" not in fields:
            assert status == 100, (status, fields)
            return Answer(status, fields, b"", None)
        sections = encapsulated(fields["encapsulated"])
        head = b"".join(self._file.read(end - start) for _, start, end in sections.heads)
        assert not head or head.endswith(b"\r\n\r\n")
        return Answer(status, fields, head, self._chunks() if sections.body else None)

    def _head(self) -> tuple[int, dict[str, str]]:
        lines = []
        while (line := self._file.readline()) != b"\r\n":
            assert line.endswith(b"\r\n"), line
            lines.append(line[:-2].decode("latin-1"))
        found = re.fullmatch(r"ICAP/1\.0 ([0-9]{3}) [A-Za-z ]+", lines[0])
        assert found is not None, lines
        pairs = [line.split(": ", 1) for line in lines[1:]]
        fields = {name.lower(): value for name, value in pairs}
        assert len(fields) == len(pairs), lines
        assert found[1] == "100" or re.fullmatch(r'"[A-Za-z0-9-]{1,32}"', fields["istag"]), lines
        return int(found[1]), fields

    def _chunks(self) -> bytes:
        got = b""
        while size := int(self._file.readline().rstrip(b"\r\n"), 16):
            got += self._file.read(size)
            assert self._file.read(2) == b"\r\n"
        assert self._file.readline() == b"\r\n"
        return got

    def close(self) -> None:
        self._file.close()
        self._sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def chunked(data: bytes, size: int = 8192, end: bytes = b"0\r\n\r\n") -> bytes:
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + end


def icap(method: str, service: str, sections: list[tuple[str, bytes]], body: bytes, *fields: str) -> bytes:
    """A message with these heads and ``body``, which is chunked already; the last name tells what body it is."""
    where, offset = [], 0
    for name, block in sections:
        where.append(f"{name}={offset}")
        offset += len(block)
    head = [f"{method} icap://127.0.0.1/{service} ICAP/1.0", "Host: 127.0.0.1", f"Encapsulated: {', '.join(where)}"]
    return "\r\n".join([*head, *fields, "", ""]).encode() + b"".join(block for _, block in sections) + body


def respmod(data: bytes | None, *http_fields: bytes, fields: tuple[str, ...] = ("Allow: 204",), **more: bytes) -> bytes:
    """A response with ``data``, whole; ``request`` and ``line`` may be given, and ``body`` already chunked."""
    head = b"\r\n".join([more.get("line", b"HTTP/1.1 200 OK"), *http_fields, b"", b""])
    kind = "null-body" if data is None else "res-body"
    body = b"" if data is None else more.get("body", chunked(data))
    sections = [("req-hdr", more.get("request", REQUEST)), ("res-hdr", head), (kind, b"")]
    return icap("RESPMOD", "respmod", sections, body, *fields)


def reqmod(data: bytes | None, head: bytes, fields: tuple[str, ...] = ("Allow: 204",)) -> bytes:
    """A request with ``data``, whole."""
    kind = "null-body" if data is None else "req-body"
    body = b"" if data is None else chunked(data)
    return icap("REQMOD", "reqmod", [("req-hdr", head), (kind, b"")], body, *fields)
