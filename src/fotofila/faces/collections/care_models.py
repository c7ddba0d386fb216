"""The tables of care: who agreed to what, and what was erased."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from fotofila.core.db import Base

ID = String(32)
TOMB = "erased"
"""The owner of a collection that is being erased: no id of a workspace. See `care_tomb.py`."""


class ConsentRow(Base):
    """A note that somebody agreed to be recognised; it is erased with the person."""

    __tablename__ = "collection_consents"
    __table_args__ = (Index("ix_collection_consents_collection_subject", "collection_id", "kind", "subject"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    collection_id: Mapped[str] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(32))
    """What `subject` is: `face_id`, `user_id` or `external_image_id`."""
    subject: Mapped[str] = mapped_column(String(255))
    text: Mapped[str] = mapped_column(Text)
    given_by: Mapped[str | None] = mapped_column(String(255))
    """Who agreed, where it was not the person: a parent, for example."""
    given_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class ErasureRow(Base):
    """Something that was erased; written in the transaction that erased it, or took it out of sight."""

    __tablename__ = "erasures"
    __table_args__ = (Index("ix_erasures_owner_id", "owner", "id"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    owner: Mapped[str] = mapped_column(ID)
    at: Mapped[datetime]
    audit_id: Mapped[str] = mapped_column(ID)
    """Id of the audit entry, which has its sequence seconds later; empty until everything is gone."""
    body: Mapped[dict[str, Any]]
    """The receipt without sequence and signature."""
    receipt: Mapped[str | None] = mapped_column(Text)
    """The signed receipt, canonical JSON, once the audit entry is chained."""
