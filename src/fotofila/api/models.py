"""The tables of the HTTP edge."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from fotofila.core.db import Base


class IdempotentRequest(Base):
    """A request under an Idempotency-Key: running while `finished_at` is empty, then its answer."""

    __tablename__ = "idempotent_requests"

    principal: Mapped[str] = mapped_column(String(32), primary_key=True)
    route: Mapped[str] = mapped_column(String(64), primary_key=True)
    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of the header: a client may put anything into it."""
    holder: Mapped[str] = mapped_column(String(32))
    """The run that may finish it; it changes when a silent run is taken over."""
    alive_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    finished_at: Mapped[datetime | None]
    fingerprint: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[int | None]
    media_type: Mapped[str | None] = mapped_column(String(100))
    body: Mapped[bytes | None] = mapped_column(LargeBinary)


class RateCount(Base):
    """Requests of one key or address in this window of time and the one before; unlogged in PostgreSQL."""

    __tablename__ = "rate_counts"

    bucket: Mapped[str] = mapped_column(String(160), primary_key=True)
    period: Mapped[int] = mapped_column(BigInteger)
    """Number of the window since 1970."""
    hits: Mapped[int]
    hits_before: Mapped[int]
    allowed: Mapped[bool]
    """What the last request was told."""
    expires_at: Mapped[datetime]
