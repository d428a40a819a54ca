"""Sound and video on the whole way: jailed, encoded anew by ffmpeg in bubblewrap, verified; or refused."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator

import pytest
from support.jails import examine, refused, released, started
from support.media_samples import (
    ID3,
    chunk,
    decoded,
    encoded,
    form,
    mp3,
    needs_ffmpeg,
    pictures,
    riff,
    samples,
    video,
    wav,
)

from sanitizer import transcoding
from sanitizer.formats import FORMATS
from sanitizer.kinds import MEDIA
from sanitizer.limits import Limits
from sanitizer.recipes import RECIPES
from sanitizer.supervisor import Examined, Supervisor
from sanitizer.verify import Violation
from sanitizer.verify.media import boxes as verifier

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
VP8 = ("-c:v", "libvpx", "-c:a", "libvorbis", "-deadline", "realtime")
SOUND = (
    ("m4a", "m4a", ()),
    ("aac", "m4a", ()),
    ("ogg", "m4a", ("-c:a", "libvorbis")),
    ("opus", "m4a", ()),
    ("aiff", "wav", ()),
    ("flac", "wav", ()),
)
VIDEO = (
    ("mp4", X264),
    ("mov", X264),
    ("mkv", X264),
    ("webm", VP8),
    ("avi", ("-c:v", "mpeg4", "-c:a", "mp2")),
    ("wmv", ()),
)


@pytest.fixture(scope="module")
def supervisor() -> Iterator[Supervisor]:
    with started(Supervisor(strict=True)) as supervisor:
        yield supervisor


def _taken(examined: Examined) -> bytes:
    assert examined.output is not None
    try:
        return os.pread(examined.output, 1 << 20, 0)
    finally:
        os.close(examined.output)


async def test_wav_and_mp3_need_no_extra(supervisor: Supervisor) -> None:
    assert (
        await released(supervisor, riff(form(), chunk(b"LIST", b"INFO"), chunk(b"data", samples())), name="a.wav")
        == wav()
    )
    sound = await released(supervisor, ID3 + mp3(5), name="録音.mp3")
    assert b"Himitsu" not in sound


async def test_sound_and_video_may_be_switched_off() -> None:
    with started(Supervisor(media=False)) as supervisor:
        for name, data in (("a.wav", wav()), ("a.mp3", mp3()), ("a.mp4", video())):
            assert await refused(supervisor, data, name=name) == "unsupported-media"


@pytest.mark.parametrize("name", ["a.mp4", "a.wav"])
async def test_without_the_extra_the_reader_learns_what_to_send(
    supervisor: Supervisor, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcoding, "_PLACES", "/nowhere")
    data = video() if name == "a.mp4" else riff(form(6), chunk(b"data", samples()))
    assert await refused(supervisor, data, name=name) == "no-media-converter"


@needs_ffmpeg
@pytest.mark.parametrize(("ending", "leaves", "options"), SOUND)
async def test_other_sound_is_encoded_anew(
    supervisor: Supervisor, ending: str, leaves: str, options: tuple[str, ...]
) -> None:
    data = encoded(ending, *options)
    examined = await examine(supervisor, data, name=f"a.{ending}")
    assert examined.verdict.output is not None, examined.verdict
    assert examined.verdict.output.name == f"a.{leaves}"
    made = _taken(examined)
    rate = 48_000 * 2 if leaves == "m4a" else 44_100
    assert abs(len(decoded(made, leaves)) / 2 / rate - 1) < 0.06
    assert not any(word in made for word in (b"Himitsu", b"Lav", b"x264"))


@needs_ffmpeg
async def test_a_lossless_recording_stays_lossless(supervisor: Supervisor) -> None:
    data = encoded("flac", "-sample_fmt", "s16")
    assert decoded(await released(supervisor, data, name="a.flac"), "wav") == decoded(data, "flac")


@needs_ffmpeg
@pytest.mark.parametrize(("ending", "options"), VIDEO)
async def test_a_video_leaves_as_mp4(supervisor: Supervisor, ending: str, options: tuple[str, ...]) -> None:
    examined = await examine(supervisor, encoded(ending, *options, video=True), name=f"a.{ending}")
    assert examined.verdict.output is not None, examined.verdict
    assert (examined.verdict.output.name, examined.verdict.output.type) == ("a.mp4", "video/mp4")
    assert examined.verdict.isolation == "bubblewrap"
    made = _taken(examined)
    assert 9 <= pictures(made, "mp4") <= 11
    assert abs(len(decoded(made, "mp4")) / 4 / 48_000 - 1) < 0.1
    assert not any(word in made for word in (b"Himitsu", b"Lav", b"x264"))


@needs_ffmpeg
async def test_a_silent_video_with_odd_sides_stays_a_video(supervisor: Supervisor) -> None:
    made = await released(
        supervisor,
        encoded("mp4", "-an", "-vf", "scale=63:47", *X264[:4], "-pix_fmt", "yuv444p", video=True),
        name="a.mp4",
    )
    assert pictures(made, "mp4") == 10


@needs_ffmpeg
async def test_flatten_makes_new_frames_of_an_mp3(supervisor: Supervisor) -> None:
    data = encoded("mp3")
    made = await released(supervisor, data, name="a.mp3", treatment="flatten")
    assert made not in (data, await released(supervisor, data, name="a.mp3"))
    assert abs(len(decoded(made, "mp3")) - len(decoded(data, "mp3"))) < 4 * 44_100 * 0.08


@needs_ffmpeg
@pytest.mark.parametrize("ending", ["mp4", "m4a", "ogg", "flac", "mkv"])
async def test_what_is_no_sound_behind_its_first_bytes_is_refused(supervisor: Supervisor, ending: str) -> None:
    options = X264 if ending in ("mp4", "mkv") else ()
    data = encoded(ending, *options, video=ending in ("mp4", "mkv"))
    assert await refused(supervisor, data[:40] + b"himitsu" * 4000, name=f"a.{ending}") == "unreadable"


@needs_ffmpeg
async def test_a_playlist_and_a_reference_reach_no_other_file(supervisor: Supervisor) -> None:
    playlist = b"ftyp" + b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
    for data in (struct.pack(">I", 20) + playlist, b"\x1a\x45\xdf\xa3" + playlist, b"OggS" + playlist):
        name = {b"\0": "a.mp4", b"\x1a": "a.mkv", b"O": "a.ogg"}[data[:1]]
        assert await refused(supervisor, data, name=name) == "unreadable"


@needs_ffmpeg
async def test_what_takes_too_long_is_refused_with_the_advice_to_cut_it() -> None:
    with started(Supervisor(Limits(media_cpu_seconds=1, media_wall_seconds=0.2))) as supervisor:
        assert await refused(supervisor, encoded("m4a"), name="a.m4a") == "media-too-long"
    with started(Supervisor(Limits(media_seconds=0))) as supervisor:
        assert await refused(supervisor, encoded("m4a"), name="a.m4a") == "media-too-long"


def test_every_recoded_type_has_a_recipe_of_ffmpeg() -> None:
    used = {recipe for recipe in RECIPES if recipe.startswith("media-")}
    assert {RECIPES[recipe].program for recipe in used} == {"ffmpeg"}
    assert {mime for mime in FORMATS if mime.startswith(("audio/", "video/"))} == MEDIA
    for recipe in used:
        line = transcoding.command(RECIPES[recipe], Limits())
        assert line[line.index("-protocol_whitelist") + 1] == "file"
        assert line[line.index("-format_whitelist") + 1] == line[line.index("-i") - 1]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b"\0\0\0\5\x41", b"\0\0\0\5\x06"),  # a message in the place of a slice
        lambda data: data.replace(b"moov", b"free"),
        lambda data: data + b"\0\0\0\x08free",
        lambda data: data.replace(b"vide\0", b"videX"),
        lambda data: data.replace(b"kgr\x80\0\0\0\5\x41", b"kgr\x80\0\0\0\4\x41"),
    ],
)
def test_what_a_program_might_hide_in_a_video_is_a_violation(change: Callable[[bytes], bytes]) -> None:
    verifier.verify(video(), Limits(), "video/mp4")
    changed = change(video())
    assert changed != video()
    with pytest.raises(Violation):
        verifier.verify(changed, Limits(), "video/mp4")
