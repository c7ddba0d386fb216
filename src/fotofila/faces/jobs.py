"""`faces.analyze`: one decode, then everything that is wanted from a photo."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fotofila.core.images.annotate import Annotation
from fotofila.core.images.decode import Decoded, decode
from fotofila.core.images.exif import ExifFacts, read_exif
from fotofila.core.images.renditions import MEDIA_TYPE, Renditions, make_renditions
from fotofila.core.jobs.outcomes import Done, Outcome, RenditionFile, Report, Work
from fotofila.faces.analyzer import AnalyzeOptions, FaceAnalyzer
from fotofila.faces.engine.errors import EngineNotHereError
from fotofila.faces.engine.names import LOCAL
from fotofila.faces.face import Face, face_from_json
from fotofila.faces.packs import PACKS, PERMISSIVE

THUMBNAILS = {"large": "1024.webp", "small": "256.webp", "annotated": "annotated.webp"}


@lru_cache(maxsize=2)
def analyzer(models_dir: Path, pack: str = PERMISSIVE.name) -> FaceAnalyzer:
    """Return the analyzer of this process for a pack; models are loaded when they are first used."""
    return FaceAnalyzer(models_dir, pack=PACKS[pack])


def work(work: Work, report: Report) -> Outcome:
    """Decode, find and describe faces, make thumbnails and the annotated picture."""
    clock = time.process_time
    began = clock()
    decoded = decode(work.original, pixel_cap=work.args["max_pixels"])
    facts = photo_facts(decoded, read_exif(work.original))
    decoded_at = clock()
    report(0.2)
    faces, told = find(work, decoded.pixels)
    analyzed_at = clock()
    report(0.8)
    renditions = make_renditions(decoded.pixels, [annotation(face) for face in faces])
    files = tuple(rendition(renditions, name) for name in THUMBNAILS)
    timings = {
        "decode": round(decoded_at - began, 4),
        "vision": round(analyzed_at - decoded_at, 4),
        "renditions": round(clock() - analyzed_at, 4),
    }
    result = {"photo": facts, "faces": told}
    return Done(result=result, renditions=files, timings=timings)


def find(work: Work, pixels: NDArray[np.uint8]) -> tuple[Sequence[Face], list[dict[str, Any]]]:
    """Return the faces that a service has found, or that we find ourselves, and what is told of them.

    Raises:
        EngineNotHereError: the job is for a service that nobody has asked.
    """
    engine = work.args.get("engine", LOCAL)
    if engine == LOCAL:
        pack = work.args.get("pack", PERMISSIVE.name)
        faces = analyzer(work.models_dir, pack).analyze(pixels, options_of(work.args))
        return faces, [face.to_json() for face in faces]
    if "found" not in work.args:
        raise EngineNotHereError(engine)
    told: list[dict[str, Any]] = work.args["found"]["faces"]
    return [face_from_json(face) for face in told], told


def options_of(args: Mapping[str, Any]) -> AnalyzeOptions:
    """Read the settled arguments."""
    return AnalyzeOptions(detection=args["detection"], age=args["age"], gender=args["gender"], embed=args["embed"])


def photo_facts(decoded: Decoded, exif: ExifFacts) -> dict[str, Any]:
    """Shape what is known of the photo itself."""
    camera = {"make": exif.camera_make, "model": exif.camera_model, "lens": exif.lens_model}
    gps = {"latitude": exif.latitude, "longitude": exif.longitude, "altitude": exif.altitude_metres}
    return {
        "width": decoded.width,
        "height": decoded.height,
        "orientation": decoded.orientation,
        "taken_at": exif.taken_at,
        "camera": camera if any(camera.values()) else None,
        "gps": gps if exif.latitude is not None else None,
        "exif": {name: value for name, value in asdict(exif).items() if value is not None},
    }


def annotation(face: Face) -> Annotation:
    """Say what to draw at a face."""
    box = face.bounding_box
    return Annotation(left=box.left, top=box.top, width=box.width, height=box.height, label=label_of(face))


def label_of(face: Face) -> str | None:
    """Write age and apparent gender in short, without words of any language."""
    parts = []
    if face.apparent_gender is not None:
        parts.append("F" if face.apparent_gender.value == "female" else "M")
    if face.age_range is not None:
        parts.append(f"{face.age_range.low}\u2013{face.age_range.high}")
    return " ".join(parts) or None


def rendition(renditions: Renditions, name: str) -> RenditionFile:
    """Shape one rendition for the worker to store."""
    return RenditionFile(name=THUMBNAILS[name], content=getattr(renditions, name), media_type=MEDIA_TYPE)
