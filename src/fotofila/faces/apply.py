"""The writes that follow from an analysis: faces, facts, renditions. A second analysis replaces the first."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.db.later import do_later
from fotofila.core.db.plain import Plain, Writes
from fotofila.core.ids import new_id
from fotofila.core.jobs.messages import Rendition
from fotofila.core.jobs.models import Job
from fotofila.faces.matches import keep_matches
from fotofila.faces.models import FaceRow
from fotofila.library.adopt import adopt_renditions
from fotofila.library.facts import adopt_facts
from fotofila.library.models import Photo

INSERT_FACE = insert(FaceRow.__table__)  # type: ignore[arg-type]  # declared wider than it is

Found = tuple[str, list[dict[str, Any]]]
"""The id of a photo, and the rows of its faces."""


class Replacing:
    """Writes the faces of photos in place of those that were found before; of two jobs of one photo the later one's."""

    def write(self, connection: Connection, entries: Sequence[Found]) -> None:
        """Do it through SQLAlchemy."""
        latest = dict(entries)
        connection.execute(delete(FaceRow).where(FaceRow.photo_id.in_(latest)))
        if rows := [row for photo_id in sorted(latest) for row in latest[photo_id]]:
            connection.execute(INSERT_FACE, rows)

    async def write_bare(self, plain: Plain, together: Writes, entries: Sequence[Found]) -> None:
        """Do it by the driver alone."""
        latest = dict(entries)
        await plain.rows(f"DELETE FROM faces WHERE photo_id {plain.among(1)}", list(latest))  # noqa: S608 - of constants
        if rows := [row for photo_id in sorted(latest) for row in latest[photo_id]]:
            together.insert(INSERT_FACE, rows)


REPLACE_FACES = Replacing()


async def apply(
    session: AsyncSession, job: Job, result: Mapping[str, Any], renditions: Sequence[Rendition], now: datetime
) -> dict[str, Any]:
    """Write down what was found; returns what the event tells: the number of faces."""
    faces: list[Mapping[str, Any]] = result["faces"]
    rows = [face_row(job, face, job.args) for face in faces]
    adopt_facts(session, job, result["photo"], face_count=len(faces))
    adopt_renditions(session, job, renditions, now=now)
    do_later(session, REPLACE_FACES, (job.photo_id, rows))
    if "collection_id" in job.args:
        photo = await session.get_one(Photo, job.photo_id)
        found = {row["id"]: face for row, face in zip(rows, faces, strict=True)}
        await keep_matches(session, job, photo, found, now=now)
    return {"face_count": len(faces)}


def face_row(job: Job, face: Mapping[str, Any], args: Mapping[str, Any]) -> dict[str, Any]:
    """Shape a row from the worker's JSON; an embedding that was not asked for is not kept, whoever sent it."""
    box, age, gender = face["bounding_box"], face.get("age_range") or {}, face.get("apparent_gender") or {}
    embedding = face.get("embedding") if args.get("embed") else None
    return {
        "id": new_id(),
        "owner": job.owner,
        "photo_id": job.photo_id,
        "left": box["left"],
        "top": box["top"],
        "width": box["width"],
        "height": box["height"],
        "confidence": face["confidence"],
        "landmarks": face["landmarks"],
        "pose": face["pose"],
        "quality": face["quality"],
        "age_low": age.get("low"),
        "age_high": age.get("high"),
        "gender": gender.get("value"),
        "gender_confidence": gender.get("confidence"),
        "embedding": base64.b64decode(embedding) if embedding else None,
        "embedding_model": args.get("embedding_model") if embedding else None,
    }
