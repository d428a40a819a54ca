"""Signed notes against the published example of the format, checkpoints against everything that is not one."""

from __future__ import annotations

from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.audit import (
    EMPTY_ROOT,
    CheckpointError,
    NoteSigner,
    checkpoint,
    next_checkpoint_time,
    parse_checkpoint,
    verifier_key,
    verify_checkpoint,
)

ORIGIN = "town.example/audit"
SIGNER = NoteSigner(bytes(range(32)), ORIGIN)
NOTE = checkpoint(ORIGIN, 7, bytes(32), 1_700_000_000_000, SIGNER)


def read(note: str) -> object:
    return verify_checkpoint(note, SIGNER.public_key, ORIGIN)


def test_signing_gives_the_published_example_of_signed_notes() -> None:
    """The key, the verifier key and the note of golang.org/x/mod/sumdb/note's documentation."""
    seed = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
    signer = NoteSigner(seed, "PeterNeumann")
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    assert verifier_key(signer.name, signer.public_key) == (
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    )
    signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    assert signer.sign(text) == f"{text}\n— PeterNeumann {signature}\n"


def test_a_checkpoint_says_what_was_signed() -> None:
    found = verify_checkpoint(NOTE, SIGNER.public_key, ORIGIN)
    assert (found.origin, found.size, found.root, found.at_ms) == (ORIGIN, 7, bytes(32), 1_700_000_000_000)
    assert parse_checkpoint(NOTE) == found
    assert NOTE.startswith(f"{ORIGIN}\n7\n{'A' * 43}=\ntime 1700000000000\n\n— {ORIGIN} ")


@given(st.integers(0, 2**53 - 1), st.binary(min_size=32, max_size=32), st.integers(0, 2**53 - 1))
def test_every_head_reads_back(size: int, root: bytes, at: int) -> None:
    found = verify_checkpoint(checkpoint(ORIGIN, size, root, at, SIGNER), SIGNER.public_key, ORIGIN)
    assert (found.size, found.root, found.at_ms) == (size, root, at)


def test_no_character_of_a_note_is_free() -> None:
    for at in range(len(NOTE)):
        for other in ("A", "0", "=", " ", "\n", ""):
            if NOTE[at] != other:
                with pytest.raises(CheckpointError):
                    read(NOTE[:at] + other + NOTE[at + 1 :])


@pytest.mark.parametrize(
    "body",
    [
        f"{ORIGIN}\n07\n{'A' * 43}=\ntime 1\n",
        f"{ORIGIN}\n-7\n{'A' * 43}=\ntime 1\n",
        f"{ORIGIN}\n７\n{'A' * 43}=\ntime 1\n",
        f"{ORIGIN}\n7\n{'A' * 42}B=\ntime 1\n",
        f"{ORIGIN}\n7\n{'A' * 43}=\n",
        f"{ORIGIN}\n7\n{'A' * 43}=\ntime 1\nmore\n",
        f"{ORIGIN}\n7\n{'A' * 43}=\n\ntime 1\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(body: str) -> None:
    with pytest.raises(CheckpointError):
        read(SIGNER.sign(body))


def test_signatures_of_other_keys_are_ignored_and_never_enough() -> None:
    other = NoteSigner(bytes(32), "witness.example")
    same_name = NoteSigner(bytes(32), ORIGIN)
    body, _, signature = NOTE.rpartition("\n\n")
    witnessed = f"{NOTE}{other.sign(body + chr(10)).rpartition(chr(10) * 2)[2]}"
    assert read(witnessed) == read(NOTE)
    assert signature in witnessed
    for signer in (other, same_name):
        with pytest.raises(CheckpointError):
            read(checkpoint(ORIGIN, 7, bytes(32), 1, signer))


def test_what_cannot_be_written_is_refused() -> None:
    for origin in ("", "two words", "a+b", "a\nb", "市"):
        with pytest.raises(ValueError, match="name"):
            checkpoint(origin, 0, EMPTY_ROOT, 0, SIGNER)
        with pytest.raises(ValueError, match="name"):
            NoteSigner(bytes(32), origin)
        with pytest.raises(ValueError, match="name"):
            verifier_key(origin, bytes(32))
    for size, root, at in ((-1, EMPTY_ROOT, 0), (0, b"short", 0), (0, EMPTY_ROOT, -1)):
        with pytest.raises(ValueError, match="checkpoint"):
            checkpoint(ORIGIN, size, root, at, SIGNER)


@pytest.mark.parametrize("note", ["", "\n\n", "x\n\n— a b\n", "x" * 20_000, f"{NOTE}{'— a AAAAAAAA' + chr(10)}" * 40])
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(CheckpointError):
        read(note)


def test_the_time_goes_on_when_the_clock_does_not() -> None:
    assert next_checkpoint_time(None, 5) == 5
    assert next_checkpoint_time(3, 5) == 5
    assert next_checkpoint_time(9, 5) == 10
