"""What the sweeper does for photos: originals and renditions without a row, and photos past their retention."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

from sqlalchemy import select

from fotofila.core.capability import Context
from fotofila.core.jobs.models import Job
from fotofila.core.jobs.states import OPEN
from fotofila.core.observability.metrics import SWEPT
from fotofila.core.storage import ObjectInfo
from fotofila.library.delete import delete_photo
from fotofila.library.models import Photo, Rendition

PAGE = 500


async def sweep_orphans(context: Context) -> int:
    """Remove old originals and renditions that no row names; returns how many."""
    return await sweep_originals(context) + await sweep_renditions(context)


async def old_pages(context: Context, prefix: str) -> AsyncIterator[list[str]]:
    """Give the keys under a prefix that are old enough to be judged, a page at a time."""
    before = context.clock.now() - timedelta(seconds=context.settings.orphan_age_seconds)
    page: list[str] = []
    async for info in context.storage.list(prefix):
        if is_older(info, before_seconds=before.timestamp()):
            page.append(info.key)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page


def is_older(info: ObjectInfo, *, before_seconds: float) -> bool:
    """Say whether an object was written before a time."""
    return info.modified_at.timestamp() <= before_seconds


async def sweep_originals(context: Context) -> int:
    """Remove originals whose upload never became a photo."""
    swept = 0
    async for keys in old_pages(context, "originals/"):
        async with context.db.read() as session:
            known = set(await session.scalars(select(Photo.original_key).where(Photo.original_key.in_(keys))))
        swept += await remove(context, [key for key in keys if key not in known], "original")
    return swept


async def sweep_renditions(context: Context) -> int:
    """Remove renditions of executions that neither won nor still run."""
    swept = 0
    async for keys in old_pages(context, "renditions/"):
        executions = {key: key.split("/")[3] for key in keys}
        async with context.db.read() as session:
            known = set(await session.scalars(select(Rendition.key).where(Rendition.key.in_(keys))))
            running = set(
                await session.scalars(
                    select(Job.execution_id).where(Job.execution_id.in_(set(executions.values())), Job.state.in_(OPEN))
                )
            )
        lost = [key for key in keys if key not in known and executions[key] not in running]
        swept += await remove(context, lost, "rendition")
    return swept


async def remove(context: Context, keys: list[str], reason: str) -> int:
    """Delete objects and count them."""
    await context.storage.delete(keys)
    SWEPT.labels(reason).inc(len(keys))
    return len(keys)


async def sweep_expired(context: Context) -> int:
    """Delete photos that are older than their workspace keeps them; returns how many."""
    now = context.clock.now()
    async with context.db.read() as session:
        retention = await context.retention(session)
    deleted = 0
    for owner, age in retention.items():
        while True:
            query = select(Photo).where(Photo.owner == owner, Photo.created_at < now - age).limit(100)
            async with context.db.write() as session:
                photos = (await session.scalars(query)).all()
                for photo in photos:
                    await delete_photo(session, photo, now=now)
            deleted += len(photos)
            if not photos:
                break
    return deleted
