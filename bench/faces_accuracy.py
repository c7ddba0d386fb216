"""Accuracy of face analysis on labelled faces: `python -m bench faces-accuracy --data FOLDER`.

Every figure goes through the same `FaceAnalyzer` that the worker runs, models as fetched and rewritten. Exit code 1
when a figure falls short of its bar.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from bench.labelled import Person, lfw_pairs, read_pixels, utk_people, wider_boxes
from bench.precision import average_precision, outcomes_of
from fotofila.core.inference.session import Session
from fotofila.core.inference.store import default_models_dir, load
from fotofila.faces.align import cut_out
from fotofila.faces.analyzer import AnalyzeOptions, FaceAnalyzer
from fotofila.faces.attributes import GENDER_FROM_YEARS, SIDE, TEMPLATE, estimate_genders
from fotofila.faces.calibration import Curve, confidence_of
from fotofila.faces.detector import Detection
from fotofila.faces.face import Face
from fotofila.faces.networks import DETECTORS, EMBEDDERS
from fotofila.faces.packs import PACKS, PackName
from fotofila.faces.specs import GENDER

EVERY_CANDIDATE = 5e-5
FALSE_ACCEPTS = 1e-2
DETECTION_BARS: dict[PackName, dict[Detection, float]] = {
    "permissive": {"accurate": 0.885, "fast": 0.865},
    "research": {"accurate": 0.925, "fast": 0.915},
}
VERIFICATION_BARS: dict[PackName, float] = {"permissive": 0.993, "research": 0.995}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measured figure, what it means, and the bar that it must reach."""

    name: str
    value: float
    definition: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def reached(self) -> bool:
        """Whether the bar is reached; true where there is none."""
        low = self.at_least is None or self.value >= self.at_least
        return low and (self.at_most is None or self.value <= self.at_most)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench faces-accuracy")
    parser.add_argument("--data", type=Path, required=True, help="folder with lfw, wider and utk")
    parser.add_argument("--models", type=Path, default=default_models_dir())
    parser.add_argument("--pack", choices=sorted(PACKS), default="permissive")
    arguments = parser.parse_args(argv)
    analyzer = FaceAnalyzer(arguments.models, pack=PACKS[arguments.pack])
    figures = []
    for measure in (detection_figures, verification_figures, attribute_figures):
        for figure in measure(analyzer, arguments.data):
            figures.append(figure)
            print(line_of(figure), flush=True)
    print(json.dumps({figure.name: round(figure.value, 4) for figure in figures}))
    return 0 if all(figure.reached for figure in figures) else 1


def line_of(figure: Figure) -> str:
    bar = f" (at least {figure.at_least})" if figure.at_least is not None else ""
    bar = f" (at most {figure.at_most})" if figure.at_most is not None else bar
    short = "" if figure.reached else "  FALLS SHORT"
    return f"{figure.name:24} {figure.value:8.4f}{bar}{short}\n    {figure.definition}"


def detection_figures(analyzer: FaceAnalyzer, data: Path) -> list[Figure]:
    labelled = wider_boxes(data)
    bars = DETECTION_BARS[analyzer.pack.name]
    curve = DETECTORS[analyzer.pack.detector.name].curve
    figures = []
    for setting in get_args(Detection):
        options = AnalyzeOptions(detection=setting, min_confidence=EVERY_CANDIDATE)
        found = [analyzer.detect(read_pixels(path), options) for path in labelled]
        boxes = list(labelled.values())
        what = (
            f"{len(boxes)} WIDER photos, setting `{setting}`, AP at IoU 0.5 over boxes at least 20 px high, not invalid"
        )
        figures += [
            Figure(
                name=f"ap_{setting}",
                value=average_precision(found, boxes, strict=False),
                definition=f"{what}; detections under 20 px that hit nothing are left out as the labels are",
                at_least=bars[setting],
            ),
            Figure(
                name=f"ap_{setting}_strict",
                value=average_precision(found, boxes, strict=True),
                definition=f"{what}; every detection that hits nothing is a false one",
                at_least=bars[setting],
            ),
            Figure(
                name=f"confidence_error_{setting}",
                value=calibration_error(outcomes_of(found, boxes), curve),
                definition="mean gap between confidence and share of hits over ten bins, weighted by size",
            ),
        ]
    return figures


def calibration_error(outcomes: NDArray[np.float64], curve: Curve) -> float:
    """Expected calibration error of detections of confidence 0.1 and more."""
    confidences = np.array([confidence_of(score, curve) for score in outcomes[:, 0]])
    kept = confidences >= 0.1
    confidences, hits = confidences[kept], outcomes[kept, 1]
    bins = np.minimum((confidences * 10).astype(int), 9)
    gaps = [abs(confidences[bins == b].sum() - hits[bins == b].sum()) for b in range(10)]
    return float(sum(gaps) / len(hits))


