"""What an S/MIME envelope holds: the text of one that is only signed.

Rules kept here:

- BER is read as far as the way to ``encapContentInfo.eContent``, no further than the bytes go; the signature itself is
  not read.

Source: RFC 5652 sections 3 and 5.1 (ContentInfo, SignedData), X.690.

>>> signed_content(bytes.fromhex("300d06092a864886f70d010703a000")) is None  # encrypted
True
"""

from __future__ import annotations

from sanitizer.formats.base import Refused

_DATA = bytes.fromhex("2a864886f70d010701")
_SIGNED = bytes.fromhex("2a864886f70d010702")
_MAX_DEPTH = 8


def signed_content(data: bytes) -> bytes | None:
    """The message inside a signature; None for every other envelope (encrypted, compressed, certificates alone).
    Raises ``Refused("unreadable")`` for what is no envelope."""
    try:
        return _signed(memoryview(data))
    except (IndexError, ValueError) as error:
        raise Refused("unreadable", "mail envelope") from error


def _signed(data: memoryview) -> bytes | None:
    kind, content = _elements(_inside(data, 0x30))[:2]
    if bytes(kind[1]) != _SIGNED:
        return None
    _, _, encapsulated, *_ = _elements(_inside(content[1], 0x30))  # behind version and algorithms
    parts = _elements(encapsulated[1])
    if bytes(parts[0][1]) != _DATA or len(parts) < 2:
        return None
    return _octets(parts[1][1], 0)


def _inside(data: memoryview, tag: int) -> memoryview:
    found = _elements(data)[0]
    if found[0] != tag:
        raise ValueError("tag")
    return found[1]


def _octets(data: memoryview, depth: int) -> bytes:
    """The octets of a string, whole or in pieces."""
    if depth > _MAX_DEPTH:
        raise ValueError("depth")
    out = []
    for tag, content in _elements(data):
        if tag == 0x04:
            out.append(bytes(content))
        elif tag == 0x24:
            out.append(_octets(content, depth + 1))
    return b"".join(out)


def _elements(data: memoryview) -> list[tuple[int, memoryview]]:
    """Tag and content of each element that stands in ``data``."""
    found = []
    at = 0
    while at < len(data):
        if data[at] == 0 and data[at + 1] == 0:
            break
        tag, content, at = _element(data, at, 0)
        found.append((tag, content))
    return found


def _element(data: memoryview, at: int, depth: int) -> tuple[int, memoryview, int]:
    if depth > 30:
        raise ValueError("depth")
    tag, size = data[at], data[at + 1]
    if tag & 0x1F == 0x1F:
        raise ValueError("tag")
    at += 2
    if size == 0x80:
        start = at
        while not (data[at] == 0 and data[at + 1] == 0):
            _, _, at = _element(data, at, depth + 1)
        return tag, data[start:at], at + 2
    if size > 0x80:
        count = size & 0x7F
        size = int.from_bytes(data[at : at + count], "big") if count <= 5 else len(data) + 1
        at += count
    if at + size > len(data):
        raise ValueError("length")
    return tag, data[at : at + size], at + size
