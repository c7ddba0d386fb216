"""What changes something is done once for all attempts of a call: the answer is kept in the transaction of the deed.

So there is no moment at which a process can die that leaves one without the other: either nothing was done, and the
next attempt does it, or the next attempt is given the answer. What an engine did that keeps collections itself, before
that transaction, the next attempt finds done, and goes on from there (ADR 25).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.api.idempotency import IdempotentRun
from fotofila.core.db import Database
from fotofila.core.db.sqlite_writer import Work
from fotofila.rekognition.calls import Call, Operation

T = TypeVar("T")
MEDIA_TYPE = "application/x-amz-json-1.1"

Keep = Callable[[AsyncSession, Any], Awaitable[None]]


class DeedDatabase(Database):
    """The database as one call sees it: in the transaction of its first unit of work, its answer is kept as well.

    A deed of the desk is one unit of work, or begins with the one that counts: what comes after only tidies up.
    """

    def __init__(self, database: Database, keep: Keep) -> None:
        vars(self).update(vars(database))  # its engine, its writer, whom it tells: another view, not another database
        self._keep: Keep | None = keep

    async def transact(self, work: Work[T]) -> T:
        """Do a unit of work, and keep what the call is answered with."""
        if (keep := self._keep) is None:
            return await super().transact(work)

        async def deed(session: AsyncSession) -> T:
            result = await work(session)
            await keep(session, result)
            return result

        result = await super().transact(deed)
        self._keep = None
        return result


async def do_once(operation: Operation, call: Call, run: IdempotentRun, fingerprint: str) -> bytes:
    """Run an operation, and keep its answer for the attempts that come again; return the body."""

    async def keep(session: AsyncSession, result: Any) -> None:
        body = orjson.dumps(operation.tell(call, result))
        await run.finish(fingerprint=fingerprint, status=200, body=body, media_type=MEDIA_TYPE, session=session)

    context = replace(call.context, db=DeedDatabase(call.context.db, keep))
    body = orjson.dumps(operation.tell(call, await operation.run(replace(call, context=context))))
    if not run.finished:
        await run.finish(fingerprint=fingerprint, status=200, body=body, media_type=MEDIA_TYPE)
    return body
