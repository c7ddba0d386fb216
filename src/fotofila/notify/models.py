"""The tables of notifications."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fotofila.core.db import Base, Serial

ID = String(32)


class Target(Base):
    """Where notifications go: a webhook or an Apprise URL."""

    __tablename__ = "notification_targets"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    owner: Mapped[str] = mapped_column(ID, index=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(16))
    url: Mapped[str] = mapped_column(Text)
    """What is shown: the address of a webhook, an Apprise URL with its secrets masked."""
    sealed: Mapped[str] = mapped_column(Text)
    """Encrypted: the signing secret of a webhook, the whole URL of an Apprise target."""
    sealed_before: Mapped[str | None] = mapped_column(Text)
    """Encrypted: the signing secret before the last rotation, which signs too until `before_until`."""
    before_until: Mapped[datetime | None]
    enabled: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class Rule(Base):
    """An event that is told to a target."""

    __tablename__ = "notification_rules"
    __table_args__ = (
        UniqueConstraint("target_id", "event"),
        Index("ix_notification_rules_owner_event", "owner", "event"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    owner: Mapped[str] = mapped_column(ID)
    event: Mapped[str] = mapped_column(String(32))
    target_id: Mapped[str] = mapped_column(ForeignKey("notification_targets.id", ondelete="CASCADE"))
    quiet_seconds: Mapped[int] = mapped_column(default=0)
    enabled: Mapped[bool] = mapped_column(default=True)
    after_event_id: Mapped[int] = mapped_column(Serial, default=0)
    """Events up to this one happened before the rule was made, and are none of its business."""
    created_at: Mapped[datetime]


class Notification(Base):
    """One message to one target: the row is the log, and the only holder of what is still to be sent."""

    __tablename__ = "notification_deliveries"
    __table_args__ = (
        Index("ix_notification_deliveries_state_next", "state", "next_attempt_at"),
        Index("ix_notification_deliveries_owner_id", "owner", "id"),
        Index("ix_notification_deliveries_rule_grouping", "rule_id", "grouping"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    owner: Mapped[str] = mapped_column(ID)
    target_id: Mapped[str] = mapped_column(ForeignKey("notification_targets.id", ondelete="CASCADE"), index=True)
    rule_id: Mapped[str | None] = mapped_column(ID)
    event_type: Mapped[str] = mapped_column(String(32))
    events: Mapped[int] = mapped_column(default=1)
    grouping: Mapped[bool] = mapped_column(default=False)
    """Still waits for quiet, and takes further events."""
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(16), default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    """Somebody is sending it; when he is not heard of by then, it is sent again."""
    status_code: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(index=True)
    delivered_at: Mapped[datetime | None]


class Cursor(Base):
    """How far the events have been turned into notifications. One row; it moves by compare-and-set."""

    __tablename__ = "notification_cursor"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    event_id: Mapped[int] = mapped_column(Serial)
