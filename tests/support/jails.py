"""Supervisors over evil modules, and files that need no disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sanitizer.supervisor import Examined, Supervisor
from sanitizer.verdict import Treatment

JAILED = str(Path(__file__).parent)


def evil_supervisor(**options: Any) -> Supervisor:
    """A supervisor whose only format is ``evil_format``, not yet started."""
    formats = {"text/plain": "evil_format"}
    verifiers = {"text/plain": "toy_verifier", "image/png": "toy_verifier"}
    return Supervisor(formats=formats, verifiers=verifiers, module_path=[JAILED], **options)


@contextmanager
def started(supervisor: Supervisor) -> Iterator[Supervisor]:
    """Start it, and end it afterwards whatever happens."""
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.close_now()


async def examine(
    supervisor: Supervisor, data: bytes, *, name: str = "a.txt", treatment: Treatment = "rebuild", **more: Any
) -> Examined:
    """The verdict on bytes. The caller closes ``output``."""
    descriptor = os.memfd_create("test")
    try:
        os.write(descriptor, data)
        return await supervisor.examine(descriptor, name=name, treatment=treatment, **more)
    finally:
        os.close(descriptor)


async def released(supervisor: Supervisor, data: bytes, **more: Any) -> bytes:
    """The bytes that leave; fails if the file is refused."""
    examined = await examine(supervisor, data, **more)
    assert examined.verdict.outcome == "released", examined.verdict
    assert examined.output is not None
    try:
        return os.pread(examined.output, 1 << 20, 0)
    finally:
        os.close(examined.output)


async def refused(supervisor: Supervisor, data: bytes, **more: Any) -> str:
    """The code of the refusal; fails if anything leaves."""
    examined = await examine(supervisor, data, **more)
    assert examined.verdict.outcome != "released", examined.verdict
    assert (examined.output, examined.thumbnail, examined.verdict.output) == (None, None, None)
    return examined.verdict.code
