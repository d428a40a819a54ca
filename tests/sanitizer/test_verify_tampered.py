"""All verifiers, from their table: what they accept, tampered with, is rejected or is another harmless file.

What a reader may find in an accepted file is judged by the rebuild, which shares nothing with the verifier: a tampered
file that is accepted must hold nothing that the rebuild would take out of it, but what the whole one has too.
"""

from __future__ import annotations

import random
import re
import time
from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tampering import FOREIGN, tampered
from support.verified_samples import samples

from sanitizer.formats import FORMATS
from sanitizer.formats.base import Job, NeedsPassword, Refused
from sanitizer.identify import identify
from sanitizer.limits import Limits
from sanitizer.verify import VERIFIERS, Violation

LIMITS = Limits()
TEXTS = ("text/plain", "text/csv", "text/tab-separated-values")
EACH = 40  # files of each way of tampering, for each sample


def violation(data: bytes, mime: str) -> Violation | None:
    """Why ``data`` is none of this type; None if it is one. Fails on every other exception."""
    try:
        import_module(VERIFIERS[mime]).verify(data, LIMITS, mime)
    except Violation as found:
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", found.code), found
        assert re.fullmatch(r"[A-Za-z0-9 .,#/-]{0,40}", found.where), found
        return found
    return None


def removed(data: bytes, mime: str) -> set[str]:
    """The kinds of what the rebuild takes out; nothing if no reader can open the file."""
    try:
        found = identify(data, "").mime
        assert mime in TEXTS or found == mime or found.startswith("text/")
        made = import_module(FORMATS[mime]).rebuild(data, Job(mime, "rebuild", "", None, LIMITS))
    except (Refused, NeedsPassword):
        return set()
    except Exception:  # a parser stumbles over what it cannot read: a refusal, see the worker
        return set()
    return {change.kind for change in made.removed}


def test_every_type_has_samples_that_are_accepted() -> None:
    assert samples().keys() == VERIFIERS.keys()
    for mime, files in samples().items():
        for data in files:
            assert violation(data, mime) is None


@pytest.mark.parametrize("mime", VERIFIERS)
def test_no_file_is_of_two_types(mime: str) -> None:
    for other, files in samples().items():
        if other != mime and mime not in TEXTS:
            assert all(violation(data, mime) for data in files), other


@pytest.mark.parametrize("mime", sorted(VERIFIERS.keys() - set(TEXTS)))
@pytest.mark.parametrize("foreign", FOREIGN)
def test_nothing_stands_before_or_behind_a_file(mime: str, foreign: str) -> None:
    for data in samples()[mime]:
        assert violation(data + FOREIGN[foreign], mime)
        assert violation(FOREIGN[foreign] + data, mime)
        assert violation(data + FOREIGN[foreign] + data[-22:], mime)


@pytest.mark.parametrize("mime", VERIFIERS)
def test_a_tampered_file_is_rejected_or_harmless(mime: str) -> None:
    chance = random.Random(mime)
    for data in samples()[mime]:
        known = removed(data, mime) if mime in FORMATS else set()
        for changed in tampered(data, chance, EACH):
            if violation(changed, mime) is None and mime in FORMATS:
                assert removed(changed, mime) <= known


@pytest.mark.parametrize("mime", VERIFIERS)
@settings(deadline=None, max_examples=40)
@given(st.binary(max_size=400), st.floats(0, 1), st.integers(0, 3))
def test_any_bytes_are_accepted_or_a_violation(mime: str, words: bytes, place: float, number: int) -> None:
    files = samples()[mime]
    data = files[number % len(files)]
    at = int(len(data) * place)
    violation(words, mime)
    violation(data[:at] + words, mime)
    violation(data[:at] + words + data[at + len(words) :], mime)


ENDS = (b"", b"<", b">", b"</", b"/>", b"</svg>\n", b"/svg>\n", b"</body></html>\n", b"\r\n", b"--", b"\xff\xd9", b"\0")


@pytest.mark.parametrize("mime", VERIFIERS)
def test_a_beginning_with_any_end_is_a_violation(mime: str) -> None:
    """As often as a file has a new tag, line or part, whatever a reader expects there."""
    for data in samples()[mime]:
        for at in [place for place in range(len(data)) if data[place] in b"<\n"][:60]:
            for end in ENDS:
                violation(data[:at] + end, mime)
                violation(data[: at + 1] + end, mime)


LONG = {
    "brackets": b"<" * 200_000,
    "lines": b"\r\n" * 100_000,
    "zeros": bytes(300_000),
    "digits": b"1" * 200_000 + b"x",
    "spaces": b" " * 200_000 + b"x",
    "quotes": b"\"'" * 100_000,
    "cells": b"-1(," * 50_000,
}


@pytest.mark.parametrize("mime", VERIFIERS)
@pytest.mark.parametrize("kind", LONG)
def test_long_rows_of_the_same_cost_little(mime: str, kind: str) -> None:
    """A bound far above what a linear reading takes, and far below what a quadratic one would."""
    files = [LONG[kind]]
    for data in samples()[mime][:2]:
        files += [data[:at] + LONG[kind] + data[at:] for at in (len(data) // 3, len(data) // 2, len(data) - 20)]
    start = time.process_time()
    for data in files:
        violation(data, mime)
    assert time.process_time() - start < 3
