"""Finding failures, redriving and purging them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, Select, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.capability import Context
from fotofila.core.db.locks import lock_rows
from fotofila.core.events.lifecycle import redrive
from fotofila.core.jobs.models import Failure
from fotofila.library.failure_schemas import FailureFilter, Selection
from fotofila.library.history import as_utc

CHUNK = 500
"""Failures that one transaction redrives: short enough to let others write."""


def failure_query(owner: str, wanted: FailureFilter) -> Select[Failure]:
    """Select an owner's failures, newest first."""
    query = select(Failure).where(Failure.owner == owner).order_by(Failure.id.desc())
    if wanted.code is not None:
        query = query.where(Failure.code == wanted.code)
    if wanted.since is not None:
        query = query.where(Failure.created_at >= as_utc(wanted.since))
    if wanted.until is not None:
        query = query.where(Failure.created_at < as_utc(wanted.until))
    return query


async def select_open(session: AsyncSession, owner: str, selection: Selection) -> Sequence[str]:
    """Return the ids of the open failures that a selection means."""
    if selection.ids is not None:
        query = failure_query(owner, FailureFilter.model_construct()).where(Failure.id.in_(selection.ids))
    else:
        query = failure_query(owner, selection.filter or FailureFilter.model_construct()).limit(selection.cap)
    return (await session.scalars(query.where(Failure.state == "open").with_only_columns(Failure.id))).all()


async def redrive_selection(context: Context, owner: str, selection: Selection) -> tuple[int, int]:
    """Redrive a selection in chunks; returns how many started a round, and how many did not."""
    async with context.db.read() as session:
        ids = await select_open(session, owner, selection)
    asked = len(selection.ids) if selection.ids is not None else len(ids)
    started = 0
    for start in range(0, len(ids), CHUNK):
        async with context.db.write() as session:
            query = select(Failure).where(Failure.id.in_(ids[start : start + CHUNK]), Failure.owner == owner)
            failures = (await session.scalars(query)).all()
            started += len(await redrive(session, failures, now=context.clock.now()))
    return started, asked - started


async def purge_selection(session: AsyncSession, owner: str, selection: Selection) -> int:
    """Put open failures out of sight; their jobs stay failed and their history stays."""
    ids = await select_open(session, owner, selection)
    await lock_rows(session, Failure, ids)
    result = await session.execute(
        update(Failure)
        .where(Failure.id.in_(ids), Failure.owner == owner, Failure.state == "open")
        .values(state="purged", redrive_due_at=None)
    )
    return cast("CursorResult[Any]", result).rowcount


async def history_of(session: AsyncSession, failure: Failure) -> Sequence[Failure]:
    """Return every failure of the same job, oldest first."""
    query = select(Failure).where(Failure.job_id == failure.job_id).order_by(Failure.round)
    return (await session.scalars(query)).all()
