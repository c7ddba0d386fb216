"""Access keys in the form of AWS, whose secrets are kept encrypted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fotofila.core.db.base import Json, UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "aws_keys",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("access_key_id", sa.String(length=20), nullable=False),
        sa.Column("sealed_secret", sa.String(length=200), nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["owner"], ["workspaces.id"], name="fk_aws_keys_owner", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_aws_keys"),
        sa.UniqueConstraint("access_key_id", name="uq_aws_keys_access_key_id"),
    )
    op.create_index("ix_aws_keys_owner", "aws_keys", ["owner"])


def downgrade() -> None:
    op.drop_table("aws_keys")
