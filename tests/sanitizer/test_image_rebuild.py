"""Pictures rebuilt: they show the same, carry nothing else, pass the verifier, and are refused when broken."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable

import pytest
from PIL import Image, ImageCms, ImageDraw, ImageSequence, PngImagePlugin

from sanitizer.formats import image as image_format
from sanitizer.formats.base import Change, Job, Rebuilt, Refused
from sanitizer.formats.image_kinds import KINDS
from sanitizer.formats.image_png import encoded
from sanitizer.limits import Limits
from sanitizer.verify.image import verify

SECRET = b"SECRET-PAYLOAD-0123456789"
LOSSLESS = ("png", "gif", "tiff", "bmp")
ALL = ("png", "jpeg", "gif", "webp", "tiff", "bmp")


def drawing(size: tuple[int, int] = (64, 48), mode: str = "RGB") -> Image.Image:
    picture = Image.linear_gradient("L").resize(size).convert("RGB")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((5, 5, 30, 20), fill=(200, 30, 40))
    draw.ellipse((20, 10, 60, 44), outline=(20, 60, 200), width=3)
    if mode in ("RGBA", "LA"):
        picture = picture.convert(mode)
        picture.putalpha(Image.radial_gradient("L").resize(size))
        return picture
    return picture.convert(mode)


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind.upper(), **options)
    return out.getvalue()


def rebuilt(data: bytes, kind: str, limits: Limits | None = None) -> Rebuilt:
    """The rebuilt picture, which must pass the verifier and give a thumbnail that passes it too."""
    limits = limits or Limits()
    made = image_format.rebuild(data, Job(f"image/{kind}", "rebuild", f"x.{kind}", None, limits))
    assert made.mime == f"image/{kind}"
    verify(made.data, limits, made.mime)
    thumb = image_format.thumbnail(made.data, limits)
    assert thumb is not None
    verify(thumb, limits, "image/png")
    assert max(opened(thumb).size) <= 320
    return made


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def kinds(changes: list[Change]) -> list[str]:
    return [change.kind for change in changes]


def difference(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of two pictures' samples, 0–255, after both are laid on white."""
    assert one.size == other.size
    a, b = (on_white(picture).tobytes() for picture in (one, other))
    return sum(abs(x - y) for x, y in zip(a, b, strict=True)) / len(a)


def on_white(picture: Image.Image) -> Image.Image:
    ground = Image.new("RGBA", picture.size, "white")
    ground.alpha_composite(picture.convert("RGBA"))
    return ground.convert("RGB")


def assert_refused(data: bytes, kind: str, code: str, limits: Limits | None = None) -> None:
    with pytest.raises(Refused) as refusal:
        rebuilt(data, kind, limits)
    assert refusal.value.code == code


# It shows


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_png_keeps_every_pixel(mode: str) -> None:
    source = (
        drawing(mode="L").convert("I").point(lambda v: v * 257).convert("I;16")
        if mode == "I;16"
        else drawing(mode=mode)
    )
    data = saved(source, "png")
    made = opened(rebuilt(data, "png").data)
    assert made.convert("RGBA").tobytes() == opened(data).convert("RGBA").tobytes()
    assert made.mode == opened(data).mode


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("size", [(64, 48), (61, 33), (1, 1)])
def test_bmp_keeps_every_pixel(mode: str, size: tuple[int, int]) -> None:
    data = saved(drawing(size, mode), "bmp")
    assert opened(rebuilt(data, "bmp").data).convert("RGB").tobytes() == opened(data).convert("RGB").tobytes()


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_tiff_keeps_every_pixel(mode: str, compression: str) -> None:
    data = saved(drawing((129, 65), mode), "tiff", compression=compression)
    made = opened(rebuilt(data, "tiff").data)
    assert made.convert("RGBA").tobytes() == opened(data).convert("RGBA").tobytes()


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
def test_tiff_fax_keeps_every_pixel_and_its_size(compression: str) -> None:
    data = saved(drawing((800, 600), "1"), "tiff", compression=compression)
    made = rebuilt(data, "tiff").data
    assert opened(made).tobytes() == opened(data).tobytes()
    assert len(made) <= len(data) * 1.1


