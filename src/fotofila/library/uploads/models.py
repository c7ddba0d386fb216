"""The tables of uploads that are on their way."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from fotofila.core.db import Base

ID = String(32)
DIRECT, TUS = "direct", "tus"
OPEN, DONE, REFUSED = "open", "done", "refused"


class StagedUpload(Base):
    """A file that was announced: what it will be, how much of it is durable, and what became of it.

    `offset_bytes` moves only by compare-and-set, which is what keeps two requests at once, on any number of replicas,
    from writing over each other; it reaches `size_bytes` in the transaction that makes the photo and in no other.
    """

    __tablename__ = "uploads"
    __table_args__ = (Index("ix_uploads_owner_checksum", "owner", "checksum_sha256"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    owner: Mapped[str] = mapped_column(ID)
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    filename: Mapped[str | None] = mapped_column(String(1024))
    media_type: Mapped[str | None] = mapped_column(String(128))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    offset_bytes: Mapped[int] = mapped_column(BigInteger)
    checksum_sha256: Mapped[str | None] = mapped_column(String(64))
    batch_id: Mapped[str | None] = mapped_column(ID)
    tus_metadata: Mapped[str | None] = mapped_column(String(4096))
    photo_id: Mapped[str | None] = mapped_column(ID)
    duplicate: Mapped[bool | None]
    problem: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)

    @property
    def prefix(self) -> str:
        """Where its bytes lie."""
        return f"staging/{self.owner}/{self.id}/"

    @property
    def content_key(self) -> str:
        """Where the bytes of a direct upload lie."""
        return f"{self.prefix}content"


class StagedPart(Base):
    """Bytes of a resumable upload that are durable: `size_bytes` of them from `start_bytes` on."""

    __tablename__ = "upload_parts"

    upload_id: Mapped[str] = mapped_column(ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True)
    start_bytes: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    key: Mapped[str] = mapped_column(String(255))
