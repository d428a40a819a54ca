"""WAV and MP3, rebuilt byte by byte: they sound as before, hold nothing else, and broken ones are refused."""

from __future__ import annotations

import random
import struct

import pytest
from support.media_samples import (
    ID3,
    ID3V1,
    chunk,
    decoded,
    encoded,
    form,
    frame,
    mp3,
    needs_ffmpeg,
    riff,
    samples,
    wav,
)

from sanitizer.formats.base import Job, Rebuilt, Refused, ToConvert
from sanitizer.formats.media import mp3 as mp3_format
from sanitizer.formats.media import wave
from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.media import mp3 as mp3_verifier
from sanitizer.verify.media import wave as wave_verifier

LIMITS = Limits()
NOTES = 156  # bytes of the frame that counts the others


def _job(mime: str) -> Job:
    return Job(mime, "rebuild", "a", None, LIMITS)


def _wave(data: bytes) -> Rebuilt:
    made = wave.rebuild(data, _job("audio/wav"))
    assert isinstance(made, Rebuilt)
    wave_verifier.verify(made.data, LIMITS)
    return made


def _mp3(data: bytes) -> Rebuilt:
    made = mp3_format.rebuild(data, _job("audio/mpeg"))
    assert isinstance(made, Rebuilt)
    mp3_verifier.verify(made.data, LIMITS)
    return made


def _kinds(made: Rebuilt) -> dict[str, int]:
    return {change.kind: change.count for change in (*made.removed, *made.changed)}


def test_a_plain_wav_leaves_as_it_came() -> None:
    made = _wave(wav())
    assert (made.data, made.removed) == (wav(), [])


def test_every_other_chunk_of_a_wav_goes() -> None:
    tags = chunk(b"LIST", b"INFOIART" + b"\6\0\0\0Sato\0\0")
    made = _wave(
        riff(tags, form(), chunk(b"fact", bytes(4)), chunk(b"data", samples()), chunk(b"id3 ", ID3)) + b"PK\3\4"
    )
    assert made.data == wav()
    assert _kinds(made) == {"media-tag": 2, "media-chunk": 1}


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_samples_without_a_true_length_reach_to_the_end(size: int) -> None:
    endless = riff(form(), b"data" + struct.pack("<I", size) + samples() + b"x")
    assert _wave(endless).data == wav()


def test_an_extensible_header_becomes_a_plain_one() -> None:
    guid = bytes.fromhex("0100000000001000800000aa00389b71")
    header = form(0xFFFE)[8:] + struct.pack("<HHI", 22, 16, 4) + guid
    assert _wave(riff(chunk(b"fmt ", header), chunk(b"data", samples()))).data == wav()


@pytest.mark.parametrize("tag", [2, 3, 6, 7, 0x11])
def test_other_encodings_are_for_the_media_extra(tag: int) -> None:
    made = wave.rebuild(riff(form(tag), chunk(b"data", samples())), _job("audio/wav"))
    assert isinstance(made, ToConvert)
    assert made.recipe == "media-wav-wav"