def test_tiff_jpeg_stays_jpeg() -> None:
    data = saved(drawing((300, 200)), "tiff", compression="jpeg", quality=80)
    made = rebuilt(data, "tiff").data
    assert opened(made).info["compression"] == "jpeg"
    assert difference(opened(made), opened(data)) < 2
    assert len(made) <= len(data) * 1.1 + 400


def test_tiff_keeps_pages_and_resolution() -> None:
    pages = [drawing((40, 30)), drawing((30, 40), "L"), drawing((50, 20), "1")]
    data = saved(pages[0], "tiff", save_all=True, append_images=pages[1:], dpi=(300, 300))
    made = opened(rebuilt(data, "tiff").data)
    assert [page.size for page in ImageSequence.Iterator(made)] == [page.size for page in pages]
    assert made.info["dpi"] == (300, 300)


@pytest.mark.parametrize("quality", [30, 75, 85, 95])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_stays_alike_in_look_and_size(quality: int, subsampling: int, progressive: bool) -> None:
    data = saved(drawing((240, 180)), "jpeg", quality=quality, subsampling=subsampling, progressive=progressive)
    made = rebuilt(data, "jpeg").data
    assert difference(opened(made), opened(data)) < 1
    assert len(made) <= len(data) * 1.1
    assert bool(opened(made).info.get("progressive")) == progressive
    assert opened(made).layer == opened(data).layer  # type: ignore[attr-defined]


def test_grey_jpeg_stays_grey() -> None:
    assert opened(rebuilt(saved(drawing(mode="L"), "jpeg"), "jpeg").data).mode == "L"


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("lossless", [False, True])
def test_webp_stays_alike_in_look_and_size(mode: str, lossless: bool) -> None:
    data = saved(drawing((240, 180), mode), "webp", lossless=lossless, quality=80)
    made = rebuilt(data, "webp").data
    assert difference(opened(made), opened(data)) <= (0 if lossless else 2)
    assert len(made) <= len(data) * 1.1


def frames_of(data: bytes) -> list[bytes]:
    return [frame.convert("RGBA").tobytes() for frame in ImageSequence.Iterator(Image.open(io.BytesIO(data)))]


def delays_of(picture: Image.Image) -> list[int]:
    delays = []
    for frame in ImageSequence.Iterator(picture):
        frame.load()
        delays.append(int(frame.info["duration"]))
    return delays


def animation(kind: str, **options: object) -> bytes:
    frames = [drawing((40, 30), "RGBA" if kind != "gif" else "P") for _ in range(4)]
    for number, frame in enumerate(frames):
        ImageDraw.Draw(frame).rectangle(
            (3 * number, 2, 3 * number + 8, 12), fill=number + 1 if kind == "gif" else "red"
        )
    return saved(
        frames[0], kind, save_all=True, append_images=frames[1:], duration=[100, 200, 300, 50], loop=3, **options
    )


@pytest.mark.parametrize("kind", ["png", "gif", "webp"])
def test_an_animation_keeps_frames_delays_and_loop(kind: str) -> None:
    data = animation(kind, **({"lossless": True} if kind == "webp" else {}))
    made = rebuilt(data, kind).data
    before, after = Image.open(io.BytesIO(data)), Image.open(io.BytesIO(made))
    assert frames_of(made) == frames_of(data)
    assert after.info.get("loop") == before.info.get("loop") == 3
    assert delays_of(after) == delays_of(before) == [100, 200, 300, 50]


def test_an_animation_that_breaks_the_rules_becomes_a_still() -> None:
    data = animation("png").replace(b"fdAT", b"fdAX")
    made = rebuilt(data, "png")
    assert getattr(opened(made.data), "n_frames", 1) == 1
    assert "animation" in kinds(made.removed)


