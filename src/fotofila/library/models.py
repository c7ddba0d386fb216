"""The tables of photos."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fotofila.core.db import Base

ID = String(32)


class Photo(Base):
    """A photo: the original, what is known of it, and the job that says how it stands."""

    __tablename__ = "photos"
    __table_args__ = (
        UniqueConstraint("owner", "checksum_sha256"),
        Index("ix_photos_owner_created", "owner", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    owner: Mapped[str] = mapped_column(ID)
    filename: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    checksum_sha256: Mapped[str] = mapped_column(String(64))
    original_key: Mapped[str] = mapped_column(String(255))
    batch_id: Mapped[str | None] = mapped_column(ID, index=True)
    job_id: Mapped[str] = mapped_column(ID, index=True)
    width: Mapped[int | None]
    height: Mapped[int | None]
    orientation: Mapped[int | None]
    taken_at: Mapped[str | None] = mapped_column(String(40))
    camera_make: Mapped[str | None] = mapped_column(String(128))
    camera_model: Mapped[str | None] = mapped_column(String(128))
    lens: Mapped[str | None] = mapped_column(String(128))
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    altitude: Mapped[float | None]
    exif: Mapped[dict[str, Any] | None]
    face_count: Mapped[int | None] = mapped_column(index=True)
    created_at: Mapped[datetime]


class Rendition(Base):
    """A file made from a photo by the execution that won."""

    __tablename__ = "renditions"

    photo_id: Mapped[str] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    execution_id: Mapped[str] = mapped_column(ID)
    key: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int | None]
    height: Mapped[int | None]
