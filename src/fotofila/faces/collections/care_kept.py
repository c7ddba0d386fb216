"""What a workspace keeps of faces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from fotofila.access.workspaces import get_workspace
from fotofila.core.capability import Context
from fotofila.faces.collections.care_models import ConsentRow
from fotofila.faces.collections.care_remove import number
from fotofila.faces.collections.models import CollectionFace, CollectionRow, FaceChip, FaceVector
from fotofila.faces.models import FaceRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What lets faces be recognised; see `BiometricsOut`."""

    face_recognition: bool
    photo_embeddings: int
    collections: int
    collections_switched_on: int
    faces: int
    vectors: int
    chips: int
    users: int
    consents: int
    next_expiry_at: datetime | None


async def kept(context: Context, owner: str) -> Kept:
    """Count what a workspace keeps."""
    mine = select(CollectionRow.id).where(CollectionRow.owner == owner)
    faces = select(CollectionFace.id).where(CollectionFace.owner == owner)
    totals = select(
        func.count(),
        func.coalesce(func.sum(CollectionRow.face_count), 0),
        func.coalesce(func.sum(CollectionRow.user_count), 0),
    )
    async with context.db.read() as session:
        workspace = await get_workspace(session, owner)
        found = (await session.execute(totals.where(CollectionRow.owner == owner))).one()
        collections, face_count, user_count = (int(each) for each in found)
        soonest = select(func.min(CollectionFace.expires_at)).where(CollectionFace.owner == owner)
        return Kept(
            face_recognition=workspace.face_recognition,
            photo_embeddings=await number(session, FaceRow, (FaceRow.owner == owner) & FaceRow.embedding.is_not(None)),
            collections=collections,
            collections_switched_on=await number(
                session, CollectionRow, (CollectionRow.owner == owner) & CollectionRow.switched_on
            ),
            faces=face_count,
            vectors=await number(session, FaceVector, FaceVector.collection_id.in_(mine)),
            chips=await number(session, FaceChip, FaceChip.face_id.in_(faces)),
            users=user_count,
            consents=await number(session, ConsentRow, ConsentRow.collection_id.in_(mine)),
            next_expiry_at=await session.scalar(soonest),
        )
