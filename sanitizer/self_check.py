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
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sanitizer.probes import PROBES, abstract_name
from sanitizer.supervisor import Supervisor
from sanitizer.verdict import Isolation
from sanitizer.wire import Answer, BadAnswer, Run, Status, read_answer

_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Probed:
    """Which tier is on and what it holds. ``notes`` say why it is not ``full``."""

    isolation: Isolation
    blocked: tuple[str, ...]
    escaped: tuple[str, ...]
    notes: tuple[str, ...]
    cpu_seconds: float = 0.0  # of the jail


def probe_isolation(*, namespaces: bool = True) -> Probed:
    """Start a sanitizer without formats, try to break out of it, close it. Not for use inside an event loop. Raises
    ``NoIsolation`` where nothing can be locked in at all."""
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


async def _probe_and_close(supervisor: Supervisor) -> Probed:
    try:
        return await probe(supervisor)
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
