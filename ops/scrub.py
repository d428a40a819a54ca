"""``sekisho doctor --scrub``: read everything that is stored, and hold it against what was written.

Rules kept here:
- looks, never changes, also beside a running server: one read-only view of the database;
- what is stored with a hash or a check is held against it: every page's structure, every leaf and the tree over them,
  every event, every received and every rebuilt file. What has none (names, rooms, memberships, marks, thumbnails) is
  checked for its structure alone: ``docs/campaigns.md`` says how much that finds;
- a finding names a few of what it found, never their content.

>>> for finding in scrub(Path("/var/lib/sekisho")): print(finding.level, finding.en)      # doctest: +SKIP
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

from sqlalchemy import Connection

from rooms.audit import Frontier, leaf_hash
from rooms.store.audit import all_leaves, stored_frontier
from rooms.store.backing_up import NamedBlob, named_blobs
from rooms.store.database import full_check, snapshot
from rooms.store.event_rows import damaged_events
from server.installation import DATABASE

Level = Literal["ok", "warning", "wrong"]
NAMED = 5


class Finding(NamedTuple):
    """``level``: ok, warning or wrong. The sentences say what to do."""

    check: str
    level: Level
    ja: str
    en: str


def scrub(folder: Path) -> Iterator[Finding]:
    """Every check, in one view of the store. Raises ``DBAPIError`` for a database that cannot be read."""
    with snapshot(folder / DATABASE) as connection:
        yield _pages(connection)
        yield _leaves(connection)
        yield _events(connection)
        yield _files(folder, connection)


def _finding(check: str, what_ja: str, what_en: str, bad: Iterable[str]) -> Finding:
    """Sound, or damaged with the first names."""
    found = list(islice(bad, NAMED + 1))
    if not found:
        return Finding(check, "ok", f"{what_ja}: すべて書いたときのままです", f"{what_en}: all as they were written")
    names = ", ".join(found[:NAMED]) + (" …" if len(found) > NAMED else "")
    return Finding(
        check,
        "wrong",
        f"{what_ja}が壊れています: {names}。ディスクを調べ、控えから戻してください(runbooks/damaged-database.md)。",
        f"{what_en} are damaged: {names}. Look at the disk and restore a backup (runbooks/damaged-database.md).",
    )


def _pages(connection: Connection) -> Finding:
    """SQLite's own full check, indices and unique columns too, and that references lead somewhere."""
    return _finding("pages", "データベースの構造", "The database's pages", full_check(connection, NAMED))


def _leaves(connection: Connection) -> Finding:
    """Every leaf is what was hashed, at its place, and the tree over them is the stored one."""
    return _finding("leaves", "監査記録", "The record's leaves", _bad_leaves(connection))


def _bad_leaves(connection: Connection) -> Iterator[str]:
    tree, digests = Frontier(), []
    for place, (index, leaf, digest) in enumerate(all_leaves(connection)):
        if index != place or leaf_hash(leaf or b"") != digest:
            yield str(index)
            return
        digests.append(digest)
    if tree.extend(digests) != stored_frontier(connection):
        yield "audit_head"


def _events(connection: Connection) -> Finding:
    bad = (f"{room} {seq}" for room, seq in damaged_events(connection))
    return _finding("events", "発言", "Messages", bad)


def _files(folder: Path, connection: Connection) -> Finding:
    return _finding(
        "files", "ファイル", "Files", (blob.key for blob in named_blobs(connection) if not _is_there(folder, blob))
    )


def _is_there(folder: Path, blob: NamedBlob) -> bool:
    """Whether the file is what its row says; for one without a hash, whether it is there."""
    path = folder / blob.folder / blob.key
    if not path.is_file() or blob.sha256 is None:
        return path.is_file()
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == blob.sha256
