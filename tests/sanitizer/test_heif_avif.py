"""HEIC and AVIF: they show, carry nothing else, are refused when broken; AVIF's reader alone; the jail's thread."""

from __future__ import annotations

import io
import os
import random
import struct
import subprocess
import sys
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat
from support.heic_samples import CUT_OUT, PHOTO
from support.jails import examine, refused, started

from sanitizer.formats import avif, heif
from sanitizer.formats.base import Change, Job, Rebuilt, Refused
from sanitizer.formats.heif_boxes import boxes, carried
from sanitizer.limits import Limits
from sanitizer.supervisor import Supervisor
from sanitizer.verify import Violation
from sanitizer.verify.image import verify

SECRET = b"SECRET-PAYLOAD-0123456789"


def drawing(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Image.Image:
    picture = Image.linear_gradient("L").resize(size).convert("RGB").convert(mode)
    if mode in ("RGBA", "LA"):
        picture.putalpha(Image.radial_gradient("L").resize(size))
    return picture


def saved(picture: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, "AVIF", max_threads=1, speed=8, **options)
    return out.getvalue()


def from_heic(data: bytes, limits: Limits | None = None) -> Rebuilt:
    made = heif.rebuild(data, Job("image/heif", "rebuild", "a.heic", None, limits or Limits()))
    verify(made.data, Limits(), made.mime)
    return made


def from_avif(data: bytes, limits: Limits | None = None) -> Rebuilt:
    made = avif.rebuild(data, Job("image/avif", "rebuild", "a.avif", None, limits or Limits()))
    verify(made.data, Limits(), "image/avif")
    return made


def difference(one: Image.Image, other: Image.Image) -> float:
    both = ImageChops.difference(one.convert("RGB"), other.convert("RGB"))
    return max(ImageStat.Stat(both).mean)


def test_a_photograph_shows_as_jpeg_without_its_place() -> None:
    made = from_heic(PHOTO)
    assert made.mime == "image/jpeg"
    wanted = Image.merge("RGB", [Image.new("L", (64, 48), 128)] * 3)
    wanted.putdata([(x * 4, y * 5, 128) for y in range(48) for x in range(64)])
    assert difference(Image.open(io.BytesIO(made.data)), wanted) < 6
    assert {(change.kind, change.count) for change in made.removed} == {("exif", 2), ("gps", 1), ("embedded-image", 1)}
    assert made.changed[0] == Change("type", 1)
    assert b"maker" in PHOTO and b"maker" not in made.data


def test_transparency_makes_it_a_png() -> None:
    made = from_heic(CUT_OUT)
    assert made.mime == "image/png"
    alpha = Image.open(io.BytesIO(made.data)).getchannel("A")
    assert alpha.getpixel((5, 5)) == 255 and alpha.getpixel((60, 5)) == 0


@pytest.mark.parametrize("length", [0, 11, 30, 400, 740])
def test_a_cut_heic_is_refused(length: int) -> None:
    with pytest.raises(Refused) as refusal:
        from_heic(PHOTO[:length])
    assert refusal.value.code == "unreadable"


def test_a_heic_beyond_the_limit_of_pixels_is_refused() -> None:
    with pytest.raises(Refused) as refusal:
        from_heic(PHOTO, Limits(max_pixels=3000))
    assert refusal.value.code == "too-many-pixels"


def test_what_stands_behind_a_heic_is_counted_and_gone() -> None:
    made = from_heic(PHOTO + SECRET)
    assert Change("trailing-bytes", 1) in made.removed
    assert SECRET not in made.data


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P"])
@pytest.mark.parametrize("size", [(1, 1), (64, 48), (301, 17)])
def test_avif_keeps_its_picture(mode: str, size: tuple[int, int]) -> None:
    source = drawing(mode, size)
    made = from_avif(saved(source))
    shown = Image.open(io.BytesIO(made.data))
    assert shown.size == size
    assert shown.mode == {"LA": "RGBA", "P": "RGB"}.get(mode, mode)
    assert difference(shown, source.convert("RGBA" if mode == "LA" else "RGB")) < 8
    assert (made.removed, made.changed) == ([], [])
    assert from_avif(made.data).mime == "image/avif"


def test_avif_keeps_full_chroma() -> None:
    made = from_avif(saved(drawing(), subsampling="4:4:4"))
    assert b"av1C\x81\x20\x00\x00" in made.data


def test_avif_loses_metadata_and_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, SECRET.decode()
    exif.get_ifd(0x8825)[1] = "N"
    data = saved(drawing(), exif=exif, xmp=b"<x>" + SECRET) + SECRET
    made = from_avif(data)
    assert Image.open(io.BytesIO(made.data)).size == (48, 64)
    assert {change.kind for change in made.removed} == {"exif", "gps", "xmp", "trailing-bytes"}
    assert made.changed == [Change("orientation", 1)]
    assert SECRET in data and SECRET not in made.data


def test_an_animated_avif_becomes_its_first_picture() -> None:
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "blue")]
    made = from_avif(saved(frames[0], save_all=True, append_images=frames[1:], duration=100))
    assert Change("animation", 1) in made.removed
    red, _, blue = Image.open(io.BytesIO(made.data)).convert("RGB").resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
    assert red > 200 > 50 > blue


