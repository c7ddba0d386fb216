"""Files of executions that won become the photo's, whichever way they are written down."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.db.later import write_rows_bare, writes_for
from fotofila.core.db.plain import Plain
from fotofila.core.ids import new_id
from fotofila.core.jobs.keys import execution_prefix
from fotofila.core.jobs.messages import Rendition
from fotofila.core.jobs.models import Job, Tombstone
from fotofila.library.adopt import adopt_renditions
from fotofila.library.models import Rendition as Row
from tests.feedback.conftest import OWNER, Desk


def execution(photo_id: str) -> Job:
    """Return a job as it is when one of its executions has won."""
    return Job(id=new_id(), owner=OWNER, photo_id=photo_id, execution_id=new_id())


def files(job: Job, *names: str) -> list[Rendition]:
    """Return what the execution left."""
    prefix = execution_prefix(OWNER, job.photo_id or "", job.execution_id or "")
    return [Rendition(name=name, key=prefix + name, media_type="text/plain", size_bytes=4) for name in names]


def adopt(desk: Desk, session: AsyncSession, jobs: Sequence[tuple[Job, Sequence[str]]]) -> None:
    for job, names in jobs:
        adopt_renditions(session, job, files(job, *names), now=desk.clock.now())


async def adopt_by_driver(desk: Desk, *jobs: tuple[Job, Sequence[str]]) -> None:
    async def work(plain: Plain, session: AsyncSession) -> None:
        together = writes_for(plain)
        adopt(desk, session, jobs)
        await write_rows_bare(plain, session, together)
        await together.run(plain)

    await desk.context.db.transact_plainly(work)


async def adopt_by_session(desk: Desk, *jobs: tuple[Job, Sequence[str]]) -> None:
    async with desk.context.db.write() as session:
        adopt(desk, session, jobs)


@pytest.mark.parametrize("by_driver", [False, True], ids=["session", "driver"])
async def test_files_of_earlier_executions_are_buried(desk: Desk, *, by_driver: bool) -> None:
    adopted = adopt_by_driver if by_driver else adopt_by_session
    photo_id = (await desk.add()).photo.id
    first, second, third = (execution(photo_id) for _ in range(3))
    await adopted(desk, (first, ["a.txt", "b.txt"]))
    await adopted(desk, (second, ["a.txt"]), (third, ["a.txt", "c.txt"]))
    async with desk.context.db.read() as session:
        rows = {(row.name, row.execution_id, row.key) for row in await session.scalars(select(Row))}
        buried = set(await session.scalars(select(Tombstone.prefix)))
    assert rows == {(file.name, third.execution_id, file.key) for file in files(third, "a.txt", "c.txt")}
    assert buried == {execution_prefix(OWNER, photo_id, job.execution_id or "") for job in (first, second)}
    await adopted(desk, (execution(photo_id), []))
    async with desk.context.db.read() as session:
        assert (await session.scalars(select(Row))).all() == []
