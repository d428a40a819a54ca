"""Structure-aware mutations of files: bytes, numbers, words of the format, members of a ZIP, elements, PDF streams.

Rules kept here:

- The same seed file, the same companion and the same ``Random`` give the same file, on every machine.
- What a file is, is told by its beginning; a ZIP is taken apart and written again with its own headers, a deflated PDF
  stream is inflated and deflated again, so that a mutation gets behind checksums and compression.
- A mutated file is never longer than ``MOST`` bytes more than its seed.

>>> mutated(b"abc", b"xyz", Random(1)) == mutated(b"abc", b"xyz", Random(1))
True
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from random import Random

from fuzz import zips
from fuzz.words import ATOMS, NUMBERS, PDF_ENTRIES, VALUES, WORDS

MOST = 1 << 17
_NUMBER = re.compile(rb"\d{1,10}")
_TAG = re.compile(rb"<[^<>]{1,2000}>")
_EMPTY = re.compile(rb"<[^<>/?!][^<>]{0,2000}/>")
_ATTRIBUTE = re.compile(rb"""\s[\w:.-]{1,60}=(?:"([^"<]{0,2000})"|'([^'<]{0,2000})')""")
_CHARACTERS = re.compile(rb">([^<>]{1,2000})<")
_NAME = re.compile(rb"/[A-Za-z0-9]{1,30}")
_PNG = b"\x89PNG\r\n\x1a\n"
_STREAM = re.compile(rb"/Length (\d{1,9})[^<]{0,200}>>\s*stream\r?\n")

Mutation = Callable[[bytes, bytes, Random], bytes]


def mutated(data: bytes, other: bytes, chance: Random) -> bytes:
    """``data`` with one to five changes; ``other`` is a file of the same kind that pieces may come from."""
    most = len(data) + MOST
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 5))):
        data = chance.choice(ways_for(data))(data, other, chance)
    return data[:most]


def ways_for(data: bytes) -> tuple[Mutation, ...]:
    """The mutations that suit a file; those of its structure more often than those of any bytes."""
    if data.startswith(b"PK\x03\x04"):
        return (*(_in_zip,) * 2 * len(_BYTES), *_BYTES)
    if data.startswith(b"%PDF-"):
        return (*_PDF * 3, *_BYTES)
    if data.startswith(_PNG):
        return (*(_in_png,) * len(_BYTES), *_BYTES)
    if data.lstrip()[:1] == b"<":
        return (*_XML * 3, *_BYTES)
    return _BYTES


# Bytes ---------------------------------------------------------------------------------------------------------------


def _place(data: bytes, chance: Random) -> int:
    return chance.randrange(len(data) + 1)


def _range(data: bytes, chance: Random) -> tuple[int, int]:
    start = _place(data, chance)
    return start, min(len(data), start + chance.choice((1, 2, 4, 8, 16, 64, 512, len(data))))


def _flip(data: bytes, other: bytes, chance: Random) -> bytes:
    if not data:
        return b"\0"
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def _overwrite(data: bytes, other: bytes, chance: Random) -> bytes:
    at, piece = _place(data, chance), chance.randbytes(chance.choice((1, 1, 2, 4, 8)))
    return data[:at] + piece + data[at + len(piece) :]


def _integer(data: bytes, other: bytes, chance: Random) -> bytes:
    """A number that is at an edge, in either byte order."""
    at, width = _place(data, chance), chance.choice((1, 2, 4, 8))
    value = chance.choice(NUMBERS) % (1 << 8 * width)
    return data[:at] + value.to_bytes(width, chance.choice(("little", "big"))) + data[at + width :]


def _cut(data: bytes, other: bytes, chance: Random) -> bytes:
    start, end = _range(data, chance)
    return data[:start] + data[end:]


def _end(data: bytes, other: bytes, chance: Random) -> bytes:
    return data[: _place(data, chance)]


def _double(data: bytes, other: bytes, chance: Random) -> bytes:
    start, end = _range(data, chance)
    piece = data[start:end][:4096]
    return data[:end] + piece * chance.choice((1, 1, 1, 2, 9, 300)) + data[end:]


