"""The samples that warm a cell: what leaves, accepted by both sides; a cell that fails at them does not start."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from support.jails import JAILED
from support.warm_samples import drafts, make

from sanitizer import kinds, warming
from sanitizer.formats import FORMATS
from sanitizer.limits import Limits
from sanitizer.supervisor import NoIsolation, Supervisor
from sanitizer.verify import VERIFIERS


def test_there_is_one_for_each_that_can_be_made() -> None:
    assert {path.suffix[1:] for path in warming.samples()} == drafts().keys()


@pytest.mark.parametrize("path", warming.samples(), ids=lambda path: path.suffix)
def test_a_sample_is_what_leaves(path: Path) -> None:
    (mime,) = [mime for mime in kinds.types_of(path.name) if mime in FORMATS]
    importlib.import_module(VERIFIERS[mime]).verify(path.read_bytes(), Limits(), mime)
    assert make(path.suffix[1:], path.read_bytes())


def test_modules_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(JAILED)
    warming.warm({"text/plain": importlib.import_module("evil_format")})


def test_a_cell_that_stumbles_over_a_sample_says_so() -> None:
    supervisor = Supervisor(formats={"application/pdf": "sanitizer.formats.markup.svg"}, verifiers={})
    with pytest.raises(NoIsolation, match="Refused"):
        supervisor.start()
