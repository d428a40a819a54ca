"""Direct rooms: one for each pair of people and set of zones"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE rooms SET direct_key = direct_key || '|' || zones WHERE direct_key IS NOT NULL")


def downgrade() -> None:
    op.execute(
        "UPDATE rooms SET direct_key = substr(direct_key, 1, length(direct_key) - length(zones) - 1) "
        "WHERE direct_key IS NOT NULL"
    )
