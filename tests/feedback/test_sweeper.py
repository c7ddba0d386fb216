from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import func, select

from fotofila.core.ids import new_id
from fotofila.core.jobs.keys import cancel_marker, claim_key, execution_prefix
from fotofila.core.jobs.models import Tombstone
from fotofila.feedback.sweeper import sweep_once
from fotofila.library.add import analyze_again
from fotofila.library.delete import delete_photo
from tests.feedback.conftest import OWNER, TROUBLE, Desk

DAY = 86400


def grow_old(desk: Desk, tmp_path: Path, seconds: float = DAY + 1) -> None:
    """Give every object an age, on the clock of the desk."""
    at = desk.clock.now().timestamp() - seconds
    for path in (tmp_path / "objects").rglob("*"):
        if path.is_file():
            os.utime(path, (at, at))


async def test_orphans_are_swept_once_they_are_old_enough(desk: Desk, tmp_path: Path) -> None:
    added = await desk.add()
    orphans = [f"originals/{OWNER}/{new_id()}", f"renditions/{OWNER}/{added.photo.id}/{new_id()}/256.webp"]
    for key in orphans:
        await desk.context.storage.put(key, b"orphan")
    grow_old(desk, tmp_path, DAY - 60)
    assert await sweep_once(desk.context) == 0
    grow_old(desk, tmp_path)
    assert await sweep_once(desk.context) == 2
    assert await desk.objects("") == [added.photo.original_key]


async def test_upload_that_is_not_written_down_yet_is_left_alone(desk: Desk, tmp_path: Path) -> None:
    key = f"originals/{OWNER}/{new_id()}"
    await desk.context.storage.put(key, b"on its way")
    grow_old(desk, tmp_path, 60)
    assert await sweep_once(desk.context) == 0


async def test_files_of_an_execution_that_still_runs_are_left_alone(desk: Desk, tmp_path: Path) -> None:
    await desk.add()
    message, reporter = await desk.begun()
    key = await desk.finish(message, reporter)
    grow_old(desk, tmp_path)
    assert await sweep_once(desk.context) == 0
    assert await desk.objects() == [key]


async def test_what_a_late_worker_writes_for_a_deleted_photo_is_swept(desk: Desk) -> None:
    added = await desk.add()
    message, reporter = await desk.begun()
    async with desk.context.db.write() as session:
        photo = await session.get_one(type(added.photo), added.photo.id)
        await delete_photo(session, photo, now=desk.clock.now())
    assert await sweep_once(desk.context) == 1
    await desk.finish(message, reporter)
    desk.clock.advance(3600)
    assert await sweep_once(desk.context) == 1
    assert await desk.objects("") == []


async def test_claims_and_cancel_markers_stay_while_their_job_is_open(desk: Desk, tmp_path: Path) -> None:
    await desk.add()
    message, reporter = await desk.begun()
    keys = [claim_key(message.job_id, reporter.execution_id), cancel_marker(message.job_id, 1)]
    for key in keys:
        await desk.context.storage.put(key, b"{}")
    grow_old(desk, tmp_path)
    assert await sweep_once(desk.context) == 0
    await reporter.failed(TROUBLE)
    await desk.handle()
    grow_old(desk, tmp_path, 60)
    assert await sweep_once(desk.context) == 0, "a late worker may still look for its marker"
    grow_old(desk, tmp_path)
    assert await sweep_once(desk.context) == 2


async def test_new_result_replaces_the_files_of_the_old_one(desk: Desk) -> None:
    added = await desk.add()
    message, reporter = await desk.begun()
    await desk.finish(message, reporter)
    await desk.consume()
    async with desk.context.db.write() as session:
        photo = await session.get_one(type(added.photo), added.photo.id)
        await analyze_again(session, desk.context, photo)
    again, second = await desk.begun()
    kept = await desk.finish(again, second)
    await desk.consume()
    await sweep_once(desk.context)
    assert await desk.objects() == [kept]
    assert kept.startswith(execution_prefix(OWNER, added.photo.id, second.execution_id))


async def test_tombstones_go_when_no_late_worker_can_be_left(desk: Desk) -> None:
    await desk.add()
    message, first = await desk.begun()
    second = await desk.begin(message)
    await desk.finish(message, first)
    await desk.finish(message, second)
    await desk.consume()

    async def tombstones() -> int:
        async with desk.context.db.read() as session:
            return await session.scalar(select(func.count()).select_from(Tombstone)) or 0

    await sweep_once(desk.context)
    assert await tombstones() == 1
    desk.clock.advance(DAY + 1)
    await sweep_once(desk.context)
    assert await tombstones() == 0
