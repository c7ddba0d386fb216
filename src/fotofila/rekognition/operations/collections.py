"""Collections: made, described, listed, deleted."""

from __future__ import annotations

from typing import Any

from fotofila.faces.collections import desk
from fotofila.faces.collections.types import CollectionInfo
from fotofila.rekognition.answers import model_version
from fotofila.rekognition.arns import full_arn, short_arn
from fotofila.rekognition.calls import NOT_FOUND, Call, reads, writes
from fotofila.rekognition.errors import AwsError
from fotofila.rekognition.tokens import make_token, page_of, read_token

PAGE = 1000
QUOTA = "ServiceQuotaExceededException"
MOST_TAGS = 50
"""Of one collection, as AWS has it."""


async def create_collection(call: Call) -> CollectionInfo:
    """Make a collection, which is what switches recognition on for it; the audit log says by which key."""
    if len(call.given.get("Tags", ())) > MOST_TAGS:
        raise AwsError(QUOTA, f"A collection has {MOST_TAGS} tags at most.")
    return await desk.create_collection(
        call.context, call.owner, call.collection, actor=call.actor, tags=call.given.get("Tags"), switched_on=True
    )


def created(call: Call, made: CollectionInfo) -> dict[str, Any]:
    """Tell of a collection that was made."""
    return {
        "StatusCode": 200,
        "CollectionArn": short_arn(call.owner, call.region, made.name),
        "FaceModelVersion": model_version(made.model),
    }


async def describe_collection(call: Call) -> dict[str, Any]:
    """Tell of a collection."""
    found = await desk.describe_collection(call.context, call.owner, call.collection)
    return {
        "FaceCount": found.face_count,
        "FaceModelVersion": model_version(found.model),
        "CollectionARN": full_arn(call.owner, call.region, found.name),
        "CreationTimestamp": round(found.created_at.timestamp(), 3),
        "UserCount": found.user_count,
    }


async def list_collections(call: Call) -> dict[str, Any]:
    """List names and models."""
    limit = call.given.get("MaxResults") or PAGE
    after = read_token(call, "ListCollections")
    rows, more = page_of(await desk.list_collections(call.context, call.owner, limit=limit + 1, after=after), limit)
    answer: dict[str, Any] = {
        "CollectionIds": [row.name for row in rows],
        "FaceModelVersions": [model_version(row.model) for row in rows],
    }
    if more:
        answer["NextToken"] = make_token(call, "ListCollections", rows[-1].name)
    return answer


async def delete_collection(call: Call) -> CollectionInfo:
    """Delete a collection with its faces and users."""
    return await desk.delete_collection(call.context, call.owner, call.collection, actor=call.actor)


def deleted(_call: Call, _gone: CollectionInfo) -> dict[str, Any]:
    """Tell that a collection was deleted."""
    return {"StatusCode": 200}


OPERATIONS = (
    writes("CreateCollection", create_collection, created, "ResourceAlreadyExistsException", QUOTA),
    reads("DescribeCollection", describe_collection, NOT_FOUND),
    reads("ListCollections", list_collections, NOT_FOUND, "InvalidPaginationTokenException"),
    writes("DeleteCollection", delete_collection, deleted, NOT_FOUND),
)
