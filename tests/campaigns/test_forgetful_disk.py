"""The disk of the power cuts itself: what it must keep, what it may forget, and that it does."""

from __future__ import annotations

import errno
import random

import pytest
from support.forgetful_disk import ROOT, Disk, DiskError, File, Way

TORN = Way("torn", 512, 0.5)
OLD, NEW = b"o" * 4096, b"n" * 4096


def _with_file(*contents: bytes) -> tuple[Disk, File]:
    """A disk with a durable file; its later contents were written and not fsynced."""
    disk = Disk()
    file = disk.create(ROOT, "a", 0o600)
    disk.write(file.number, 0, contents[0])
    disk.sync_all()
    for content in contents[1:]:
        disk.write(file.number, 0, content)
    return disk, file


def _found(disk: Disk, name: str = "a") -> bytes:
    file = disk.named(ROOT, name)
    assert isinstance(file, File)
    return bytes(file.data)


def test_what_was_fsynced_is_there_and_what_was_not_is_gone() -> None:
    disk, file = _with_file(OLD)
    disk.write(file.number, 4096, NEW)
    disk.sync(file.number)
    disk.write(file.number, 0, NEW)
    disk.truncate(file.number, 100)
    disk.write(file.number, 9000, NEW)
    assert _found(disk)[:101] == b"n" * 100 + b"\0"
    assert _found(disk.cut(random.Random(1), Way("drop"))) == OLD + NEW


def test_sectors_are_torn_each_for_itself() -> None:
    for grain in (512, 4096):
        seen = set()
        for seed in range(40):
            disk, _ = _with_file(OLD * 4, NEW * 4)
            after = _found(disk.cut(random.Random(seed), Way("torn", grain, 0.5)))
            sectors = [after[place : place + grain] for place in range(0, len(after), grain)]
            assert all(len(set(sector)) == 1 for sector in sectors)
            seen.add(tuple(sector[:1] for sector in sectors))
        assert len(seen) > 5


def test_a_sector_may_be_any_of_its_versions() -> None:
    disk, _ = _with_file(b"1", b"2", b"3")
    found = set()
    for seed in range(60):
        disk, _ = _with_file(b"1", b"2", b"3")
        found.add(_found(disk.cut(random.Random(seed), TORN)))
    assert found == {b"1", b"2", b"3"}


def test_a_file_that_grew_may_have_any_of_its_sizes_and_holes_of_zeros() -> None:
    sizes, holes = set(), 0
    for seed in range(60):
        disk, file = _with_file(OLD)
        disk.write(file.number, 4096, NEW)
        disk.write(file.number, 8192, NEW)
        after = _found(disk.cut(random.Random(seed), TORN))
        sizes.add(len(after))
        holes += b"\0" * 512 in after
        assert after[:4096] == OLD
    assert sizes == {4096, 8192, 12288}
    assert holes > 10


def test_a_name_is_durable_with_its_folder_alone() -> None:
    endings = set()
    for seed in range(20):
        disk = Disk()
        file = disk.create(ROOT, "a.partial", 0o600)
        disk.sync(file.number)
        assert disk.folder(ROOT).durable == {}
        disk.sync(ROOT)
        disk.rename(ROOT, "a.partial", ROOT, "a")
        endings.add(tuple(disk.cut(random.Random(seed), TORN).folder(ROOT).names))
    assert endings == {("a.partial",), ("a",)}


def test_a_failed_fsync_is_forgotten_by_the_next_one() -> None:
    disk, file = _with_file(OLD, NEW)
    disk.fail_sync(file.number)
    assert _found(disk) == NEW
    disk.sync(file.number)
    assert _found(disk.cut(random.Random(1), Way("keep"))) == OLD
    disk, file = _with_file(OLD, NEW)
    disk.fail_sync(file.number)
    disk.write(file.number, 0, NEW)
    disk.sync(file.number)
    assert _found(disk.cut(random.Random(1), Way("drop"))) == NEW


def test_a_full_disk() -> None:
    disk = Disk(capacity=3 * 4096)
    file = disk.create(ROOT, "a", 0o600)
    disk.write(file.number, 0, OLD)
    with pytest.raises(DiskError) as full:
        disk.write(file.number, 4096, OLD + NEW)
    assert full.value.number == errno.ENOSPC
    disk.write(file.number, 0, NEW)
    disk.remove(ROOT, "a")
    assert disk.used == 0
