"""Search: what is findable, and by which grams"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "search_entries",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_entries")),
        sa.UniqueConstraint("room", "seq", "kind", "ref", name=op.f("uq_search_entries_room_seq_kind_ref")),
    )
    op.execute(
        "CREATE VIRTUAL TABLE search_grams USING fts5(grams, content='', detail='none', columnsize=0, tokenize='ascii')"
    )


def downgrade() -> None:
    op.execute("DROP TABLE search_grams")
    op.drop_table("search_entries")