def test_a_cut_avif_is_refused() -> None:
    whole = saved(drawing())
    for length in (0, 8, 40, len(whole) // 2):
        with pytest.raises(Refused) as refusal:
            from_avif(whole[:length])
        assert refusal.value.code == "unreadable"


def test_an_avif_beyond_the_limit_of_pixels_is_refused() -> None:
    with pytest.raises(Refused) as refusal:
        from_avif(saved(drawing()), Limits(max_pixels=3000))
    assert refusal.value.code == "too-many-pixels"


CANONICAL = [from_avif(saved(drawing(mode))).data for mode in ("RGB", "RGBA")]


@pytest.mark.parametrize("data", CANONICAL)
def test_no_byte_of_the_header_is_free(data: bytes) -> None:
    for at in range(data.index(b"mdat") + 4):
        for bit in (1, 128):
            changed = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
            with pytest.raises(Violation):
                verify(changed, Limits(), "image/avif")


@pytest.mark.parametrize("data", CANONICAL)
def test_what_is_cut_or_longer_is_a_violation(data: bytes) -> None:
    for length in range(len(data)):
        with pytest.raises(Violation):
            verify(data[:length], Limits(), "image/avif")
    for tail in (b"\0", SECRET, b"\0\0\0\x08free"):
        with pytest.raises(Violation):
            verify(data + tail, Limits(), "image/avif")


def test_a_metadata_unit_is_a_violation() -> None:
    data = CANONICAL[0]
    unit = b"\x2a" + bytes([len(SECRET)]) + SECRET  # OBU_METADATA
    at = data.index(b"mdat")
    (length,) = struct.unpack_from(">I", data, at - 4)
    place = data.index(struct.pack(">I", length - 8), 32)
    longer = bytearray(data + unit)
    struct.pack_into(">I", longer, at - 4, length + len(unit))
    struct.pack_into(">I", longer, place, length - 8 + len(unit))
    with pytest.raises(Violation) as violation:
        verify(bytes(longer), Limits(), "image/avif")
    assert violation.value.code == "trailing-bytes"


def test_an_avif_of_too_many_pixels_is_a_violation() -> None:
    with pytest.raises(Violation) as violation:
        verify(CANONICAL[0], Limits(max_pixels=100), "image/avif")
    assert violation.value.code == "too-many-pixels"


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_violation_or_canonical(data: bytes) -> None:
    for start in (b"", CANONICAL[0][:60], CANONICAL[0][: CANONICAL[0].index(b"mdat") + 4]):
        with pytest.raises(Violation):
            verify(start + data, Limits(), "image/avif")


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_the_walk_for_the_report_ends_without_error(data: bytes) -> None:
    for start in (b"", PHOTO[:300], CANONICAL[1][:100]):
        whole = start + data
        spans = list(boxes(whole, 0, len(whole)))
        assert sum(end - at for _, at, end in spans) <= len(whole)
        assert all(change.count for change in carried(whole))


def test_damaged_files_are_refused_or_rebuilt() -> None:
    chance = random.Random(7)
    for data, rebuild in ((PHOTO, from_heic), (CUT_OUT, from_heic), (CANONICAL[1], from_avif)):
        for _ in range(40):
            damaged = bytearray(data)
            for _ in range(chance.randint(1, 4)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            try:
                rebuild(bytes(damaged), Limits(max_pixels=100_000))
            except Refused as refusal:
                assert refusal.code in ("unreadable", "too-many-pixels")


async def test_only_the_jail_of_a_heic_may_start_a_thread() -> None:
    with started(Supervisor(strict=True)) as supervisor:
        examined = await examine(supervisor, PHOTO, name="写真.HEIC")
        assert examined.verdict.outcome == "released", examined.verdict
        assert examined.output is not None and examined.verdict.output is not None
        os.close(examined.output)
        assert examined.verdict.output.name == "写真.jpg"
        assert await refused(supervisor, PHOTO, name="写真") == "unsupported-heif"


THREADED = """
import os, sys, threading
from sanitizer import jail
limits = {"cpu_seconds": 10, "memory": 1 << 30, "max_file": 1 << 20}
jail.enter(jail.steps(jail.prepare("landlock"), [1], **limits, threads=True))
thread = threading.Thread(target=os.write, args=(3, b"thread"))
thread.start()
thread.join()
for attempt in (os.fork, lambda: os.open("/etc/passwd", os.O_RDONLY), lambda: os.kill(os.getppid(), 0)):
    try:
        attempt()
    except PermissionError:
        os.write(3, b" blocked")
os._exit(0)
"""


def test_a_jail_with_threads_is_as_tight_otherwise() -> None:
    ran = subprocess.run([sys.executable, "-c", THREADED], capture_output=True, check=True)
    assert ran.stdout == b"thread blocked blocked blocked"


def test_a_damaged_profile_does_not_stop_a_picture() -> None:
    data = saved(drawing(), icc_profile=zlib.compress(SECRET))
    made = from_avif(data)
    assert Change("icc-profile", 1) in made.removed
