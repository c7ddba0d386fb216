"""Comparing two images by the engine that keeps faces: it is sent both, and keeps nothing of them."""

from __future__ import annotations

from fotofila.access.audit import Actor, record
from fotofila.core.capability import Context
from fotofila.faces.collections.kept.keeper import keeping_engine
from fotofila.faces.collections.look import demand_switch
from fotofila.faces.collections.search import THRESHOLD, check_bounds
from fotofila.faces.collections.types import Compared, ComparedFace, QualityFilter, SeenFace


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
    """Compare the largest face of one image with every face of another; see `look.compare_faces`."""
    check_bounds(threshold, 1)
    if not switched_on:
        await demand_switch(context, owner)
    engine = keeping_engine(context)
    assert engine is not None  # noqa: S101 - the desk has looked
    found = await engine.compare_faces(source, target, threshold=threshold, quality_filter=quality_filter)
    matches = tuple(ComparedFace(face=each.face, similarity=each.similarity) for each in found.matches)
    detail = {
        "faces": len(matches) + len(found.unmatched),
        "matches": len(matches),
        "threshold": threshold,
        "model": engine.model,
    }
    async with context.db.write() as session:
        now = context.clock.now()
        await record(session, owner=owner, actor=actor, action="faces.compare", subject=None, detail=detail, now=now)
    face = SeenFace(bounding_box=found.bounding_box, confidence=found.confidence)
    return Compared(source=face, matches=matches, unmatched=found.unmatched, model=engine.model)
