"""The tables of faces in photos."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from fotofila.core.db import Base

ID = String(32)


class FaceRow(Base):
    """A face in a photo. Boxes and landmarks are ratios of the upright picture."""

    __tablename__ = "faces"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    owner: Mapped[str] = mapped_column(ID, index=True)
    photo_id: Mapped[str] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"), index=True)
    left: Mapped[float]
    top: Mapped[float]
    width: Mapped[float]
    height: Mapped[float]
    confidence: Mapped[float]
    landmarks: Mapped[list[Any]]
    pose: Mapped[dict[str, Any]]
    quality: Mapped[dict[str, Any]]
    age_low: Mapped[int | None]
    age_high: Mapped[int | None]
    gender: Mapped[str | None] = mapped_column(String(8))
    gender_confidence: Mapped[float | None]
    embedding: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Unit vector as little-endian float16; only where the workspace had face recognition on."""
    embedding_model: Mapped[str | None] = mapped_column(String(64))


class FaceMatchRow(Base):
    """Whom a face of a photo is like, as the engine said when the photo was analysed; gone with either of the two."""

    __tablename__ = "face_matches"

    face_id: Mapped[str] = mapped_column(ForeignKey("faces.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """0: the most similar."""
    known_face_id: Mapped[str] = mapped_column(ForeignKey("collection_faces.id", ondelete="CASCADE"), index=True)
    similarity: Mapped[float | None]
    """0-100; null: the face was unknown, and this photo made it known."""
