from __future__ import annotations

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from fotofila.core.inference.fetch import fetch, fetch_all
from fotofila.core.inference.rewrite_scrfd import rewrite_scrfd
from fotofila.core.inference.session import Session
from fotofila.faces.analyzer import AnalyzeOptions, FaceAnalyzer
from fotofila.faces.edgeface import NUMBERS
from fotofila.faces.face import Face
from fotofila.faces.fusion import SCORE
from fotofila.faces.packs import RESEARCH
from fotofila.faces.scrfd import decode
from fotofila.faces.specs import RESEARCH_DETECTOR

BARE = AnalyzeOptions(age=False, gender=False)


@pytest.fixture(scope="module")
def research(analyzer: FaceAnalyzer) -> FaceAnalyzer:
    fetch_all(RESEARCH.specs, analyzer.models_dir)
    return FaceAnalyzer(analyzer.models_dir, pack=RESEARCH)


@pytest.fixture(scope="module")
def faces(research: FaceAnalyzer, solvay: NDArray[np.uint8]) -> tuple[Face, ...]:
    options = AnalyzeOptions(detection="fast", age=False, gender=False, embed=True)
    return research.analyze(solvay, options)


def test_cell_is_decoded_by_the_formula_of_the_paper() -> None:
    scores = np.zeros(2 * 12, np.float32)
    boxes, points = np.zeros((24, 4), np.float32), np.zeros((24, 10), np.float32)
    place = 2 * (1 * 4 + 2) + 1  # the second anchor of row 1, column 2, of four columns
    scores[place], boxes[place], points[place] = 0.9, (1, 0.5, 2, 3), range(10)

    [row] = decode(scores, boxes, points, stride=8, columns=4, floor=0.5)

    assert row[SCORE] == pytest.approx(0.9)
    assert row[:4].tolist() == pytest.approx([16 - 8, 8 - 4, 16 + 16, 8 + 24])
    assert row[5:7].tolist() == pytest.approx([16 + 0, 8 + 8])
    assert row[13:15].tolist() == pytest.approx([16 + 64, 8 + 72])


def test_rewritten_network_is_that_of_the_published_file_and_takes_other_sizes(research: FaceAnalyzer) -> None:
    path = fetch(RESEARCH_DETECTOR, research.models_dir).path
    published = (research.models_dir / RESEARCH_DETECTOR.filename).read_bytes()
    rewritten = Session(rewrite_scrfd(onnx.load_from_string(published)).SerializeToString())
    pixels = np.random.default_rng(0).uniform(-1, 1, (1, 3, 640, 640)).astype(np.float32)

    both = zip(Session(published).run(**{"input.1": pixels}), rewritten.run(**{"input.1": pixels}), strict=True)
    assert max(float(np.abs(a - b).max()) for a, b in both) < 1e-5
    wide = Session(path).run(**{"input.1": pixels[:, :, :96, :160]})
    assert [part.shape for part in wide[:3]] == [(1, 2 * 12 * 20, 1), (1, 2 * 6 * 10, 1), (1, 2 * 3 * 5, 1)]


def test_the_demo_photo_has_its_29_people(faces: tuple[Face, ...]) -> None:
    assert len(faces) == 29
    assert all(0.5 <= face.confidence <= 1 for face in faces)


def test_both_packs_find_the_same_faces(
    analyzer: FaceAnalyzer, faces: tuple[Face, ...], solvay: NDArray[np.uint8]
) -> None:
    others = analyzer.analyze(solvay, AnalyzeOptions(detection="fast", age=False, gender=False))

    here, there = (
        np.array([(each.landmarks[2].x, each.landmarks[2].y) for each in found]) for found in (faces, others)
    )
    nearest = np.abs(here[:, None] - there[None]).max(axis=2).min(axis=1)
    assert nearest.max() < 0.006


def test_people_of_the_demo_photo_are_told_apart(faces: tuple[Face, ...]) -> None:
    vectors = np.stack([face.embedding for face in faces if face.embedding is not None])
    likeness = vectors @ vectors.T - np.eye(len(vectors))

    assert vectors.shape == (29, NUMBERS)
    assert likeness.max() < 0.6
    assert np.median(likeness) < 0.2


@pytest.mark.parametrize("shape", [(1, 1, 3), (40, 300, 3)])
def test_photo_without_faces_has_none(research: FaceAnalyzer, shape: tuple[int, int, int]) -> None:
    assert research.analyze(np.full(shape, 127, np.uint8), BARE) == ()


def test_largest_faces_are_kept_when_only_some_are_wanted(research: FaceAnalyzer, solvay: NDArray[np.uint8]) -> None:
    options = AnalyzeOptions(detection="fast", age=False, gender=False, most=3)

    [*kept] = research.analyze(solvay, options)

    assert len(kept) == 3
    assert min(face.bounding_box.height for face in kept) > 0.05
