"""The writes that follow from an analysis: faces, facts, renditions. A second analysis replaces the first."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.db.later import insert_later
from fotofila.core.ids import new_id
from fotofila.core.jobs.messages import Rendition
from fotofila.core.jobs.models import Job
from fotofila.faces.matches import keep_matches
from fotofila.faces.models import FaceRow
from fotofila.library.adopt import adopt_facts, adopt_renditions
from fotofila.library.models import Photo

INSERT_FACE = insert(FaceRow.__table__)  # type: ignore[arg-type]  # declared wider than it is


async def apply(
    session: AsyncSession, job: Job, result: Mapping[str, Any], renditions: Sequence[Rendition], now: datetime
) -> dict[str, Any]:
    """Write down what was found; returns what the event tells: the number of faces."""
    photo = await session.get_one(Photo, job.photo_id)
    adopt_renditions(session, job, renditions, now=now)
    adopt_facts(photo, result["photo"])
    if photo.face_count is not None:
        await session.execute(delete(FaceRow).where(FaceRow.photo_id == photo.id))
    faces: list[Mapping[str, Any]] = result["faces"]
    ids = []
    for face in faces:
        row = face_row(photo, face, job.args)
        insert_later(session, INSERT_FACE, row)
        ids.append(row["id"])
    if "collection_id" in job.args:
        await keep_matches(session, job, photo, dict(zip(ids, faces, strict=True)), now=now)
    photo.face_count = len(faces)
    return {"face_count": len(faces)}


def face_row(photo: Photo, face: Mapping[str, Any], args: Mapping[str, Any]) -> dict[str, Any]:
    """Shape a row from the worker's JSON; an embedding that was not asked for is not kept, whoever sent it."""
    box, age, gender = face["bounding_box"], face.get("age_range") or {}, face.get("apparent_gender") or {}
    embedding = face.get("embedding") if args.get("embed") else None
    return {
        "id": new_id(),
        "owner": photo.owner,
        "photo_id": photo.id,
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
