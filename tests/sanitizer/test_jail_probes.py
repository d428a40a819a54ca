"""Eighteen ways out of the jail, all shut; and the same ways are open outside, or the probes prove nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from support.jails import evil_supervisor, started

from sanitizer.probes import PROBES
from sanitizer.self_check import probe, probe_isolation
from sanitizer.supervisor import NoIsolation

# probes that any unlocked process on any Linux gets through; the others depend on rights and kernel settings
OPEN_OUTSIDE = [
    "file-read",
    "list-root",
    "file-write",
    "tcp-connect",
    "udp-send",
    "abstract-unix",
    "exec",
    "fork",
    "first-process",
    "signal-parent",
    "allocate-3-gib",
    "executable-memory",
]

UNLOCKED = """
import os, resource, sys
from sanitizer.probes import PROBES
from sanitizer.self_check import _targets
with _targets() as aim:
    for name in sys.argv[1:]:
        child = os.fork()
        if child == 0:
            try:
                PROBES[name](aim)
            except BaseException:
                os._exit(1)
            os._exit(0)
        print(name, os.waitpid(child, 0)[1] == 0)
"""


@pytest.mark.parametrize("namespaces", [True, False], ids=["full", "landlock"])
def test_all_probes_are_blocked(namespaces: bool) -> None:
    probed = probe_isolation(namespaces=namespaces)
    assert probed.isolation == ("full" if namespaces else "landlock")
    assert probed.escaped == ()
    assert len(probed.blocked) == len(PROBES) == 18


def test_the_probes_work_outside() -> None:
    ran = subprocess.run([sys.executable, "-c", UNLOCKED, *OPEN_OUTSIDE], capture_output=True, text=True, check=True)
    assert ran.stdout.split("\n")[:-1] == [f"{name} True" for name in OPEN_OUTSIDE]


@pytest.mark.parametrize("threads", [False, True])
async def test_a_running_supervisor_can_be_probed(threads: bool) -> None:
    with started(evil_supervisor()) as supervisor:
        probed = await probe(supervisor, threads=threads)
    assert (probed.escaped, len(probed.blocked)) == ((), 18)


def test_strict_refuses_to_start_with_less_than_everything() -> None:
    supervisor = evil_supervisor(strict=True, namespaces=False)
    with pytest.raises(NoIsolation, match="full isolation is not possible"):
        supervisor.start()


def test_less_than_everything_is_said_aloud() -> None:
    with started(evil_supervisor(namespaces=False)) as supervisor:
        assert supervisor.isolation == "landlock"
        assert supervisor.notes == ("namespaces are switched off",)


def test_a_missing_module_is_told_before_anything_is_served() -> None:
    supervisor = evil_supervisor()
    supervisor.transformers.modules = {"text/plain": "no_such_module"}
    with pytest.raises(NoIsolation, match="no_such_module"):
        supervisor.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into a cell, that is the point")
def test_the_cell_owns_nothing() -> None:
    with started(evil_supervisor()) as supervisor:
        (cell,) = psutil.Process(supervisor.transformers.pid).children()
        assert set(cell.environ()) <= {"LC_CTYPE"}  # Python's own, for UTF-8
        assert list(Path(f"/proc/{cell.pid}/root").iterdir()) == []
        assert cell.uids().real != 0
        kinds = [str(link.readlink()).split(":")[0] for link in Path(f"/proc/{cell.pid}/fd").iterdir()]
        assert sorted(kinds) == ["/dev/null", "/dev/null", "/dev/null", "anon_inode", "pid", "socket"]
