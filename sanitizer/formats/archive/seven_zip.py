"""The directory of a 7z archive: which files there are, and how their bytes unfold.

Rules kept here:

- Only chains of coders with one input and one output are followed; every count and length is held against what is left.
- Nothing is decoded here but numbers and names. What does not add up is ``Malformed``.

Source: 7-Zip, DOC/7zFormat.txt (Igor Pavlov, public domain).

>>> Numbers(b"\\x81\\x02").number()
258
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

SIGNATURE = b"7z\xbc\xaf\x27\x1c"
_START = struct.Struct("<IQQI")
HEADER_AT = 32
_MOST = 100_000  # files, streams, folders

_HAS_MODE, _REPARSE_POINT = 0x8000, 0x400

END, HEADER, ENCODED = 0x00, 0x01, 0x17
_PACK, _UNPACK, _SUBSTREAMS, _STREAMS, _FILES, _PROPERTIES = 0x06, 0x07, 0x08, 0x04, 0x05, 0x02
_SIZE, _CRC, _FOLDER, _UNPACK_SIZE, _COUNT = 0x09, 0x0A, 0x0B, 0x0C, 0x0D
_EMPTY_STREAM, _EMPTY_FILE, _ANTI, _NAMES, _ATTRIBUTES = 0x0E, 0x0F, 0x10, 0x11, 0x15


class Malformed(Exception):
    """Not a directory of a 7z archive, or one that is not followed here."""


@dataclass(slots=True)
class Coder:
    """One step: method, its properties, and how many bytes come out."""

    method: bytes
    properties: bytes
    size: int = 0


@dataclass
class Chain:
    """A folder of 7z: packed bytes at ``start``, undone by ``coders`` one by one, then cut into files of ``sizes``."""

    coders: list[Coder]
    order: list[int] = field(default_factory=list)  # of the coders as they are written, the first to undo first
    start: int = 0
    packed: int = 0
    crc: int | None = None
    sizes: list[int] = field(default_factory=list)
    crcs: list[int | None] = field(default_factory=list)

    @cached_property
    def starts(self) -> list[int]:
        """Where each file begins."""
        return [0, *accumulate(self.sizes)][:-1]


@dataclass(slots=True)
class File:
    """``chain`` and ``number``: where its bytes are; None for an empty one."""

    name: str
    is_folder: bool
    attributes: int
    chain: Chain | None = None
    number: int = 0

    @property
    def is_special(self) -> bool:
        """A link or a device, by its Unix mode or as a reparse point of Windows."""
        mode = self.attributes >> 16 if self.attributes & _HAS_MODE else 0
        return mode & 0xF000 not in (0, 0x4000, 0x8000) or bool(self.attributes & _REPARSE_POINT)


def start_header(data: bytes) -> tuple[int, int, int]:
    """Where the directory is, its length and its CRC-32."""
    if len(data) < HEADER_AT or not data.startswith(SIGNATURE):
        raise Malformed
    _, offset, size, crc = _START.unpack_from(data, 8)
    if HEADER_AT + offset + size > len(data) or not size:
        raise Malformed
    return HEADER_AT + offset, size, crc


class Numbers:
    """Reads the numbers, bytes and bit fields of a directory."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        """The next bytes."""
        if not 0 <= count <= len(self._data) - self._at:
            raise Malformed
        self._at += count
        return self._data[self._at - count : self._at]

    def byte(self) -> int:
        """The next byte."""
        return self.take(1)[0]

    def number(self) -> int:
        """An integer whose leading ones in the first byte tell how many bytes follow."""
        first, mask, value = self.byte(), 0x80, 0
        for index in range(8):
            if not first & mask:
                return value + ((first & (mask - 1)) << 8 * index)
            value |= self.byte() << 8 * index
            mask >>= 1
        return value

    def count(self) -> int:
        """A number of things, each of which needs room somewhere."""
        value = self.number()
        if value > _MOST:
            raise Malformed
        return value

    def bits(self, count: int) -> list[bool]:
        """As many truths, eight to a byte."""
        data = self.take((count + 7) // 8)
        return [bool(data[index // 8] & 0x80 >> index % 8) for index in range(count)]

    def perhaps_bits(self, count: int) -> list[bool]:
        """The same, or one byte for all true."""
        return [True] * count if self.byte() else self.bits(count)

    def crcs(self, count: int) -> list[int | None]:
        """CRC-32s, of those that have one."""
        return [struct.unpack("<I", self.take(4))[0] if has else None for has in self.perhaps_bits(count)]

    def expect(self, kind: int) -> None:
        """The next byte must be this one."""
        if self.byte() != kind:
            raise Malformed


def read_streams(numbers: Numbers) -> list[Chain]:
    """The chains of a StreamsInfo, its first byte already taken."""
    chains: list[Chain] = []
    starts: list[tuple[int, int]] = []
    kind = numbers.byte()
    if kind == _PACK:
        starts = _packed(numbers)
        kind = numbers.byte()
    if kind == _UNPACK:
        chains = _folders(numbers)
        kind = numbers.byte()
    if len(starts) != len(chains):  # a chain has one packed stream
        raise Malformed
    for chain, (start, packed) in zip(chains, starts, strict=True):
        chain.start, chain.packed, chain.sizes, chain.crcs = start, packed, [chain.coders[-1].size], [chain.crc]
    if kind == _SUBSTREAMS:
        _substreams(numbers, chains)
        kind = numbers.byte()
    if kind != END:
        raise Malformed
    return chains


def _packed(numbers: Numbers) -> list[tuple[int, int]]:
    at, count = HEADER_AT + numbers.number(), numbers.count()
    sizes: list[int] = []
    while (kind := numbers.byte()) != END:
        if kind == _SIZE:
            sizes = [numbers.number() for _ in range(count)]
        elif kind == _CRC:
            numbers.crcs(count)
        else:
            raise Malformed
    starts = []
    for size in sizes:
        starts.append((at, size))
        at += size
    return starts


def _folders(numbers: Numbers) -> list[Chain]:
    numbers.expect(_FOLDER)
    count = numbers.count()
    numbers.expect(0)  # not somewhere else
    chains = [_folder(numbers) for _ in range(count)]
    numbers.expect(_UNPACK_SIZE)
    for chain in chains:
        for coder in chain.coders:
            coder.size = numbers.number()
        chain.coders = [chain.coders[step] for step in chain.order]
    while (kind := numbers.byte()) != END:
        if kind != _CRC:
            raise Malformed
        for chain, crc in zip(chains, numbers.crcs(count), strict=True):
            chain.crc = crc
    return chains


def _folder(numbers: Numbers) -> Chain:
    count = numbers.count()
    if not 1 <= count <= 4:
        raise Malformed
    coders = [_coder(numbers) for _ in range(count)]
    source = {numbers.number(): numbers.number() for _ in range(count - 1)}  # the input of one is the output of another
    last = set(range(count)) - set(source.values())
    order: list[int] = []
    step = last.pop() if len(last) == 1 else None
    while step is not None and step not in order:
        order.append(step)
        step = source.get(step)
    if sorted(order) != list(range(count)):
        raise Malformed
    return Chain(coders, order=order[::-1])


def _coder(numbers: Numbers) -> Coder:
    flags = numbers.byte()
    if flags & 0xD0:  # several inputs or outputs, or another way to say it
        raise Malformed
    method = numbers.take(flags & 0x0F)
    return Coder(method, numbers.take(numbers.number()) if flags & 0x20 else b"")


def _substreams(numbers: Numbers, chains: list[Chain]) -> None:
    kind = numbers.byte()
    counts = [1] * len(chains)
    if kind == _COUNT:
        counts = [numbers.count() for _ in chains]
        kind = numbers.byte()
    if sum(counts) > _MOST:
        raise Malformed
    for chain, count in zip(chains, counts, strict=True):
        sizes = [numbers.number() for _ in range(count - 1)] if kind == _SIZE else []
        whole = chain.coders[-1].size
        if sum(sizes) > whole or (count > 1 and kind != _SIZE):
            raise Malformed
        chain.sizes = [*sizes, whole - sum(sizes)] if count else []
    if kind == _SIZE:
        kind = numbers.byte()
    unknown = [chain for chain in chains if len(chain.sizes) != 1 or chain.crc is None]
    found: list[int | None] = []
    while kind != END:
        if kind != _CRC:
            raise Malformed
        found = numbers.crcs(sum(len(chain.sizes) for chain in unknown))
        kind = numbers.byte()
    for chain in unknown:
        chain.crcs = found[: len(chain.sizes)] or [None] * len(chain.sizes)
        found = found[len(chain.sizes) :]


def read_header(numbers: Numbers) -> list[File]:
    """The files of a Header, its first byte already taken."""
    chains: list[Chain] = []
    kind = numbers.byte()
    if kind == _PROPERTIES:
        raise Malformed
    if kind == _STREAMS:
        chains = read_streams(numbers)
        kind = numbers.byte()
    if kind != _FILES:
        return []
    return _files(numbers, chains)


def _files(numbers: Numbers, chains: list[Chain]) -> list[File]:
    count = numbers.count()
    names, attributes, empty, is_file = [""] * count, [0] * count, [False] * count, list[bool]()
    while (kind := numbers.number()) != END:
        inner = Numbers(numbers.take(numbers.number()))
        if kind == _EMPTY_STREAM:
            empty = inner.bits(count)
        elif kind == _EMPTY_FILE:
            is_file = inner.bits(sum(empty))
        elif kind == _NAMES:
            inner.expect(0)
            names = _names(inner, count)
        elif kind == _ATTRIBUTES:
            has = inner.perhaps_bits(count)
            inner.expect(0)
            attributes = [struct.unpack("<I", inner.take(4))[0] if one else 0 for one in has]
        elif kind == _ANTI:
            raise Malformed
    return _placed(names, attributes, empty, is_file, chains)


def _names(numbers: Numbers, count: int) -> list[str]:
    names = []
    for _ in range(count):
        units = []
        while (unit := numbers.take(2)) != b"\0\0":
            units.append(unit)
        names.append(b"".join(units).decode("utf-16-le", "replace"))
    return names


def _placed(
    names: list[str], attributes: list[int], empty: list[bool], is_file: list[bool], chains: list[Chain]
) -> list[File]:
    places = iter([(chain, number) for chain in chains for number in range(len(chain.sizes))])
    kinds = iter(is_file)
    files = []
    for name, attribute, has_nothing in zip(names, attributes, empty, strict=True):
        if has_nothing:
            files.append(File(name, not next(kinds, False), attribute))
        else:
            chain, number = next(places, (None, 0))
            if chain is None:
                raise Malformed
            files.append(File(name, False, attribute, chain, number))
    return files
