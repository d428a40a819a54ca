"""The backup's file: no byte is free, no name leads elsewhere, plain tools can open it, keys open with their
passphrase alone."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from ops.backup_format import (
    DATABASE,
    FORMAT,
    SEALED,
    ArchiveWriter,
    BackupRefused,
    Head,
    Manifest,
    encode_manifest,
    read_archive,
)
from ops.backup_keys import CHANCE, read_passphrase, seal, unseal
from ops.place import WrongUse

MADE = 1_800_000_000_123
PASSPHRASE = "とても長い合言葉を書いておきます。"
CONTENT = {DATABASE: b"SQLite" * 20, "quarantine/b_aa": b"", "quarantine/b_ab": b"x" * 512, "renditions/b_ba": b"%PDF"}


def archive(content: dict[str, bytes] | None = None, **change: object) -> bytes:
    """A backup of ``content``; ``change`` replaces fields of its manifest."""
    out = io.BytesIO()
    writer = ArchiveWriter(out, MADE)
    for name, data in (CONTENT if content is None else content).items():
        writer.add(name, len(data), [data])
    fields: dict[str, object] = {
        "format": FORMAT, "made_at": MADE, "release": "0", "origin": "sekisho/1", "schema": "1", "zones": ["lgwan"],
        "record": Head(0, "", None), "keys": "left-out", "public_keys": [], "absent": [],
        "members": list(writer.members), **change,
    }  # fmt: skip
    writer.finish(Manifest(**fields))  # type: ignore[arg-type]
    return out.getvalue()


def read(data: bytes) -> tuple[Manifest, dict[str, bytes]]:
    kept: dict[str, bytes] = {}

    def keep(name: str, chunks: Iterator[bytes]) -> None:
        kept[name] = b"".join(chunks)

    return read_archive(io.BytesIO(data), keep)[0], kept


def assert_refused(data: bytes, *codes: str) -> None:
    """``backup_damaged`` unless other codes are named."""
    with pytest.raises(BackupRefused) as refused:
        read(data)
    assert refused.value.code in (codes or ("backup_damaged",))


def offsets(data: bytes) -> list[int]:
    """Where each member's header begins."""
    with tarfile.open(fileobj=io.BytesIO(data)) as opened:
        return [member.offset for member in opened.getmembers()]


def test_what_was_written_is_read() -> None:
    manifest, kept = read(archive())
    assert kept == CONTENT
    assert manifest.made_at == MADE
    sums = {member.name: member.sha256 for member in manifest.members}
    assert all(sums[name] == hashlib.sha256(data).hexdigest() for name, data in CONTENT.items())


def test_no_byte_of_a_backup_is_free() -> None:
    data = archive({DATABASE: b"SQLite", "quarantine/b_aa": b"x"})
    for at, byte in enumerate(data):
        changed = bytes([byte ^ (1 << at % 8)])
        assert_refused(data[:at] + changed + data[at + 1 :], "backup_damaged", "not_a_backup")


def test_a_backup_cut_anywhere_or_made_longer_is_found() -> None:
    data = archive()
    for end in range(0, len(data), 97):
        assert_refused(data[:end], "backup_damaged", "not_a_backup")
    assert_refused(data[:-1])
    assert_refused(data + b"\0")


def test_members_swapped_left_out_or_repeated_are_found() -> None:
    data = archive()
    starts = offsets(data)
    one, two, three = (data[a:b] for a, b in pairwise(starts[2:6]))
    head, tail = data[: starts[2]], data[starts[5] :]
    assert head + one + two + three + tail == data
    for middle in (two + one + three, one + three, one + two + two + three, one + two + three + one):
        assert_refused(head + middle + tail)


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "quarantine/../lock", "keys/checkpoint.key", "lock", ""])
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    assert_refused(archive({DATABASE: b"x", name: b"x"}))


def test_a_link_is_refused() -> None:
    link = tarfile.TarInfo("quarantine/b_aa")
    link.type, link.linkname, link.mode, link.mtime = tarfile.SYMTYPE, "/etc/passwd", 0o600, MADE // 1000
    data = archive()
    at = offsets(data)[1]
    assert_refused(data[:at] + link.tobuf(tarfile.GNU_FORMAT) + data[at:])


@pytest.mark.parametrize(
    "change", [{"format": "sekisho-backup/2"}, {"made_at": MADE + 1000}, {"keys": "sealed"}, {"members": []}]
)
def test_a_manifest_that_says_something_else_is_refused(change: dict[str, object]) -> None:
    assert_refused(archive(CONTENT, **change))


def test_a_backup_without_its_database_is_refused() -> None:
    assert_refused(archive({"quarantine/b_aa": b"x"}))


@pytest.mark.parametrize("data", [b"", b"x" * 4096, bytes(4096)])
def test_another_file_is_no_backup(data: bytes) -> None:
    with pytest.raises(BackupRefused) as refused:
        read(data)
    assert refused.value.code == "not_a_backup"


def test_plain_tools_open_and_check_it(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(archive())
    subprocess.run(["tar", "xf", "b"], cwd=tmp_path, check=True, capture_output=True)
    subprocess.run(["sha256sum", "-c", "manifest.sha256"], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "manifest.json").read_bytes() == encode_manifest(read(archive())[0])
    assert (tmp_path / DATABASE).read_bytes() == CONTENT[DATABASE]


def test_a_file_that_changes_while_it_is_read_ends_the_backup() -> None:
    writer = ArchiveWriter(io.BytesIO(), MADE)
    with pytest.raises(OSError, match="changed while"):
        writer.add(DATABASE, 10, [b"short"])


# The keys -------------------------------------------------------------------------------------------------------------


def test_sealed_keys_open_with_their_passphrase_for_their_town_alone() -> None:
    keys = {"checkpoint.key": b"one\n", "receipt.key": b"two\n"}
    sealed = seal(keys, PASSPHRASE, "sekisho/1", bytes(range(CHANCE)))
    assert unseal(sealed, PASSPHRASE, "sekisho/1") == keys
    assert unseal(sealed, PASSPHRASE + "x", "sekisho/1") is None
    assert unseal(sealed, PASSPHRASE, "sekisho/2") is None
    assert unseal(sealed[:-1] + bytes([sealed[-1] ^ 1]), PASSPHRASE, "sekisho/1") is None
    assert unseal(sealed[:20], PASSPHRASE, "sekisho/1") is None
    assert unseal(b"x" + sealed, PASSPHRASE, "sekisho/1") is None
    assert b"one" not in sealed and b"checkpoint" not in sealed


def test_sealed_keys_are_content_of_a_backup() -> None:
    manifest, kept = read(archive({**CONTENT, SEALED: b"sealed"}, keys="sealed"))
    assert (manifest.keys, kept[SEALED]) == ("sealed", b"sealed")


def test_a_passphrase_is_the_first_line_and_long_enough(tmp_path: Path) -> None:
    path = tmp_path / "passphrase"
    path.write_text(f"{PASSPHRASE}\r\nsecond line\n", encoding="utf-8")
    assert read_passphrase(path) == PASSPHRASE
    assert read_passphrase(None) is None
    for bad in (b"short\n", b"", b"\xff" * 20):
        path.write_bytes(bad)
        with pytest.raises(WrongUse):
            read_passphrase(path)
    with pytest.raises(WrongUse):
        read_passphrase(tmp_path / "nothing")
