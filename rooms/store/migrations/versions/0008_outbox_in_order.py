"""The outbox is read in the order of its ids alone: its other index made every look sort all that waits"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("outbox") as table:
        table.drop_constraint("uq_outbox_topic_room_seq", type_="unique")


def downgrade() -> None:
    with op.batch_alter_table("outbox") as table:
        table.create_unique_constraint("uq_outbox_topic_room_seq", ["topic", "room", "seq"])
