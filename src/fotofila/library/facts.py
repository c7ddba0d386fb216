"""What a worker read from a photo's file and found in it, in the photo's own row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, update
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.db.later import do_later
from fotofila.core.db.plain import Plain, Writes
from fotofila.core.jobs.models import Job
from fotofila.library.models import Photo

PHOTOS: Any = Photo.__table__
FACTS = (
    *("width", "height", "orientation", "taken_at", "camera_make", "camera_model", "lens"),
    *("latitude", "longitude", "altitude", "exif"),
)
COUNTED = (*FACTS, "face_count")
WRITE: dict[tuple[str, ...], Any] = {
    names: update(PHOTOS)
    .where(PHOTOS.c.id == bindparam("photo"))
    .values({PHOTOS.c[name]: bindparam(name) for name in names})
    for names in (FACTS, COUNTED)
}
HOLD = "SELECT id FROM photos WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE"


class Facts:
    """Writes the facts of photos; of two jobs of one photo those of the later one."""

    def write(self, connection: Connection, entries: Sequence[Mapping[str, Any]]) -> None:
        """Do it through SQLAlchemy."""
        for names, rows in in_order(entries).items():
            connection.execute(
                WRITE[names], [{"photo": row["id"], **{name: row[name] for name in names}} for row in rows]
            )

    async def write_bare(self, plain: Plain, together: Writes, entries: Sequence[Mapping[str, Any]]) -> None:
        """Do it by the driver alone."""
        if not plain.is_sqlite:  # so that two transactions cannot wait crosswise
            await plain.rows(HOLD, [entry["id"] for entry in entries])
        for rows in in_order(entries).values():
            together.update(PHOTOS, rows)


WRITE_FACTS = Facts()


def in_order(entries: Sequence[Mapping[str, Any]]) -> dict[tuple[str, ...], list[Mapping[str, Any]]]:
    """Return what is written of each photo, by the columns that it is; photos by their ids."""
    latest = {entry["id"]: entry for entry in entries}
    rows: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for photo_id in sorted(latest):
        entry = latest[photo_id]
        rows.setdefault(tuple(name for name in entry if name != "id"), []).append(entry)
    return rows


def adopt_facts(session: AsyncSession, job: Job, facts: Mapping[str, Any], *, face_count: int | None = None) -> None:
    """Write down, with the commit, what the worker read from the file: upright size and EXIF.

    Of two jobs of one photo in a transaction the later one's count.

    `facts` is `{"width", "height", "orientation", "taken_at", "camera": {"make", "model", "lens"},
    "gps": {"latitude", "longitude", "altitude"}, "exif": {…}}`; what is missing becomes None.
    """
    camera, gps = facts.get("camera") or {}, facts.get("gps") or {}
    row = {
        "id": job.photo_id,
        "width": facts.get("width"),
        "height": facts.get("height"),
        "orientation": facts.get("orientation"),
        "taken_at": facts.get("taken_at"),
        "camera_make": camera.get("make"),
        "camera_model": camera.get("model"),
        "lens": camera.get("lens"),
        "latitude": gps.get("latitude"),
        "longitude": gps.get("longitude"),
        "altitude": gps.get("altitude"),
        "exif": facts.get("exif"),
    }
    do_later(session, WRITE_FACTS, row if face_count is None else {**row, "face_count": face_count})
