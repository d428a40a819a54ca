"""The readers of pictures on their own: every deviation from the grammar is a violation, and none stumbles."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable

import pytest
from PIL import Image

from sanitizer.formats.base import Job
from sanitizer.formats.image import rebuild
from sanitizer.limits import Limits
from sanitizer.verify import VERIFIERS, Violation
from sanitizer.verify.image import verify


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind.upper(), **options)
    return out.getvalue()


def picture(mode: str = "RGB") -> Image.Image:
    return Image.radial_gradient("L").resize((40, 30)).convert("RGB").convert(mode)


def canonical(kind: str, mode: str = "RGB", **options: object) -> bytes:
    data = saved(picture(mode), kind, **options)
    return rebuild(data, Job(f"image/{kind}", "rebuild", "x", None, Limits())).data


def animated(kind: str) -> bytes:
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "green", "blue")]
    options = {"save_all": True, "append_images": frames[1:], "duration": 100, "loop": 0}
    return canonical_of(saved(frames[0], kind, **options), kind)


def canonical_of(data: bytes, kind: str) -> bytes:
    return rebuild(data, Job(f"image/{kind}", "rebuild", "x", None, Limits())).data


SIGNATURES = {"jpeg": b"\xff\xd8", "gif": b"GIF", "webp": b"RIFF", "tiff": b"II", "bmp": b"BM"}
SAMPLES: dict[str, Callable[[], bytes]] = {
    "png": lambda: canonical("png"),
    "png grey": lambda: canonical("png", "L"),
    "png palette": lambda: canonical("png", "P"),
    "png animated": lambda: animated("png"),
    "jpeg": lambda: canonical("jpeg"),
    "jpeg progressive": lambda: canonical("jpeg", progressive=True),
    "jpeg grey": lambda: canonical("jpeg", "L"),
    "gif": lambda: canonical("gif", "P"),
    "gif animated": lambda: animated("gif"),
    "webp": lambda: canonical("webp"),
    "webp lossless": lambda: canonical("webp", lossless=True),
    "webp alpha": lambda: canonical("webp", "RGBA"),
    "webp animated": lambda: animated("webp"),
    "tiff": lambda: canonical("tiff"),
    "tiff fax": lambda: canonical("tiff", "1"),
    "tiff palette": lambda: canonical("tiff", "P"),
    "tiff jpeg": lambda: canonical("tiff", compression="jpeg"),
    "bmp": lambda: canonical("bmp"),
    "bmp palette": lambda: canonical("bmp", "P"),
    "bmp alpha": lambda: canonical("bmp", "RGBA"),
}


def kind_of(data: bytes) -> str:
    """The media type that the signature claims."""
    return next((f"image/{kind}" for kind, start in SIGNATURES.items() if data.startswith(start)), "image/png")


def assert_violation(data: bytes, code: str | None = None) -> None:
    with pytest.raises(Violation) as violation:
        verify(data, Limits(), kind_of(data))
    assert code in (None, violation.value.code)


@pytest.mark.parametrize("sample", SAMPLES)
def test_canonical_pictures_pass(sample: str) -> None:
    verify(SAMPLES[sample](), Limits(), f"image/{sample.split()[0]}")


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sound_picture_under_another_type_is_a_violation(sample: str) -> None:
    data = SAMPLES[sample]()
    for mime in {mime for mime in VERIFIERS if mime.startswith("image/")} - {
        f"image/{sample.split()[0]}",
        "image/svg+xml",
    }:
        with pytest.raises(Violation):
            verify(data, Limits(), mime)


@pytest.mark.parametrize("sample", SAMPLES)
def test_no_byte_may_follow_or_be_missing(sample: str) -> None:
    data = SAMPLES[sample]()
    for tail in (b"\0", b"\n", b"PK\x03\x04", data):
        assert_violation(data + tail)
    for cut in range(1, min(len(data), 60)):
        assert_violation(data[:-cut])
    assert_violation(data[: len(data) // 2])


@pytest.mark.parametrize("sample", SAMPLES)
def test_no_byte_may_be_put_in_between(sample: str) -> None:
    """Except inside entropy-coded data, which JPEG, group 4 and WebP leave opaque."""
    data = SAMPLES[sample]()
    opaque = sample.startswith(("jpeg", "webp", "tiff fax", "tiff jpeg"))
    for at in range(2, 40) if opaque else range(2, len(data), max(1, len(data) // 150)):
        assert_violation(data[:at] + b"X" + data[at:])


@pytest.mark.parametrize("sample", SAMPLES)
def test_damaged_pictures_make_no_reader_stumble(sample: str) -> None:
    chance, data = random.Random(sample), SAMPLES[sample]()
    for _ in range(250):
        damaged = bytearray(data)
        for _ in range(chance.choice((1, 1, 2, 8))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            verify(bytes(damaged), Limits(), f"image/{sample.split()[0]}")
        except Violation as violation:
            assert violation.code


@pytest.mark.parametrize("sample", [name for name in SAMPLES if name.startswith("png")])
def test_every_flipped_bit_of_a_png_is_noticed(sample: str) -> None:
    data = SAMPLES[sample]()
    for at in range(0, len(data), max(1, len(data) // 400)):
        assert_violation(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(*chunks: bytes, header: tuple[int, ...] = (2, 2, 8, 0, 0, 0, 0)) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", *header)) + b"".join(chunks)


ROWS = zlib.compress(bytes(6))
IDAT, IEND = png_chunk(b"IDAT", ROWS), png_chunk(b"IEND", b"")


def test_the_handmade_png_passes() -> None:
    verify(png(IDAT, IEND), Limits(), "image/png")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (png(png_chunk(b"tEXt", b"a\0b"), IDAT, IEND), "unexpected-chunk"),
        (png(png_chunk(b"iCCP", b"x\0\0"), IDAT, IEND), "unexpected-chunk"),
        (png(png_chunk(b"PLTE", bytes(6)), IDAT, IEND), "unexpected-chunk"),
        (png(IDAT, IDAT, IEND), "unexpected-chunk"),
        (png(IDAT, png_chunk(b"prVt", b""), IEND), "unexpected-chunk"),
        (png(IDAT, png_chunk(b"IEND", b"x")), "chunk-length"),
        (png(png_chunk(b"pHYs", struct.pack(">IIB", 1, 1, 1)), IDAT, IEND), "resolution"),
        (png(png_chunk(b"IDAT", zlib.compress(bytes(5))), IEND), "stream-size"),
        (png(png_chunk(b"IDAT", zlib.compress(bytes(7))), IEND), "stream-size"),
        (png(png_chunk(b"IDAT", zlib.compress(bytes(50_000_000))), IEND), "stream-size"),
        (png(png_chunk(b"IDAT", ROWS + b"slack"), IEND), "stream-trailing-bytes"),
        (png(png_chunk(b"IDAT", ROWS[:-1]), IEND), "stream-truncated"),
        (png(png_chunk(b"IDAT", b"words"), IEND), "stream-invalid"),
        (png(png_chunk(b"IDAT", zlib.compress(b"\0\0\0\5\0\0")), IEND), "filter-type"),
        (png(IDAT, IEND, header=(2, 2, 8, 0, 0, 0, 1)), "header"),
        (png(IDAT, IEND, header=(2, 2, 16, 2, 0, 0, 0)), "header"),
        (png(IDAT, IEND, header=(0, 2, 8, 0, 0, 0, 0)), "no-pixels"),
        (png(IDAT, IEND, header=(60_000, 60_000, 8, 0, 0, 0, 0)), "too-many-pixels"),
        (png(IDAT, IEND).replace(b"IDAT", b"IDAT", 1)[:-1] + b"\x83", "crc"),
    ],
)
def test_deviations_of_png_are_named(data: bytes, code: str) -> None:
    assert_violation(data, code)


def jpeg_before(marker: bytes, segment: bytes) -> bytes:
    data = SAMPLES["jpeg"]()
    at = data.index(marker)
    return data[:at] + segment + data[at:]


@pytest.mark.parametrize("where", [b"\xff\xe0", b"\xff\xdb", b"\xff\xc0", b"\xff\xc4", b"\xff\xda", b"\xff\xd9"])
@pytest.mark.parametrize(
    "segment", [b"\xff\xe1\0\4hi", b"\xff\xfe\0\4hi", b"\xff\xdd\0\4\0\1", b"\xff\xee\0\4hi", b"\xff"]
)
def test_no_other_segment_may_stand_in_a_jpeg(where: bytes, segment: bytes) -> None:
    assert_violation(jpeg_before(where, segment))


def test_a_jpeg_with_tables_of_its_own_is_a_violation() -> None:
    data = bytearray(SAMPLES["jpeg"]())
    data[data.index(b"\xff\xdb") + 9] ^= 1
    assert_violation(bytes(data), "quantization")


def test_a_jpeg_with_restart_markers_is_a_violation() -> None:
    assert_violation(saved(picture(), "jpeg", restart_marker_blocks=1))


def test_a_gif_whose_stream_yields_too_few_or_too_many_pixels_is_a_violation() -> None:
    data = bytearray(SAMPLES["gif"]())
    at = data.rindex(b",\0\0\0\0")
    for height in (29, 31):
        data[at + 7] = data[8] = height
        assert_violation(bytes(data), "lzw-pixels")


def test_gifs_of_any_size_and_depth_pass() -> None:
    chance = random.Random(3)
    for _ in range(300):
        colours, run = chance.choice((1, 2, 4, 8, 16, 256)), chance.choice((2, 20, 200))
        width, height = chance.randrange(1, 90), chance.randrange(1, 60)
        raw = b"".join(bytes([chance.randrange(colours)]) * chance.randrange(1, run) for _ in range(width * height))
        frame = Image.frombytes("P", (width, height), raw[: width * height])
        frame.putpalette(chance.randbytes(768))
        verify(canonical_of(saved(frame, "gif"), "gif"), Limits(), "image/gif")


@pytest.mark.parametrize("extension", [b"!\xfe\2hi\0", b"!\xff\x0bXMP DataXMP\2hi\0", b"!\1\x0c" + bytes(12) + b"\0"])
def test_no_other_extension_may_stand_in_a_gif(extension: bytes) -> None:
    data = SAMPLES["gif"]()
    assert_violation(data[:-1] + extension + b";", "unexpected-block")


@pytest.mark.parametrize("name", [b"EXIF", b"XMP ", b"ICCP", b"EVIL"])
@pytest.mark.parametrize("sample", ["webp", "webp lossless", "webp alpha", "webp animated"])
def test_no_other_chunk_may_stand_in_a_webp(name: bytes, sample: str) -> None:
    body = SAMPLES[sample]()[8:] + name + struct.pack("<I", 4) + b"data"
    assert_violation(b"RIFF" + struct.pack("<I", len(body)) + body)


def test_tags_of_a_tiff_are_an_allow_list() -> None:
    data = SAMPLES["tiff"]()
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    for number in range(count):
        for tag in (270, 700, 34665, 65000):
            changed = bytearray(data)
            struct.pack_into("<H", changed, at + 2 + 12 * number, tag)
            assert_violation(bytes(changed))


@pytest.mark.parametrize("words", [b"<ScRipt>", b"<?php ", b"JavaScript:", b"PK\x05\x06"])
def test_pixels_that_spell_a_carrier_are_a_violation(words: bytes) -> None:
    pixels = words.ljust(40 * 30 * 3, b"\0")
    bitmap = SAMPLES["bmp"]()
    assert_violation(bitmap[:54] + pixels, "foreign-bytes")


def test_originals_with_metadata_are_violations() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    for kind in ("png", "jpeg", "webp", "tiff"):
        assert_violation(saved(picture(), kind, exif=exif.tobytes()))
    assert_violation(saved(picture("P"), "gif", comment=b"hello"))


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"%PDF-1.7", b"MZ", b"\x89PNG", b"RIFF", b"II*\0", b"BM", b"\xff\xd8"]
)
def test_what_is_no_picture_is_a_violation(data: bytes) -> None:
    assert_violation(data)
