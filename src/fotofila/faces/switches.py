"""What a workspace wants of an analysis; asked for at every upload, so without a session's cost where that may be."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.db.quick import quick_rows
from fotofila.core.errors import NotFoundError

QUERY = "SELECT detection, age, gender, face_recognition FROM workspaces WHERE id = :owner"


class Switches(NamedTuple):
    """The columns of its row."""

    detection: str
    age: bool
    gender: bool
    face_recognition: bool


async def switches_of(session: AsyncSession, owner: str) -> Switches:
    """Return the switches of a workspace as they are now.

    Raises:
        NotFoundError: it is gone.
    """
    rows = await quick_rows(session, QUERY, owner=owner)
    if not rows:
        raise NotFoundError("The workspace is gone.")
    detection, *truths = rows[0]
    return Switches(detection, *map(bool, truths))