def _swap(data: bytes, other: bytes, chance: Random) -> bytes:
    one, two = sorted((_range(data, chance), _range(data, chance)))
    if one[1] > two[0]:
        return data
    (a, b), (c, d) = one, two
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def _word(data: bytes, other: bytes, chance: Random) -> bytes:
    at = _place(data, chance)
    return data[:at] + chance.choice(WORDS) + data[chance.choice((at, at, at + 1, at + 4)) :]


def _digits(data: bytes, other: bytes, chance: Random) -> bytes:
    """A written number becomes another."""
    return _replaced(data, _NUMBER, 0, b"%d" % chance.choice(NUMBERS), chance)


def _splice(data: bytes, other: bytes, chance: Random) -> bytes:
    start, end = _range(other, chance)
    at = _place(data, chance)
    return data[:at] + other[start:end] + data[chance.choice((at, at + end - start, len(data))) :]


_BYTES: tuple[Mutation, ...] = (_flip, _overwrite, _integer, _cut, _end, _double, _swap, _word, _digits, _splice)


# Elements and attributes ---------------------------------------------------------------------------------------------


def _found(data: bytes, pattern: re.Pattern[bytes], chance: Random) -> re.Match[bytes] | None:
    """One of the places where the pattern stands; the first from a random place on, so that no file is read whole."""
    return pattern.search(data, _place(data, chance)) or pattern.search(data)


def _replaced(data: bytes, pattern: re.Pattern[bytes], group: int, by: bytes, chance: Random) -> bytes:
    match = _found(data, pattern, chance)
    if match is None or match.start(group) < 0:
        return data
    return data[: match.start(group)] + by + data[match.end(group) :]


def _add_element(data: bytes, other: bytes, chance: Random) -> bytes:
    match = _found(data, _TAG, chance)
    at = match.end() if match else len(data)
    return data[:at] + chance.choice(ATOMS) + data[at:]


def _split_text(data: bytes, other: bytes, chance: Random) -> bytes:
    """A child in the middle of a text."""
    match = _found(data, _CHARACTERS, chance)
    at = chance.randint(match.start(1), match.end(1)) if match else len(data)
    return data[:at] + chance.choice(ATOMS) + data[at:]


def _drop_element(data: bytes, other: bytes, chance: Random) -> bytes:
    return _replaced(data, _EMPTY, 0, b"", chance)


def _drop_attribute(data: bytes, other: bytes, chance: Random) -> bytes:
    return _replaced(data, _ATTRIBUTE, 0, b"", chance)


def _new_value(data: bytes, other: bytes, chance: Random) -> bytes:
    return _replaced(data, _ATTRIBUTE, 1, chance.choice(VALUES), chance)


def _new_text(data: bytes, other: bytes, chance: Random) -> bytes:
    return _replaced(data, _CHARACTERS, 1, chance.choice(VALUES), chance)


def _whole_element(data: bytes, chance: Random) -> tuple[int, int] | None:
    """From an opening tag to the next closing one of the same name."""
    match = _found(data, _TAG, chance)
    name = re.match(rb"<([\w:.-]+)", match[0]) if match else None
    if match is None or name is None or match[0].endswith(b"/>"):
        return match.span() if match and match[0].endswith(b"/>") else None
    end = data.find(b"</%b>" % name[1], match.end())
    return None if end < 0 else (match.start(), end + len(name[1]) + 3)


def _drop_tree(data: bytes, other: bytes, chance: Random) -> bytes:
    span = _whole_element(data, chance)
    return data[: span[0]] + data[span[1] :] if span else data


def _double_tree(data: bytes, other: bytes, chance: Random) -> bytes:
    span = _whole_element(data, chance)
    return data[: span[1]] + data[span[0] : span[1]][:4096] + data[span[1] :] if span else data


def _move_tree(data: bytes, other: bytes, chance: Random) -> bytes:
    span = _whole_element(data, chance)
    if span is None:
        return data
    rest = data[: span[0]] + data[span[1] :]
    match = _found(rest, _TAG, chance)
    at = match.end() if match else 0
    return rest[:at] + data[span[0] : span[1]] + rest[at:]


