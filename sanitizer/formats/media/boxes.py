"""The boxes of an MP4 file that ffmpeg wrote: read into numbers, written anew from them.

Rules kept here:

- Of what was read only numbers, the two codecs' parameter sets and the samples themselves are used; every box that
  leaves is written here (``docs/grammar-media.md`` §4).
- Samples leave in the order in which they lay in the file, chunk by chunk, nothing between them.

Source: ISO/IEC 14496-12 §8, 14496-14 §5, 14496-15 §5.3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from sanitizer.formats.base import Refused

SOUND_CONFIG = bytes.fromhex("119056e500")  # AAC-LC, 48,000 Hz, two channels (ISO/IEC 14496-3 §1.6.2.1)
RATE, CHANNELS = 48_000, 2
_BOTH = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts"})
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_ESDS = bytes.fromhex("031c000000") + bytes.fromhex("041440150000000000000000000000") + b"\x05\x05" + SOUND_CONFIG
_BRANDS = {"video/mp4": b"isom\0\0\2\0isomiso2avc1mp41", "audio/mp4": b"M4A \0\0\0\0M4A mp42isom"}


@dataclass(slots=True)
class Track:
    """One stream, in numbers. ``chunks``: where each lies in the file that was read, and its samples."""

    video: bool
    width: int
    height: int
    duration: int  # in milliseconds
    edits: list[tuple[int, int]]  # milliseconds, first unit of the stream (-1: nothing is shown)
    scale: int  # units of a second
    length: int  # in units
    config: bytes
    durations: list[tuple[int, int]]  # samples, units each
    shifts: list[tuple[int, int]]  # samples, units from decoding to showing
    keys: list[int]  # samples with which showing may begin, from 1
    sizes: list[int]
    chunks: list[tuple[int, int]]


Tree = dict[bytes, list["bytes | Tree"]]


def read(data: bytes) -> list[Track]:
    """The tracks, video first. Raises ``Refused`` or ``struct.error``."""
    moov = _only(_tree(data, 0, len(data), 0), b"moov")
    tracks = [_track(trak) for trak in moov.get(b"trak", []) if isinstance(trak, dict)]
    tracks.sort(key=lambda track: not track.video)
    if not tracks or len(tracks) > 2 or len({track.video for track in tracks}) != len(tracks):
        raise Refused("unreadable", "tracks")
    return tracks


def _tree(data: bytes, at: int, end: int, depth: int) -> Tree:
    found: Tree = {}
    while at + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, at)
        if size < 8 or at + size > end:
            raise Refused("unreadable", "box size")
        inner = name in _BOTH and depth < 6
        body: bytes | Tree = b"" if name == b"mdat" else data[at + 8 : at + size]
        found.setdefault(name, []).append(_tree(data, at + 8, at + size, depth + 1) if inner else body)
        at += size
    return found


def _only(tree: Tree, *names: bytes) -> Tree:
    for name in names:
        inner = tree.get(name, [])
        if len(inner) != 1 or not isinstance(inner[0], dict):
            raise Refused("unreadable", "boxes")
        tree = inner[0]
    return tree


def _leaf(tree: Tree, name: bytes, version: int = 0) -> bytes:
    """The body of a full box behind version and flags; empty if there is none."""
    inner = tree.get(name, [b""])[0]
    if not isinstance(inner, bytes) or (inner and inner[0] != version):
        raise Refused("unreadable", "box version")
    return inner[4:]


def _pairs(body: bytes, form: str = ">II") -> list[tuple[int, int]]:
    count = struct.unpack_from(">I", body)[0] if body else 0
    return [struct.unpack_from(form, body, 4 + 8 * number) for number in range(min(count, len(body) // 8))]


def _track(trak: Tree) -> Track:
    media = _only(trak, b"mdia")
    table = _only(media, b"minf", b"stbl")
    head, clock = _leaf(trak, b"tkhd"), _leaf(media, b"mdhd")
    video = _leaf(media, b"hdlr")[4:8] == b"vide"
    width, height = (size >> 16 for size in struct.unpack_from(">II", head, 72))
    scale, length = struct.unpack_from(">II", clock, 8)
    edits = _edits(_leaf(_only(trak, b"edts"), b"elst")) if b"edts" in trak else []
    keys = _leaf(table, b"stss")
    sizes = _sizes(_leaf(table, b"stsz"))
    (duration,) = struct.unpack_from(">I", head, 16)
    return Track(
        video, width, height, duration, edits, scale, length,
        _config(_leaf(table, b"stsd"), video),
        _pairs(_leaf(table, b"stts")), _pairs(_leaf(table, b"ctts")),
        list(struct.unpack_from(f">{len(keys) // 4 - 1}I", keys, 4)) if keys else [],
        sizes, _chunks(_pairs_of_three(_leaf(table, b"stsc")), _leaf(table, b"stco"), len(sizes)),
    )  # fmt: skip


def _edits(body: bytes) -> list[tuple[int, int]]:
    count = struct.unpack_from(">I", body)[0]
    return [struct.unpack_from(">Ii", body, 4 + 12 * number) for number in range(min(count, len(body) // 12))]


def _sizes(body: bytes) -> list[int]:
    same, count = struct.unpack_from(">II", body)
    return [same] * min(count, 1 << 24) if same else list(struct.unpack_from(f">{count}I", body, 8))


def _pairs_of_three(body: bytes) -> list[tuple[int, int]]:
    """First chunk and samples in each, of the sample-to-chunk table."""
    count = struct.unpack_from(">I", body)[0]
    return [struct.unpack_from(">II", body, 4 + 12 * number) for number in range(min(count, len(body) // 12))]


def _chunks(runs: list[tuple[int, int]], places: bytes, samples: int) -> list[tuple[int, int]]:
    offsets = struct.unpack_from(f">{len(places) // 4 - 1}I", places, 4)
    counts = []
    for number, (first, each) in enumerate(runs):
        last = runs[number + 1][0] if number + 1 < len(runs) else len(offsets) + 1
        counts += [each] * min(last - first, len(offsets))
    if len(counts) != len(offsets) or sum(counts) != samples:
        raise Refused("unreadable", "chunks")
    return list(zip(offsets, counts, strict=True))


def _config(body: bytes, video: bool) -> bytes:
    """The parameter sets of the one sample entry."""
    name = body[8:12]
    at = 4 + 8 + (78 if video else 28)
    if name != (b"avc1" if video else b"mp4a"):
        raise Refused("unreadable", "codec")
    size, kind = struct.unpack_from(">I4s", body, at)
    config = body[at + 8 : at + size]
    if kind != (b"avcC" if video else b"esds"):
        raise Refused("unreadable", "codec")
    if not video and SOUND_CONFIG not in config:
        raise Refused("unreadable", "sound")
    return config if video else SOUND_CONFIG


def write(data: bytes, tracks: list[Track], mime: str) -> bytes:
    """The file anew, its header first. ``data``: what ``read`` was given."""
    order = sorted((offset, which, number) for which, track in enumerate(tracks)
                   for number, (offset, _) in enumerate(track.chunks))  # fmt: skip
    ends = [_spans(track) for track in tracks]
    parts = [data[offset : offset + ends[which][number]] for offset, which, number in order]
    lengths = [ends[which][number] for _, which, number in order]
    if [len(part) for part in parts] != lengths:
        raise Refused("unreadable", "samples")
    brands = _box(b"ftyp", _BRANDS[mime])
    places: list[list[int]] = [[0] * len(track.chunks) for track in tracks]
    at = len(brands) + len(_moov(tracks, places)) + 8
    for (_, which, number), length in zip(order, lengths, strict=True):
        places[which][number] = at
        at += length
    return b"".join((brands, _moov(tracks, places), struct.pack(">I4s", 8 + sum(lengths), b"mdat"), *parts))


def _spans(track: Track) -> list[int]:
    """Bytes of each chunk."""
    spans, at = [], 0
    for _, count in track.chunks:
        spans.append(sum(track.sizes[at : at + count]))
        at += count
    return spans


def _box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), name) + body


def _full(name: bytes, *parts: bytes, flags: int = 0) -> bytes:
    return _box(name, struct.pack(">I", flags), *parts)


def _numbers(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)


def _table(name: bytes, rows: Iterable[tuple[int, ...]]) -> bytes:
    listed = list(rows)
    return _full(name, _numbers(len(listed)), *(_numbers(*row) for row in listed))


def _moov(tracks: list[Track], places: list[list[int]]) -> bytes:
    duration = max(track.duration for track in tracks)
    head = (_numbers(0, 0, 1000, duration, 0x10000, 0x01000000, 0, 0), _MATRIX, bytes(24), _numbers(len(tracks) + 1))
    traks = (_trak(number, *each) for number, each in enumerate(zip(tracks, places, strict=True), 1))
    return _box(b"moov", _full(b"mvhd", *head), *traks)


def _trak(number: int, track: Track, places: list[int]) -> bytes:
    volume = 0 if track.video else 0x01000000
    size = (track.width << 16, track.height << 16) if track.video else (0, 0)
    head = (_numbers(0, 0, number, 0, track.duration, 0, 0, 0, volume), _MATRIX, _numbers(*size))
    edits = [struct.pack(">IiI", length, start, 0x10000) for length, start in track.edits]
    edit = _box(b"edts", _full(b"elst", _numbers(len(edits)), *edits)) if edits else b""
    name = b"vide" if track.video else b"soun"
    seen = _full(b"vmhd", bytes(8), flags=1) if track.video else _full(b"smhd", bytes(4))
    media = _box(
        b"mdia",
        _full(b"mdhd", _numbers(0, 0, track.scale, track.length, 0x55C40000)),
        _full(b"hdlr", bytes(4), name, bytes(13)),
        _box(
            b"minf", seen, _box(b"dinf", _full(b"dref", _numbers(1), _full(b"url ", flags=1))), _samples(track, places)
        ),
    )
    return _box(b"trak", _full(b"tkhd", *head, flags=3), edit, media)


def _samples(track: Track, places: list[int]) -> bytes:
    runs: list[tuple[int, int, int]] = []
    for number, (_, count) in enumerate(track.chunks, 1):
        if not runs or runs[-1][1] != count:
            runs.append((number, count, 1))
    return _box(
        b"stbl",
        _full(b"stsd", _numbers(1), _entry(track)),
        _table(b"stts", track.durations),
        _table(b"ctts", track.shifts) if track.shifts else b"",
        _table(b"stss", ((key,) for key in track.keys)) if track.keys else b"",
        _table(b"stsc", runs),
        _full(b"stsz", _numbers(0, len(track.sizes), *track.sizes)),
        _table(b"stco", ((place,) for place in places)),
    )


def _entry(track: Track) -> bytes:
    if track.video:
        size = struct.pack(">HH", track.width, track.height)
        fixed = (
            bytes(6),
            b"\0\1",
            bytes(16),
            size,
            _numbers(0x480000, 0x480000, 0),
            b"\0\1",
            bytes(32),
            b"\0\x18\xff\xff",
        )
        return _box(b"avc1", *fixed, _box(b"avcC", track.config))
    sound = (bytes(6), b"\0\1", bytes(8), struct.pack(">HHI", CHANNELS, 16, 0), _numbers(RATE << 16))
    return _box(b"mp4a", *sound, _full(b"esds", _ESDS, b"\x06\x01\x02"))
