"""MP4: every byte of the header expected in its place, every sample walked (``docs/grammar-media.md`` §4).

Rules kept here:

- A cursor goes from the first byte to the last and is told what must come; it never looks for anything.
- The samples tile the rest of the file: each byte behind the header belongs to exactly one of them.
- H.264 samples are slices and nothing else; what one slice or one AAC frame holds is left to the decoder.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from sanitizer.limits import Limits
from sanitizer.verify import Violation

_FTYP = {
    "video/mp4": bytes.fromhex("0000002066747970") + b"isom\0\0\x02\0isomiso2avc1mp41",
    "audio/mp4": bytes.fromhex("0000001c66747970") + b"M4A \0\0\0\0M4A mp42isom",
}
_UNITY = bytes.fromhex("000100000000000000000000000000000001000000000000000000000000000040000000")
_DINF = bytes.fromhex("0000002464696e660000001c6472656600000000000000010000000c75726c2000000001")
_ESDS = bytes.fromhex("0000002a6573647300000000031c00000004144015") + bytes(11) + bytes.fromhex("0505119056e500060102")
_ENDED = "end-of-box"


@dataclass(slots=True)
class _Track:
    video: bool
    duration: int
    sizes: tuple[int, ...]
    keys: tuple[int, ...]
    counts: list[int]  # samples of each chunk
    places: tuple[int, ...]


class _Cursor:
    """A place in the file and the end of the box around it."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data, self.at, self.end = data, at, end

    def take(self, count: int) -> bytes:
        if self.at + count > self.end:
            raise Violation(_ENDED, f"offset {self.at}")
        self.at += count
        return self.data[self.at - count : self.at]

    def expect(self, *wanted: bytes) -> None:
        for each in wanted:
            if self.take(len(each)) != each:
                raise Violation("unexpected", f"offset {self.at - len(each)}")

    def number(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def numbers(self, count: int) -> tuple[int, ...]:
        if count > (self.end - self.at) // 4:
            raise Violation(_ENDED, f"offset {self.at}")
        return struct.unpack(f">{count}I", self.take(4 * count))

    def box(self, name: bytes) -> _Cursor:
        """A cursor in the box that must come now; this one goes on behind it."""
        size = self.number()
        self.expect(name)
        if size < 8 or self.at + size - 8 > self.end:
            raise Violation(_ENDED, f"offset {self.at}")
        inner = _Cursor(self.data, self.at, self.at + size - 8)
        self.at = inner.end
        return inner

    def full(self, name: bytes, flags: int = 0) -> _Cursor:
        inner = self.box(name)
        inner.expect(struct.pack(">I", flags))
        return inner

    def comes(self, name: bytes) -> bool:
        return self.data[self.at + 4 : min(self.at + 8, self.end)] == name

    def done(self) -> None:
        if self.at != self.end:
            raise Violation("more-than-expected", f"offset {self.at}")


def verify(data: bytes, limits: Limits, mime: str) -> None:
    """Nothing if ``data`` is in the grammar of ``mime``, else ``Violation``."""
    if len(data) > limits.max_output:
        raise Violation("size")
    file = _Cursor(data, 0, len(data))
    file.expect(_FTYP[mime])
    tracks = _moov(file.box(b"moov"), limits)
    if mime == "audio/mp4" and any(track.video for track in tracks):
        raise Violation("video-in-sound")
    first = file.at + 8
    file.box(b"mdat")
    file.done()
    _walk(data, first, tracks)


def _moov(moov: _Cursor, limits: Limits) -> list[_Track]:
    head = moov.full(b"mvhd")
    head.expect(bytes(8), struct.pack(">I", 1000))
    duration = head.number()
    head.expect(bytes.fromhex("00010000010000000000000000000000"), _UNITY, bytes(24))
    following = head.number()
    head.done()
    tracks: list[_Track] = []
    while moov.at < moov.end:
        tracks.append(_trak(moov.box(b"trak"), len(tracks) + 1, limits))
    if [track.video for track in tracks] not in ([True], [False], [True, False]):
        raise Violation("tracks")
    if following != len(tracks) + 1 or duration != max(track.duration for track in tracks):
        raise Violation("movie-header")
    if duration > limits.media_seconds * 1000:
        raise Violation("duration")
    if sum(len(track.sizes) for track in tracks) > limits.max_objects:
        raise Violation("too-many-samples")
    return tracks


def _trak(trak: _Cursor, number: int, limits: Limits) -> _Track:
    head = trak.full(b"tkhd", 3)
    head.expect(bytes(8), struct.pack(">II", number, 0))
    duration = head.number()
    head.expect(bytes(12))
    volume = head.take(4)
    head.expect(_UNITY)
    width, height = head.numbers(2)
    head.done()
    video = volume == bytes(4)
    if not video and (volume != b"\1\0\0\0" or width or height):
        raise Violation("track-header", f"track {number}")
    if video and (width & 0xFFFF or height & 0xFFFF or not 0 < (width >> 16) * (height >> 16) <= limits.media_pixels):
        raise Violation("picture-size", f"track {number}")
    if trak.comes(b"edts"):
        edts = trak.box(b"edts")
        _edits(edts.full(b"elst"))
        edts.done()
    media = trak.box(b"mdia")
    trak.done()
    clock = media.full(b"mdhd")
    clock.expect(bytes(8))
    scale, _ = clock.numbers(2)
    clock.expect(bytes.fromhex("55c40000"))
    clock.done()
    if not 0 < scale <= 10_000_000:
        raise Violation("time-scale", f"track {number}")
    name = media.full(b"hdlr")
    name.expect(bytes(4), b"vide" if video else b"soun", bytes(13))
    name.done()
    info = media.box(b"minf")
    media.done()
    seen = info.full(b"vmhd", 1) if video else info.full(b"smhd")
    seen.expect(bytes(8 if video else 4))
    seen.done()
    info.expect(_DINF)
    table = info.box(b"stbl")
    info.done()
    return _samples(table, video, duration, (width >> 16, height >> 16))


def _edits(edits: _Cursor) -> None:
    count = edits.number()
    if not 1 <= count <= 2:
        raise Violation("edits")
    for number in range(count):
        edits.number()
        start = int.from_bytes(edits.take(4), "big", signed=True)
        if start < 0 and not (start == -1 and number == 0 and count == 2):
            raise Violation("edits")
        edits.expect(b"\0\1\0\0")
    edits.done()


def _samples(table: _Cursor, video: bool, duration: int, size: tuple[int, int]) -> _Track:
    entries = table.full(b"stsd")
    entries.expect(b"\0\0\0\1")
    if video:
        _picture_entry(entries.box(b"avc1"), size)
    else:
        sound = entries.box(b"mp4a")
        sound.expect(bytes(6), b"\0\1", bytes(8), bytes.fromhex("0002001000000000bb800000"), _ESDS)
        sound.done()
    entries.done()
    timed = sum(_rows(table.full(b"stts"), 2)[0::2])
    shifted = sum(_rows(table.full(b"ctts"), 2)[0::2]) if table.comes(b"ctts") else timed
    keys = _rows(table.full(b"stss"), 1) if table.comes(b"stss") else ()
    runs = _rows(table.full(b"stsc"), 3)
    listed = table.full(b"stsz")
    listed.expect(bytes(4))
    sizes = listed.numbers(listed.number())
    listed.done()
    places = _rows(table.full(b"stco"), 1)
    table.done()
    if not sizes or not all(sizes) or timed != len(sizes) or shifted != len(sizes):
        raise Violation("samples")
    if keys and (not video or keys[0] != 1 or keys[-1] > len(sizes) or list(keys) != sorted(set(keys))):
        raise Violation("key-samples")
    return _Track(video, duration, sizes, keys, _counts(runs, len(places), len(sizes)), places)


def _rows(rows: _Cursor, width: int) -> tuple[int, ...]:
    found = rows.numbers(rows.number() * width)
    rows.done()
    return found


def _counts(runs: tuple[int, ...], chunks: int, samples: int) -> list[int]:
    """Samples of each chunk; ``Violation`` for a table that is not the shortest one."""
    counts: list[int] = []
    firsts, each, kinds = runs[0::3], runs[1::3], runs[2::3]
    if not runs or firsts[0] != 1 or set(kinds) != {1}:
        raise Violation("chunks")
    for number, count in enumerate(each):
        end = firsts[number + 1] if number + 1 < len(firsts) else chunks + 1
        if end <= firsts[number] or end > chunks + 1 or not count or (number and count == each[number - 1]):
            raise Violation("chunks")
        counts += [count] * (end - firsts[number])
    if sum(counts) != samples or len(counts) != chunks:
        raise Violation("chunks")
    return counts


def _picture_entry(entry: _Cursor, size: tuple[int, int]) -> None:
    entry.expect(bytes(6), b"\0\1", bytes(16), struct.pack(">HH", *size), bytes.fromhex("004800000048000000000000"))
    entry.expect(b"\0\1", bytes(32), b"\0\x18\xff\xff")
    config = entry.box(b"avcC")
    entry.done()
    version, profile, compatible, level, lengths, count = config.take(6)
    if version != 1 or profile not in (66, 77, 100) or lengths != 0xFF or count != 0xE1:
        raise Violation("parameter-sets")
    _parameter_set(config, 7, bytes((profile, compatible, level)))
    config.expect(b"\1")
    _parameter_set(config, 8, b"")
    if profile == 100:
        config.expect(bytes.fromhex("fdf8f800"))
    config.done()


def _parameter_set(config: _Cursor, kind: int, begins: bytes) -> None:
    unit = config.take(int.from_bytes(config.take(2), "big"))
    if not 1 < len(unit) <= 256 or unit[0] & 0x9F != kind or unit[1 : 1 + len(begins)] != begins:
        raise Violation("parameter-sets")


def _walk(data: bytes, first: int, tracks: list[_Track]) -> None:
    """All chunks in the order of the file, all samples in them."""
    chunks = []
    for track in tracks:
        number = 0
        for place, count in zip(track.places, track.counts, strict=True):
            chunks.append((place, track, number, count))
            number += count
        if list(track.places) != sorted(track.places):
            raise Violation("chunk-order")
    at = first
    for place, track, number, count in sorted(chunks, key=lambda chunk: chunk[0]):
        if place != at:
            raise Violation("gap", f"offset {at}")
        for size in track.sizes[number : number + count]:
            at += size
        if at > len(data):
            raise Violation("gap", "end")
    if at != len(data):
        raise Violation("gap", "end")
    for track in tracks:
        if track.video:
            _slices(data, track)


def _slices(data: bytes, track: _Track) -> None:
    """Every sample a row of slices; the key samples are those of instantaneous refresh, and no others."""
    keys, number = set(track.keys) or set(range(1, len(track.sizes) + 1)), 0
    for place, count in zip(track.places, track.counts, strict=True):
        at = place
        for size in track.sizes[number : number + count]:
            number += 1
            kind = 5 if number in keys else 1
            end = at + size
            while at < end:
                length = int.from_bytes(data[at : at + 4], "big")
                if length < 2 or at + 4 + length > end or data[at + 4] & 0x9F != kind:
                    raise Violation("slices", f"sample {number}")
                at += 4 + length
