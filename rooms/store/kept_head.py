"""The newest signed head of the audit tree, kept beside the keys: a witness that the database does not hold.

Whoever can only write the database could rewrite the record, its head and its checkpoints, and the next start would
sign what it finds. So the head that was signed last is remembered outside: the record must go on from there.

Rules kept here:
- written after the checkpoint's commit, whole or not at all (fsync, rename, fsync); so it is never ahead of a sound
  database, and behind it by no more than a crash can hold up;
- without the file (a new installation, or one whose keeper has put back a backup and removed it knowingly) the
  database is believed.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from rooms.audit import Frontier
from rooms.store.blobs import sync_folder

log = logging.getLogger("sekisho.audit")


class KeptHead:
    """``path`` None: nothing is kept (benchmarks, tests of other things)."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path

    def read(self) -> Frontier | None:
        """The frontier of the newest checkpoint, None if none is kept. A damaged file agrees with no record."""
        if self.path is None or not self.path.exists():
            return None
        try:
            return Frontier.from_bytes(self.path.read_bytes())
        except ValueError:
            return Frontier(-1)

    def write(self, frontier: Frontier) -> None:
        """Remember. A disk that takes nothing now is no reason to lose what was signed: the next one is written."""
        if self.path is None:
            return
        try:
            write_file(self.path, frontier.to_bytes())
        except OSError:
            log.exception("the signed head could not be kept beside the keys")


def write_file(path: Path, data: bytes) -> None:
    """A small file, 0600, durable, whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
    sync_folder(path.parent)
