"""Users: people who are known by several faces, and found by the mean of their vectors."""

from __future__ import annotations

from collections.abc import Sequence

from fotofila.access.audit import Actor
from fotofila.core.capability import Context
from fotofila.faces.collections.search import LIMIT, THRESHOLD
from fotofila.faces.collections.types import Associated, QualityFilter, SearchedUsers, UserRecord

ASSOCIATE_THRESHOLD = 75.0


async def create_user(context: Context, owner: str, name: str, user_id: str, *, actor: Actor) -> UserRecord:
    """Make a user without faces.

    Raises:
        CollectionNotFoundError: there is none of this name.
        UserExistsError: the collection has one of this id.
    """
    raise NotImplementedError


async def delete_user(context: Context, owner: str, name: str, user_id: str, *, actor: Actor) -> None:
    """Delete a user; the faces stay, and belong to nobody.

    Raises:
        CollectionNotFoundError, UserNotFoundError: there is none of this name.
    """
    raise NotImplementedError


async def get_user(context: Context, owner: str, name: str, user_id: str) -> UserRecord:
    """Return one user with the ids of the faces.

    Raises:
        CollectionNotFoundError, UserNotFoundError: there is none of this name.
    """
    raise NotImplementedError


async def list_users(
    context: Context, owner: str, name: str, *, limit: int, after: str | None = None
) -> tuple[UserRecord, ...]:
    """Return users by their id; `after` is the last one seen."""
    raise NotImplementedError


async def associate_faces(
    context: Context,
    owner: str,
    name: str,
    user_id: str,
    face_ids: Sequence[str],
    *,
    actor: Actor,
    threshold: float = ASSOCIATE_THRESHOLD,
) -> Associated:
    """Let faces of the collection belong to a user, one after the other.

    A face that is less than `threshold` (0-100) similar to the mean of those that belong to the user already is
    refused (`LOW_MATCH_CONFIDENCE`); the first of a user without faces is taken as it is. A face of another user is
    refused (`ASSOCIATED_TO_A_DIFFERENT_USER`); one that is this user's already is told as done.

    Raises:
        CollectionNotFoundError, UserNotFoundError: there is none of this name.
    """
    raise NotImplementedError


async def disassociate_faces(
    context: Context, owner: str, name: str, user_id: str, face_ids: Sequence[str], *, actor: Actor
) -> Associated:
    """Take faces away from a user; they stay in the collection.

    Raises:
        CollectionNotFoundError, UserNotFoundError: there is none of this name.
    """
    raise NotImplementedError


async def search_users(
    context: Context,
    owner: str,
    name: str,
    *,
    actor: Actor,
    face_id: str | None = None,
    user_id: str | None = None,
    threshold: float = THRESHOLD,
    limit: int = LIMIT,
) -> SearchedUsers:
    """Return the users that are like a face of the collection, or like another user; one of the two is given.

    Raises:
        CollectionNotFoundError, FaceNotFoundError, UserNotFoundError: there is none of this name.
        InvalidInputError: both are given, or neither.
        RecognitionOffError: neither the workspace nor the collection recognises faces.
    """
    raise NotImplementedError


async def search_users_by_image(
    context: Context,
    owner: str,
    name: str,
    image: bytes,
    *,
    actor: Actor,
    threshold: float = THRESHOLD,
    limit: int = LIMIT,
    quality_filter: QualityFilter = "NONE",
) -> SearchedUsers:
    """Search users by the largest face of an image; an image without faces gives no users and no `face`.

    Raises:
        CollectionNotFoundError: there is none of this name.
        RecognitionOffError: neither the workspace nor the collection recognises faces.
    """
    raise NotImplementedError
