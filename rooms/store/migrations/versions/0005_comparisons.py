"""How like their originals rebuilt files are"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "comparisons",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("attachment", sa.String(length=64), nullable=False),
        sa.Column("treatment", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("similarity", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["attachment"], ["attachments.id"], name=op.f("fk_comparisons_attachment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comparisons")),
        sa.UniqueConstraint("attachment", "treatment", name=op.f("uq_comparisons_attachment_treatment")),
    )
    op.create_index("ix_comparisons_waiting", "comparisons", ["done", "id"])
    op.create_table(
        "comparison_pictures",
        sa.Column("attachment", sa.String(length=64), nullable=False),
        sa.Column("treatment", sa.String(length=16), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("blob", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["attachment"], ["attachments.id"], name=op.f("fk_comparison_pictures_attachment")),
        sa.PrimaryKeyConstraint("attachment", "treatment", "page", "side", name=op.f("pk_comparison_pictures")),
    )


def downgrade() -> None:
    op.drop_table("comparison_pictures")
    op.drop_table("comparisons")