@pytest.mark.parametrize(
    "data",
    [riff(), riff(form()), riff(form(channels=9), chunk(b"data", samples())), riff(chunk(b"data", samples())),
     riff(form(), chunk(b"data", b"x")), riff(chunk(b"fmt ", b"\1"), chunk(b"data", samples())), b"RIFF"],
)  # fmt: skip
def test_a_wav_without_sound_is_refused(data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        wave.rebuild(data, _job("audio/wav"))
    assert refused.value.code == "unreadable"


@pytest.mark.parametrize("at", range(44))
def test_another_header_is_no_wav(at: int) -> None:
    changed = bytearray(wav())
    changed[at] ^= 0x80
    with pytest.raises(Violation):
        wave_verifier.verify(bytes(changed), LIMITS)


def test_frames_alone_leave_behind_a_frame_that_counts_them() -> None:
    made = _mp3(mp3(6))
    notes, frames = made.data[:NOTES], made.data[NOTES:]
    assert notes[:4] == bytes.fromhex("fffb3040")
    assert notes[36:52] == b"Info" + struct.pack(">III", 7, 6, len(made.data))
    assert len(frames) == 6 * 417
    assert [frames[at + 4 : at + 36] for at in range(0, len(frames), 417)] == [frame()[4:36]] * 6
    assert _mp3(made.data).data == made.data


def test_tags_notes_and_junk_go() -> None:
    notes = bytes.fromhex("fffb9044") + bytes(32) + b"Info\0\0\0\1" + bytes(373)
    lyrics = b"LYRICSBEGININD0000200000027LYRICS200"
    made = _mp3(ID3 + notes + mp3(3) + b"<script>x()</script>" + mp3(3) + lyrics + ID3V1)
    assert _kinds(made) == {"media-tag": 3, "media-encoder": 1, "media-junk": 1, "stream-slack": 5}
    assert b"Himitsu" not in made.data
    assert b"script" not in made.data
    assert made.data == _mp3(mp3(3) + mp3(3)).data


def test_unused_bits_become_zero() -> None:
    hidden = frame(private=5, header="fffb914c")[:-40] + b"himitsu-himitsu-himitsu-himitsu-himitsu!"
    made = _mp3(hidden * 3)
    assert b"himitsu" not in made.data
    assert made.data == _mp3(frame() * 3).data


def test_bits_behind_the_last_one_of_a_frame_become_zero() -> None:
    made = _mp3(frame(bits=801) * 3)
    body = made.data[NOTES + 36 : NOTES + 417]
    assert (body[100] & 0x7F, any(body[101:])) == (0, False)


def test_a_frame_may_begin_in_the_one_before() -> None:
    made = _mp3(frame() + frame(bits=1600, back=200, seed=1) + frame(seed=2))
    assert "damaged-sound" not in _kinds(made)
    assert made.data[NOTES + 217 : NOTES + 417] == frame()[217:]


@pytest.mark.parametrize("broken", [frame(back=511), frame(bits=4095), frame(big=289), frame(back=350)])
def test_what_a_decoder_could_not_follow_becomes_silence(broken: bytes) -> None:
    made = _mp3(frame() + broken + frame(seed=2))
    assert _kinds(made)["damaged-sound"] == 1
    assert len(made.data) == NOTES + 3 * 417


def test_a_frame_that_is_cut_off_keeps_its_time() -> None:
    made = _mp3(mp3(4)[:-300])
    assert len(made.data) == NOTES + 4 * 417


def test_notes_that_count_nothing_are_played_like_sound() -> None:
    notes = bytes.fromhex("fffb9044") + bytes(32) + b"Info" + bytes(377)
    assert len(_mp3(notes + mp3(3)).data) == NOTES + 4 * 417


def test_checksums_are_computed_anew() -> None:
    protected = frame(header="fffa9044")
    protected = protected[:4] + b"\0\0" + protected[4:-2]
    made = _mp3(protected * 3)
    at = NOTES
    assert made.data[at : at + 4] == bytes.fromhex("fffa9040")
    assert made.data[at + 4 : at + 6] != b"\0\0"


@pytest.mark.parametrize(
    "data",
    [b"", ID3, ID3 + bytes(5000), frame(back=511) * 2, mp3(1)[:30], b"\xff\xfb\x00\x44" * 100, b"\xff" * 5000,
     bytes.fromhex("fffb9044") + b"\xff" * 413],
)  # fmt: skip
def test_an_mp3_without_sound_is_refused(data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        mp3_format.rebuild(data, _job("audio/mpeg"))
    assert refused.value.code == "unreadable"


def test_frames_of_another_kind_are_junk() -> None:
    other = frame(header="fffb94c4")  # 48,000 Hz
    made = _mp3(mp3(3) + other[:384] + mp3(2))
    assert _kinds(made)["media-junk"] == 1


def test_any_other_bit_is_no_mp3_or_another_mp3_of_the_grammar() -> None:
    data, chance = _mp3(mp3(4)).data, random.Random(3)
    accepted = 0
    for _ in range(600):
        changed = bytearray(data)
        changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        try:
            mp3_verifier.verify(bytes(changed), LIMITS)
        except Violation:
            continue
        accepted += 1
        assert _mp3(bytes(changed)).data == changed
    assert accepted < 300  # most of what is not claimed by a frame must be zero


def test_flatten_asks_for_new_frames() -> None:
    asked = mp3_format.rebuild(mp3(), Job("audio/mpeg", "flatten", "a", None, LIMITS))
    assert isinstance(asked, ToConvert)
    answered = mp3_format.rebuild(mp3(), Job("audio/mpeg", "flatten", "a", None, LIMITS, drawn=mp3(5)))
    assert isinstance(answered, Rebuilt)
    assert _kinds(answered) == {"media-reencoded": 1}


@needs_ffmpeg
@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-q:a", "4"),
        ("-b:a", "64k", "-ar", "22050"),
        ("-b:a", "24k", "-ar", "8000", "-ac", "1"),
        ("-abr", "1", "-b:a", "96k"),
    ],
)
def test_an_mp3_sounds_the_same_to_the_last_sample(options: tuple[str, ...]) -> None:
    data = encoded("mp3", *options)
    made = _mp3(data)
    assert decoded(data, "mp3") in decoded(made.data, "mp3")
    assert b"Himitsu" not in made.data
    assert not {"damaged-sound", "media-junk"} & _kinds(made).keys()
