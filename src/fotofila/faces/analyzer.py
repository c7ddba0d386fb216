"""From pixels to faces: detect, cut out, describe. Models are loaded when they are first needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fotofila.core.inference.session import Runs, Session
from fotofila.core.inference.specs import ModelSpec
from fotofila.core.inference.store import list_files, load
from fotofila.faces import attributes, embedder
from fotofila.faces.align import cut_out
from fotofila.faces.calibration import confidence_of, score_of
from fotofila.faces.detector import Detection, detect, scales_for
from fotofila.faces.face import LANDMARK_TYPES, ApparentGender, BoundingBox, Face, Landmark
from fotofila.faces.fusion import SCORE, Detections
from fotofila.faces.networks import DETECTORS, EMBEDDERS
from fotofila.faces.packs import PACK_OF_MODEL, PERMISSIVE, Pack
from fotofila.faces.pose import estimate_pose
from fotofila.faces.quality import measure_quality
from fotofila.faces.specs import AGE, GENDER

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzeOptions:
    """What is wanted of a photo."""

    detection: Detection = "accurate"
    age: bool = True
    gender: bool = True
    embed: bool = False
    min_confidence: float = 0.5
    """Detections less certain than this are left out."""
    min_face_pixels: float = 14.0
    """Faces that are less high than this in the photo are left out: nothing can be said of them."""
    model: str | None = None
    """What makes the vectors, as `Pack.model` names it; none: the embedder of the analyzer's pack."""
    most: int | None = None
    """At most so many faces are described: the largest."""


class FaceAnalyzer:
    """Analyses photos, one after the other; keeps the models that it has loaded."""

    def __init__(self, models_dir: Path, *, threads: int = 1, pack: Pack = PERMISSIVE) -> None:
        """Nothing is read yet: a missing model shows when it is first needed."""
        self.models_dir = models_dir
        self.pack = pack
        self._threads = threads
        self._sessions: dict[str, Session] = {}
        self._embedders: dict[str, Runs] = {}

    def analyze(self, pixels: Pixels, options: AnalyzeOptions | None = None) -> tuple[Face, ...]:
        """Faces of an upright photo, (H, W, 3) uint8 RGB, the most certain first.

        Raises:
            ModelUnavailableError: a model that is needed is not in the models folder.
        """
        return tuple(face for face, _ in self.analyze_with_chips(pixels, options))

    def analyze_with_chips(
        self, pixels: Pixels, options: AnalyzeOptions | None = None
    ) -> tuple[tuple[Face, Pixels], ...]:
        """The same, each face with its aligned chip (112, 112, 3) RGB."""
        options = options or AnalyzeOptions()
        found = self.detect(pixels, options)
        chips = [cut_out(pixels, _points(row), embedder.TEMPLATE, embedder.SIDE) for row in found]
        ages, genders = self._attributes(pixels, found, options)
        vectors = self.embed(chips, options.model) if options.embed and chips else None
        curve = DETECTORS[self.pack.detector.name].curve
        faces = (
            Face(
                bounding_box=_box(row, pixels),
                confidence=confidence_of(float(row[SCORE]), curve),
                landmarks=_landmarks(row, pixels),
                pose=estimate_pose(_points(row)),
                quality=measure_quality(chips[index]),
                age_range=attributes.age_range(ages[index]) if options.age else None,
                age_years=ages[index] if options.age else None,
                apparent_gender=genders[index],
                embedding=None if vectors is None else vectors[index],
            )
            for index, row in enumerate(found)
        )
        return tuple(zip(faces, chips, strict=True))

    def detect(self, pixels: Pixels, options: AnalyzeOptions) -> Detections:
        """The rows of the detector that pass the options."""
        network = DETECTORS[self.pack.detector.name]
        least = score_of(options.min_confidence, network.curve)
        scales = scales_for(pixels.shape[1], pixels.shape[0], options.detection)
        session = self._session(self.pack.detector)
        # Candidates well below the wanted score still sharpen the average of a cluster that passes.
        found = detect(session, pixels, scales, floor=max(0.02, least / 4), candidates=network.candidates)
        high_enough = found[:, 3] - found[:, 1] >= options.min_face_pixels
        kept = found[(found[:, SCORE] >= least) & high_enough]
        if options.most is None or len(kept) <= options.most:
            return kept
        areas = (kept[:, 2] - kept[:, 0]) * (kept[:, 3] - kept[:, 1])
        return kept[np.sort(np.argsort(-areas, kind="stable")[: options.most])]

    def embed(self, chips: Sequence[Pixels], model: str | None = None) -> NDArray[np.float32]:
        """Unit vectors (n, d) of one or more chips (112, 112, 3) RGB.

        Raises:
            ModelUnavailableError: the model is not in the models folder.
        """
        pack = PACK_OF_MODEL[model] if model else self.pack
        network = EMBEDDERS[pack.embedder.name]
        if pack.model not in self._embedders:
            self._embedders[pack.model] = network.open(self._path(*pack.embedders), self._threads)
        return network.embed(self._embedders[pack.model], np.stack(chips))

    def _attributes(
        self, pixels: Pixels, found: Detections, options: AnalyzeOptions
    ) -> tuple[list[float], list[ApparentGender | None]]:
        if not len(found) or not (options.age or options.gender):
            return [], [None] * len(found)
        chips = np.stack([cut_out(pixels, _points(row), attributes.TEMPLATE, attributes.SIDE) for row in found])
        # Whether a gender may be said hangs on the age, so the age is estimated for either.
        ages = attributes.estimate_ages(self._session(AGE), chips)
        if not options.gender:
            return ages, [None] * len(found)
        genders = attributes.estimate_genders(self._session(GENDER), chips)
        return ages, [attributes.sayable_gender(g, age) for g, age in zip(genders, ages, strict=True)]

    def _session(self, spec: ModelSpec) -> Session:
        if spec.name not in self._sessions:
            self._sessions[spec.name] = Session(self._path(spec), threads=self._threads)
        return self._sessions[spec.name]

    def _path(self, *wanted: ModelSpec) -> Path:
        """The file of the first of `wanted` that is in the folder."""
        here = [file.spec for file in list_files(wanted, self.models_dir) if file.state == "ready"]
        return load(here[0] if here else wanted[0], self.models_dir)


def _points(row: NDArray[np.float32]) -> NDArray[np.float64]:
    return row[5:].reshape(5, 2).astype(np.float64)


def _box(row: NDArray[np.float32], pixels: Pixels) -> BoundingBox:
    height, width = pixels.shape[:2]
    left, top, right, bottom = (float(value) for value in row[:4])
    return BoundingBox(
        left=left / width, top=top / height, width=(right - left) / width, height=(bottom - top) / height
    )


def _landmarks(row: NDArray[np.float32], pixels: Pixels) -> tuple[Landmark, ...]:
    height, width = pixels.shape[:2]
    return tuple(
        Landmark(type=name, x=float(x) / width, y=float(y) / height)
        for name, (x, y) in zip(LANDMARK_TYPES, row[5:].reshape(5, 2), strict=True)
    )
