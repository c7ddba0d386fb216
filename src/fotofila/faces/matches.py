"""Whom the faces of a photo are like, where its analysis searched a collection that the engine keeps.

A match hangs on the row that we have of the collection's face: it goes with that row, for whatever reason it goes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import Actor, record
from fotofila.core.db.later import insert_later
from fotofila.core.ids import is_id
from fotofila.core.jobs.models import Job
from fotofila.faces.collections.care_models import TOMB
from fotofila.faces.collections.change import next_revision
from fotofila.faces.collections.models import CollectionFace, CollectionRow
from fotofila.faces.collections.store import expiry, faces_by_id
from fotofila.faces.models import FaceMatchRow, FaceRow
from fotofila.library.models import Photo

INSERT_MATCH = insert(FaceMatchRow.__table__)  # type: ignore[arg-type]  # declared wider than it is
NOT_KEPT = frozenset({"embedding", "matches"})


async def keep_matches(
    session: AsyncSession, job: Job, photo: Photo, found: Mapping[str, Mapping[str, Any]], *, now: datetime
) -> None:
    """Write down what a worker was told, by the ids of the photo's faces; what the collection has not is left out.

    A face that the search indexed gets its row here: the worker has no database.
    """
    query = select(CollectionRow).where(CollectionRow.id == job.args["collection_id"], CollectionRow.owner == job.owner)
    collection = await session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if collection is None:
        await tell(session, job, photo, found, (), now=now)
        return
    told = [(face_id, match) for face_id, face in found.items() for match in face.get("matches", ())]
    known = set(await faces_by_id(session, collection.id, [match["face_id"] for _, match in told]))
    added = [(found[face_id], match) for face_id, match in told if is_new(match) and match["face_id"] not in known]
    for face, match in added:
        session.add(collection_face(collection, photo, face, match, now=now))
        known.add(match["face_id"])
    if added:
        next_revision(collection)
        collection.face_count += len(added)
        await session.flush()
    for face_id, face in found.items():
        matches = [match for match in face.get("matches", ()) if match["face_id"] in known]
        for place, match in enumerate(matches[: most_of(job)]):
            insert_later(session, INSERT_MATCH, match_row(face_id, place, match))
    await tell(session, job, photo, found, [match["face_id"] for _, match in added], now=now)


def most_of(job: Job) -> int | None:
    """Return how many faces, and matches of one face, are told: of the largest face alone, who is most alike."""
    return None if job.args["search"] == "each" else 1


def is_new(match: Mapping[str, Any]) -> bool:
    """Say whether the search made a face known."""
    return match["similarity"] is None and is_id(match["face_id"]) and is_id(match["image_id"])


def match_row(face_id: str, place: int, match: Mapping[str, Any]) -> dict[str, Any]:
    """Shape a row."""
    return {
        "face_id": face_id,
        "place": place,
        "known_face_id": match["face_id"],
        "similarity": match["similarity"],
    }


def collection_face(
    collection: CollectionRow, photo: Photo, face: Mapping[str, Any], match: Mapping[str, Any], *, now: datetime
) -> CollectionFace:
    """Shape the row of a face that was indexed at the engine."""
    return CollectionFace(
        id=match["face_id"],
        collection_id=collection.id,
        owner=collection.owner,
        image_id=match["image_id"],
        image_sha256=photo.checksum_sha256,
        external_image_id=match["external_image_id"],
        photo_id=photo.id,
        user_id=None,
        face={name: value for name, value in face.items() if name not in NOT_KEPT},
        model=match["model"],
        indexed_at=now,
        expires_at=expiry(collection, now),
    )


async def tell(
    session: AsyncSession,
    job: Job,
    photo: Photo,
    found: Mapping[str, Mapping[str, Any]],
    added: Sequence[str],
    *,
    now: datetime,
) -> None:
    """Write the audit entries, in the name of who wished for the search."""
    actor = Actor(**job.args["searched_by"])
    subject = job.args["collection"]
    told = [match for face in found.values() for match in face.get("matches", ()) if not is_new(match)]
    detail = {
        "photo_id": photo.id,
        "faces": len([*found][: most_of(job)]),
        "threshold": job.args["threshold"],
        "matches": len(told[: most_of(job)]),
    }
    await record(session, owner=job.owner, actor=actor, action="faces.search", subject=subject, detail=detail, now=now)
    if added:
        detail = {"faces": [*added], "new": len(added), "photo_id": photo.id}
        await record(
            session, owner=job.owner, actor=actor, action="faces.index", subject=subject, detail=detail, now=now
        )


async def matches_of(session: AsyncSession, photo_id: str) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Return the matches of a photo's faces, by face, the most similar first, with the names of today."""
    query = (
        select(FaceMatchRow, CollectionFace, CollectionRow.name)
        .join(FaceRow, FaceRow.id == FaceMatchRow.face_id)
        .join(CollectionFace, CollectionFace.id == FaceMatchRow.known_face_id)
        .join(CollectionRow, CollectionRow.id == CollectionFace.collection_id)
        .where(FaceRow.photo_id == photo_id, CollectionRow.owner != TOMB)
        .order_by(FaceMatchRow.face_id, FaceMatchRow.place)
    )
    matches: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for match, known, name in await session.execute(query):
        matches[match.face_id].append(
            {
                "collection": name,
                "face_id": known.id,
                "external_image_id": known.external_image_id,
                "user_id": known.user_id,
                "similarity": match.similarity,
            }
        )
    return matches
