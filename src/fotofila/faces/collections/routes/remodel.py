"""`/api/collections/{collection}/model`: another model, without asking for any picture again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Path
from pydantic import BaseModel, ConfigDict, Field

from fotofila.access.audit import actor_of
from fotofila.api.deps import SECURITY, Admin, ContextDep, Reader
from fotofila.api.paging import Cursor, Limit, Page, make_cursor, read_cursor
from fotofila.faces.collections import remodel, remodel_compare

router = APIRouter(prefix="/api/collections/{collection}/model", tags=["collections"], dependencies=[*SECURITY])

Name = Annotated[str, Path(max_length=255)]


class RemodelOut(BaseModel):
    """How far the change is."""

    model_config = ConfigDict(from_attributes=True)

    collection: str
    model: str = Field(description="The model that searches compare now.")
    from_model: str
    to_model: str
    state: Literal["embedding", "ready", "switched", "finishing"]
    faces: int
    embedded: int = Field(description="Faces with a vector of the new model.")
    left_behind: int = Field(description="Faces that cannot be embedded anew; the old model still finds them.")
    progress: float = Field(ge=0, le=1)
    started_at: datetime
    switched_at: datetime | None


class RemodelIn(BaseModel):
    """Which model."""

    model: str = Field(max_length=64, examples=["edgeface-s-gamma05-2023"])


class ChoicesOut(BaseModel):
    """Which models there are."""

    model_config = ConfigDict(from_attributes=True)

    model: str = Field(description="The model that searches compare now.")
    choices: list[str] = Field(
        description="Those that a change can be started to: fetched, and their licence accepted."
    )


class SwitchIn(BaseModel):
    """Whether to wait for the last face."""

    anyway: bool = Field(default=False, description="Switch although faces are left to embed.")


class FinishIn(BaseModel):
    """What becomes of faces that cannot follow."""

    drop_left_behind: int | None = Field(
        default=None,
        ge=0,
        description="Let no search find them any more: their number, as `/left-behind` lists them. Left out, they stay "
        "searchable, and the change goes on until the last of them is deleted or indexed again.",
    )


class CompareIn(BaseModel):
    """How much to compare."""

    queries: int = Field(200, ge=1, le=1000, description="Faces of the collection that are searched by both models.")
    threshold: float = Field(80.0, ge=0, le=100)


class ComparisonOut(BaseModel):
    """How far the models agree."""

    model_config = ConfigDict(from_attributes=True)

    from_model: str
    to_model: str
    threshold: float
    queries: int
    same_best: float = Field(description="Share of queries with the same most similar face, 0-1.")
    same_matches: float = Field(description="Share of matches that both models have, 0-1, mean over the queries.")
    only_from: int = Field(description="Matches that the old model alone has.")
    only_to: int = Field(description="Matches that the new model alone has.")
    similarity_gap: float = Field(description="Mean distance of the similarities, 0-100, of common matches.")


class LeftBehindOut(BaseModel):
    """A face that cannot follow."""

    model_config = ConfigDict(from_attributes=True)

    face_id: str
    external_image_id: str | None
    model: str = Field(description="The model that it cannot be embedded with.")
    reason: Literal["no_source", "photo_gone", "face_not_found", "chip_unreadable"]


@router.post("", status_code=202, operation_id="start_model_change", summary="Begin to embed with another model")
async def start(collection: Name, body: RemodelIn, context: ContextDep, principal: Admin) -> RemodelOut:
    """Embed every face with another model in the background; searches go on as they are."""
    started = await remodel.start(context, principal.owner, collection, body.model, actor=actor_of(principal))
    return RemodelOut.model_validate(started)


@router.get("", operation_id="get_model_change", summary="How far the change of model is")
async def get(collection: Name, context: ContextDep, principal: Reader) -> RemodelOut:
    """Return the two models, the progress and the state."""
    return RemodelOut.model_validate(await remodel.describe(context, principal.owner, collection))


@router.delete("", status_code=204, operation_id="abandon_model_change", summary="End a change that was not switched")
async def abandon(collection: Name, context: ContextDep, principal: Admin) -> None:
    """Remove the new vectors again."""
    await remodel.abandon(context, principal.owner, collection, actor=actor_of(principal))


@router.get("/choices", operation_id="list_model_choices", summary="Models that it can be changed to")
async def choices(collection: Name, context: ContextDep, principal: Reader) -> ChoicesOut:
    """Return the collection's model, and the others that this server has."""
    return ChoicesOut.model_validate(await remodel.list_choices(context, principal.owner, collection))


@router.get("/left-behind", operation_id="list_left_behind", summary="Faces that cannot follow")
async def left_behind(
    collection: Name, context: ContextDep, principal: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Page[LeftBehindOut]:
    """Return one page of the faces that have neither photo nor chip, or whose source shows no face any more."""
    after = str(read_cursor(cursor, str)[0]) if cursor is not None else None
    found = await remodel.list_left_behind(context, principal.owner, collection, limit=limit + 1, after=after)
    following = make_cursor(found[limit - 1].face_id) if len(found) > limit else None
    return Page(items=[LeftBehindOut.model_validate(each) for each in found[:limit]], next_cursor=following)


@router.post("/compare", operation_id="compare_models", summary="Ask both models the same")
async def compare(collection: Name, body: CompareIn, context: ContextDep, principal: Admin) -> ComparisonOut:
    """Search for faces of the collection by both models and say how far they agree."""
    made = await remodel_compare.compare(
        context, principal.owner, collection, actor=actor_of(principal), queries=body.queries, threshold=body.threshold
    )
    return ComparisonOut.model_validate(made)


@router.post("/switch", operation_id="switch_model", summary="Search by the new model")
async def switch(collection: Name, body: SwitchIn, context: ContextDep, principal: Admin) -> RemodelOut:
    """Let searches compare the new model from now on."""
    turned = await remodel.switch(context, principal.owner, collection, actor=actor_of(principal), anyway=body.anyway)
    return RemodelOut.model_validate(turned)


@router.post("/roll-back", operation_id="roll_back_model", summary="Search by the old model again")
async def roll_back(collection: Name, context: ContextDep, principal: Admin) -> RemodelOut:
    """Let searches compare the old model again."""
    return RemodelOut.model_validate(
        await remodel.roll_back(context, principal.owner, collection, actor=actor_of(principal))
    )


@router.post("/finish", status_code=202, operation_id="finish_model_change", summary="Give the way back up")
async def finish(
    collection: Name, context: ContextDep, principal: Admin, body: Annotated[FinishIn | None, Body()] = None
) -> RemodelOut:
    """Remove the vectors of the other model in the background."""
    drop = body.drop_left_behind if body is not None else None
    return RemodelOut.model_validate(
        await remodel.finish(context, principal.owner, collection, actor=actor_of(principal), drop=drop)
    )
