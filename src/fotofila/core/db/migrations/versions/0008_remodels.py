"""Collections between two models."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fotofila.core.db.base import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.String(length=32)
MODEL = sa.String(length=64)


def upgrade() -> None:
    op.create_table(
        "collection_remodels",
        sa.Column("collection_id", ID, nullable=False),
        sa.Column("from_model", MODEL, nullable=False),
        sa.Column("to_model", MODEL, nullable=False),
        sa.Column("switched_at", UtcDateTime(), nullable=True),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.Column("settled_revision", sa.BigInteger(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.id"], name="fk_collection_remodels_collection_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("collection_id", name="pk_collection_remodels"),
    )
    op.create_table(
        "collection_left_behind",
        sa.Column("face_id", ID, nullable=False),
        sa.Column("model", MODEL, nullable=False),
        sa.Column("collection_id", ID, nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["face_id"], ["collection_faces.id"], name="fk_collection_left_behind_face_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("face_id", "model", name="pk_collection_left_behind"),
    )
    op.create_index("ix_collection_left_behind_collection_id", "collection_left_behind", ["collection_id"])


def downgrade() -> None:
    op.drop_table("collection_left_behind")
    op.drop_table("collection_remodels")
