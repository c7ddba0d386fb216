"""An original is taken back only when it is certain that no row names it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import select

from fotofila.api.idempotency import idempotency
from fotofila.core.capability import Context, Principal
from fotofila.core.db import Database
from fotofila.core.db.sqlite_writer import Work
from fotofila.core.db.together import PlainWrite, Row
from fotofila.core.errors import QuotaExceededError, StorageFullError, UnavailableError
from fotofila.core.storage.local import LocalStorage
from fotofila.library.intake import Written
from fotofila.library.models import Photo
from fotofila.library.schemas import Upload
from fotofila.library.upload import Door, Incoming, Outcome, take_one
from fotofila.testing.pictures import jpeg
from tests.core.disks import small_disk
from tests.pipeline.conftest import PRINCIPAL

T = TypeVar("T")


class CutDatabase(Database):
    """A database whose caller is cancelled just after the commit, as a stopping server does to its requests."""

    async def transact(self, work: Work[T]) -> T:
        await super().transact(work)
        raise asyncio.CancelledError

    async def gather(self, write: PlainWrite, row: Row) -> bool:
        assert await super().gather(write, row)
        raise asyncio.CancelledError


class SilentDatabase(Database):
    """A database whose connection breaks on the way of its last answer: it has committed, and nobody knows."""

    async def transact(self, work: Work[T]) -> T:
        await super().transact(work)
        raise UnavailableError("The database does not answer.")

    async def gather(self, write: PlainWrite, row: Row) -> bool:
        assert await super().gather(write, row)
        raise UnavailableError("The database does not answer.")


def incoming(body: bytes) -> Incoming:
    async def stream() -> AsyncIterator[bytes]:
        yield body

    return Incoming(stream=stream(), filename="a.jpg", declared_type="image/jpeg")


async def take(context: Context, principal: Principal, body: bytes) -> Outcome:
    async with idempotency(context, principal, None, "upload_photos") as run:
        return await take_one(Door(context=context, principal=principal, run=run), incoming(body))


async def originals(context: Context) -> list[str]:
    return [info.key async for info in context.storage.list("originals/")]


async def test_request_that_is_cut_off_after_its_commit_keeps_its_original(context: Context) -> None:
    """The client sends again and is answered with the first photo, which must be whole."""
    body = jpeg()
    cut = CutDatabase(str(context.db.url))
    with pytest.raises(asyncio.CancelledError):
        await take(replace(context, db=cut), PRINCIPAL, body)
    await cut.close()
    async with context.db.read() as session:
        (photo,) = (await session.scalars(select(Photo))).all()
    assert await context.storage.get(photo.original_key) == body
    again = await take(context, PRINCIPAL, body)
    assert isinstance(again, Upload)
    assert again.duplicate
    assert await originals(context) == [photo.original_key]


async def test_commit_that_nobody_heard_of_keeps_its_original(context: Context) -> None:
    body = jpeg()
    silent = SilentDatabase(context.db.url)
    with pytest.raises(UnavailableError):
        await take(replace(context, db=silent), PRINCIPAL, body)
    await silent.close()
    (key,) = await originals(context)
    assert await context.storage.get(key) == body
    again = await take(context, PRINCIPAL, body)
    assert isinstance(again, Upload)
    assert again.duplicate
    assert await originals(context) == [key]


async def test_photo_that_is_refused_leaves_nothing(context: Context) -> None:
    full = replace(PRINCIPAL, quota_photos=0)
    with pytest.raises(QuotaExceededError):
        await take(context, full, jpeg())
    assert await originals(context) == []


async def test_full_disk_is_told_and_leaves_nothing(context: Context, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size_kib=256) as disk:
        full = replace(context, storage=LocalStorage(disk))
        with pytest.raises(StorageFullError, match="free some space"):
            await take(full, PRINCIPAL, jpeg() + b"\0" * 300 * 1024)
        assert [info async for info in full.storage.list("")] == []
        async with context.db.read() as session:
            assert (await session.scalars(select(Photo))).all() == []
            assert isinstance(await take(full, PRINCIPAL, jpeg()), Written)
