"""Incarnations: a restored history is not the one that went on after the backup"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "incarnations",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("began", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_incarnations"),
        sa.UniqueConstraint("id", name="uq_incarnations_id"),
    )
    op.create_table(
        "restored_heads",
        sa.Column("room", sa.String(64), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name="fk_restored_heads_room"),
        sa.PrimaryKeyConstraint("room", name="pk_restored_heads"),
    )


def downgrade() -> None:
    op.drop_table("restored_heads")
    op.drop_table("incarnations")
