"""Searching a collection, and comparing two images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request

from fotofila.access.audit import actor_of
from fotofila.api.deps import SECURITY, ContextDep, LargeBody, Reader
from fotofila.faces.collections import desk
from fotofila.faces.collections.images import image_body, read_images
from fotofila.faces.collections.routes.collections import Name
from fotofila.faces.collections.schemas import (
    CollectionFaceOut,
    ComparedOut,
    FaceMatches,
    MatchOut,
    SearchedFaceOut,
    SearchedOut,
    SeenFaceOut,
)
from fotofila.faces.collections.types import FaceMatch, QualityFilter, SearchedFace

router = APIRouter(prefix="/api", tags=["collections"], dependencies=[*SECURITY])

Threshold = Annotated[float, Query(ge=0, le=100, description="Least similarity: see the docs for what it means.")]
Most = Annotated[int, Query(ge=1, le=4096, description="Most matches of a face.")]


@router.post(
    "/collections/{collection}/search",
    operation_id="search_by_image",
    summary="Who is in an image",
    dependencies=[LargeBody],
    openapi_extra=image_body("image"),
)
async def search_by_image(
    collection: Name,
    request: Request,
    context: ContextDep,
    principal: Reader,
    faces: Annotated[Literal["all", "largest"], Query(description="Which faces of the image.")] = "all",
    threshold: Threshold = 80.0,
    limit: Most = 80,
    quality_filter: QualityFilter = "NONE",
) -> SearchedOut:
    """Search with every face of an image, or with the largest; nothing of the image is kept.

    An image without a face is answered with no faces, and where the largest is asked for, with the problem `no_face`.
    """
    info = await desk.describe_collection(context, principal.owner, collection)
    (image,) = await read_images(request, context, "image")
    actor = actor_of(principal)
    searched: Sequence[SearchedFace]
    if faces == "largest":
        searched = [
            await desk.search_faces_by_image(
                context,
                principal.owner,
                collection,
                image,
                actor=actor,
                threshold=threshold,
                limit=limit,
                quality_filter=quality_filter,
            )
        ]
    else:
        searched = await desk.search_all_faces(
            context,
            principal.owner,
            collection,
            image,
            actor=actor,
            threshold=threshold,
            limit=limit,
            quality_filter=quality_filter,
        )
    found = [
        SearchedFaceOut(face=SeenFaceOut.model_validate(each.face), matches=matches_out(each.matches))
        for each in searched
    ]
    return SearchedOut(faces=found, model=searched[0].model if searched else info.model)


@router.post(
    "/collections/{collection}/faces/{face_id}/search", operation_id="search_by_face", summary="Who is like a face"
)
async def search_by_face(
    collection: Name,
    face_id: str,
    context: ContextDep,
    principal: Reader,
    threshold: Threshold = 80.0,
    limit: Most = 80,
) -> FaceMatches:
    """Search with a face of the collection; it is not among the matches itself."""
    info = await desk.describe_collection(context, principal.owner, collection)
    matches = await desk.search_faces(
        context, principal.owner, collection, face_id, actor=actor_of(principal), threshold=threshold, limit=limit
    )
    return FaceMatches(matches=matches_out(matches), model=info.model)


@router.post(
    "/faces/compare",
    operation_id="compare_faces",
    summary="Whether two images show one person",
    dependencies=[LargeBody],
    openapi_extra=image_body("source", "target"),
)
async def compare_faces(
    request: Request,
    context: ContextDep,
    principal: Reader,
    threshold: Threshold = 80.0,
    quality_filter: QualityFilter = "NONE",
) -> ComparedOut:
    """Compare the largest face of one image with every face of another; nothing is kept."""
    source, target = await read_images(request, context, "source", "target")
    compared = await desk.compare_faces(
        context,
        principal.owner,
        source,
        target,
        actor=actor_of(principal),
        threshold=threshold,
        quality_filter=quality_filter,
    )
    return ComparedOut.model_validate(compared)


def matches_out(matches: Sequence[FaceMatch]) -> list[MatchOut]:
    """Shape what was found."""
    return [
        MatchOut(face=CollectionFaceOut.model_validate(each.record), similarity=each.similarity) for each in matches
    ]
