"""Whether a store is whole: what was acknowledged is there, once; nothing is there by half; the record goes with it.

Rules: the reader asks SQLite itself, not the code under trial; what was found whole once is not read again
(``Whole`` remembers how far it has read), so that a check after every kill stays short.

>>> Whole().read_on(sqlite3.connect("sekisho.db"))                # doctest: +SKIP
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from rooms.audit import Frontier, leaf_hash
from rooms.store.blobs import BlobFolder


class Claim(NamedTuple):
    """An acknowledged post: who said what where, and what was answered."""

    author: str
    room: str
    client_msg_id: str
    message_id: str
    seq: int


class FileClaim(NamedTuple):
    """An acknowledged upload: the attachment's id, and the bytes that were taken."""

    attachment: str
    blob: str
    sha256: str
    size: int


@dataclass
class Whole:
    """How far the store was read: ``heads`` by room, the tree up to the last leaf, how many messages."""

    heads: dict[str, int] = field(default_factory=dict)
    frontier: Frontier = field(default_factory=Frontier)
    messages: int = 0
    said: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def read_on(self, database: sqlite3.Connection) -> None:
        """Read what is new in one view of the store. Raises AssertionError where something is there by half."""
        database.execute("BEGIN")
        try:
            posted = self.read_events(database)
            recorded = self.read_leaves(database)
        finally:
            database.execute("ROLLBACK")
        assert recorded == posted, f"{posted} new messages, but {recorded} leaves of posts"
        self.messages += posted

    def read_events(self, database: sqlite3.Connection) -> int:
        """How many new messages; rooms without gaps, each message with its state and its outbox row, none twice."""
        posted = 0
        rooms = database.execute("SELECT id, head FROM rooms").fetchall()
        new = sum(head - self.heads.get(room, 0) for room, head in rooms)
        last = "SELECT room, seq FROM outbox WHERE topic = 'event' ORDER BY id DESC LIMIT ?"
        waiting = set(database.execute(last, (new,)))  # rows of new events come after those of old ones
        for room, head in rooms:
            before = self.heads.get(room, 0)
            rows = database.execute(
                "SELECT e.seq, e.actor, e.kind, e.body, m.id, m.author, m.client_msg_id, "
                "EXISTS (SELECT 1 FROM search_entries s WHERE s.room = e.room AND s.seq = e.seq) FROM events e "
                "LEFT JOIN messages m ON m.author = e.actor AND m.room = e.room "
                "AND m.client_msg_id = json_extract(CAST(e.body AS TEXT), '$.client_msg_id') "
                "WHERE e.room = ? AND e.seq > ? ORDER BY e.seq",
                (room, before),
            ).fetchall()
            assert [row[0] for row in rows] == list(range(before + 1, head + 1)), f"the seq of {room} has gaps"
            posted += sum(self._read_event(room, row, (room, row[0]) in waiting or bool(row[7])) for row in rows)
            self.heads[room] = head
        return posted

    def _read_event(self, room: str, row: tuple[int, str, str, bytes, str, str, str, int], followed: bool) -> int:
        seq, actor, kind, body, message, author, client_msg_id, _ = row
        assert followed or kind != "message.posted", f"{room} {seq} is neither found by the search nor in the outbox"
        if kind != "message.posted":
            return 0
        event = json.loads(body)
        assert (event["id"], event["client_msg_id"]) == (message, client_msg_id), f"{room} {seq} has no state"
        assert author == actor
        key = (author, room, client_msg_id)
        self.said[key] += 1
        assert self.said[key] == 1, f"{key} is there twice"
        return 1

    def read_leaves(self, database: sqlite3.Connection) -> int:
        """How many new leaves say that a message was posted; the tree over all of them is the stored one."""
        posted = 0
        first = self.frontier.size
        rows = database.execute("SELECT idx, leaf, hash FROM audit_leaves WHERE idx >= ? ORDER BY idx", (first,))
        digests: list[bytes] = []
        for index, leaf, digest in rows:
            assert index == first + len(digests), f"leaf {first + len(digests)} is missing"
            assert leaf_hash(leaf) == digest, f"leaf {index} is not what was hashed"
            digests.append(digest)
            said = json.loads(leaf)
            posted += said["action"] == "message.post" and said["outcome"] == "done"
        self.frontier = self.frontier.extend(digests)
        stored = database.execute("SELECT frontier FROM audit_head").fetchone()
        assert stored is None or stored[0] == self.frontier.to_bytes(), "the tree's head is not that of its leaves"
        return posted


def assert_kept(database: sqlite3.Connection, claims: list[Claim]) -> None:
    """Every acknowledged post is in the store where it was said to be."""
    state = "SELECT id, seq FROM messages WHERE author = ? AND room = ? AND client_msg_id = ?"
    event = "SELECT json_extract(CAST(body AS TEXT), '$.id') FROM events WHERE room = ? AND seq = ?"
    for claim in claims:
        kept = database.execute(state, (claim.author, claim.room, claim.client_msg_id)).fetchone()
        assert kept == (claim.message_id, claim.seq), f"{claim} was acknowledged; the store has {kept}"
        shown = database.execute(event, (claim.room, claim.seq)).fetchone()
        assert shown == (claim.message_id,), f"{claim} was acknowledged; the room shows {shown}"


def assert_files_kept(database: sqlite3.Connection, quarantine: BlobFolder, claims: list[FileClaim]) -> None:
    """Every acknowledged upload has its row and its bytes; no row, acknowledged or not, is without a file."""
    rows = {row[0]: FileClaim(*row) for row in database.execute("SELECT id, blob, sha256, size FROM attachments")}
    for claim in claims:
        kept = rows.get(claim.attachment)
        assert kept == claim, f"{claim} was acknowledged; the store has {kept}"
        assert_bytes(quarantine, claim)
    bare = {row.blob for row in rows.values()} - set(quarantine.keys())
    assert not bare, f"rows without their files: {bare}"


def assert_bytes(quarantine: BlobFolder, claim: FileClaim) -> None:
    """The file holds what was hashed when it was received."""
    digest = hashlib.sha256(quarantine.path(claim.blob).read_bytes()).hexdigest()
    assert digest == claim.sha256, f"{claim} has other bytes"


def integrity_check(database: sqlite3.Connection) -> None:
    """SQLite's own full check, indices and foreign keys too."""
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []
