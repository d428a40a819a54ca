"""Frames of MPEG audio, Layer III: headers, side information, and where a frame's data lies.

Rules kept here:

- A frame is one whose header says MPEG-1, 2 or 2.5, Layer III, a listed bit rate (not free format) and sample rate.
- All frames of a file agree in version, sample rate, number of channels and emphasis.
- The main data of a frame may begin in frames before it (the bit reservoir); ``main_data_begin`` counts bytes of main
  data only, not of headers and side information.

Source: ISO/IEC 11172-3 §2.4.1, §2.4.2.7; ISO/IEC 13818-3 §2.4.1.

>>> read_header(bytes.fromhex("fffb9044")).length
417
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_FIRST = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)  # kbit/s of MPEG-1, from index 1
_SECOND = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MONO, _JOINT = 3, 1
_SYNC = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]")
_MOST_VALUES = 288  # pairs of a granule's 576 values


class Header(NamedTuple):
    """One frame header. ``like``: what all frames of a file have in common."""

    like: tuple[int, int, bool, int]
    length: int  # bytes of the frame, header and all
    bitrate: int  # index
    protected: bool  # two bytes of CRC behind the header
    side: int  # bytes of side information
    plain: bytes  # the header without bits that play no part

    @property
    def body(self) -> int:
        """Where the main data begins, in bytes from the start of the frame."""
        return 4 + 2 * self.protected + self.side


class Parts(NamedTuple):
    """What side information says: where main data begins (bytes back), how many bits it has, and its plain form.
    ``sound``: False where a decoder could not follow it."""

    back: int
    bits: int
    plain: bytes
    sound: bool


@lru_cache(maxsize=256)
def read_header(four: bytes) -> Header | None:
    """The header in ``four`` bytes; None if it is none of Layer III."""
    word = int.from_bytes(four, "big")
    version, bitrate, rate = word >> 19 & 3, word >> 12 & 15, word >> 10 & 3
    mode, emphasis = word >> 6 & 3, word & 3
    known = len(four) == 4 and word >> 21 == 0x7FF and version != 1 and word >> 17 & 3 == 1
    if not known or not 0 < bitrate < 15 or rate == 3 or emphasis == 2:
        return None
    mono = mode == _MONO
    samples, rates = (144, _FIRST) if version == 3 else (72, _SECOND)
    length = samples * rates[bitrate - 1] * 1000 // RATES[version][rate] + (word >> 9 & 1)
    side = (17 if mono else 32) if version == 3 else (9 if mono else 17)
    plain = word & ~(1 << 8 | 1 << 3 | 1 << 2)  # private, copyright, original
    if mode != _JOINT:
        plain &= ~(3 << 4)
    header = Header(
        (version, rate, mono, emphasis), length, bitrate, not word >> 16 & 1, side, plain.to_bytes(4, "big")
    )
    return header if header.body <= length else None


def read_parts(side: bytes, header: Header) -> Parts:
    """Side information, read bit by bit."""
    first, mono = header.like[0] == 3, header.like[2]
    channels = 1 if mono else 2
    word, left = int.from_bytes(side, "big"), len(side) * 8
    counted = 9 if first else 8
    private = (5 if mono else 3) if first else channels
    shared = 4 * channels if first else 0
    back = word >> left - counted
    plain = word & ~(((1 << private) - 1) << left - counted - private)
    left -= counted + private + shared
    size, bits, sound = (59 if first else 63), 0, True
    for _ in range(channels * (2 if first else 1)):
        left -= size
        granule = word >> left
        bits += granule >> size - 12 & 0xFFF
        switched, block = granule >> size - (34 if first else 39) & 1, granule >> size - (36 if first else 41) & 3
        sound = sound and granule >> size - 21 & 0x1FF <= _MOST_VALUES and not (switched and not block)
    return Parts(back, bits, plain.to_bytes(len(side), "big"), sound)


def silence(header: Header, back: int) -> Parts:
    """Side information of a frame in which nothing sounds; frames behind it may still use what lies before it."""
    shift = header.side * 8 - (9 if header.like[0] == 3 else 8)
    return Parts(back, 0, (back << shift).to_bytes(header.side, "big"), sound=True)


def find_frames(data: bytes, start: int) -> Iterator[tuple[int, Header]]:
    """Offset and header of every frame from ``start`` on; what lies between them is not audio. The first one is
    believed when others like it follow, one behind junk when another one or the end follows; the last one may be cut
    off behind its side information."""
    like: tuple[int, int, bool, int] | None = None
    at, certain = start, False
    while at + 4 <= len(data):
        header = read_header(data[at : at + 4])
        fits = header is not None and at + header.body <= len(data) and like in (None, header.like)
        if header is not None and fits and (certain or _followed(data, at, header, 2 if like is None else 1)):
            like, certain = header.like, True
            yield at, header
            at += header.length
            continue
        certain = False
        found = _SYNC.search(data, at + 1)
        if found is None:
            return
        at = found.start()


def _followed(data: bytes, at: int, header: Header, times: int) -> bool:
    """Whether frames of the same kind, or the end of the file, come behind this one."""
    for _ in range(times):
        at += header.length
        if at >= len(data) or data[at : at + 3] in (b"TAG", b"APE", b"LYR"):
            return at <= len(data)
        following = read_header(data[at : at + 4])
        if following is None or following.like != header.like:
            return False
        header = following
    return True


def checksum(data: bytes) -> int:
    """CRC-16 of the header's last two bytes and the side information (ISO/IEC 11172-3 §2.4.3.1)."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc << 8 & 0xFFFF) ^ _CRC[crc >> 8 ^ byte]
    return crc


def _remainder(byte: int) -> int:
    crc = byte << 8
    for _ in range(8):
        crc = (crc << 1 ^ 0x8005) & 0xFFFF if crc & 0x8000 else crc << 1
    return crc


_CRC = tuple(_remainder(byte) for byte in range(256))
