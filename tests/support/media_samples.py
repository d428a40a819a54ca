"""Sound and video made on the spot: tones as WAV, frames of MP3 by their grammar, and what ffmpeg makes of them."""

from __future__ import annotations

import math
import random
import struct
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sanitizer import transcoding
from sanitizer.formats.media import boxes
from sanitizer.formats.media.boxes import Track

MISSING = transcoding.missing()
needs_ffmpeg = pytest.mark.skipif(
    bool(MISSING), reason=f"sound and video are encoded by ffmpeg: apt-get install {MISSING}"
)
RATE = 8000
ID3 = b"ID3\4\0\0\0\0\0\x14TIT2\0\0\0\x0a\0\0\3Himitsu\0\0"
ID3V1 = b"TAG" + b"Himitsu".ljust(125, b"\0")


def samples(seconds: float = 0.1) -> bytes:
    """A tone, 16 bits, one channel."""
    values = (int(9000 * math.sin(number / 3)) for number in range(int(RATE * seconds)))
    return b"".join(struct.pack("<h", value) for value in values)


def chunk(name: bytes, body: bytes) -> bytes:
    """One chunk of a RIFF file."""
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) & 1)


def form(tag: int = 1, channels: int = 1, width: int = 16) -> bytes:
    """A ``fmt`` chunk."""
    block = channels * width // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, RATE, RATE * block, block, width))


def riff(*chunks: bytes) -> bytes:
    """A WAV file of these chunks."""
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def wav() -> bytes:
    """A plain tone."""
    return riff(form(), chunk(b"data", samples()))


def frame(
    bits: int = 800, back: int = 0, *, header: str = "fffb9044", private: int = 0, big: int = 20, seed: int = 0
) -> bytes:
    """A frame of MPEG-1, 128 kbit/s, 44,100 Hz, two channels; ``bits`` of main data, of random contents, which begin
    ``back`` bytes before it."""
    side = back << 23 * 8 + 63
    side |= private << 23 * 8 + 60
    side |= (bits << 47 | big << 38) << 3 * 59
    chance = random.Random(seed)
    return bytes.fromhex(header) + side.to_bytes(32, "big") + chance.randbytes(417 - 36)


def mp3(count: int = 4) -> bytes:
    """Frames that use all their data."""
    return b"".join(frame(seed=number) for number in range(count))


def _track(video: bool, sizes: list[int], first: int) -> Track:
    config = bytes.fromhex("0164000affe100046764000a0100026801fdf8f800") if video else boxes.SOUND_CONFIG
    size, ticks = ((64, 48) if video else (0, 0)), 512
    times = [(len(sizes), ticks)]
    return Track(
        video, *size, 300, [(300, 0)], 10_240, ticks * len(sizes), config, times,
        times if video else [], [1] if video else [], sizes, [(first, len(sizes))],
    )  # fmt: skip


def video() -> bytes:
    """An MP4 file of the grammar: three pictures that no decoder could read, and sound like it."""
    units = [b"\0\0\0\5" + kind + b"kgr" + b"\x80" for kind in (b"\x65", b"\x41", b"\x01")]
    tracks = [_track(True, [9, 9, 9], 0), _track(False, [4, 5], 27)]
    return boxes.write(b"".join(units) + b"sandsound", tracks, "video/mp4")


def sound() -> bytes:
    """An M4A file of the grammar."""
    return boxes.write(b"soundsound", [_track(False, [5, 5], 0)], "audio/mp4")


@cache
def encoded(ending: str, *options: str, video: bool = False, seconds: float = 1.0) -> bytes:
    """What ffmpeg makes of a tone, with a moving picture if ``video``; with tags, a chapter's worth of metadata."""
    sources = ["-f", "lavfi", "-i", f"sine=440:duration={seconds}:sample_rate=44100"]
    if video:
        sources += ["-f", "lavfi", "-i", f"testsrc=size=64x48:rate=10:duration={seconds}"]
    with TemporaryDirectory() as folder:
        path = Path(folder, f"a.{ending}")
        tags = ["-metadata", "title=Himitsu", "-metadata", "artist=Himitsu"]
        command = ["ffmpeg", "-nostdin", "-v", "error", *sources, *tags, *options, "-threads", "1", str(path)]
        subprocess.run(command, check=True, timeout=60)
        return path.read_bytes()


def decoded(data: bytes, ending: str) -> bytes:
    """The samples that ffmpeg reads, 16 bits."""
    with TemporaryDirectory() as folder:
        path = Path(folder, f"a.{ending}")
        path.write_bytes(data)
        command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-map", "0:a:0", "-f", "s16le", "-"]
        return subprocess.run(command, check=True, timeout=60, stdout=subprocess.PIPE).stdout


def pictures(data: bytes, ending: str) -> int:
    """How many pictures ffmpeg reads."""
    with TemporaryDirectory() as folder:
        path = Path(folder, f"a.{ending}")
        path.write_bytes(data)
        command = ["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0"]
        command += ["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", str(path)]
        return int(subprocess.run(command, check=True, timeout=60, stdout=subprocess.PIPE).stdout.split(b",")[0] or 0)