def verification_figures(analyzer: FaceAnalyzer, data: Path) -> list[Figure]:
    pairs = lfw_pairs(data)
    paths = sorted({path for first, second, _ in pairs for path in (first, second)})
    options = AnalyzeOptions(age=False, gender=False, embed=True, min_confidence=0.05)
    vectors = {path: central_face(analyzer.analyze(read_pixels(path), options)) for path in paths}
    embedded = {path: face.embedding for path, face in vectors.items() if face and face.embedding is not None}
    zero = np.zeros(EMBEDDERS[analyzer.pack.embedder.name].numbers, np.float32)
    scores = np.array([float(embedded.get(a, zero) @ embedded.get(b, zero)) for a, b, _ in pairs])
    same = np.array([is_same for _, _, is_same in pairs])
    best = max(float(((scores >= threshold) == same).mean()) for threshold in scores)
    allowed = np.quantile(scores[~same], 1 - FALSE_ACCEPTS)
    what = f"{len(pairs)} LFW pairs, own detection and alignment on the full photo, the largest face nearest the centre"
    return [
        Figure(
            name="verification",
            value=best,
            definition=f"{what}; accuracy at the best threshold; {len(paths) - len(embedded)} photos without a face",
            at_least=VERIFICATION_BARS[analyzer.pack.name],
        ),
        Figure(
            name="tar_at_far_1e-2",
            value=float((scores[same] > allowed).mean()),
            definition=f"{what}; share of same pairs above the score that 1 % of the others exceed",
        ),
    ]


def central_face(faces: tuple[Face, ...]) -> Face | None:
    """The face for which size minus distance from the centre is largest."""

    def weight(face: Face) -> float:
        box = face.bounding_box
        away = np.hypot(box.left + box.width / 2 - 0.5, box.top + box.height / 2 - 0.5)
        return float(np.sqrt(box.width * box.height) - away)

    return max(faces, key=weight, default=None)


def attribute_figures(analyzer: FaceAnalyzer, data: Path) -> list[Figure]:
    options = AnalyzeOptions(min_confidence=0.05)
    people = utk_people(data)
    faces = [central_face(analyzer.analyze(read_pixels(person.path), options)) for person in people]
    known = [(person, face) for person, face in zip(people, faces, strict=True) if face is not None]
    what = f"{len(people)} UTKFace chips, own detection and alignment, {len(people) - len(known)} without a face"
    return age_figures(known, what) + gender_figures(analyzer, known, what)


def age_figures(known: list[tuple[Person, Face]], what: str) -> list[Figure]:
    misses = np.array([abs((face.age_years or 0) - person.years) for person, face in known])
    grown = np.array([person.years >= GENDER_FROM_YEARS for person, _ in known])
    inside = [face.age_range.low <= person.years <= face.age_range.high for person, face in known if face.age_range]
    return [
        Figure(name="age_mae", value=float(misses.mean()), definition=f"{what}; mean error in years", at_most=6.5),
        Figure(
            name="age_mae_16_plus", value=float(misses[grown].mean()), definition="the same, people of 16 and older"
        ),
        Figure(
            name="age_range_coverage", value=float(np.mean(inside)), definition="share of people inside their range"
        ),
    ]


def gender_figures(analyzer: FaceAnalyzer, known: list[tuple[Person, Face]], what: str) -> list[Figure]:
    grown = [(person, face) for person, face in known if person.years >= GENDER_FROM_YEARS]
    chips = np.stack([attribute_chip(read_pixels(person.path), face) for person, face in grown])
    guessed = estimate_genders(Session(load(GENDER, analyzer.models_dir)), chips)
    right = [guess.value == person.gender for guess, (person, _) in zip(guessed, grown, strict=True)]
    given = [face.apparent_gender.value == person.gender for person, face in grown if face.apparent_gender]
    return [
        Figure(
            name="gender_16_plus",
            value=float(np.mean(right)),
            definition=f"{what}; share right of all {len(grown)} people who are 16 and older",
            at_least=0.94,
        ),
        Figure(
            name="gender_16_plus_given",
            value=float(np.mean(given)),
            definition=f"share right of the {len(given)} of them who are estimated to be, so that one is given",
            at_least=0.94,
        ),
    ]


def attribute_chip(pixels: NDArray[np.uint8], face: Face) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    points = np.array([[point.x * width, point.y * height] for point in face.landmarks])
    return cut_out(pixels, points, TEMPLATE, SIDE)
