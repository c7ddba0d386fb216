"""Faces of a collection: indexed, listed, deleted."""

from __future__ import annotations

from typing import Any

from fotofila.faces.collections import desk
from fotofila.faces.collections.types import Deleted, Indexed, NotDone
from fotofila.rekognition.answers import estimates, face_detail, face_record, model_version, own_id, shown_id
from fotofila.rekognition.calls import ASKS_FOR_IMAGES, NOT_FOUND, Call, reads, writes
from fotofila.rekognition.images import read_image
from fotofila.rekognition.tokens import make_token, page_of, read_token

MOST_INDEXED = 100
"""Of one image; a higher MaxFaces is no error."""
PAGE = 1000


async def index_faces(call: Call) -> Indexed:
    """Add the faces of an image, the largest and best of them first."""
    given = call.given
    return await desk.index_faces(
        call.context,
        call.owner,
        call.collection,
        await read_image(call.context, given["Image"]),
        actor=call.actor,
        external_image_id=given.get("ExternalImageId"),
        max_faces=min(given.get("MaxFaces", MOST_INDEXED), MOST_INDEXED),
        quality_filter=given.get("QualityFilter", "AUTO"),
        attributes=estimates(given.get("DetectionAttributes", ())),
    )


def told_indexed(call: Call, indexed: Indexed) -> dict[str, Any]:
    """Tell which faces were added and which were left out."""
    attributes = call.given.get("DetectionAttributes", ())
    return {
        "FaceRecords": [
            {"Face": face_record(record), "FaceDetail": face_detail(record.face, attributes)}
            for record in indexed.records
        ],
        "FaceModelVersion": model_version(indexed.model),
        "UnindexedFaces": [
            {"Reasons": list(left.reasons), "FaceDetail": face_detail(left.face, attributes)}
            for left in indexed.left_out
        ],
    }


async def list_faces(call: Call) -> dict[str, Any]:
    """List faces in the order in which they were indexed."""
    given = call.given
    limit = given.get("MaxResults") or PAGE
    after = read_token(call, "ListFaces")
    face_ids = [own_id(face) for face in given["FaceIds"]] if "FaceIds" in given else None
    found = await desk.list_faces(
        call.context,
        call.owner,
        call.collection,
        actor=call.actor,
        limit=limit + 1,
        after=after,
        user_id=given.get("UserId"),
        face_ids=face_ids,
    )
    rows, more = page_of(found, limit)
    collection = await desk.describe_collection(call.context, call.owner, call.collection)
    answer: dict[str, Any] = {
        "Faces": [face_record(row) for row in rows],
        "FaceModelVersion": model_version(collection.model),
    }
    if more:
        answer["NextToken"] = make_token(call, "ListFaces", rows[-1].face_id)
    return answer


async def delete_faces(call: Call) -> Deleted:
    """Delete faces; those of a user stay until they are taken from the user."""
    face_ids = [own_id(face) for face in call.given["FaceIds"]]
    return await desk.delete_faces(
        call.context, call.owner, call.collection, face_ids, actor=call.actor, keep_associated=True
    )


def told_deleted(_call: Call, deleted: Deleted) -> dict[str, Any]:
    """Tell which faces were deleted."""
    return {
        "DeletedFaces": [shown_id(face) for face in deleted.face_ids],
        "UnsuccessfulFaceDeletions": [not_done(each) for each in deleted.not_done],
    }


def not_done(told: NotDone) -> dict[str, Any]:
    """Tell of a face with which something could not be done."""
    answer: dict[str, Any] = {"FaceId": shown_id(told.face_id), "Reasons": list(told.reasons)}
    if told.user_id is not None:
        answer["UserId"] = told.user_id
    return answer


OPERATIONS = (
    writes("IndexFaces", index_faces, told_indexed, ASKS_FOR_IMAGES, NOT_FOUND, "ServiceQuotaExceededException"),
    reads("ListFaces", list_faces, NOT_FOUND, "InvalidPaginationTokenException"),
    writes("DeleteFaces", delete_faces, told_deleted, NOT_FOUND),
)
