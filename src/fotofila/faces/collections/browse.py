"""Listing and deleting the faces of a collection."""

from __future__ import annotations

from collections.abc import Collection

from fotofila.access.audit import Actor
from fotofila.core.capability import Context
from fotofila.faces.collections.types import Deleted, FaceRecord


async def list_faces(
    context: Context,
    owner: str,
    name: str,
    *,
    actor: Actor,
    limit: int,
    after: str | None = None,
    user_id: str | None = None,
    face_ids: Collection[str] | None = None,
) -> tuple[FaceRecord, ...]:
    """Return faces by id, that is, in the order in which they were indexed; `after` is the id of the last one seen.

    Raises:
        CollectionNotFoundError: there is none of this name.
    """
    raise NotImplementedError


async def get_face(context: Context, owner: str, name: str, face_id: str, *, actor: Actor) -> FaceRecord:
    """Return one face.

    Raises:
        CollectionNotFoundError: there is none of this name.
        FaceNotFoundError: the collection has no such face.
    """
    raise NotImplementedError


async def delete_faces(
    context: Context, owner: str, name: str, face_ids: Collection[str], *, actor: Actor, keep_associated: bool = False
) -> Deleted:
    """Delete faces; what is not there is told, and no error.

    Args:
        context: the parts of the process.
        owner: id of the workspace.
        name: of the collection.
        face_ids: of the faces.
        actor: who asks.
        keep_associated: leave faces that belong to a user, and tell so; else they are taken from the user first.

    Raises:
        CollectionNotFoundError: there is none of this name.
    """
    raise NotImplementedError
