"""A service that answers as Rekognition does, from what it is told to know, and children in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fotofila.core.aws.calls import AwsRefusedError
from fotofila.core.capability import JobKind, Question, load
from fotofila.core.jobs.outcomes import Done, Work
from fotofila.faces.engine.aws import RekognitionEngine
from fotofila.faces.engine.pictures import Children

LARGE = {"Left": 0.1, "Top": 0.2, "Width": 0.4, "Height": 0.4}
SMALL = {"Left": 0.7, "Top": 0.2, "Width": 0.1, "Height": 0.2}
SOMEBODY = "00000000-0000-4000-8000-000000000001"
IMAGE = "00000000-0000-4000-8000-00000000000a"


def detail(box: Mapping[str, float], *, ages: tuple[int, int] = (20, 30)) -> dict[str, Any]:
    """Write a FaceDetail."""
    return {
        "BoundingBox": dict(box),
        "Confidence": 99.0,
        "AgeRange": {"Low": ages[0], "High": ages[1]},
        "Gender": {"Value": "Female", "Confidence": 98.0},
    }


def known(name: str | None = None) -> dict[str, Any]:
    """Write a Face of a collection."""
    told = {"FaceId": SOMEBODY, "ImageId": IMAGE, "BoundingBox": dict(LARGE), "Confidence": 99.0}
    return told if name is None else told | {"ExternalImageId": name}


@dataclass(slots=True, kw_only=True)
class Service:
    """Knows one face at most; keeps what it was asked."""

    faces: list[dict[str, Any]] = field(default_factory=lambda: [detail(SMALL), detail(LARGE)])
    knows: dict[str, Any] | None = None
    refuses: dict[str, list[Exception]] = field(default_factory=dict)
    """By operation, what it answers before it does as it is asked."""
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def __call__(self, operation: str, **values: Any) -> dict[str, Any]:
        self.asked.append((operation, values))
        if wrong := self.refuses.get(operation):
            raise wrong.pop(0)
        answer: dict[str, Any] = getattr(self, operation)(values)
        return answer

    def detect_faces(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"FaceDetails": self.faces}

    def search_faces_by_image(self, _: dict[str, Any]) -> dict[str, Any]:
        found = [] if self.knows is None else [{"Similarity": 97.5, "Face": self.knows}]
        return {"SearchedFaceBoundingBox": LARGE, "SearchedFaceConfidence": 99.0, "FaceMatches": found}

    def index_faces(self, values: dict[str, Any]) -> dict[str, Any]:
        self.knows = known(values["ExternalImageId"])
        return {"FaceRecords": [{"Face": self.knows, "FaceDetail": detail(LARGE)}], "FaceModelVersion": "7.0"}

    def operations(self) -> list[str]:
        """What it was asked for, in order."""
        return [operation for operation, _ in self.asked]

    async def close(self) -> None:
        """Nothing is open."""


@dataclass(slots=True, kw_only=True)
class Here:
    """A direct lane whose child is this process; keeps what it did."""

    did: list[str] = field(default_factory=list)

    async def __call__(self, kind: JobKind, args: Mapping[str, Any], original: Path, media_type: str) -> dict[str, Any]:
        self.did.append(kind.name.rpartition(".")[2])
        folder = original.parent
        work = Work(args=args, original=original, folder=folder, models_dir=folder, media_type=media_type, extra={})
        do: Callable[..., Done] = load(kind.work)
        return dict(do(work, lambda _: None).result)

    async def close(self) -> None:
        """Nothing is held."""


def engine_of(service: Service, lane: Here) -> RekognitionEngine:
    """Make an engine that asks this service."""
    return RekognitionEngine(service, Children(lane, max_pixels=10**8))  # type: ignore[arg-type]


def question(engine: RekognitionEngine, original: Path, media_type: str, **args: Any) -> Question:
    """Ask what is in a photo."""
    settled = {"engine": "rekognition", "age": True, "gender": True, "threshold": 80.0, **args}
    return Question(args=settled, original=original, media_type=media_type, photo_id="0" * 32, parts={"faces": engine})


def refused(name: str) -> AwsRefusedError:
    """Make what AWS says when it will not."""
    return AwsRefusedError(name, "no")
