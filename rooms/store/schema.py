"""The tables. Times are milliseconds UTC; ids are opaque text; zones and roles are comma-joined sorted words.

Rules: rows of ``events`` and ``audit_leaves`` never change (a trigger is the second lock on the latter); what can
be derived is not stored twice, except ``rooms.head``, which every post reads.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = String(64)
Millis = BigInteger

organisations = Table(
    "organisations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
)

sections = Table(
    "sections",
    metadata,
    Column("id", Id, primary_key=True),
    Column("organisation", Id, ForeignKey("organisations.id"), nullable=False),
    Column("parent", Id, ForeignKey("sections.id")),
    Column("name", String(200), nullable=False),
)

people = Table(
    "people",
    metadata,
    Column("id", Id, primary_key=True),
    Column("login", String(64), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("organisation", Id, ForeignKey("organisations.id"), nullable=False),
    Column("section", Id, ForeignKey("sections.id")),
    Column("section_name", String(200), nullable=False),
    Column("roles", Text, nullable=False),
    Column("zones", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("password", Text, nullable=False),
)

login_tries = Table(
    "login_tries",
    metadata,
    Column("login", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("locked_until", Millis, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("person", Id, ForeignKey("people.id"), nullable=False, index=True),
    Column("zone", String(16), nullable=False),
    Column("device", String(200)),
    Column("opened", Millis, nullable=False),
    Column("seen", Millis, nullable=False),
    Column("ended", Millis),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("zone", String(16), nullable=False),
    Column("listener", String(200)),
    Column("scopes", Text, nullable=False),
    Column("made", Millis, nullable=False),
    Column("expires", Millis),
    Column("revoked", Millis),
)

rooms = Table(
    "rooms",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(200), nullable=False),
    Column("organisation", Id, ForeignKey("organisations.id"), nullable=False),
    Column("zones", Text, nullable=False),
    Column("head", Integer, nullable=False),
    Column("direct_key", String(140), unique=True),
    Column("opened_by", Id, nullable=False),
    Column("opened_at", Millis, nullable=False),
)

members = Table(
    "members",
    metadata,
    Column("room", Id, ForeignKey("rooms.id"), primary_key=True),
    Column("person", Id, ForeignKey("people.id"), primary_key=True, index=True),
    Column("after", Integer, nullable=False),
    Column("manager", Boolean, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("room", Id, ForeignKey("rooms.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", Millis, nullable=False),
    Column("actor", Id, nullable=False),
    Column("made_in", String(16), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("crc", BigInteger),
    sqlite_with_rowid=False,
)

messages = Table(
    "messages",
    metadata,
    Column("author", Id, primary_key=True),
    Column("room", Id, primary_key=True),
    Column("client_msg_id", String(128), primary_key=True),
    Column("id", Id, nullable=False, unique=True),
    Column("seq", Integer, nullable=False),
    sqlite_with_rowid=False,
)

read_marks = Table(
    "read_marks",
    metadata,
    Column("person", Id, primary_key=True),
    Column("room", Id, primary_key=True),
    Column("seq", Integer, nullable=False),
    sqlite_with_rowid=False,
)

attachments = Table(
    "attachments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("room", Id, ForeignKey("rooms.id"), nullable=False),
    Column("organisation", Id, nullable=False, index=True),
    Column("uploader", Id, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("original_name", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("made_in", String(16), nullable=False),
    Column("blob", Id, nullable=False),
    Column("at", Millis, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("message", Id),
    Column("seq", Integer),
    Column("original_gone", Boolean, nullable=False),
)

releases = Table(
    "releases",
    metadata,
    Column("attachment", Id, ForeignKey("attachments.id"), primary_key=True),
    Column("zone", String(16), primary_key=True),
    Column("treatment", String(16), nullable=False),
    Column("state", String(24), nullable=False),
    Column("code", String(64)),
    Column("blob", Id),
    Column("sha256", String(64)),
    Column("size", BigInteger),
    Column("mime", String(127)),
    Column("receipt", LargeBinary),
    Column("report", Text),
    Column("thumbnail", Id),
    Index("ix_releases_waiting", "state", "attachment"),
)

comparisons = Table(
    "comparisons",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("attachment", Id, ForeignKey("attachments.id"), nullable=False),
    Column("treatment", String(16), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("done", Boolean, nullable=False),
    Column("asked", Boolean, nullable=False, server_default=false()),
    Column("similarity", Text),
    UniqueConstraint("attachment", "treatment"),
    Index("ix_comparisons_waiting", "done", "id"),
)

comparison_pictures = Table(
    "comparison_pictures",
    metadata,
    Column("attachment", Id, ForeignKey("attachments.id"), primary_key=True),
    Column("treatment", String(16), primary_key=True),
    Column("page", Integer, primary_key=True),
    Column("side", String(8), primary_key=True),
    Column("blob", Id, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("topic", String(16), nullable=False),
    Column("room", Id, nullable=False),
    Column("seq", Integer, nullable=False),
)

search_entries = Table(
    "search_entries",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("room", Id, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("ref", Id, nullable=False),
    UniqueConstraint("room", "seq", "kind", "ref"),
)
# Its grams are in the FTS5 table ``search_grams`` under the same rowid (migration 0002, ``rooms.store.search``).

incarnations = Table(
    "incarnations",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", Id, nullable=False, unique=True),
    Column("began", Millis, nullable=False),
)

restored_heads = Table(
    "restored_heads",
    metadata,
    Column("room", Id, ForeignKey("rooms.id"), primary_key=True),
    Column("seq", Integer, nullable=False),
)

audit_leaves = Table(
    "audit_leaves",
    metadata,
    Column("idx", Integer, primary_key=True, autoincrement=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("frontier", LargeBinary, nullable=False),
)

audit_checkpoints = Table(
    "audit_checkpoints",
    metadata,
    Column("size", Integer, primary_key=True, autoincrement=False),
    Column("at", Millis, nullable=False),
    Column("note", Text, nullable=False),
)
