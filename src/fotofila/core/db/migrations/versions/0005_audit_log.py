"""An audit log: a hash chain of what was done, the entries that wait for it, and signed checkpoints."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fotofila.core.db.base import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("audit_inbox", *entry_columns(), sa.PrimaryKeyConstraint("id", name="pk_audit_inbox"))
    op.create_table(
        "audit_log",
        sa.Column("sequence", serial(), autoincrement=False, nullable=False),
        *entry_columns(),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_audit_log"),
        sa.UniqueConstraint("id", name="uq_audit_log_id"),
    )
    op.create_index("ix_audit_log_owner_sequence", "audit_log", ["owner", "sequence"])
    op.create_index("ix_audit_log_owner_subject_sequence", "audit_log", ["owner", "subject", "sequence"])
    op.create_table(
        "audit_checkpoints",
        sa.Column("sequence", serial(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("previous_sequence", serial(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("signature", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_audit_checkpoints"),
    )


def downgrade() -> None:
    for table in ("audit_checkpoints", "audit_log", "audit_inbox"):
        op.drop_table(table)


def entry_columns() -> tuple[sa.Column[object], ...]:
    """Return the columns of an entry."""
    return (
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.String(length=32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor_kind", sa.String(length=16), nullable=False),
        sa.Column("actor_id", sa.String(length=64), nullable=True),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
    )


def serial() -> sa.types.TypeEngine[int]:
    """Return a number of 64 bits on both databases."""
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")
