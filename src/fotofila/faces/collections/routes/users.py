"""The users of a collection: people who are known by several faces."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from fotofila.access.audit import actor_of
from fotofila.api.deps import SECURITY, ContextDep, Editor, LargeBody, Reader
from fotofila.api.paging import Cursor, Limit, Page, make_cursor, read_cursor
from fotofila.core.errors import InvalidInputError
from fotofila.faces.collections import desk
from fotofila.faces.collections.images import image_body, read_images
from fotofila.faces.collections.routes.collections import Name
from fotofila.faces.collections.routes.search import Most, Threshold
from fotofila.faces.collections.schemas import (
    AssociatedOut,
    AssociateIn,
    FacesIn,
    PersonDetail,
    PersonIn,
    PersonOut,
    SearchedPersons,
)
from fotofila.faces.collections.types import QualityFilter

router = APIRouter(prefix="/api/collections/{collection}/users", tags=["collections"], dependencies=[*SECURITY])

Person = Annotated[str, Path(max_length=128)]


@router.get("", operation_id="list_collection_users", summary="Users by their id")
async def list_users(
    collection: Name, context: ContextDep, principal: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Page[PersonOut]:
    """Return one page."""
    after = str(read_cursor(cursor, str)[0]) if cursor is not None else None
    found = await desk.list_users(context, principal.owner, collection, limit=limit + 1, after=after)
    following = make_cursor(found[limit - 1].user_id) if len(found) > limit else None
    return Page(items=[PersonOut.model_validate(each) for each in found[:limit]], next_cursor=following)


@router.post("", status_code=201, operation_id="create_collection_user", summary="Make a user")
async def create_user(collection: Name, body: PersonIn, context: ContextDep, principal: Editor) -> PersonOut:
    """Make a user without faces."""
    made = await desk.create_user(context, principal.owner, collection, body.user_id, actor=actor_of(principal))
    return PersonOut.model_validate(made)


@router.post(
    "/search",
    operation_id="search_collection_users",
    summary="Which users a face is like",
    dependencies=[LargeBody],
    openapi_extra=image_body("image", required=False),
)
async def search_users(
    collection: Name,
    request: Request,
    context: ContextDep,
    principal: Reader,
    face_id: Annotated[str | None, Query(max_length=64, description="A face of the collection.")] = None,
    user_id: Annotated[str | None, Query(max_length=128, description="A user of the collection.")] = None,
    threshold: Threshold = 80.0,
    limit: Most = 80,
    quality_filter: QualityFilter = "NONE",
) -> SearchedPersons:
    """Search with a face, with a user, or with the largest face of an image that is the body."""
    await desk.describe_collection(context, principal.owner, collection)
    actor = actor_of(principal)
    if face_id is not None and user_id is not None:
        raise InvalidInputError("Give a face_id, a user_id or an image to search with, and one of them alone.")
    if face_id is not None or user_id is not None:
        found = await desk.search_users(
            context,
            principal.owner,
            collection,
            actor=actor,
            face_id=face_id,
            user_id=user_id,
            threshold=threshold,
            limit=limit,
        )
    else:
        (image,) = await read_images(request, context, "image")
        found = await desk.search_users_by_image(
            context,
            principal.owner,
            collection,
            image,
            actor=actor,
            threshold=threshold,
            limit=limit,
            quality_filter=quality_filter,
        )
    return SearchedPersons.model_validate(found)


@router.get("/{person}", operation_id="get_collection_user", summary="A user")
async def get_user(collection: Name, person: Person, context: ContextDep, principal: Reader) -> PersonDetail:
    """Return a user with the ids of the faces."""
    return PersonDetail.model_validate(await desk.get_user(context, principal.owner, collection, person))


@router.delete("/{person}", status_code=204, operation_id="delete_collection_user", summary="Delete a user")
async def delete_user(collection: Name, person: Person, context: ContextDep, principal: Editor) -> None:
    """Delete a user; the faces stay in the collection."""
    await desk.delete_user(context, principal.owner, collection, person, actor=actor_of(principal))


@router.post("/{person}/faces", operation_id="associate_faces", summary="Give faces to a user")
async def associate_faces(
    collection: Name, person: Person, body: AssociateIn, context: ContextDep, principal: Editor
) -> AssociatedOut:
    """Let faces belong to a user, except those that are another's or not similar enough."""
    done = await desk.associate_faces(
        context,
        principal.owner,
        collection,
        person,
        body.face_ids,
        actor=actor_of(principal),
        threshold=body.threshold,
    )
    return AssociatedOut.model_validate(done)


@router.post("/{person}/faces/remove", operation_id="disassociate_faces", summary="Take faces from a user")
async def disassociate_faces(
    collection: Name, person: Person, body: FacesIn, context: ContextDep, principal: Editor
) -> AssociatedOut:
    """Take faces from a user; they stay in the collection."""
    done = await desk.disassociate_faces(
        context, principal.owner, collection, person, body.face_ids, actor=actor_of(principal)
    )
    return AssociatedOut.model_validate(done)
