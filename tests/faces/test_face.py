from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from fotofila.faces.calibration import confidence_of, score_of
from fotofila.faces.face import (
    LANDMARK_TYPES,
    AgeRange,
    ApparentGender,
    BoundingBox,
    Face,
    Landmark,
    Pose,
    Quality,
    face_from_json,
)

BARE = Face(
    bounding_box=BoundingBox(left=-0.01, top=0.2, width=0.3, height=0.4),
    confidence=0.98765,
    landmarks=tuple(Landmark(type=name, x=0.1, y=0.2) for name in LANDMARK_TYPES),
    pose=Pose(roll=1.234, yaw=-2.0, pitch=0.0),
    quality=Quality(brightness=50.0, sharpness=60.0),
)


def test_bare_face_has_the_form_of_the_wire() -> None:
    made = BARE.to_json()

    assert made["bounding_box"] == {"left": -0.01, "top": 0.2, "width": 0.3, "height": 0.4}
    assert [point["type"] for point in made["landmarks"]] == list(LANDMARK_TYPES)
    assert (made["age_range"], made["apparent_gender"], made["has_embedding"]) == (None, None, False)
    assert "embedding" not in made
    assert json.loads(json.dumps(made)) == made


def test_full_face_comes_back_from_the_wire() -> None:
    vector = np.random.default_rng(4).normal(size=128).astype(np.float32)
    vector /= np.linalg.norm(vector)
    face = Face(
        bounding_box=BARE.bounding_box,
        confidence=BARE.confidence,
        landmarks=BARE.landmarks,
        pose=BARE.pose,
        quality=BARE.quality,
        age_range=AgeRange(low=30, high=40),
        apparent_gender=ApparentGender(value="male", confidence=0.9),
        embedding=vector,
    )

    made = json.loads(json.dumps(face.to_json()))
    back = face_from_json(made | {"added_later": 1})

    assert len(base64.b64decode(made["embedding"])) == 256
    assert back.embedding is not None
    assert back.embedding.dtype == np.float32
    assert float(back.embedding @ vector) == pytest.approx(1, abs=1e-5)
    assert (back.age_range, back.apparent_gender) == (face.age_range, face.apparent_gender)
    assert back.to_json() == made


def test_confidence_keeps_the_order_of_scores_and_can_be_turned_back() -> None:
    scores = [0.01, 0.3, 0.6, 0.9, 0.99]
    confidences = [confidence_of(score) for score in scores]

    assert confidences == sorted(confidences)
    assert [score_of(confidence) for confidence in confidences] == pytest.approx(scores)
    assert 0 <= confidence_of(0) < confidence_of(1) <= 1