def _nest(data: bytes, other: bytes, chance: Random) -> bytes:
    """An element many times within itself."""
    match = _found(data, _TAG, chance)
    name = re.match(rb"<([\w:.-]{1,40})[\s>]", match[0]) if match else None
    if match is None or name is None:
        return data
    times = chance.choice((2, 40, 300, 2000))
    return data[: match.end()] + match[0] * times + b"</%b>" % name[1] * times + data[match.end() :]


_XML: tuple[Mutation, ...] = (
    *(_add_element, _split_text, _drop_element, _drop_attribute, _new_value, _new_value, _new_text),
    *(_drop_tree, _double_tree, _move_tree, _nest),
)


# PDF -----------------------------------------------------------------------------------------------------------------


def _pdf_name(data: bytes, other: bytes, chance: Random) -> bytes:
    """A name becomes another name of the same file."""
    by = _found(data, _NAME, chance)
    return _replaced(data, _NAME, 0, by[0] if by else b"/X", chance)


def _pdf_entry(data: bytes, other: bytes, chance: Random) -> bytes:
    """An entry more in some dictionary."""
    at = data.find(b"<<", _place(data, chance))
    return data if at < 0 else data[: at + 2] + chance.choice(PDF_ENTRIES) + data[at + 2 :]


def _pdf_stream(data: bytes, other: bytes, chance: Random) -> bytes:
    """Bytes inside a stream, inflated where it is deflated; its length is corrected."""
    match = _found(data, _STREAM, chance)
    if match is None:
        return data
    start, end = match.end(), match.end() + int(match[1])
    try:
        plain, deflated = zlib.decompressobj().decompress(data[start:end], 1 << 20), True
    except zlib.error:
        plain, deflated = data[start:end], False
    new = chance.choice((*_BYTES, _pdf_entry, _pdf_name, _word))(plain, other, chance)
    new = zlib.compress(new) if deflated else new
    return data[: match.start(1)] + b"%d" % len(new) + data[match.end(1) : start] + new + data[end:]


_PDF: tuple[Mutation, ...] = (_pdf_name, _pdf_entry, _pdf_stream, _pdf_stream, _digits, _word)


# PNG -----------------------------------------------------------------------------------------------------------------


def _in_png(data: bytes, other: bytes, chance: Random) -> bytes:
    """Bytes of one chunk, with a new length and checksum; or the chunk doubled, moved or gone."""
    chunks, at = list[tuple[bytes, bytes]](), len(_PNG)
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += size + 12
    if not chunks:
        return data
    one, two = chance.randrange(len(chunks)), chance.randrange(len(chunks))
    kind, content = chunks[one]
    match chance.randrange(8):
        case 0:
            del chunks[one]
        case 1:
            chunks.insert(two, chunks[one])
        case 2:
            chunks[one] = (chunks[two][0], content)
        case _:
            chunks[one] = (kind, chance.choice(_BYTES)(content, other, chance))
    return _PNG + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


# ZIP -----------------------------------------------------------------------------------------------------------------


def _in_zip(data: bytes, other: bytes, chance: Random) -> bytes:
    """A member or two changed, by the mutations that suit each; or the members themselves."""
    members = zips.read(data)
    if not members:
        return chance.choice(_BYTES)(data, other, chance)
    if chance.random() < 0.15:
        _arrange(members, chance)
    else:
        for _ in range(chance.choice((1, 1, 2))):
            at = chance.randrange(len(members))
            content = members[at].content
            members[at] = members[at].holding(mutated(content, chance.choice(members).content, chance))
    return zips.write(members)


def _arrange(members: list[zips.Member], chance: Random) -> None:
    at, to = chance.randrange(len(members)), chance.randrange(len(members))
    match chance.randrange(5):
        case 0 if len(members) > 1:
            del members[at]
        case 1:
            members.insert(to, members[at])
        case 2:
            members[at], members[to] = members[to], members[at]
        case 3:
            members[at] = members[at].holding(members[to].content)
        case _:
            members[at] = members[at].called(chance.choice((members[to].name.upper(), b"../a.xml", b"/x", b"a/" * 40)))
