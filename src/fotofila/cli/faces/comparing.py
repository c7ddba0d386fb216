"""`fotofila faces compare`: the largest face of one photo and every face of another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fotofila.cli.analysis import demand_models
from fotofila.cli.faces.local import demand_face, look_at, one_file, rank, shape_alike, shape_seen
from fotofila.cli.faces.options import At
from fotofila.cli.faces.places import numbered, places_of
from fotofila.cli.faces.progress import counting
from fotofila.cli.faces.remote import compare_there
from fotofila.core.config import Settings


async def compare_here(settings: Settings, source: Path, target: Path) -> dict[str, Any]:
    """Compare two files: `source`, `matches` (each face of the target, the most alike first) and `model`.

    Raises:
        FotofilaError: a file cannot be read, or the source shows nobody.
    """
    demand_models(settings)
    pictures = [one_file(path) for path in (source, target)]
    with counting("Looking", len(set(pictures))) as advance:
        looked = await look_at(settings, list(dict.fromkeys(pictures)), lambda _: advance())
    wanted, other = demand_face(looked[pictures[0]]), looked[pictures[1]]
    if other.error is not None:
        raise other.error
    matches = [shape_alike(each) for each in rank(wanted, other.faces)]
    return {"source": shape_seen(wanted), "matches": matches, "model": wanted.model}


async def compare_asking(at: At, source: Path, target: Path) -> dict[str, Any]:
    """Have a server do the same; the answer has the same shape."""
    pictures = [one_file(path) for path in (source, target)]
    answer = await compare_there(at, *pictures, threshold=0)
    places = places_of([*(match["face"] for match in answer["matches"]), *answer["unmatched"]])
    matches = [
        {"similarity": match["similarity"], "file": str(target)} | numbered(match["face"], places)
        for match in answer["matches"]
    ]
    return {"source": {"file": str(source), **answer["source"]}, "matches": matches, "model": answer["model"]}
