"""What the sweeper does for uploads: those that expired, and staged bytes that belong to none."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CursorResult, delete, select

from fotofila.core.capability import Context
from fotofila.library.sweep import PAGE, old_pages, remove
from fotofila.library.uploads.finish import clear
from fotofila.library.uploads.models import OPEN, StagedUpload


async def sweep_uploads(context: Context) -> int:
    """Forget expired uploads, and remove bytes of uploads that are over; returns how many objects were removed."""
    await forget_expired(context)
    swept = 0
    async for keys in old_pages(context, "staging/"):
        uploads = {key: key.split("/")[2] for key in keys}
        async with context.db.read() as session:
            query = select(StagedUpload.id).where(
                StagedUpload.id.in_(set(uploads.values())), StagedUpload.state == OPEN
            )
            alive = set(await session.scalars(query))
        swept += await remove(context, [key for key in keys if uploads[key] not in alive], "upload")
    return swept


async def forget_expired(context: Context) -> None:
    """Forget uploads past their time; one that a byte has just reached has a new time, and stays."""
    while True:
        now = context.clock.now()
        async with context.db.read() as session:
            query = select(StagedUpload).where(StagedUpload.expires_at <= now).limit(PAGE)
            expired = (await session.scalars(query)).all()
        for upload in expired:
            async with context.db.write() as session:
                gone = await session.execute(
                    delete(StagedUpload).where(StagedUpload.id == upload.id, StagedUpload.expires_at <= now)
                )
            if cast("CursorResult[Any]", gone).rowcount:
                await clear(context, upload)
        if len(expired) < PAGE:
            return
