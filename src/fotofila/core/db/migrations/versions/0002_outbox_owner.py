"""Messages that wait in the outbox say whose they are, so that workspaces take turns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("outbox") as table:
        table.add_column(sa.Column("owner", sa.String(length=32), nullable=False, server_default=""))
        table.create_index("ix_outbox_turn", ["lane", "owner", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("outbox") as table:
        table.drop_index("ix_outbox_turn")
        table.drop_column("owner")
