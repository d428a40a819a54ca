"""Does the jail hold? Eighteen escape attempts from inside, aimed at real targets outside (trusting side).

Rules kept here:

- The targets answer: a loopback TCP and UDP port, an abstract socket, this very process. A probe that is blocked is
  blocked by the jail, not by an empty target.
- What is not reported as blocked counts as escaped, so that silence is never good news.

>>> probe_isolation().escaped                                          # doctest: +SKIP
()
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import socket
import struct
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sanitizer import intake
from sanitizer.converter import Converter, missing
from sanitizer.limits import Limits
from sanitizer.probes import PROBES, abstract_name
from sanitizer.program_probes import PROGRAM_PROBES
from sanitizer.recipes import RECIPES
from sanitizer.supervisor import Supervisor
from sanitizer.verdict import Isolation
from sanitizer.wire import Answer, BadAnswer, Run, Status, read_answer

_SECONDS = 20
_ANSWER = 64 * 1024  # bytes that the attempts in bubblewrap may answer


@dataclass(frozen=True, slots=True)
class Probed:
    """Which tier is on and what it holds. ``notes`` say why it is not ``full``."""

    isolation: Isolation
    blocked: tuple[str, ...]
    escaped: tuple[str, ...]
    notes: tuple[str, ...]
    cpu_seconds: float = 0.0  # of the jail


def probe_isolation(*, namespaces: bool = True) -> Probed:
    """Start a sanitizer without formats, try to break out of both its kinds of jail, close it. Not for use inside an
    event loop. Raises ``NoIsolation`` where nothing can be locked in at all."""
    supervisor = Supervisor(namespaces=namespaces, formats={}, verifiers={})
    supervisor.start()
    return asyncio.run(_probe_and_close(supervisor))


async def probe(supervisor: Supervisor, *, threads: bool = False) -> Probed:
    """The same in a running sanitizer; ``threads``: in a jail as a decoder gets it that works in threads. Raises
    ``Unavailable`` or ``CellDied``."""
    limits = supervisor.limits
    with _targets() as aim:
        run = Run(
            0,
            "probe",
            name="a.heic" if threads else "",
            cpu_seconds=_SECONDS,
            memory=limits.memory,
            limits=limits.plain(),
            probe=aim,
        )
        ending = await supervisor.run(supervisor.transformers, run, _SECONDS)
    try:
        answer = read_answer(ending.untrusted_answer)
    except BadAnswer:
        answer = Answer(Status.DONE)
    said = {change.kind for change in answer.removed}
    blocked = tuple(name for name in PROBES if name in said)
    escaped = tuple(name for name in PROBES if name not in said)
    return Probed(supervisor.isolation, blocked, escaped, supervisor.notes, ending.cpu_seconds)


def probe_converter() -> Probed | None:
    """The same from where LibreOffice works; None where it is not installed. Not for use inside an event loop. Raises
    ``NoConverter`` where bubblewrap cannot make that place."""
    return asyncio.run(_probe_converter()) if not missing() else None


async def _probe_converter() -> Probed:
    converter, output = Converter(), intake.new_output(_ANSWER)
    try:
        with _targets() as aim:
            ran = await converter.attempt(output, _attempts(), "sanitizer.program_probes", _arguments(aim))
        said = os.pread(output, ran.size, 0).decode("ascii", "replace")
    finally:
        os.close(output)
        converter.close_now()
    held = {line.removesuffix(" 1") for line in said.splitlines() if line.endswith(" 1")}
    blocked = tuple(name for name in PROGRAM_PROBES if name in held)
    escaped = tuple(name for name in PROGRAM_PROBES if name not in held)
    return Probed("bubblewrap", blocked, escaped, ())


def _arguments(aim: dict[str, int]) -> list[str]:
    return ["result", *(f"{name}={number}" for name, number in aim.items())]


def _attempts() -> dict[str, bytes]:
    """The files that the attempts consist of, with an interpreter: the world of LibreOffice has none."""
    here, home = Path(__file__).parent, "python/lib/" + f"python{sys.version_info[0]}.{sys.version_info[1]}"
    library, extension = Path(sysconfig.get_path("stdlib")), importlib.util.find_spec("_ctypes")
    found = {f"sanitizer/{name}.py": here / f"{name}.py" for name in ("__init__", "probes", "program_probes")}
    found |= {f"{home}/{path.name}": path for path in library.glob("*.py")}
    for package in ("collections", "ctypes", "encodings", "importlib", "re", "urllib"):
        found |= {f"{home}/{path.relative_to(library)}": path for path in (library / package).glob("*.py")}
    dynamic = Path(extension.origin).parent if extension and extension.origin else library
    found |= {f"{home}/lib-dynload/{path.name}": path for path in dynamic.glob("*.so")}
    found |= {f"python/lib/{path.name}": path for path in Path(sys.base_prefix, "lib").glob("libpython3.*.so.*")}
    found["python/bin/python3"] = Path(sys.executable).resolve()
    return {name: path.read_bytes() for name, path in found.items()}


async def _probe_and_close(supervisor: Supervisor) -> Probed:
    try:
        plain, threaded = await probe(supervisor), await probe(supervisor, threads=True)
        blocked = tuple(name for name in PROBES if name in plain.blocked and name in threaded.blocked)
        return replace(plain, blocked=blocked, escaped=tuple(name for name in PROBES if name not in blocked))
    finally:
        await supervisor.close()


@contextmanager
def _targets() -> Iterator[dict[str, int]]:
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX) as unix,
    ):
        port = tcp.getsockname()[1]
        udp.bind(("127.0.0.1", 0))
        unix.bind(abstract_name(port))
        unix.listen()
        yield {"pid": os.getpid(), "port": port, "udp_port": udp.getsockname()[1], "socket": port}


def probe_media() -> None:
    """Have ffmpeg decode a tone of one millisecond. Raises ``NoConverter``, ``NotConverted`` or ``ConverterAway`` where
    that is not possible."""
    asyncio.run(_decode_a_tone())


async def _decode_a_tone() -> None:
    tone = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 52, b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data", 16)
    source, output = os.memfd_create("tone"), intake.new_output(1 << 16)
    try:
        os.write(source, tone + bytes(16))
        await Converter().convert(source, len(tone) + 16, output, RECIPES["media-wav-wav"], Limits())
    finally:
        os.close(source)
        os.close(output)
