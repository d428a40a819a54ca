"""Archives in jails: what is kept, what goes, what is refused, and the password."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator

import pikepdf
import pytest
from PIL import Image
from support.archive_samples import (
    DESCRIPTOR,
    DEVICE,
    SYMLINK,
    Part,
    by_libarchive,
    contents,
    lzh_of,
    needs_libarchive,
    rar_of,
    seven_zip_of,
    unicode_path,
    zip_of,
)
from support.heic_samples import PHOTO
from support.jails import examine, refused, started
from support.received_pdf import benign

from sanitizer.formats.archive import library
from sanitizer.formats.archive.kinds import KINDS
from sanitizer.supervisor import Supervisor
from sanitizer.verdict import Verdict

PASSWORD = "合言葉"
NOTE = "(取り除きました).txt"
TWO = [("総務/表.txt", b"hello"), ("b.csv", b"1,2\r\n")]


@pytest.fixture(scope="module")
def supervisor() -> Iterator[Supervisor]:
    with started(Supervisor(strict=True)) as supervisor:
        yield supervisor


async def left(
    supervisor: Supervisor, data: bytes, name: str = "a.zip", **more: str
) -> tuple[dict[str, bytes], Verdict]:
    """The members that leave, and the verdict; fails if the archive is refused."""
    examined = await examine(supervisor, data, name=name, **more)  # type: ignore[arg-type]
    assert examined.output is not None, examined.verdict
    try:
        return contents(os.pread(examined.output, 1 << 24, 0)), examined.verdict
    finally:
        os.close(examined.output)


def told(verdict: Verdict) -> set[tuple[str, str]]:
    return {(change.kind, change.where) for change in (*verdict.removed, *verdict.changed)}


def encrypted_pdf(user: str) -> bytes:
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(benign())) as document:
        document.save(buffer, encryption=pikepdf.Encryption(user=user, owner="chief"))
    return buffer.getvalue()


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").save(buffer, "PNG")
    return buffer.getvalue()


async def test_members_are_rebuilt_by_their_own_formats_and_keep_names_folders_and_order(
    supervisor: Supervisor,
) -> None:
    data = zip_of(
        ("総務/お知らせ.txt", "休館日".encode("cp932")),
        ("総務/写真.heic", PHOTO),
        ("page.html", b"<p onclick='x()'>a<script>x()</script>"),
        ("空/", b""),
        ("総務/", b""),
        ("図.png", picture()),
        ("内.zip", zip_of(("報告.pdf", benign()))),
    )
    members, verdict = await left(supervisor, data)
    assert list(members) == ["総務/お知らせ.txt", "総務/写真.jpg", "page.html", "図.png", "内.zip", "空/"]
    assert members["総務/お知らせ.txt"] == "休館日".encode("cp932")
    assert b"script" not in members["page.html"]
    assert b"onclick" not in members["page.html"]
    assert contents(members["内.zip"])["報告.pdf"].startswith(b"%PDF-")
    assert ("event-handler", "member 3") in told(verdict)
    assert any(where == "member 7/1" for _, where in told(verdict))
    assert verdict.output is not None
    assert (verdict.output.name, verdict.output.type, verdict.input.type) == (
        "a.zip",
        "application/zip",
        "application/zip",
    )
    assert verdict.verified is not None
    assert (verdict.verified.by, verdict.verified.ok) == ("sanitizer.verify.archive", True)


async def test_a_refused_member_leaves_a_note_in_its_place(supervisor: Supervisor) -> None:
    data = zip_of(("a/報告書\u202efdp.exe", b"MZ"), ("a/空.txt", b""), ("a/x.xyz", bytes(range(9))), ("b.txt", b"x"))
    members, verdict = await left(supervisor, data)
    assert list(members) == [f"a/報告書fdp_exe{NOTE}", f"a/空_txt{NOTE}", f"a/x_xyz{NOTE}", "b.txt"]
    assert "実行できるファイル" in members[f"a/報告書fdp_exe{NOTE}"].decode("utf-8-sig")
    assert {("member-refused", f"member {n}") for n in (1, 2, 3)} <= told(verdict)


async def test_what_belongs_to_no_member_goes(supervisor: Supervisor) -> None:
    data = zip_of(
        Part("a.txt", b"a", comment=b"c", extra=b"\x99\x99\x02\x00xx", gap=b"junk"),
        Part("link", b"/etc/passwd", attributes=SYMLINK),
        Part("tty", attributes=DEVICE),
        ("__MACOSX/._a.txt", b"\0\5"),
        ("x/.DS_Store", b"\0"),
        ("d.txt", b"d"),
        before=b"#!/bin/sh\n"[2:],
        after=b"tail",
        comment=b"comment",
    )
    members, verdict = await left(supervisor, data)
    assert members == {"a.txt": b"a", "d.txt": b"d"}
    counts = {change.kind: change.count for change in verdict.removed}
    assert counts == {"foreign-bytes": 2, "comment": 2, "special-file": 2, "system-file": 2}
    examined = await examine(supervisor, data, name="a.zip")
    assert examined.output is not None
    whole = os.pread(examined.output, 1 << 20, 0)
    os.close(examined.output)
    for gone in (b"junk", b"tail", b"comment", b"xx", b"passwd"):
        assert gone not in whole


async def test_names_are_read_as_their_makers_meant_them(supervisor: Supervisor) -> None:
    raw = "ソ表.txt".encode("cp932")
    for parts, name in (
        ([Part(raw, b"x")], "ソ表.txt"),
        ([Part("会議資料.txt".encode(), b"x")], "会議資料.txt"),
        ([Part("会議資料.txt".encode("euc_jp"), b"x")], "会議資料.txt"),
        ([Part(b"?.txt", b"x", extra=unicode_path(b"?.txt", "葛\U000e0100.txt"))], "葛\U000e0100.txt"),
        ([Part("がぎ.txt", b"x")], "がぎ.txt"),
        ([Part("予算\\ソ表.txt".encode("cp932"), b"x")], "予算/ソ表.txt"),
    ):
        assert list((await left(supervisor, zip_of(*parts)))[0]) == [name]


async def test_names_cannot_lead_out_or_lie(supervisor: Supervisor) -> None:
    names = [
        "../../etc/x.txt",
        "/abs.txt",
        "C:\\win.txt",
        "con.txt",
        "a.txt:s.txt",
        "dot. ",
        "A.txt",
        "a.TXT",
        "a.txt/in.txt",
    ]
    members, verdict = await left(supervisor, zip_of(*((name, b"x") for name in names)))
    assert list(members) == [
        *(
            "etc/x.txt",
            "abs.txt",
            "win.txt",
            "_con.txt",
            "a.txt_s.txt",
            "dot.txt",
            "A.txt",
            "a(2).TXT",
            "a(3).txt/in.txt",
        ),
    ]
    assert ("member-name", "") in told(verdict)


async def test_text_is_names_and_what_the_members_say(supervisor: Supervisor) -> None:
    inner = zip_of(("深い.txt", "個人番号".encode("cp932")))
    examined = await examine(
        supervisor, zip_of(("表.csv", b"1,2"), ("図.png", picture()), ("i.zip", inner)), name="a.zip", text=True
    )
    assert examined.output is not None
    os.close(examined.output)
    assert (examined.text, examined.thumbnail) == ("表.csv\n1,2\n図.png\ni.zip\n深い.txt\n個人番号\n\n", None)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (zip_of(), "nothing-left"),
        (zip_of(Part("link", b"x", attributes=SYMLINK)), "nothing-left"),
        (zip_of(("a.exe", b"MZ"), ("b.bat", b"x")), "executable"),
        (zip_of(("a.exe", b"MZ"), ("b.txt", b"")), "nothing-left"),
        (zip_of(("a.txt", bytes(3 << 20))), "bomb"),
        (zip_of(Part("a.txt", b"x" * 99), Part("b.txt", b"x" * 99, same_header_as_first=True)), "bomb"),
        (zip_of(("a.txt", b"x"))[:-30], "unreadable"),
        (zip_of(("a.txt", b"x")).replace(b"PK\5\6\0\0", b"PK\5\6\3\0"), "split-archive"),
        (zip_of(Part("a.txt", b"x", flags=0x41)), "unsupported-encryption"),
        (zip_of(Part("a.txt", b"x", local_method=0)), "unreadable"),
        (zip_of(Part("a.txt", b"x", size=2)), "unreadable"),
        (zip_of(*((f"{n}.txt", b"x") for n in range(10_001))), "bomb"),
    ],
)
async def test_what_cannot_be_let_through_says_why(supervisor: Supervisor, data: bytes, code: str) -> None:
    assert await refused(supervisor, data, name="a.zip") == code


async def test_a_damaged_member_harms_no_other(supervisor: Supervisor) -> None:
    broken = Part("b.txt", b"y" * 50, local_method=3)
    members, _ = await left(supervisor, zip_of(Part("a.txt", b"x", flags=DESCRIPTOR), broken, ("c.txt", b"z")))
    assert list(members) == ["a.txt", f"b_txt{NOTE}", "c.txt"]


async def test_bombs_within_bombs_cost_little(supervisor: Supervisor) -> None:
    layer = zip_of(*((f"{n}.txt", b"x" * (1 << 20)) for n in range(15)))
    for _ in range(2):
        layer = zip_of(*((f"{n}.zip", layer) for n in range(15)))
    examined = await examine(supervisor, layer, name="a.zip")
    assert examined.verdict.code == "bomb"
    assert examined.verdict.cpu_seconds < 5
    assert examined.verdict.peak_rss < 1 << 30


async def test_three_archives_in_one_another_and_no_fourth(supervisor: Supervisor) -> None:
    layers = [zip_of(("a.txt", b"x"))]
    for _ in range(3):
        layers.append(zip_of(("z.zip", layers[-1]), ("t.txt", b"t")))
    members, _ = await left(supervisor, layers[2])
    assert contents(contents(members["z.zip"])["z.zip"]) == {"a.txt": b"x"}
    members, _ = await left(supervisor, layers[3])
    assert list(contents(contents(members["z.zip"])["z.zip"])) == [f"z_zip{NOTE}", "t.txt"]


@needs_libarchive
@pytest.mark.parametrize("encryption", ["zipcrypt", "aes128", "aes256"])
async def test_an_encrypted_zip_asks_and_opens(supervisor: Supervisor, encryption: str) -> None:
    data = by_libarchive("zip", TWO, f"zip:encryption={encryption}")
    assert await refused(supervisor, data, name="a.zip") == "needs-password"
    assert await refused(supervisor, data, name="a.zip", password="x") == "wrong-password"
    members, verdict = await left(supervisor, data, password=PASSWORD)
    assert members == dict(TWO)
    assert ("encryption", "") in told(verdict)
    old = by_libarchive("zip", TWO, f"zip:encryption={encryption}", encoding="cp932")
    assert (await left(supervisor, old, password=PASSWORD))[0] == dict(TWO)


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("method", ["lzma", "lzma2", "bzip2", "deflate", "copy"])
async def test_an_encrypted_7z_asks_and_opens(supervisor: Supervisor, method: str, hidden: bool) -> None:
    data = seven_zip_of(*TWO, password=PASSWORD, hidden=hidden, method=method)
    assert await refused(supervisor, data, name="a.7z") == "needs-password"
    assert await refused(supervisor, data, name="a.7z", password="x") == "wrong-password"
    members, verdict = await left(supervisor, data, name="a.7z", password=PASSWORD)
    assert members == dict(TWO)
    assert ("encryption", "") in told(verdict)


async def test_a_plain_7z_needs_no_library_and_loses_its_links(supervisor: Supervisor) -> None:
    for method in ("lzma", "lzma2", "bzip2", "deflate", "copy"):
        members, _ = await left(supervisor, seven_zip_of(*TWO, method=method, hidden=True), name="a.7z")
        assert members == dict(TWO)
    assert await refused(supervisor, seven_zip_of(*TWO, mode=0o120777), name="a.7z") == "nothing-left"
    data = seven_zip_of(("a.txt", b"x" * 99), ("b.txt", b"y"), method="copy")
    members, _ = await left(supervisor, data.replace(b"xxx", b"xzx", 1), name="a.7z")
    assert list(members) == [f"a_txt{NOTE}", "b.txt"]


async def test_the_password_of_a_member_is_asked_for_and_tried(supervisor: Supervisor) -> None:
    data = zip_of(("i.zip", zip_of(("a.pdf", encrypted_pdf("himitsu")))), ("b.txt", b"x"))
    assert await refused(supervisor, data, name="a.zip") == "needs-password"
    assert await refused(supervisor, data, name="a.zip", password="x") == "wrong-password"
    members, _ = await left(supervisor, data, password="himitsu")
    assert list(contents(members["i.zip"])) == ["a.pdf"]


@needs_libarchive
@pytest.mark.parametrize("level", [0, 1, 2, 3])
@pytest.mark.parametrize("method", [b"-lh5-", b"-lh0-"])
async def test_lzh_leaves_as_zip(supervisor: Supervisor, level: int, method: bytes) -> None:
    raw = "ソ表.txt".encode("cp932")
    members, verdict = await left(
        supervisor, lzh_of((raw, b"hello"), (b"b.exe", b"MZ"), level=level, method=method), name="届出.lzh"
    )
    assert members == {"ソ表.txt": b"hello", f"b_exe{NOTE}": members[f"b_exe{NOTE}"]}
    assert ("to-zip", "") in told(verdict)
    assert verdict.output is not None
    assert verdict.output.name == "届出.zip"


@needs_libarchive
@pytest.mark.parametrize(
    ("kind", "filters", "name"),
    [
        ("7zip", [], "a.7z"),
        ("gnutar", [], "a.tar"),
        ("gnutar", ["gzip"], "a.tgz"),
        ("gnutar", ["bzip2"], "a.tar.bz2"),
        ("gnutar", ["xz"], "a.tar.xz"),
    ],
)
async def test_other_archives_leave_as_zip(supervisor: Supervisor, kind: str, filters: list[str], name: str) -> None:
    members, verdict = await left(supervisor, by_libarchive(kind, TWO, filters=filters), name=name)
    assert members == dict(TWO)
    assert ("to-zip", "") in told(verdict)


async def test_a_stored_pdf_at_the_beginning_does_not_make_an_archive_a_pdf(supervisor: Supervisor) -> None:
    members, _ = await left(supervisor, zip_of(Part("様式.pdf", benign(), method=0)))
    assert members["様式.pdf"].startswith(b"%PDF-")
    if library.AVAILABLE:
        assert list((await left(supervisor, by_libarchive("gnutar", [("a.pdf", benign())]), name="a.tar"))[0]) == [
            "a.pdf"
        ]
        stored = lzh_of((b"a.pdf", benign()), method=b"-lh0-")
        assert list((await left(supervisor, stored, name="a.lzh"))[0]) == ["a.pdf"]


@needs_libarchive
async def test_rar_leaves_as_zip_unless_it_is_encrypted(supervisor: Supervisor) -> None:
    parts = [("総務\\表.txt".encode(), b"hello"), (b"b.exe", b"MZ")]
    members, verdict = await left(supervisor, rar_of(*parts), name="a.rar")
    assert list(members) == ["総務/表.txt", f"b_exe{NOTE}"]
    assert verdict.output is not None
    assert verdict.output.name == "a.zip"
    assert await refused(supervisor, rar_of(*parts, encrypted=True), name="a.rar") == "unsupported-encryption"


@needs_libarchive
async def test_a_compressed_single_file_leaves_as_zip(supervisor: Supervisor) -> None:
    data = by_libarchive("raw", [("x", b"1,2\r\n")], filters=["gzip"])
    members, verdict = await left(supervisor, data, name="表.csv.gz")
    assert members == {"表.csv": b"1,2\r\n"}
    assert verdict.output is not None
    assert verdict.output.name == "表.csv.zip"


def test_every_kind_has_words() -> None:
    assert all(ja and en and en.isascii() and not ja.isascii() for ja, en in KINDS.values())
