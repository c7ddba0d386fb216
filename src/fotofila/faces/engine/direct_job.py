"""What the children of the direct lane do for the local engine. Pure image code: no database, no web."""

from __future__ import annotations

import base64
import io
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fotofila.core.images.decode import decode
from fotofila.core.jobs.outcomes import Done, Outcome, Report, Work
from fotofila.faces.analyzer import AnalyzeOptions, FaceAnalyzer
from fotofila.faces.embedder import SIDE
from fotofila.faces.face import Face
from fotofila.faces.packs import PACKS

JPEG_QUALITY = 92
LEAST_SIDE = 80
"""Of a picture that Rekognition takes (its guidelines and quotas)."""
LONGEST_SIDE = 4096
"""Of a picture that is made for a service: more shows it no face that it would not see."""


@lru_cache(maxsize=2)
def analyzer(models_dir: Path, pack: str) -> FaceAnalyzer:
    """Return the analyzer of this process; models are loaded when they are first used."""
    return FaceAnalyzer(models_dir, pack=PACKS[pack])


def find(work: Work, report: Report) -> Outcome:
    """Decode once, find and describe faces; vectors and chips where they are asked for."""
    del report
    decoded = decode(work.original, pixel_cap=work.args["max_pixels"])
    options = AnalyzeOptions(
        detection=work.args["detection"],
        age=work.args["age"],
        gender=work.args["gender"],
        embed=work.args["embed"],
        min_confidence=work.args["min_confidence"],
        model=work.args["model"],
        most=work.args["most"],
    )
    found = analyzer(work.models_dir, work.args["pack"]).analyze_with_chips(decoded.pixels, options)
    by_size = sorted(found, key=lambda pair: -area(pair[0]))
    faces = [shape(face, chip if work.args["chips"] else None) for face, chip in by_size]
    facts = {"width": decoded.width, "height": decoded.height, "orientation": decoded.orientation}
    return Done(result={**facts, "faces": faces})


def embed(work: Work, report: Report) -> Outcome:
    """Make vectors of chips that lie one behind the other in the file."""
    del report
    chips = np.frombuffer(work.original.read_bytes(), np.uint8).reshape(-1, SIDE, SIDE, 3)
    vectors = analyzer(work.models_dir, work.args["pack"]).embed(list(chips), work.args["model"])
    return Done(result={"embeddings": [text_of(vector) for vector in vectors]})


def crop(work: Work, report: Report) -> Outcome:
    """Cut boxes out of a picture, each a JPEG of 80 pixels or more; what is outside the picture is left out."""
    del report
    decoded = decode(work.original, pixel_cap=work.args["max_pixels"])
    return Done(result={"crops": [jpeg_of(decoded.pixels, box) for box in work.args["boxes"]]})


def to_jpeg(work: Work, report: Report) -> Outcome:
    """Write a picture as an upright JPEG that is not larger than it may be."""
    del report
    decoded = decode(work.original, pixel_cap=work.args["max_pixels"])
    image = Image.fromarray(decoded.pixels)
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    while len(written := jpeg(image)) > work.args["largest_bytes"]:
        image = image.reduce(2)
    facts = {"width": decoded.width, "height": decoded.height, "orientation": decoded.orientation}
    return Done(result={**facts, "picture": base64.b64encode(written).decode("ascii")})


def shape(face: Face, chip: NDArray[np.uint8] | None) -> dict[str, Any]:
    """Write a face as JSON, with its chip."""
    made = face.to_json()
    return made if chip is None else made | {"chip": base64.b64encode(chip.tobytes()).decode("ascii")}


def text_of(vector: NDArray[np.float32]) -> str:
    """Write a vector as `Face.to_json` does."""
    return base64.b64encode(vector.astype("<f2").tobytes()).decode("ascii")


def area(face: Face) -> float:
    """Tell the share of the picture that the box has."""
    return face.bounding_box.width * face.bounding_box.height


def jpeg_of(pixels: NDArray[np.uint8], box: dict[str, float]) -> str:
    """Cut a box (ratios of the picture) out, at least one pixel, as base64 of a JPEG."""
    height, width = pixels.shape[:2]
    left, top = min(max(int(box["left"] * width), 0), width - 1), min(max(int(box["top"] * height), 0), height - 1)
    right = min(max(round((box["left"] + box["width"]) * width), left + 1), width)
    bottom = min(max(round((box["top"] + box["height"]) * height), top + 1), height)
    cut = Image.fromarray(pixels[top:bottom, left:right])
    if (shortest := min(cut.size)) < LEAST_SIDE:
        cut = cut.resize((round(cut.width * LEAST_SIDE / shortest), round(cut.height * LEAST_SIDE / shortest)))
    return base64.b64encode(jpeg(cut)).decode("ascii")


def jpeg(image: Image.Image) -> bytes:
    """Write a picture as JPEG."""
    written = io.BytesIO()
    image.save(written, format="JPEG", quality=JPEG_QUALITY)
    return written.getvalue()
