"""The tables of collections. Vectors lie in tables of their own, so that those of two models lie side by side."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fotofila.core.db import Base

ID = String(32)
MODEL = String(64)
NAME = String(255)
USER = String(128)


class CollectionRow(Base):
    """A collection.

    `revision` rises in every transaction that changes vectors, and marks them: readers that hold the vectors in memory
    load those with a higher one, and drop those in `collection_removals`. Whoever changes a collection's faces holds
    this row first.
    """

    __tablename__ = "collections"
    __table_args__ = (UniqueConstraint("owner", "name"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    owner: Mapped[str] = mapped_column(ID)
    name: Mapped[str] = mapped_column(NAME)
    model: Mapped[str] = mapped_column(MODEL)
    """The model whose vectors searches compare."""
    tags: Mapped[dict[str, Any]]
    keep_chips: Mapped[bool]
    switched_on: Mapped[bool]
    """Faces may be recognised here although the workspace's own switch is off."""
    ttl_days: Mapped[int | None]
    consent_note: Mapped[str | None] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(BigInteger)
    removals_from: Mapped[int] = mapped_column(BigInteger)
    """Removals of this revision and before are no longer told: who is older loads everything."""
    face_count: Mapped[int]
    user_count: Mapped[int]
    created_at: Mapped[datetime]


class CollectionFace(Base):
    """A face of a collection: what it looks like, where it comes from, how long it stays."""

    __tablename__ = "collection_faces"
    __table_args__ = (
        Index("ix_collection_faces_collection_image", "collection_id", "image_sha256"),
        Index("ix_collection_faces_collection_user", "collection_id", "user_id"),
        Index("ix_collection_faces_collection_id", "collection_id", "id"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    collection_id: Mapped[str] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"))
    owner: Mapped[str] = mapped_column(ID)
    image_id: Mapped[str] = mapped_column(ID)
    image_sha256: Mapped[str] = mapped_column(String(64))
    external_image_id: Mapped[str | None] = mapped_column(NAME)
    photo_id: Mapped[str | None] = mapped_column(ForeignKey("photos.id", ondelete="SET NULL"), index=True)
    """The stored photo that it was indexed from, where there is one."""
    user_id: Mapped[str | None] = mapped_column(USER)
    """Name of the user that it belongs to: `collection_users.user_id` of the same collection."""
    face: Mapped[dict[str, Any]]
    """`Face.to_json`, without embedding."""
    model: Mapped[str] = mapped_column(MODEL)
    """The model that it was last embedded with."""
    indexed_at: Mapped[datetime]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)


class FaceVector(Base):
    """The vector of a face: little-endian float16, of length 1."""

    __tablename__ = "collection_vectors"
    __table_args__ = (Index("ix_collection_vectors_revision", "collection_id", "model", "revision", "face_id"),)

    face_id: Mapped[str] = mapped_column(ForeignKey("collection_faces.id", ondelete="CASCADE"), primary_key=True)
    model: Mapped[str] = mapped_column(MODEL, primary_key=True)
    collection_id: Mapped[str] = mapped_column(ID)
    revision: Mapped[int] = mapped_column(BigInteger)
    """Of the collection, when it was written."""
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class FaceChip(Base):
    """An aligned chip of a face that has no stored photo, encrypted: what it is embedded from again."""

    __tablename__ = "collection_chips"

    face_id: Mapped[str] = mapped_column(ForeignKey("collection_faces.id", ondelete="CASCADE"), primary_key=True)
    chip: Mapped[bytes] = mapped_column(LargeBinary)
    """`SecretKeys.seal` for the purpose `face-chip`, bound to the face's id."""


class CollectionUser(Base):
    """A person who is known by several faces."""

    __tablename__ = "collection_users"
    __table_args__ = (UniqueConstraint("collection_id", "user_id"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    collection_id: Mapped[str] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"))
    user_id: Mapped[str] = mapped_column(USER)
    """What the client calls them."""
    face_count: Mapped[int]
    created_at: Mapped[datetime]


class UserVector(Base):
    """The mean of a user's vectors, brought to length 1: little-endian float16."""

    __tablename__ = "collection_user_vectors"
    __table_args__ = (
        Index("ix_collection_user_vectors_revision", "collection_id", "model", "revision", "user_row_id"),
    )

    user_row_id: Mapped[str] = mapped_column(ForeignKey("collection_users.id", ondelete="CASCADE"), primary_key=True)
    model: Mapped[str] = mapped_column(MODEL, primary_key=True)
    collection_id: Mapped[str] = mapped_column(ID)
    revision: Mapped[int] = mapped_column(BigInteger)
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class Removal(Base):
    """The id of a face, or of a user's row, whose vectors are gone since a revision."""

    __tablename__ = "collection_removals"

    collection_id: Mapped[str] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
