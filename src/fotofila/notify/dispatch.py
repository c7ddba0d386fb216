"""Sends what is due: claim, send, record. No transaction is open while a stranger's server is asked.

A claim is a lease. Who dies with it has sent the message or has not; after the lease it is sent again under the same
id: at least once. What is recorded counts only while the lease is still one's own.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.capability import Context
from fotofila.core.crypto import SecretKeyError
from fotofila.core.errors import FotofilaError
from fotofila.core.observability.logs import get_logger
from fotofila.core.observability.metrics import DELIVERIES
from fotofila.notify.chats import ChatSender
from fotofila.notify.errors import SendError
from fotofila.notify.messages import TEST, to_json, to_text
from fotofila.notify.models import Notification, Target
from fotofila.notify.network import CheckedBackend
from fotofila.notify.schedule import MOST_ATTEMPTS, next_wait_seconds
from fotofila.notify.sealing import open_secret
from fotofila.notify.signatures import headers
from fotofila.notify.switching import switch_off
from fotofila.notify.webhooks import WebhookAnswerError, WebhookSender

log = get_logger(__name__)

CONCURRENCY = 16
PER_TARGET = 4
"""Of these, to one target: a slow server holds up its own notifications only."""
LEASE = timedelta(seconds=90)
"""Three times the longest deadline of a sender."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A delivery that this process may send until `lease_until`."""

    id: str
    target_id: str
    kind: str
    url: str
    sealed: str
    sealed_before: str | None
    before_until: datetime | None
    payload: dict[str, Any]
    event_type: str
    attempt: int
    lease_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one attempt."""

    status_code: int | None = None
    error: str | None = None
    final: bool = True
    gone: bool = False
    retry_after_seconds: float = 0


def is_due(now: datetime) -> ColumnElement[bool]:
    """Say of a delivery, joined with its target, that it is to be sent now and nobody is sending it."""
    return and_(
        Notification.state == "pending",
        Notification.next_attempt_at <= now,
        or_(Notification.lease_until.is_(None), Notification.lease_until <= now),
        Target.enabled,
    )


class Dispatcher:
    """Sends notifications, a bounded number at a time."""

    def __init__(self, context: Context, *, webhooks: WebhookSender | None = None) -> None:
        private = context.settings.webhooks_allow_private
        self._context = context
        self._webhooks = webhooks or WebhookSender(backend=CheckedBackend(allow_private=private))
        self._chats = ChatSender(allow_private=private)
        self._in_flight: Counter[str] = Counter()
        self._ended: list[tuple[Claim, Outcome]] = []
        self._recording = asyncio.Lock()
        self._freed = asyncio.Event()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open the senders."""
        await self._stack.enter_async_context(self._webhooks)
        await self._stack.enter_async_context(self._chats)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close them."""
        await self._stack.aclose()

    async def claim(self) -> list[Claim]:
        """Take what is due, as much as may be sent at once."""
        now = self._context.clock.now()
        self._freed.clear()
        if not (wanted := await self._choose(now)):
            return []
        query = (
            select(Notification, Target)
            .join(Target, Target.id == Notification.target_id)
            .where(Notification.id.in_(wanted), is_due(now))
            .with_for_update(of=Notification, skip_locked=True)
        )
        claims: list[Claim] = []
        async with self._context.db.write() as session:
            for row, target in await session.execute(query):
                if row.attempts >= MOST_ATTEMPTS:
                    give_up(row)
                    continue
                row.lease_until = now + LEASE
                row.attempts += 1
                row.grouping = False
                claims.append(claim_of(row, target, row.lease_until))
        self._in_flight.update(claim.target_id for claim in claims)
        return claims

    @property
    def saturated(self) -> bool:
        """Whether something that is due may have to wait for a place."""
        return self._in_flight.total() >= CONCURRENCY or any(n >= PER_TARGET for n in self._in_flight.values())

    async def wait_for_place(self, timeout_seconds: float) -> None:
        """Return when a place was freed since the last claim, or after the time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._freed.wait()

    async def _choose(self, now: datetime) -> list[str]:
        """Look, without writing, for what may be sent now: the oldest, a few for each target."""
        free = CONCURRENCY - self._in_flight.total()
        pending = "SELECT 1 FROM notification_deliveries WHERE state = 'pending' LIMIT 1"
        if free <= 0 or not await self._context.db.has_row(pending):
            return []
        taken = Counter(self._in_flight)
        query = (
            select(Notification.id, Notification.target_id)
            .join(Target, Target.id == Notification.target_id)
            .where(is_due(now), Notification.target_id.not_in([each for each in taken if taken[each] >= PER_TARGET]))
            .order_by(Notification.next_attempt_at, Notification.id)
            .limit(4 * CONCURRENCY)
        )
        wanted: list[str] = []
        async with self._context.db.read() as session:
            for delivery_id, target_id in await session.execute(query):
                taken[target_id] += 1
                if taken[target_id] <= PER_TARGET:
                    wanted.append(delivery_id)
        return wanted[:free]

    async def deliver(self, claim: Claim) -> None:
        """Send one delivery and write down what became of it."""
        try:
            outcome = await self._send(claim)
            await self._record(claim, outcome)
        except FotofilaError as error:  # no reason to break the other sends off: after its lease it is sent again
            log.warning("notification.not_recorded", delivery_id=claim.id, sentence=error.message)
        finally:
            self._in_flight[claim.target_id] -= 1
            self._in_flight += Counter()  # drops the targets that nothing is sent to
            self._freed.set()

    async def _send(self, claim: Claim) -> Outcome:
        try:
            if claim.kind == "webhook":
                return Outcome(status_code=await self._post(claim))
            await self._tell(claim)
            return Outcome()
        except WebhookAnswerError as error:
            return Outcome(
                status_code=error.status_code,
                error=error.message,
                final=error.final,
                gone=error.final,
                retry_after_seconds=error.retry_after_seconds,
            )
        except SendError as error:
            return Outcome(error=error.message, final=error.final)
        except SecretKeyError as error:
            return Outcome(error=error.message, final=False)  # the key may be put back

    async def _post(self, claim: Claim) -> int:
        now, keys = self._context.clock.now(), self._context.secret_keys
        sealed = [claim.sealed]
        if claim.sealed_before is not None and claim.before_until is not None and now < claim.before_until:
            sealed.append(claim.sealed_before)
        secrets = [open_secret(keys, text, target_id=claim.target_id) for text in sealed]
        body = to_json(claim.payload)
        signed = headers(secrets, message_id=message_id(claim.id), at=now, body=body)
        return await self._webhooks.post(claim.url, body, signed)

    async def _tell(self, claim: Claim) -> None:
        url = open_secret(self._context.secret_keys, claim.sealed, target_id=claim.target_id)
        text = to_text(claim.payload, link=self._context.settings.base_url)
        await self._chats.send(url, text, message_id=message_id(claim.id), at=self._context.clock.now())

    async def _record(self, claim: Claim, outcome: Outcome) -> None:
        """Write down what became of a delivery, and of all others that ended while the write before was under way."""
        self._ended.append((claim, outcome))
        async with self._recording:
            ended, self._ended = self._ended, []
            if not ended:
                return
            try:
                async with self._context.db.write() as session:
                    for each in ended:
                        await self._write(session, *each)
            except FotofilaError:
                self._ended = ended + self._ended  # for the next one that ends
                raise

    async def _write(self, session: AsyncSession, claim: Claim, outcome: Outcome) -> None:
        now = self._context.clock.now()
        values = changes(claim, outcome, now=now, scale=self._context.settings.retry_scale)
        await session.execute(
            update(Notification)
            .where(Notification.id == claim.id, Notification.lease_until == claim.lease_until)
            .values(lease_until=None, status_code=outcome.status_code, error=outcome.error, **values)
        )
        enabled = await session.scalar(select(Target.enabled).where(Target.id == claim.target_id))
        if outcome.gone or enabled is False:
            await switch_off(session, claim.target_id, now=now)
        DELIVERIES.labels(claim.kind, "retry" if values["state"] == "pending" else values["state"]).inc()
        log.info(
            "notification.sent",
            delivery_id=claim.id,
            target_id=claim.target_id,
            kind=claim.kind,
            state=values["state"],
            attempt=claim.attempt,
            status_code=outcome.status_code,
        )


