"""An engine for tests of what is done with faces: its pictures are JSON that says who is in them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fotofila.faces.engine.base import CHIP_BYTES, FindOptions, Found, FoundFace
from fotofila.faces.face import LANDMARK_TYPES, BoundingBox, Face, Landmark, Pose, Quality

MODEL = "sface-2021dec-bytes"
NUMBERS = 128


def vector_of(person: int, *, noise: float = 0.0, photo: int = 0) -> NDArray[np.float32]:
    """Vectors of two people are nearly at right angles; noise is the length of what is added to a unit vector."""
    vector = np.random.default_rng(person).standard_normal(NUMBERS)
    vector /= np.linalg.norm(vector)
    blur = np.random.default_rng([person, photo, 1]).standard_normal(NUMBERS)
    vector += noise * blur / np.linalg.norm(blur)
    unit: NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit


def picture(*people: int | dict[str, Any], photo: int = 0) -> bytes:
    """A picture of people, given by number or with `person`, `size`, `left`, `noise`, `yaw`, `sharpness` and so on."""
    given = [{"person": each} if isinstance(each, int) else each for each in people]
    return json.dumps({"photo": photo, "people": given}).encode()


class PaintedEngine:
    """Finds who was painted; vectors and chips as they are asked for."""

    name = "painted"
    model = MODEL
    models = (MODEL,)

    async def find_faces(self, image: bytes, *, options: FindOptions) -> Found:
        painted = json.loads(image)
        found = [face_of(place, person, painted["photo"], options) for place, person in enumerate(painted["people"])]
        found.sort(key=lambda each: -each.face.bounding_box.width)
        model = options.model or self.model
        return Found(
            faces=tuple(found[: options.most]),
            width=1000,
            height=1000,
            orientation=None,
            model=model if options.embed else None,
        )

    async def embed_chips(self, chips: Sequence[bytes], *, model: str | None = None) -> NDArray[np.float32]:
        del model
        return np.stack([vector_of(chip[0]) for chip in chips])

    async def close(self) -> None:
        pass


def face_of(place: int, person: dict[str, Any], photo: int, options: FindOptions) -> FoundFace:
    size, left = person.get("size", 0.1), person.get("left", 0.11 * place)
    number = person["person"]
    face = Face(
        bounding_box=BoundingBox(left=left, top=0.1, width=size, height=size),
        confidence=person.get("confidence", 0.99),
        landmarks=tuple(Landmark(type=kind, x=left, y=0.1) for kind in LANDMARK_TYPES),
        pose=Pose(roll=0, yaw=person.get("yaw", 0), pitch=person.get("pitch", 0)),
        quality=Quality(brightness=person.get("brightness", 50), sharpness=person.get("sharpness", 60)),
        embedding=vector_of(number, noise=person.get("noise", 0.0), photo=photo) if options.embed else None,
    )
    return FoundFace(face=face, chip=bytes([number % 256]) * CHIP_BYTES if options.chips else None)
