"""The tables of the audit log. They name no workspace by a foreign key: what was done outlives whom it was done for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from fotofila.core.db import Base, Serial

ID = String(32)
HASH = String(64)
ACTOR_KIND = String(16)
ACTION = String(64)
SUBJECT = String(255)


class AuditInbox(Base):
    """An entry that was made in the transaction of what it tells of, and that the appender has not put in order yet."""

    __tablename__ = "audit_inbox"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    owner: Mapped[str] = mapped_column(ID)
    at: Mapped[datetime]
    actor_kind: Mapped[str] = mapped_column(ACTOR_KIND)
    actor_id: Mapped[str | None] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(ACTION)
    subject: Mapped[str | None] = mapped_column(SUBJECT)
    detail: Mapped[str] = mapped_column(Text)
    """Canonical JSON as text: what is hashed must come back byte for byte, which JSONB does not promise."""


class AuditEntry(Base):
    """An entry in the chain; see `audit_chain.py` for the hash. Only the appender writes here, and never again."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_owner_sequence", "owner", "sequence"),
        Index("ix_audit_log_owner_subject_sequence", "owner", "subject", "sequence"),
    )

    sequence: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=False)
    """1 and up, without gaps, over all workspaces."""
    id: Mapped[str] = mapped_column(ID, unique=True)
    owner: Mapped[str] = mapped_column(ID)
    at: Mapped[datetime]
    actor_kind: Mapped[str] = mapped_column(ACTOR_KIND)
    actor_id: Mapped[str | None] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(ACTION)
    subject: Mapped[str | None] = mapped_column(SUBJECT)
    detail: Mapped[str] = mapped_column(Text)
    previous_hash: Mapped[str] = mapped_column(HASH)
    hash: Mapped[str] = mapped_column(HASH)


class AuditCheckpoint(Base):
    """A signature over the end of the chain as it was at one moment, or over its beginning after it was pruned."""

    __tablename__ = "audit_checkpoints"

    sequence: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(HASH)
    at: Mapped[datetime]
    previous_sequence: Mapped[int] = mapped_column(Serial)
    """Of the checkpoint before, or 0: one that is taken out is missed. Its own: this is a pruning."""
    key_id: Mapped[str] = mapped_column(String(16))
    signature: Mapped[str] = mapped_column(String(128))
