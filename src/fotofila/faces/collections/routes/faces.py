"""The faces of a collection: indexed, listed, looked at, deleted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from fotofila.access.audit import actor_of
from fotofila.api.deps import SECURITY, ContextDep, Editor, LargeBody, Reader
from fotofila.api.paging import Cursor, Limit, Page, make_cursor, read_cursor
from fotofila.core.errors import InvalidInputError
from fotofila.faces.collections import desk
from fotofila.faces.collections.care_consent import Agreement
from fotofila.faces.collections.images import image_body, read_image_with, read_photo
from fotofila.faces.collections.png import png_of
from fotofila.faces.collections.routes.collections import Name
from fotofila.faces.collections.schemas import CollectionFaceOut, DeletedOut, FacesIn, IndexedOut, LeftOutOut
from fotofila.faces.collections.types import QualityFilter
from fotofila.faces.engine.base import CHIP_SIDE

router = APIRouter(prefix="/api/collections/{collection}/faces", tags=["collections"], dependencies=[*SECURITY])


FIELDS = {"consent": 4000, "consent_given_by": 255}
"""Fields of a form with an image, with their most characters: names of people have no place in an address."""
CONSENT = (
    "What the people in it agreed to, or where that is kept: noted for each face as a consent. Names of people are "
    "better sent as a field of a form."
)
GIVEN_BY = "Who agreed, where it was not the person; better sent as a field of a form."


@router.post(
    "",
    operation_id="index_faces",
    summary="Add the faces of an image",
    dependencies=[LargeBody],
    openapi_extra=image_body("image", required=False, texts=tuple(FIELDS)),
)
async def index_faces(
    collection: Name,
    request: Request,
    context: ContextDep,
    principal: Editor,
    external_image_id: Annotated[str | None, Query(min_length=1, max_length=255)] = None,
    max_faces: Annotated[int, Query(ge=1, le=100)] = 100,
    quality_filter: QualityFilter = "AUTO",
    photo_id: Annotated[str | None, Query(max_length=64, description="A stored photo, in place of a body.")] = None,
    consent: Annotated[str | None, Query(min_length=1, max_length=1000, description=CONSENT)] = None,
    consent_given_by: Annotated[str | None, Query(min_length=1, max_length=255, description=GIVEN_BY)] = None,
) -> IndexedOut:
    """Find the faces of an image and keep their vectors; of the image itself nothing is kept.

    The same image with the same external id gives the same faces again. Age and apparent gender are estimated where the
    workspace does so.
    """
    noted = {"consent": consent, "consent_given_by": consent_given_by}
    await desk.describe_collection(context, principal.owner, collection)
    if photo_id is not None:
        image = await read_photo(context, principal.owner, photo_id)
    else:
        image, fields = await read_image_with(request, context, "image", FIELDS)
        noted |= fields
    indexed = await desk.index_faces(
        context,
        principal.owner,
        collection,
        image,
        actor=actor_of(principal),
        external_image_id=external_image_id,
        max_faces=max_faces,
        quality_filter=quality_filter,
        photo_id=photo_id,
        agreement=agreement_of(noted["consent"], noted["consent_given_by"]),
    )
    return IndexedOut(
        faces=[CollectionFaceOut.model_validate(each) for each in indexed.records],
        left_out=[LeftOutOut.model_validate(each) for each in indexed.left_out],
        duplicates=indexed.duplicates,
        model=indexed.model,
    )


def agreement_of(words: str | None, given_by: str | None) -> Agreement | None:
    """Shape what was agreed to.

    Raises:
        InvalidInputError: it is said who agreed, and not to what.
    """
    if words:
        return Agreement(text=words, given_by=given_by or None)
    if given_by:
        raise InvalidInputError("`consent_given_by` says who agreed to `consent`: give that, too.")
    return None


@router.get("", operation_id="list_faces", summary="Faces, in the order in which they were indexed")
async def list_faces(
    collection: Name,
    context: ContextDep,
    principal: Reader,
    user_id: Annotated[str | None, Query(max_length=128)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CollectionFaceOut]:
    """Return one page; looking is written to the audit log."""
    after = str(read_cursor(cursor, str)[0]) if cursor is not None else None
    found = await desk.list_faces(
        context, principal.owner, collection, actor=actor_of(principal), limit=limit + 1, after=after, user_id=user_id
    )
    following = make_cursor(found[limit - 1].face_id) if len(found) > limit else None
    return Page(items=[CollectionFaceOut.model_validate(each) for each in found[:limit]], next_cursor=following)


@router.post("/delete", operation_id="delete_faces", summary="Delete faces")
async def delete_faces(collection: Name, body: FacesIn, context: ContextDep, principal: Editor) -> DeletedOut:
    """Erase faces with their vectors and chips, and take them from their users."""
    deleted = await desk.delete_faces(context, principal.owner, collection, body.face_ids, actor=actor_of(principal))
    return DeletedOut.model_validate(deleted)


@router.get("/{face_id}", operation_id="get_face", summary="A face")
async def get_face(collection: Name, face_id: str, context: ContextDep, principal: Reader) -> CollectionFaceOut:
    """Return what is known of it; looking is written to the audit log."""
    found = await desk.get_face(context, principal.owner, collection, face_id, actor=actor_of(principal))
    return CollectionFaceOut.model_validate(found)


@router.delete("/{face_id}", status_code=204, operation_id="delete_face", summary="Delete a face")
async def delete_face(collection: Name, face_id: str, context: ContextDep, principal: Editor) -> None:
    """Erase a face with its vectors and its chip; it need not be there."""
    await desk.delete_faces(context, principal.owner, collection, [face_id], actor=actor_of(principal))


@router.get(
    "/{face_id}/chip",
    operation_id="get_face_chip",
    summary="The picture of a face",
    response_class=Response,
    responses={200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}},
)
async def get_face_chip(collection: Name, face_id: str, context: ContextDep, principal: Reader) -> Response:
    """Return the aligned chip, 112 x 112 pixels, where one is kept; looking is written to the audit log."""
    chip = await desk.get_chip(context, principal.owner, collection, face_id, actor=actor_of(principal))
    headers = {"Cache-Control": "private, max-age=3600"}
    return Response(png_of(chip, CHIP_SIDE, CHIP_SIDE), media_type="image/png", headers=headers)
