"""Whom the faces of photos are like, where an engine searched while it analysed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "face_matches",
        sa.Column("face_id", sa.String(length=32), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("known_face_id", sa.String(length=32), nullable=False),
        sa.Column("similarity", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["face_id"], ["faces.id"], name="fk_face_matches_face_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["known_face_id"], ["collection_faces.id"], name="fk_face_matches_known_face_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("face_id", "place", name="pk_face_matches"),
    )
    op.create_index("ix_face_matches_known_face_id", "face_matches", ["known_face_id"])


def downgrade() -> None:
    op.drop_table("face_matches")
