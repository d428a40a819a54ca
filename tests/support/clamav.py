"""A real clamd with one signature of our own: the test file of the anti-virus industry (EICAR), and nothing else.

Rules: no signature is downloaded; the socket, the database and the log are in the test's folder; ended by its own
process id. The test file is put together from two halves, so that no scanner takes this source for it.

>>> with clamd(folder) as socket:                                                      # doctest: +SKIP
...     (await Clamd(socket).scan(descriptor, size)).state
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"
STREAM_MOST = 1 << 20
CLAMD = shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin")

needs_clamd = pytest.mark.skipif(CLAMD is None, reason="needs Debian's clamav-daemon: apt-get install clamav-daemon")


@contextmanager
def clamd(folder: Path) -> Iterator[Path]:
    """The socket of a clamd that is ready. A stream may have ``STREAM_MOST`` bytes."""
    assert CLAMD is not None
    database, sock, log = folder / "signatures", folder / "clamd.ctl", folder / "clamd.log"
    database.mkdir(exist_ok=True)
    (database / "own.ndb").write_text(f"Own.EICAR:0:*:{EICAR.hex()}\n", "ascii")
    lines = [f"LocalSocket {sock}", f"DatabaseDirectory {database}", f"LogFile {log}", "Foreground yes",
             f"StreamMaxLength {STREAM_MOST}"] + ([] if os.geteuid() else ["User root"])  # fmt: skip
    (folder / "clamd.conf").write_text("\n".join(lines) + "\n", "ascii")
    command = [CLAMD, f"--config-file={folder / 'clamd.conf'}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(process, sock, log)
            yield sock
        finally:
            process.terminate()
            process.wait(20)


def _wait(process: subprocess.Popen[bytes], sock: Path, log: Path) -> None:
    until = time.monotonic() + 30
    while not _answers(sock):
        said = log.read_text() if log.exists() else ""
        assert process.poll() is None and time.monotonic() < until, said
        time.sleep(0.05)


def _answers(sock: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        try:
            connection.connect(str(sock))
            connection.sendall(b"zPING\0")
            return connection.recv(10) == b"PONG\0"
        except OSError:
            return False