def test_transparency_by_colour_key_stays() -> None:
    source = Image.new("RGB", (2, 1), (9, 8, 7))
    source.putpixel((1, 0), (1, 2, 3))
    made = opened(rebuilt(saved(source, "png", transparency=(9, 8, 7)), "png").data)
    assert [made.getpixel((x, 0)) for x in (0, 1)] == [(9, 8, 7, 0), (1, 2, 3, 255)]


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff"])
def test_orientation_goes_into_the_pixels(orientation: int, kind: str) -> None:
    source = Image.new("RGB", (32, 16), "white")
    source.paste("red", (0, 0, 16, 8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    made = rebuilt(saved(source, kind, exif=exif.tobytes()), kind)
    picture = opened(made.data).convert("RGB")
    assert picture.size == ((16, 32) if orientation >= 5 else (32, 16))
    corner = {2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1)}[orientation]
    place = tuple(int((0.25 + 0.5 * corner[axis]) * picture.size[axis]) for axis in (0, 1))
    red, green, _ = picture.getpixel((place[0], place[1]))  # type: ignore[misc]
    assert red > 200 > 100 > green
    assert "orientation" in kinds(made.changed)
    assert not opened(made.data).getexif().get(0x0112)


def test_colours_of_another_profile_become_srgb() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    source = drawing()
    same = rebuilt(saved(source, "png", icc_profile=srgb), "png")
    assert opened(same.data).tobytes() == source.tobytes()
    assert (kinds(same.removed), kinds(same.changed)) == (["icc-profile"], [])
    useless = rebuilt(saved(source, "png", icc_profile=lab), "png")
    assert opened(useless.data).tobytes() == source.tobytes()
    swapped = rebuilt(saved(source, "png", icc_profile=swapped_primaries(srgb)), "png")
    assert kinds(swapped.changed) == ["colour-space"]
    assert opened(swapped.data).tobytes() != source.tobytes()
    assert not opened(swapped.data).info.get("icc_profile")


def swapped_primaries(profile: bytes) -> bytes:
    """The profile with its red and green primaries exchanged."""
    assert profile.count(b"rXYZ") == profile.count(b"gXYZ") == 1
    return profile.replace(b"rXYZ", b"tXYZ").replace(b"gXYZ", b"rXYZ").replace(b"tXYZ", b"gXYZ")


def test_cmyk_becomes_rgb() -> None:
    made = rebuilt(saved(drawing().convert("CMYK"), "jpeg"), "jpeg")
    assert opened(made.data).mode == "RGB"
    assert "colour-space" in kinds(made.changed)


def test_resolution_stays() -> None:
    for kind in ("png", "jpeg"):
        across, down = opened(rebuilt(saved(drawing(), kind, dpi=(300, 150)), kind).data).info["dpi"]
        assert (round(across), round(down)) == (300, 150)


# It cleans


def with_gps() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = SECRET.decode()
    exif.get_ifd(0x8825)[1] = "N"
    return exif.tobytes()


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_with(*extra: bytes) -> bytes:
    data = saved(drawing(), "png")
    return data[:33] + b"".join(extra) + data[33:]


def jpeg_with(marker: int, body: bytes) -> bytes:
    data = saved(drawing(), "jpeg")
    return data[:2] + bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body + data[2:]


def gif_with(extension: bytes) -> bytes:
    data = saved(drawing(mode="P"), "gif")
    return data[:-1] + extension + b";"


def webp_with(name: bytes) -> bytes:
    data = saved(drawing(mode="RGBA"), "webp", exif=with_gps(), xmp=SECRET)
    body = data[8:] + name + struct.pack("<I", len(SECRET)) + SECRET + b"\0" * (len(SECRET) & 1)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def text_info() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", SECRET.decode())
    info.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    return info


CARRIED: dict[str, tuple[str, Callable[[], bytes], set[str]]] = {
    "png text": ("png", lambda: saved(drawing(), "png", pnginfo=text_info()), {"text-metadata", "xmp"}),
    "png exif": ("png", lambda: saved(drawing(), "png", exif=with_gps()), {"exif", "gps"}),
    "png private": ("png", lambda: png_with(png_chunk(b"prVt", SECRET)), {"private-data"}),
    "png time": ("png", lambda: png_with(png_chunk(b"tIME", b"\x07\xe8\1\1\1\1\1")), {"time-stamp"}),
    "jpeg gps": ("jpeg", lambda: saved(drawing(), "jpeg", exif=with_gps()), {"exif", "gps"}),
    "jpeg comment": ("jpeg", lambda: saved(drawing(), "jpeg", comment=SECRET), {"comment"}),
    "jpeg xmp": ("jpeg", lambda: saved(drawing(), "jpeg", xmp=SECRET), {"xmp"}),
    "jpeg iptc": ("jpeg", lambda: jpeg_with(0xED, b"Photoshop 3.0\0" + SECRET), {"iptc"}),
    "jpeg private": ("jpeg", lambda: jpeg_with(0xE9, SECRET), {"private-data"}),
    "jpeg pictures": ("jpeg", lambda: jpeg_with(0xE2, b"MPF\0" + SECRET), {"embedded-image"}),
    "gif comment": ("gif", lambda: gif_with(b"!\xfe\x19" + SECRET + b"\0"), {"comment"}),
    "gif application": ("gif", lambda: gif_with(b"!\xff\x0bEVILAPP1.0x\x19" + SECRET + b"\0"), {"private-data"}),
    "gif words": ("gif", lambda: gif_with(b"!\x01\x0c" + bytes(12) + b"\x19" + SECRET + b"\0"), {"text-metadata"}),
    "webp metadata": ("webp", lambda: webp_with(b"EVIL"), {"exif", "gps", "xmp", "private-data"}),
    "tiff words": ("tiff", lambda: saved(drawing(), "tiff", tiffinfo={270: SECRET.decode()}), {"text-metadata"}),
    "tiff private": ("tiff", lambda: saved(drawing(), "tiff", tiffinfo={65000: SECRET}), {"private-data"}),
}


@pytest.mark.parametrize("case", CARRIED)
def test_what_is_carried_goes_and_is_named(case: str) -> None:
    kind, make, expected = CARRIED[case]
    data = make()
    made = rebuilt(data, kind)
    assert set(kinds(made.removed)) == expected
    assert SECRET not in made.data
    assert SECRET[4:-4] not in made.data
    assert zlib.compress(SECRET)[2:-4] not in made.data


@pytest.mark.parametrize("kind", ALL)
def test_bytes_behind_the_picture_go(kind: str) -> None:
    made = rebuilt(saved(drawing(), kind) + b"PK\x05\x06" + SECRET, kind)
    assert kinds(made.removed) == ["trailing-bytes"]
    assert SECRET not in made.data


@pytest.mark.parametrize("kind", ["png", "gif", "bmp", "tiff"])
def test_colours_that_no_pixel_uses_go(kind: str) -> None:
    picture = Image.new("P", (16, 16), 0)
    picture.putpixel((3, 3), 255)
    palette = bytearray(SECRET.ljust(768, b"x"))
    palette[:3], palette[-3:] = b"\xff\0\0", b"\0\0\xff"
    picture.putpalette(bytes(palette))
    made = rebuilt(saved(picture, kind, **({"optimize": False} if kind == "gif" else {})), kind)
    assert SECRET[3:] not in made.data
    assert b"x" * 30 not in made.data
    assert opened(made.data).convert("RGB").getpixel((3, 3)) == (0, 0, 255)


def test_quantisation_tables_that_hide_something_become_standard_ones() -> None:
    message = b"words hidden in the tables of a picture, byte by byte, 64 of them"
    data = saved(drawing(), "jpeg", qtables=[list(message[:64]), list(message[:64])])
    made = rebuilt(data, "jpeg").data
    assert message[:8] in data or set(message[:64]) <= set(data)
    quantisation = made[made.index(b"\xff\xdb") :][:69]
    assert sorted(quantisation[5:]) != sorted(message[:64])


def spelling_picture(order: str) -> Image.Image:
    """Noise that no compressor shortens, with words painted into it."""
    noise = bytearray(random.Random(5).randbytes(256 * 64 * 3))
    words = b"<script>alert(1)</script>PK\x05\x06"
    noise[30_000 : 30_000 + len(words)] = words
    return Image.frombytes("RGB", (256, 64), bytes(noise), "raw", order)


def test_pixels_of_a_bmp_that_spell_a_script_are_altered() -> None:
    picture = spelling_picture("BGR")
    data = saved(picture, "bmp")
    assert b"<script" in data
    made = rebuilt(data, "bmp").data
    assert b"<script" not in made
    assert difference(opened(made), picture) <= 2


def test_pixels_of_a_png_that_spell_a_script_are_altered() -> None:
    picture = Image.frombytes("P", (768, 64), spelling_picture("RGB").tobytes())
    picture.putpalette(random.Random(6).randbytes(768))
    picture.info["transparency"] = 7
    data = saved(picture, "png")
    assert b"<script" in data
    assert b"<script" in encoded(picture.copy(), 7, 0).encode()
    made = rebuilt(data, "png").data
    assert b"<script" not in made
    assert opened(made).convert("RGBA").tobytes() == picture.convert("RGBA").tobytes()


# It refuses what is broken or too much


@pytest.mark.parametrize("kind", ALL)
def test_a_corrupted_file_is_refused(kind: str) -> None:
    data = saved(drawing(), kind)
    assert_refused(data[:16], kind, "unreadable")
    assert_refused(bytes(1000), kind, "unreadable")
    assert_refused(data[:4] + bytes(len(data) - 4), kind, "unreadable")


@pytest.mark.parametrize("kind", ALL)
def test_another_kind_of_picture_is_refused(kind: str) -> None:
    other = "png" if kind != "png" else "gif"
    assert_refused(saved(drawing(), other), kind, "unreadable")


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_a_file_cut_short_shows_its_beginning_and_says_so(kind: str) -> None:
    picture = Image.effect_noise((200, 200), 90).convert("RGB")
    data = saved(picture, kind, **({"quality": 90} if kind == "jpeg" else {}))
    made = rebuilt(data[: len(data) // 2], kind)
    assert kinds(made.changed) == ["incomplete"]
    top = (0, 0, 200, 60)
    assert difference(opened(made.data).crop(top).convert("RGB"), opened(data).crop(top)) < 3


def test_a_gif_cut_short_keeps_its_whole_frames() -> None:
    data = animation("gif")
    made = rebuilt(data[: len(data) * 3 // 4], "gif")
    assert kinds(made.changed) == ["incomplete"]
    assert frames_of(made.data)[0] == frames_of(data)[0]


def test_wrong_checksums_are_mended_and_said() -> None:
    data = bytearray(png_with(png_chunk(b"tEXt", b"a\0b")))
    data[33 + 8 + 3 + 1] ^= 0xFF
    assert "checksum" in kinds(rebuilt(bytes(data), "png").changed)


@pytest.mark.parametrize("kind", ALL)
def test_pixels_are_counted_before_they_are_decoded(kind: str) -> None:
    assert_refused(saved(drawing((100, 100)), kind), kind, "too-many-pixels", Limits(max_pixels=9_999))


def test_a_bomb_is_refused_by_its_header() -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(bytes(1000)))
    assert_refused(bomb, "png", "too-many-pixels")


@pytest.mark.parametrize("kind", ["png", "gif", "webp"])
def test_frames_are_bounded_in_number_and_pixels(kind: str) -> None:
    data = animation(kind)
    assert_refused(data, kind, "too-many-pages", Limits(max_frames=3))
    assert_refused(data, kind, "too-many-pixels", Limits(max_pixels=40 * 30 + 50))


def test_pages_of_a_tiff_are_bounded() -> None:
    data = saved(drawing(), "tiff", save_all=True, append_images=[drawing()] * 4)
    assert_refused(data, "tiff", "too-many-pages", Limits(max_frames=4))


def test_a_tiff_whose_directories_form_a_loop_ends() -> None:
    data = bytearray(saved(drawing(), "tiff"))
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    struct.pack_into("<I", data, at + 2 + 12 * count, at)
    assert getattr(opened(rebuilt(bytes(data), "tiff").data), "n_frames", 1) == 1


def test_every_kind_has_words_in_both_languages() -> None:
    assert all(ja and en and not ja.isascii() and en.isascii() for ja, en in KINDS.values())