def give_up(row: Notification) -> None:
    """End a delivery whose every attempt ended with the death of the sender: it may be what kills."""
    row.state, row.next_attempt_at, row.lease_until, row.grouping = "failed", None, None, False
    row.error = "The program ended during the last attempt: see its log, then redeliver."


def message_id(delivery_id: str) -> str:
    """Return the `webhook-id`: the same on each attempt."""
    return f"msg_{delivery_id}"


def claim_of(row: Notification, target: Target, lease_until: datetime) -> Claim:
    """Take along what sending needs, since the session ends before."""
    return Claim(
        id=row.id,
        target_id=target.id,
        kind=target.kind,
        url=target.url,
        sealed=target.sealed,
        sealed_before=target.sealed_before,
        before_until=target.before_until,
        payload=row.payload,
        event_type=row.event_type,
        attempt=row.attempts,
        lease_until=lease_until,
    )


def changes(claim: Claim, outcome: Outcome, *, now: datetime, scale: float) -> dict[str, Any]:
    """Say what an outcome changes: delivered, another attempt, or failed. A test is tried once."""
    if outcome.error is None:
        return {"state": "delivered", "delivered_at": now, "next_attempt_at": None}
    wait = next_wait_seconds(claim.attempt, scale=scale, at_least=outcome.retry_after_seconds)
    if outcome.final or wait is None or claim.event_type == TEST:
        return {"state": "failed", "next_attempt_at": None}
    return {"state": "pending", "next_attempt_at": now + timedelta(seconds=wait)}
