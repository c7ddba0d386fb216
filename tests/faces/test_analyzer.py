from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fotofila.core.inference.errors import ModelUnavailableError
from fotofila.faces.analyzer import AnalyzeOptions, FaceAnalyzer
from fotofila.faces.detector import Detection
from fotofila.faces.face import LANDMARK_TYPES, Face

Pixels = NDArray[np.uint8]
BARE = AnalyzeOptions(age=False, gender=False)


@pytest.fixture(scope="session")
def faces(analyzer: FaceAnalyzer, solvay: Pixels) -> tuple[Face, ...]:
    return analyzer.analyze(solvay, AnalyzeOptions(embed=True))


@pytest.fixture(scope="session")
def portrait(faces: tuple[Face, ...], solvay: Pixels) -> Pixels:
    """One face with little around it."""
    height, width = solvay.shape[:2]
    box = faces[0].bounding_box
    x, y = (box.left + box.width / 2) * width, (box.top + box.height / 2) * height
    half = 0.8 * box.height * height
    return solvay[int(y - half) : int(y + half), int(x - half) : int(x + half)]


def test_the_demo_photo_has_its_29_people(faces: tuple[Face, ...]) -> None:
    assert 28 <= len(faces) <= 30


def test_fast_setting_finds_the_people_of_the_demo_photo_too(analyzer: FaceAnalyzer, solvay: Pixels) -> None:
    options = AnalyzeOptions(detection="fast", age=False, gender=False)

    assert 27 <= len(analyzer.analyze(solvay, options)) <= 31


def test_every_face_is_fully_described(faces: tuple[Face, ...]) -> None:
    for face in faces:
        assert 0.5 <= face.confidence <= 1
        assert [point.type for point in face.landmarks] == list(LANDMARK_TYPES)
        assert face.landmarks[0].x < face.landmarks[1].x
        assert face.landmarks[0].y < face.landmarks[3].y
        assert abs(face.pose.yaw) < 60
        assert 0 <= face.quality.brightness <= 100
        assert 0 <= face.quality.sharpness <= 100
        assert face.age_range is not None
        assert face.age_range.low < face.age_range.high
        assert face.embedding is not None
        assert np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-5)


def test_most_people_of_the_demo_photo_look_male_and_one_is_surely_a_woman(faces: tuple[Face, ...]) -> None:
    values = [face.apparent_gender.value for face in faces if face.apparent_gender]

    assert values.count("male") >= 26
    assert 1 <= values.count("female") <= 3


def test_boxes_hold_their_landmarks(faces: tuple[Face, ...]) -> None:
    for face in faces:
        box = face.bounding_box
        assert all(box.left < point.x < box.left + box.width for point in face.landmarks)
        assert all(box.top < point.y < box.top + box.height for point in face.landmarks)


def test_same_face_is_recognised_in_a_smaller_photo_and_others_are_not(
    analyzer: FaceAnalyzer, solvay: Pixels, faces: tuple[Face, ...]
) -> None:
    smaller = np.asarray(Image.fromarray(solvay).resize((1500, 1086)))
    again = analyzer.analyze(smaller, AnalyzeOptions(age=False, gender=False, embed=True))
    here = np.stack([face.embedding for face in faces if face.embedding is not None])
    there = np.stack([face.embedding for face in again if face.embedding is not None])
    likeness = here @ there.T
    nearest = likeness.argmax(axis=1)

    for face, other, score in zip(faces, nearest, likeness.max(axis=1), strict=True):
        assert abs(again[other].bounding_box.left - face.bounding_box.left) < 0.01
        assert score > 0.7
    assert np.median(likeness) < 0.3


def test_mirrored_photo_has_mirrored_poses(analyzer: FaceAnalyzer, solvay: Pixels, faces: tuple[Face, ...]) -> None:
    mirrored = analyzer.analyze(np.ascontiguousarray(solvay[:, ::-1]), BARE)
    here = sorted(faces, key=lambda face: face.landmarks[2].x)
    there = sorted(mirrored, key=lambda face: -face.landmarks[2].x)
    sums = [(a.pose.yaw + b.pose.yaw, a.pose.roll + b.pose.roll) for a, b in zip(here, there, strict=True)]

    assert np.abs(np.median(sums, axis=0)).max() < 6
    assert np.median(np.abs(sums), axis=0).max() < 10


@pytest.mark.parametrize("setting", get_args(Detection))
@pytest.mark.parametrize("side", [120, 400, 1000, 2400, 5000])
def test_face_that_fills_the_photo_is_found_at_any_size(
    analyzer: FaceAnalyzer, portrait: Pixels, setting: Detection, side: int
) -> None:
    photo = np.asarray(Image.fromarray(portrait).resize((side, side)))

    [face] = analyzer.analyze(photo, AnalyzeOptions(detection=setting, age=False, gender=False))

    assert 0.5 < face.bounding_box.height < 0.8


def test_only_what_is_wanted_is_estimated(analyzer: FaceAnalyzer, portrait: Pixels) -> None:
    [bare] = analyzer.analyze(portrait, BARE)
    [gendered] = analyzer.analyze(portrait, AnalyzeOptions(age=False))

    assert (bare.age_range, bare.apparent_gender, bare.embedding) == (None, None, None)
    assert gendered.age_range is None
    assert gendered.apparent_gender is not None


@pytest.mark.parametrize("shape", [(1, 1, 3), (40, 3000, 3), (700, 500, 3)])
def test_photo_without_faces_has_none(analyzer: FaceAnalyzer, shape: tuple[int, int, int]) -> None:
    options = AnalyzeOptions(embed=True)

    assert analyzer.analyze(np.full(shape, 127, np.uint8), options) == ()
    assert analyzer.analyze(np.random.default_rng(0).integers(0, 256, shape, np.uint8), options) == ()


def test_small_faces_are_left_out_on_request(analyzer: FaceAnalyzer, portrait: Pixels) -> None:
    height = analyzer.analyze(portrait, BARE)[0].bounding_box.height * portrait.shape[0]
    options = AnalyzeOptions(age=False, gender=False, min_face_pixels=height + 1)

    assert analyzer.analyze(portrait, options) == ()


def test_missing_models_are_named_with_the_mend_when_they_are_needed(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"yunet.*fotofila models fetch"):
        FaceAnalyzer(tmp_path).analyze(np.zeros((64, 64, 3), np.uint8))
