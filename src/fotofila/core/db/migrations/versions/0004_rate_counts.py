"""Requests are counted where all replicas see them, and counters that only rise are wide enough on PostgreSQL."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fotofila.core.db.base import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SERIALS = ("events", "job_timeline", "outbox")
REFERENCES = (("notification_cursor", "event_id"), ("notification_rules", "after_event_id"))


def upgrade() -> None:
    op.create_table(
        "rate_counts",
        sa.Column("bucket", sa.String(length=160), nullable=False),
        sa.Column("period", sa.BigInteger(), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.Column("hits_before", sa.Integer(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", name="pk_rate_counts"),
    )
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER TABLE rate_counts SET UNLOGGED")
        op.execute("ALTER TABLE rate_counts SET (fillfactor = 50)")
        widen("BIGINT")


def downgrade() -> None:
    op.drop_table("rate_counts")
    if op.get_context().dialect.name == "postgresql":
        widen("INTEGER")


def widen(kind: str) -> None:
    """Change what numbers rows; in SQLite every number has 64 bits."""
    for table in SERIALS:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN id TYPE {kind}")
        op.execute(f"ALTER SEQUENCE {table}_id_seq AS {kind}")
    for table, column in REFERENCES:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {kind}")
