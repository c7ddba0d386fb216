"""Finding what is one's own: what belongs to somebody else is not there."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.errors import NotFoundError
from fotofila.core.jobs.models import Batch, Failure, Job
from fotofila.library.models import Photo

Owned = TypeVar("Owned", Photo, Job, Batch, Failure)


async def find_owned(
    session: AsyncSession, table: type[Owned], row_id: str, owner: str, what: str, *, hold: bool = False
) -> Owned:
    """Return a row of this owner; held to the end of the transaction where it is to be changed by what it says.

    Raises:
        NotFoundError: there is none with this id, or it is another workspace's: the answer is the same.
    """
    row = await session.get(table, row_id, with_for_update=hold or None)
    if row is None or row.owner != owner:
        raise NotFoundError(f"There is no such {what}: it was deleted, or the id is wrong.")
    return row
