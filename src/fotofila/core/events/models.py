"""The table of events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from fotofila.core.db import Base, Serial


class Event(Base):
    """Something that happened. Ids rise in the order of commits, so that a resumed stream skips nothing."""

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_owner_id", "owner", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    owner: Mapped[str] = mapped_column(String(32))
    type: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(index=True)
    photo_id: Mapped[str | None] = mapped_column(String(32))
    job_id: Mapped[str | None] = mapped_column(String(32))
    batch_id: Mapped[str | None] = mapped_column(String(32))
    data: Mapped[dict[str, Any]]
