"""Holding rows and names to the end of a transaction, where several may write at once.

On SQLite a transaction that writes holds everything from its beginning, so none of this does anything there. On
PostgreSQL two transactions that want each other's rows end with one of them thrown out; therefore everybody takes rows
in one order: jobs, then batches, then photos, each by their ids; then everything else; events last.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession


async def lock_rows(session: AsyncSession, table: Any, ids: Collection[str]) -> None:
    """Hold rows of a table by their ids, in the order of these."""
    if ids and is_postgresql(session):
        await session.execute(select(table.id).where(table.id.in_(ids)).order_by(table.id).with_for_update())


async def lock_name(session: AsyncSession, name: str) -> None:
    """Hold a name that stands for no row: wait until nobody else holds it."""
    if is_postgresql(session):
        await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


async def try_name(session: AsyncSession, name: str) -> bool:
    """Hold a name; False at once where somebody else holds it."""
    if not is_postgresql(session):
        return True
    query = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
    return bool(await session.scalar(query, {"name": name}))


def is_postgresql(session: AsyncSession) -> bool:
    """Say whether a session speaks to PostgreSQL."""
    return session.get_bind().dialect.name == "postgresql"
