"""`/api/collections`: made, described, changed, deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path

from fotofila.access.audit import actor_of
from fotofila.api.deps import SECURITY, ContextDep, Editor, Reader, demand
from fotofila.api.paging import Cursor, Limit, Page, make_cursor, read_cursor
from fotofila.core.capability import Context
from fotofila.faces.collections import desk, remodel
from fotofila.faces.collections.schemas import CollectionChange, CollectionIn, CollectionOut
from fotofila.faces.collections.types import CollectionInfo

router = APIRouter(prefix="/api/collections", tags=["collections"], dependencies=[*SECURITY])

Name = Annotated[str, Path(max_length=255)]


@router.get("", operation_id="list_collections", summary="Collections by name")
async def list_collections(
    context: ContextDep, principal: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Page[CollectionOut]:
    """Return one page."""
    after = str(read_cursor(cursor, str)[0]) if cursor is not None else None
    found = await desk.list_collections(context, principal.owner, limit=limit + 1, after=after)
    following = make_cursor(found[limit - 1].name) if len(found) > limit else None
    return Page(items=await collections_out(context, found[:limit]), next_cursor=following)


@router.post("", status_code=201, operation_id="create_collection", summary="Make a collection")
async def create_collection(body: CollectionIn, context: ContextDep, principal: Editor) -> CollectionOut:
    """Make an empty collection; its name is unique in the workspace."""
    if body.switched_on:
        demand(principal, "admin")
    made = await desk.create_collection(context, principal.owner, actor=actor_of(principal), **body.model_dump())
    return await collection_out(context, made)


@router.get("/{collection}", operation_id="get_collection", summary="A collection")
async def get_collection(collection: Name, context: ContextDep, principal: Reader) -> CollectionOut:
    """Return what it holds and how it is set."""
    return await collection_out(context, await desk.describe_collection(context, principal.owner, collection))


@router.patch("/{collection}", operation_id="change_collection", summary="Change a collection")
async def change_collection(
    collection: Name, body: CollectionChange, context: ContextDep, principal: Editor
) -> CollectionOut:
    """Change how it is set, and its tags."""
    if body.switched_on is not None:
        demand(principal, "admin")
    actor = actor_of(principal)
    given = body.model_dump(exclude_unset=True)
    tags = given.pop("tags", {})
    changes = {key: value for key, value in given.items() if value is not None or key in {"ttl_days", "consent_note"}}
    changed = await desk.update_collection(context, principal.owner, collection, changes, actor=actor)
    if put := {key: value for key, value in tags.items() if value is not None}:
        changed = await desk.tag_collection(context, principal.owner, collection, put, actor=actor)
    if drop := [key for key, value in tags.items() if value is None]:
        changed = await desk.untag_collection(context, principal.owner, collection, drop, actor=actor)
    return await collection_out(context, changed)


@router.delete("/{collection}", status_code=204, operation_id="delete_collection", summary="Delete a collection")
async def delete_collection(collection: Name, context: ContextDep, principal: Editor) -> None:
    """Delete it with its faces, users and chips."""
    await desk.delete_collection(context, principal.owner, collection, actor=actor_of(principal))


async def collection_out(context: Context, info: CollectionInfo) -> CollectionOut:
    """Shape a collection."""
    (shaped,) = await collections_out(context, [info])
    return shaped


async def collections_out(context: Context, infos: Sequence[CollectionInfo]) -> list[CollectionOut]:
    """Shape collections, and say of each whether its model is being changed."""
    changing = await remodel.changing_among(context, [info.id for info in infos])
    return [CollectionOut(**asdict(info), changing_model=info.id in changing) for info in infos]
