"""Targets: kept, changed, tried."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.config import Settings
from fotofila.core.crypto import SecretKeys
from fotofila.core.db.locks import lock_name
from fotofila.core.errors import ConflictError, InvalidInputError, NotFoundError
from fotofila.core.ids import new_id
from fotofila.notify.chats import read_chat_url
from fotofila.notify.errors import LimitReachedError
from fotofila.notify.messages import TEST, trial_payload
from fotofila.notify.models import Notification, Target
from fotofila.notify.sealing import seal_secret
from fotofila.notify.signatures import new_secret
from fotofila.notify.switching import switch_off
from fotofila.notify.webhooks import check_webhook_url

MOST_TARGETS = 50
OVERLAP = timedelta(hours=24)
"""So long the secret before a rotation signs too."""

Kind = Literal["webhook", "apprise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A URL that was checked: `full` is sent to, `shown` is shown."""

    full: str
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be another; None leaves it."""

    name: str | None
    address: Address | None
    enabled: bool | None
    rotate_secret: bool


async def check_url(kind: str, url: str, settings: Settings) -> Address:
    """Check a URL before any transaction is open, since Apprise takes a while to load.

    Raises:
        TargetUrlError, AddressRefusedError: it cannot be used; the sentence says why.
    """
    private = settings.webhooks_allow_private
    if kind == "webhook":
        full = check_webhook_url(url, allow_private=private)
        return Address(full=full, shown=full)
    chat = await asyncio.to_thread(read_chat_url, url, allow_private=private)
    return Address(full=url.strip(), shown=chat.masked)


async def list_targets(session: AsyncSession, owner: str) -> list[Target]:
    """Return every target of a workspace, oldest first."""
    return list(await session.scalars(select(Target).where(Target.owner == owner).order_by(Target.id)))


async def get_target(session: AsyncSession, owner: str, target_id: str) -> Target:
    """Return a target.

    Raises:
        NotFoundError: the workspace has none with this id.
    """
    target = await session.scalar(select(Target).where(Target.id == target_id, Target.owner == owner))
    if target is None:
        raise NotFoundError("There is no such notification target: see GET /api/notifications/targets.")
    return target


async def create_target(
    session: AsyncSession,
    keys: SecretKeys,
    *,
    owner: str,
    name: str,
    kind: Kind,
    address: Address,
    enabled: bool,
    now: datetime,
) -> tuple[Target, str | None]:
    """Keep a target; returns it, and a webhook's signing secret, which is never shown again.

    Raises:
        LimitReachedError: the workspace has as many as it may.
    """
    await lock_name(session, f"targets:{owner}")
    if (await session.scalar(select(func.count()).where(Target.owner == owner)) or 0) >= MOST_TARGETS:
        raise LimitReachedError(f"A workspace has at most {MOST_TARGETS} notification targets: delete one first.")
    target_id = new_id()
    secret = new_secret() if kind == "webhook" else None
    target = Target(
        id=target_id,
        owner=owner,
        name=name,
        kind=kind,
        url=address.shown,
        sealed=seal_secret(keys, secret or address.full, target_id=target_id),
        enabled=enabled,
        created_at=now,
    )
    session.add(target)
    await session.flush()
    return target, secret


async def change_target(
    session: AsyncSession, keys: SecretKeys, target: Target, change: Change, *, now: datetime
) -> str | None:
    """Change a target; returns the new signing secret when it was rotated.

    Raises:
        InvalidInputError: an Apprise target has no signing secret.
    """
    if change.rotate_secret and target.kind != "webhook":
        raise InvalidInputError("Only a webhook has a signing secret: give the Apprise target a new URL instead.")
    secret = rotate(keys, target, now=now) if change.rotate_secret else None
    if change.name is not None:
        target.name = change.name
    if change.address is not None:
        target.url = change.address.shown
        if target.kind != "webhook":
            target.sealed = seal_secret(keys, change.address.full, target_id=target.id)
    if change.enabled is not None:
        target.enabled = change.enabled
    await session.flush()
    if change.enabled is False:
        await switch_off(session, target.id, now=now)
    return secret


def rotate(keys: SecretKeys, target: Target, *, now: datetime) -> str:
    """Give a webhook a new signing secret; the one before signs too for a day."""
    secret = new_secret()
    target.sealed_before, target.before_until = target.sealed, now + OVERLAP
    target.sealed = seal_secret(keys, secret, target_id=target.id)
    return secret


async def delete_target(session: AsyncSession, target: Target) -> None:
    """Forget a target, with its rules and its log."""
    await session.delete(target)


async def try_target(session: AsyncSession, target: Target, *, now: datetime) -> Notification:
    """Have a message of the type `test` sent, once.

    Raises:
        ConflictError: the target is switched off.
    """
    if not target.enabled:
        raise ConflictError("The target is switched off: switch it on, then test it.")
    delivery = Notification(
        id=new_id(),
        owner=target.owner,
        target_id=target.id,
        event_type=TEST,
        events=1,
        payload=trial_payload(now, target=target.name),
        state="pending",
        attempts=0,
        next_attempt_at=now,
        created_at=now,
    )
    session.add(delivery)
    await session.flush()
    return delivery
