"""Users of a collection: people known by several faces."""

from __future__ import annotations

from typing import Any

from fotofila.faces.collections import desk
from fotofila.faces.collections.types import Associated, NotDone, SearchedUsers
from fotofila.rekognition.answers import face_detail, model_version, own_id, percent, shown_id, user_match
from fotofila.rekognition.calls import ASKS_FOR_IMAGES, NOT_FOUND, Call, nothing, reads, writes
from fotofila.rekognition.images import read_image
from fotofila.rekognition.tokens import make_token, page_of, read_token

PAGE = 500
LIMIT = 80
THRESHOLD = 80.0
ASSOCIATE_THRESHOLD = 75.0
CONFLICTS = frozenset({"ConflictException", "IdempotentParameterMismatchException"})
QUOTA = "ServiceQuotaExceededException"


async def create_user(call: Call) -> None:
    """Make a user without faces."""
    await desk.create_user(call.context, call.owner, call.collection, call.given["UserId"], actor=call.actor)


async def delete_user(call: Call) -> None:
    """Delete a user; the faces stay."""
    await desk.delete_user(call.context, call.owner, call.collection, call.given["UserId"], actor=call.actor)


async def list_users(call: Call) -> dict[str, Any]:
    """List users by their id."""
    limit = call.given.get("MaxResults", PAGE)
    after = read_token(call, "ListUsers")
    found = await desk.list_users(call.context, call.owner, call.collection, limit=limit + 1, after=after)
    rows, more = page_of(found, limit)
    answer: dict[str, Any] = {"Users": [{"UserId": row.user_id, "UserStatus": row.status} for row in rows]}
    if more:
        answer["NextToken"] = make_token(call, "ListUsers", rows[-1].user_id)
    return answer


async def associate_faces(call: Call) -> Associated:
    """Let faces belong to a user."""
    return await desk.associate_faces(
        call.context,
        call.owner,
        call.collection,
        call.given["UserId"],
        [own_id(face) for face in call.given["FaceIds"]],
        actor=call.actor,
        threshold=call.given.get("UserMatchThreshold", ASSOCIATE_THRESHOLD),
    )


def told_associated(_call: Call, done: Associated) -> dict[str, Any]:
    """Tell which faces belong to a user now."""
    return {
        "AssociatedFaces": [{"FaceId": shown_id(face)} for face in done.face_ids],
        "UnsuccessfulFaceAssociations": [not_associated(each) for each in done.not_done],
        "UserStatus": done.status,
    }


async def disassociate_faces(call: Call) -> Associated:
    """Take faces from a user."""
    return await desk.disassociate_faces(
        call.context,
        call.owner,
        call.collection,
        call.given["UserId"],
        [own_id(face) for face in call.given["FaceIds"]],
        actor=call.actor,
    )


def told_disassociated(_call: Call, done: Associated) -> dict[str, Any]:
    """Tell which faces were taken from a user."""
    return {
        "DisassociatedFaces": [{"FaceId": shown_id(face)} for face in done.face_ids],
        "UnsuccessfulFaceDisassociations": [not_associated(each) for each in done.not_done],
        "UserStatus": done.status,
    }


async def search_users(call: Call) -> dict[str, Any]:
    """Search users by a face of the collection, or by another user."""
    given = call.given
    found = await desk.search_users(
        call.context,
        call.owner,
        call.collection,
        actor=call.actor,
        face_id=own_id(given["FaceId"]) if "FaceId" in given else None,
        user_id=given.get("UserId"),
        threshold=given.get("UserMatchThreshold", THRESHOLD),
        limit=given.get("MaxUsers", LIMIT),
    )
    answer = user_matches(found)
    if "FaceId" in given:
        answer["SearchedFace"] = {"FaceId": given["FaceId"]}
    else:
        answer["SearchedUser"] = {"UserId": given["UserId"]}
    return answer


async def search_users_by_image(call: Call) -> dict[str, Any]:
    """Search users by the largest face of an image; without a face nobody is found, and that is no error."""
    given = call.given
    found = await desk.search_users_by_image(
        call.context,
        call.owner,
        call.collection,
        await read_image(call.context, given["Image"]),
        actor=call.actor,
        threshold=given.get("UserMatchThreshold", THRESHOLD),
        limit=given.get("MaxUsers", LIMIT),
        quality_filter=given.get("QualityFilter", "NONE"),
    )
    answer = user_matches(found)
    if found.face is not None:
        answer["SearchedFace"] = {"FaceDetail": face_detail(found.face)}
    answer["UnsearchedFaces"] = [
        {"FaceDetails": face_detail(left.face), "Reasons": list(left.reasons)} for left in found.left_out
    ]
    return answer


def user_matches(found: SearchedUsers) -> dict[str, Any]:
    """Tell who was found."""
    return {
        "UserMatches": [user_match(match) for match in found.matches],
        "FaceModelVersion": model_version(found.model),
    }


def not_associated(told: NotDone) -> dict[str, Any]:
    """Tell of a face that could not be given to a user, or taken away."""
    answer: dict[str, Any] = {"FaceId": shown_id(told.face_id), "Reasons": list(told.reasons)}
    if told.user_id is not None:
        answer["UserId"] = told.user_id
    if told.similarity is not None:
        answer["Confidence"] = percent(told.similarity)
    return answer


OPERATIONS = (
    writes("CreateUser", create_user, nothing, NOT_FOUND, CONFLICTS, QUOTA),
    writes("DeleteUser", delete_user, nothing, NOT_FOUND, CONFLICTS),
    reads("ListUsers", list_users, NOT_FOUND, "InvalidPaginationTokenException"),
    writes("AssociateFaces", associate_faces, told_associated, NOT_FOUND, CONFLICTS, QUOTA),
    writes("DisassociateFaces", disassociate_faces, told_disassociated, NOT_FOUND, CONFLICTS),
    reads("SearchUsers", search_users, NOT_FOUND),
    reads("SearchUsersByImage", search_users_by_image, ASKS_FOR_IMAGES, NOT_FOUND),
)
