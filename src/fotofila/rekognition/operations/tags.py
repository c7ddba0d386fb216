"""Tags of collections."""

from __future__ import annotations

from typing import Any

from fotofila.faces.collections import desk
from fotofila.rekognition.arns import collection_of
from fotofila.rekognition.calls import NOT_FOUND, Call, nothing, reads, writes
from fotofila.rekognition.errors import AwsError
from fotofila.rekognition.operations.collections import MOST_TAGS, QUOTA


async def tag_resource(call: Call) -> None:
    """Add tags, or give them other values."""
    name = collection_of(call.given["ResourceArn"], call.owner)
    tags = call.given["Tags"]
    found = await desk.describe_collection(call.context, call.owner, name)
    if len({*found.tags, *tags}) > MOST_TAGS:
        raise AwsError(QUOTA, f"A collection has {MOST_TAGS} tags at most.")
    await desk.tag_collection(call.context, call.owner, name, tags, actor=call.actor)


async def untag_resource(call: Call) -> None:
    """Take tags away."""
    name = collection_of(call.given["ResourceArn"], call.owner)
    await desk.untag_collection(call.context, call.owner, name, call.given["TagKeys"], actor=call.actor)


async def list_tags(call: Call) -> dict[str, Any]:
    """List the tags of a collection."""
    name = collection_of(call.given["ResourceArn"], call.owner)
    return {"Tags": dict((await desk.describe_collection(call.context, call.owner, name)).tags)}


OPERATIONS = (
    writes("TagResource", tag_resource, nothing, NOT_FOUND, QUOTA),
    writes("UntagResource", untag_resource, nothing, NOT_FOUND),
    reads("ListTagsForResource", list_tags, NOT_FOUND),
)
