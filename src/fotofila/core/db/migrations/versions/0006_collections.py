"""Collections of faces: vectors of several models side by side, users, and what was removed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fotofila.core.db.base import Json, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.String(length=32)


def upgrade() -> None:
    op.create_table(
        "collections",
        sa.Column("id", ID, nullable=False),
        sa.Column("owner", ID, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("tags", Json, nullable=False),
        sa.Column("keep_chips", sa.Boolean(), nullable=False),
        sa.Column("switched_on", sa.Boolean(), nullable=False),
        sa.Column("ttl_days", sa.Integer(), nullable=True),
        sa.Column("consent_note", sa.Text(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("removals_from", sa.BigInteger(), nullable=False),
        sa.Column("face_count", sa.Integer(), nullable=False),
        sa.Column("user_count", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_collections"),
        sa.UniqueConstraint("owner", "name", name="uq_collections_owner_name"),
    )
    make_faces()
    make_users()
    op.create_table(
        "collection_removals",
        sa.Column("collection_id", ID, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("id", ID, nullable=False),
        of_collection("collection_removals"),
        sa.PrimaryKeyConstraint("collection_id", "revision", "id", name="pk_collection_removals"),
    )


def make_faces() -> None:
    """Faces, their vectors, their chips."""
    op.create_table(
        "collection_faces",
        sa.Column("id", ID, nullable=False),
        sa.Column("collection_id", ID, nullable=False),
        sa.Column("owner", ID, nullable=False),
        sa.Column("image_id", ID, nullable=False),
        sa.Column("image_sha256", sa.String(length=64), nullable=False),
        sa.Column("external_image_id", sa.String(length=255), nullable=True),
        sa.Column("photo_id", ID, nullable=True),
        sa.Column("user_id", sa.String(length=128), nullable=True),
        sa.Column("face", Json, nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("indexed_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        of_collection("collection_faces"),
        sa.ForeignKeyConstraint(["photo_id"], ["photos.id"], name="fk_collection_faces_photo_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_collection_faces"),
    )
    for name, columns in (
        ("ix_collection_faces_collection_image", ["collection_id", "image_sha256"]),
        ("ix_collection_faces_collection_user", ["collection_id", "user_id"]),
        ("ix_collection_faces_collection_id", ["collection_id", "id"]),
        ("ix_collection_faces_photo_id", ["photo_id"]),
        ("ix_collection_faces_expires_at", ["expires_at"]),
    ):
        op.create_index(name, "collection_faces", columns, unique=False)
    make_vectors("collection_vectors", "face_id", "collection_faces")
    op.create_table(
        "collection_chips",
        sa.Column("face_id", ID, nullable=False),
        sa.Column("chip", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["face_id"], ["collection_faces.id"], name="fk_collection_chips_face_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("face_id", name="pk_collection_chips"),
    )


def make_users() -> None:
    """Users and their vectors."""
    op.create_table(
        "collection_users",
        sa.Column("id", ID, nullable=False),
        sa.Column("collection_id", ID, nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("face_count", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        of_collection("collection_users"),
        sa.PrimaryKeyConstraint("id", name="pk_collection_users"),
        sa.UniqueConstraint("collection_id", "user_id", name="uq_collection_users_collection_id_user_id"),
    )
    make_vectors("collection_user_vectors", "user_row_id", "collection_users")


def make_vectors(table: str, key: str, parent: str) -> None:
    """A table of vectors by what they are of, and the model that made them."""
    op.create_table(
        table,
        sa.Column(key, ID, nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("collection_id", ID, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint([key], [f"{parent}.id"], name=f"fk_{table}_{key}", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint(key, "model", name=f"pk_{table}"),
    )
    op.create_index(f"ix_{table}_revision", table, ["collection_id", "model", "revision", key], unique=False)


def of_collection(table: str) -> sa.ForeignKeyConstraint:
    """What belongs to a collection goes with it."""
    return sa.ForeignKeyConstraint(
        ["collection_id"], ["collections.id"], name=f"fk_{table}_collection_id", ondelete="CASCADE"
    )


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":  # made by the search with pgvector, where that is used
        for table in ("collection_near_state", "collection_near_users", "collection_near_faces"):
            op.execute(f"DROP TABLE IF EXISTS {table}")
    for table in (
        "collection_removals",
        "collection_user_vectors",
        "collection_users",
        "collection_chips",
        "collection_vectors",
        "collection_faces",
        "collections",
    ):
        op.drop_table(table)
