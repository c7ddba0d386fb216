"""Consents, erasures, and what is kept of faces."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from fotofila.access.audit import actor_of
from fotofila.api.deps import SECURITY, Admin, ContextDep, Editor, Reader
from fotofila.api.paging import Cursor, Limit, Page, make_cursor, read_cursor
from fotofila.core.errors import UnavailableError
from fotofila.faces.collections import care, care_consent
from fotofila.faces.collections.care_kept import kept
from fotofila.faces.collections.care_remove import Person
from fotofila.faces.collections.care_schemas import BiometricsOut, ConsentIn, ConsentOut, ErasureIn, ErasureOut
from fotofila.faces.collections.routes.collections import Name

router = APIRouter(prefix="/api", tags=["care"], dependencies=[*SECURITY])

Subject = Annotated[str | None, Query(max_length=255)]


@router.post("/erasures", status_code=201, operation_id="create_erasure", summary="Erase a person, or more")
async def create_erasure(body: ErasureIn, context: ContextDep, principal: Admin) -> ErasureOut:
    """Erase a person, a collection, the vectors of photos, or everything; the answer has a signed receipt.

    Nothing found is no error: the receipt says that nothing was there. Stored photos stay, and so does what the audit
    log tells. A very large collection is out of sight at once and deleted in the background (`state` is `erasing`
    until then). `fotofila audit verify-receipt` verifies a receipt.
    """
    options: dict[str, Any] = {"actor": actor_of(principal), "reason": body.reason}
    owner = principal.owner
    if body.person is not None:
        person = Person(
            user_id=body.person.user_id,
            external_image_id=body.person.external_image_id,
            face_ids=tuple(body.person.face_ids),
        )
        return erasure_out(await care.erase_person(context, owner, person, **options))
    if body.collection is not None:
        return erasure_out(await care.erase_collection(context, owner, body.collection, **options))
    if body.photo_embeddings:
        return erasure_out(await care.erase_photo_embeddings(context, owner, **options))
    return erasure_out(await care.erase_everything(context, owner, **options))


@router.get("/erasures", operation_id="list_erasures", summary="What was erased")
async def list_erasures(
    context: ContextDep, principal: Admin, limit: Limit = 50, cursor: Cursor = None
) -> Page[ErasureOut]:
    """Return erasures, newest first."""
    before = str(read_cursor(cursor, str)[0]) if cursor is not None else None
    found = await care.list_erasures(context, principal.owner, limit=limit + 1, before=before)
    following = make_cursor(found[limit - 1].id) if len(found) > limit else None
    return Page(items=[erasure_out(each) for each in found[:limit]], next_cursor=following)


@router.get("/erasures/{erasure_id}", operation_id="get_erasure", summary="An erasure")
async def get_erasure(erasure_id: str, context: ContextDep, principal: Admin) -> ErasureOut:
    """Return it with its receipt."""
    return erasure_out(await care.find_erasure(context, principal.owner, erasure_id))


@router.get(
    "/erasures/{erasure_id}/receipt",
    operation_id="get_receipt",
    summary="The receipt as a file",
    response_class=Response,
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}},
)
async def get_receipt(erasure_id: str, context: ContextDep, principal: Admin) -> Response:
    """Return the signed receipt to be kept."""
    erasure = await care.find_erasure(context, principal.owner, erasure_id)
    if not erasure.done:
        raise UnavailableError(
            "It is being erased: the receipt is signed when all is gone.", headers={"Retry-After": "60"}
        )
    if erasure.receipt is None:
        raise UnavailableError("The receipt is signed in a moment: ask again.", headers={"Retry-After": "2"})
    headers = {"Content-Disposition": f'attachment; filename="erasure-{erasure_id}.json"'}
    return Response(erasure.receipt, media_type="application/json", headers=headers)


@router.get("/biometrics", operation_id="get_biometrics", summary="What is kept of faces")
async def get_biometrics(context: ContextDep, principal: Reader) -> BiometricsOut:
    """Count what lets faces be recognised: ask it after a switch was turned off, and erase what is left."""
    return BiometricsOut.model_validate(await kept(context, principal.owner))


@router.post(
    "/collections/{collection}/consents", status_code=201, operation_id="add_consent", summary="Note a consent"
)
async def add_consent(collection: Name, body: ConsentIn, context: ContextDep, principal: Editor) -> ConsentOut:
    """Note who agreed to be recognised, when, and in which words; it is erased with the person."""
    note = care_consent.Consent(**body.model_dump())
    (made,) = await care_consent.add_consents(context, principal.owner, collection, [note], actor=actor_of(principal))
    return ConsentOut.model_validate(made)


@router.get("/collections/{collection}/consents", operation_id="list_consents", summary="Consents")
async def list_consents(
    collection: Name,
    context: ContextDep,
    principal: Reader,
    kind: care_consent.Kind | None = None,
    subject: Subject = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ConsentOut]:
    """Return notes, newest first."""
    before = str(read_cursor(cursor, str)[0]) if cursor is not None else None
    found = await care_consent.list_consents(
        context, principal.owner, collection, limit=limit + 1, before=before, kind=kind, subject=subject
    )
    following = make_cursor(found[limit - 1].id) if len(found) > limit else None
    return Page(items=[ConsentOut.model_validate(each) for each in found[:limit]], next_cursor=following)


@router.post(
    "/collections/{collection}/consents/{consent_id}/withdraw",
    operation_id="withdraw_consent",
    summary="Note that somebody agrees no more",
)
async def withdraw_consent(collection: Name, consent_id: str, context: ContextDep, principal: Editor) -> ConsentOut:
    """Note the withdrawal; the faces stay until they are erased with POST /api/erasures."""
    actor = actor_of(principal)
    row = await care_consent.withdraw_consent(context, principal.owner, collection, consent_id, actor=actor)
    return ConsentOut.model_validate(row)


def erasure_out(erasure: care.Erasure) -> ErasureOut:
    """Shape an erasure."""
    told = {name: erasure.body[name] for name in ("id", "at", "what", "reason", "counts")}
    receipt = json.loads(erasure.receipt) if erasure.receipt is not None else None
    return ErasureOut(**told, state="done" if erasure.done else "erasing", receipt=receipt)
