"""What faces add to others: the settled arguments of a job, the faces of a photo, ages and genders in the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import actor_of
from fotofila.core.capability import Search
from fotofila.core.config import Settings
from fotofila.faces.collections.errors import OtherEngineError
from fotofila.faces.collections.models import CollectionRow
from fotofila.faces.collections.store import find_switched_on
from fotofila.faces.collections.types import is_kept_by_engine
from fotofila.faces.engine.errors import SearchApartError
from fotofila.faces.engine.names import LOCAL, aws_collection
from fotofila.faces.matches import matches_of
from fotofila.faces.models import FaceRow
from fotofila.faces.packs import PERMISSIVE, Pack, chosen_pack
from fotofila.faces.switches import switches_of
from fotofila.library.models import Photo

AGE_STEP = 10
OLDEST = 100
THRESHOLD = 80.0
"""Least similarity of a match, as in searches of collections where nothing else is said."""


async def resolve(session: AsyncSession, owner: str, settings: Settings) -> dict[str, Any]:
    """Settle everything that shapes the result: the workspace's switches, the limits, the very model files."""
    workspace = await switches_of(session, owner)
    if settings.faces_engine != LOCAL:
        return {
            "engine": settings.faces_engine,
            "detection": workspace.detection,
            "age": workspace.age,
            "gender": workspace.gender,
            "embed": False,
            "max_pixels": settings.max_pixels,
        }
    return analysis_args(
        detection=workspace.detection,
        age=workspace.age,
        gender=workspace.gender,
        embed=workspace.face_recognition,
        max_pixels=settings.max_pixels,
        pack=chosen_pack(settings),
    )


async def settle_search(session: AsyncSession, owner: str, settings: Settings, wish: Search) -> dict[str, Any]:
    """Settle that faces are searched for in a collection of the workspace, by the engine that keeps it.

    Raises:
        SearchApartError: the engine is our own, whose collections are searched apart.
        CollectionNotFoundError: there is no such collection in the workspace.
        OtherEngineError: it is kept here, not by the engine.
        RecognitionOffError: neither the workspace nor the collection recognises faces.
    """
    if settings.faces_engine == LOCAL:
        raise SearchApartError(
            "With FOTOFILA_FACES_ENGINE=local photos are analysed without a collection: leave `collection` out, and "
            f"send the picture to POST /api/collections/{wish.collection}/search, too, which keeps nothing of it."
        )
    row = await find_switched_on(session, owner, wish.collection)
    demand_engine(row)
    actor = actor_of(wish.by)
    return {
        "collection": row.name,
        "collection_id": row.id,
        "aws_collection": aws_collection(owner, row.name, prefix=settings.faces_aws_prefix),
        "search": wish.how,
        "threshold": THRESHOLD,
        "searched_by": {"kind": actor.kind, "id": actor.id},
    }


def demand_engine(row: CollectionRow) -> None:
    """Refuse a collection whose vectors are in our own tables.

    Raises:
        OtherEngineError: they are.
    """
    if not is_kept_by_engine(row.model):
        raise OtherEngineError(
            f"The vectors of the collection {row.name!r} are here ({row.model}), and AWS cannot search them: make "
            "another collection and index the photos again."
        )


def analysis_args(
    *, detection: str, age: bool, gender: bool, embed: bool, max_pixels: int, pack: Pack = PERMISSIVE
) -> dict[str, Any]:
    """Shape the arguments of `faces.analyze`."""
    return {
        "engine": LOCAL,
        "pack": pack.name,
        "detection": detection,
        "age": age,
        "gender": gender,
        "embed": embed,
        "embedding_model": pack.model,
        "max_pixels": max_pixels,
        "models": {spec.name: spec.sha256 for spec in pack.specs},
    }


async def photo_detail(session: AsyncSession, photo_id: str) -> dict[str, Any]:
    """Return the faces of a photo, from left to right."""
    query = select(FaceRow).where(FaceRow.photo_id == photo_id).order_by(FaceRow.left, FaceRow.id)
    rows = (await session.scalars(query)).all()
    matches = await matches_of(session, photo_id) if rows else {}
    return {"faces": [face_json(row, matches.get(row.id, ())) for row in rows]}


def face_json(row: FaceRow, matches: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Shape a face for the wire; matches are told where there are any."""
    return ({"matches": [*matches]} if matches else {}) | {
        "id": row.id,
        "bounding_box": {"left": row.left, "top": row.top, "width": row.width, "height": row.height},
        "confidence": row.confidence,
        "landmarks": row.landmarks,
        "pose": row.pose,
        "quality": row.quality,
        "age_range": None if row.age_low is None else {"low": row.age_low, "high": row.age_high},
        "apparent_gender": None if row.gender is None else {"value": row.gender, "confidence": row.gender_confidence},
        "has_embedding": row.embedding is not None,
    }


async def report(session: AsyncSession, owner: str, start: datetime, end: datetime) -> dict[str, Any]:
    """Count the faces of a time by age (the middle of the range, in steps of ten years) and apparent gender."""
    mine = (
        select(FaceRow.id)
        .join(Photo, Photo.id == FaceRow.photo_id)
        .where(FaceRow.owner == owner, Photo.created_at >= start, Photo.created_at < end)
    )
    step = (FaceRow.age_low + FaceRow.age_high) / 2 / AGE_STEP
    decade = func.floor(step).label("decade")
    ages = await session.execute(
        mine.where(FaceRow.age_low.is_not(None)).with_only_columns(decade, func.count()).group_by(decade)
    )
    genders = await session.execute(
        mine.where(FaceRow.gender.is_not(None)).with_only_columns(FaceRow.gender, func.count()).group_by(FaceRow.gender)
    )
    counts = {int(number): count for number, count in ages.all()}
    return {
        "ages": [
            {"low": low, "high": low + AGE_STEP - 1, "count": counts.get(low // AGE_STEP, 0)}
            for low in range(0, OLDEST, AGE_STEP)
        ],
        "genders": [{"value": value, "count": count} for value, count in sorted(genders.all())],
    }
