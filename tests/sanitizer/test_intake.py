"""Files at the door: empty, huge, changing, and what a jail may write."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sanitizer import intake

MIB = 1 << 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.fixture
def descriptor(path: Path) -> Iterator[int]:
    opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    yield opened
    os.close(opened)


def assert_not_taken(descriptor: int, code: str) -> None:
    with pytest.raises(intake.NotTaken) as refused:
        intake.take_in(descriptor, 200 * MIB)
    assert refused.value.code == code


def test_an_empty_file_is_not_taken(descriptor: int) -> None:
    assert_not_taken(descriptor, "empty")


def test_four_sparse_gibibytes_are_not_even_read(descriptor: int) -> None:
    os.ftruncate(descriptor, 4 << 30)
    assert_not_taken(descriptor, "too-large")


def test_a_folder_or_a_pipe_is_not_taken(tmp_path: Path) -> None:
    for opened in (os.open(tmp_path, os.O_RDONLY), *os.pipe()):
        assert_not_taken(opened, "unreadable")
        os.close(opened)


def test_a_small_file_is_copied_and_can_no_longer_change(descriptor: int) -> None:
    os.write(descriptor, b"first")
    taken = intake.take_in(descriptor, MIB)
    os.pwrite(descriptor, b"other", 0)
    assert os.pread(taken.descriptor, 10, 0) == b"first"
    assert taken.sha256 == hashlib.sha256(b"first").hexdigest()
    assert intake.unchanged(taken)
    with pytest.raises(PermissionError):
        os.pwrite(taken.descriptor, b"x", 0)
    os.close(taken.descriptor)


def test_a_large_file_goes_in_read_only_and_a_change_is_seen(descriptor: int) -> None:
    os.ftruncate(descriptor, intake.SMALL + 1)
    taken = intake.take_in(descriptor, 200 * MIB)
    assert intake.unchanged(taken)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.pwrite(taken.descriptor, b"x", 0)
    os.pwrite(descriptor, b"x", 5)
    assert not intake.unchanged(taken)
    os.close(taken.descriptor)


def test_the_position_of_the_descriptor_does_not_matter_and_stays(descriptor: int) -> None:
    os.write(descriptor, b"abc")
    taken = intake.take_in(descriptor, MIB)
    assert (taken.size, os.lseek(descriptor, 0, os.SEEK_CUR)) == (3, 3)
    os.close(taken.descriptor)


def test_the_kernel_keeps_the_size_of_an_output() -> None:
    output = intake.new_output(10)
    with pytest.raises(PermissionError):
        os.ftruncate(output, 11)
    with pytest.raises(PermissionError):
        os.pwrite(output, b"x", 5000)
    os.close(output)


def test_a_sealed_output_is_what_will_be_hashed_and_served() -> None:
    output = intake.new_output(1000)
    os.pwrite(output, b"rebuilt and more", 0)
    assert intake.seal_output(output, 7)
    assert intake.sha256(output, 7) == hashlib.sha256(b"rebuilt").hexdigest()
    with pytest.raises(PermissionError):
        os.pwrite(output, b"x", 0)
    for size in (3, 9):
        with pytest.raises(PermissionError):
            os.ftruncate(output, size)
    os.close(output)


@pytest.mark.parametrize("untrusted_size", [0, 1001, 1 << 60])
def test_an_impossible_size_is_not_sealed(untrusted_size: int) -> None:
    output = intake.new_output(1000)
    assert not intake.seal_output(output, untrusted_size)
    os.close(output)


def test_a_small_file_in_memory_is_taken_at_once_as_it_is_taken_otherwise(descriptor: int) -> None:
    os.write(descriptor, b"abc")
    at_once, otherwise = intake.take_at_once(descriptor, MIB), intake.take_in(descriptor, MIB)
    try:
        assert at_once is None or (at_once.size, at_once.sha256) == (otherwise.size, otherwise.sha256)
        assert at_once is None or os.pread(at_once.descriptor, 9, 0) == b"abc"
    finally:
        for taken in (at_once, otherwise):
            if taken is not None:
                os.close(taken.descriptor)


@pytest.mark.parametrize("size", [0, intake.AT_ONCE + 1, 3 * MIB])
def test_what_is_empty_or_not_small_is_left_to_a_thread(descriptor: int, size: int) -> None:
    os.ftruncate(descriptor, size)
    assert intake.take_at_once(descriptor, 2 * MIB) is None


def test_what_cannot_be_read_is_left_to_a_thread(path: Path) -> None:
    written = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.write(written, b"abc")
        assert intake.take_at_once(written, MIB) is None
    finally:
        os.close(written)
