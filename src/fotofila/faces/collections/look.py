"""Looking at images without keeping anything of them: detect, compare."""

from __future__ import annotations

import numpy as np

from fotofila.access.audit import Actor, record
from fotofila.access.workspaces import get_workspace
from fotofila.core.capability import Context
from fotofila.faces.collections.errors import NoFaceError, RecognitionOffError
from fotofila.faces.collections.quality_filter import choose, largest
from fotofila.faces.collections.search import THRESHOLD, check_bounds, embeddings
from fotofila.faces.collections.similarity import similarity
from fotofila.faces.collections.store import vector_engine
from fotofila.faces.collections.types import Compared, ComparedFace, QualityFilter
from fotofila.faces.engine.base import FindOptions, Found, engine_of

MOST_COMPARED = 100


async def detect_faces(context: Context, owner: str, image: bytes, *, attributes: bool = True) -> Found:
    """Find and describe the faces of an image, the largest first, without vectors: no biometrics.

    Age and apparent gender are left out where the workspace does not estimate them.
    """
    async with context.db.read() as session:
        workspace = await get_workspace(session, owner)
    options = FindOptions(
        detection="fast" if workspace.detection == "fast" else "accurate",
        age=attributes and workspace.age,
        gender=attributes and workspace.gender,
    )
    return await engine_of(context).find_faces(image, options=options)


async def compare_faces(
    context: Context,
    owner: str,
    source: bytes,
    target: bytes,
    *,
    actor: Actor,
    threshold: float = THRESHOLD,
    quality_filter: QualityFilter = "NONE",
    switched_on: bool = False,
) -> Compared:
    """Compare the largest face of one image with every face of another; at most the 100 largest of these.

    Nothing is kept; it is written to the audit log.

    Args:
        context: the parts of the process.
        owner: id of the workspace.
        source: the image whose largest face is compared.
        target: the image whose faces it is compared with.
        actor: who asks.
        threshold: similarity, 0-100, from which a face of the target is a match.
        quality_filter: which faces are not good enough.
        switched_on: the caller has the right to recognise faces although the workspace's switch is off.

    Raises:
        NoFaceError: one of the images has no face, or none that passes the filter.
        RecognitionOffError: the workspace does not recognise faces.
    """
    check_bounds(threshold, 1)
    if not switched_on:
        await demand_switch(context, owner)
    engine = vector_engine(context)
    options = FindOptions(age=False, gender=False, embed=True)
    first = largest(await engine.find_faces(source, options=options), quality_filter=quality_filter).faces
    if not first:
        raise NoFaceError("There is no face in the source image: send one that shows at least one.")
    found = await engine.find_faces(target, options=options)
    others = [each.face for each in choose(found, quality_filter=quality_filter, max_faces=MOST_COMPARED).faces]
    if not others:
        raise NoFaceError("There is no face in the target image: send one that shows at least one.")
    model = found.model or engine.model
    cosines = embeddings([face.embedding for face in others]) @ embeddings([first[0].face.embedding])[0]
    ranked = [
        ComparedFace(face=others[at], similarity=similarity(model, float(cosines[at]))) for at in np.argsort(-cosines)
    ]
    matches = tuple(each for each in ranked if each.similarity >= threshold)
    detail = {"faces": len(others), "matches": len(matches), "threshold": threshold, "model": model}
    async with context.db.write() as session:
        now = context.clock.now()
        await record(session, owner=owner, actor=actor, action="faces.compare", subject=None, detail=detail, now=now)
    unmatched = tuple(each.face for each in ranked if each.similarity < threshold)
    return Compared(source=first[0].face, matches=matches, unmatched=unmatched, model=model)


async def demand_switch(context: Context, owner: str) -> None:
    """Refuse where the workspace does not recognise faces.

    Raises:
        RecognitionOffError: it does not.
    """
    async with context.db.read() as session:
        if not (await get_workspace(session, owner)).face_recognition:
            raise RecognitionOffError(
                "Face recognition is off in this workspace: switch it on with PATCH /api/workspace "
                '{"face_recognition": true}.'
            )
