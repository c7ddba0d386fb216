"""The engine of our own models: pictures go to the sandboxed children of the direct lane; nothing is kept."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fotofila.core.capability import DirectLane
from fotofila.core.config import Settings
from fotofila.core.errors import InvalidInputError
from fotofila.core.inference.errors import ModelUnavailableError
from fotofila.faces.engine.base import CHIP_BYTES, FindOptions, Found, FoundFace
from fotofila.faces.engine.pictures import Children
from fotofila.faces.face import embedding_from_base64, face_from_json
from fotofila.faces.packs import PACK_OF_MODEL, available_models

CHIPS_A_CALL = 64
"""Chips that one child embeds in a row: half a second, so that other callers come to their turn."""

RAW = "application/octet-stream"


class LocalEngine:
    """Finds faces and makes vectors on this machine; as many pictures at once as the direct lane has children."""

    name = "local"

    def __init__(self, settings: Settings, direct: DirectLane) -> None:
        """Load nothing: a model that is missing shows when it is first needed."""
        self._settings = settings
        self._children = Children(direct, max_pixels=settings.max_pixels)

    @property
    def models(self) -> tuple[str, ...]:
        """Every model that vectors can be made with here; that of the chosen pack is the first."""
        return available_models(self._settings)

    @property
    def model(self) -> str:
        """The model of the chosen pack."""
        return self.models[0]

    async def find_faces(self, image: bytes, *, options: FindOptions) -> Found:
        """Find and describe the faces of a picture; see the port."""
        model = self._known(options.model)
        args = {
            "detection": options.detection,
            "age": options.age,
            "gender": options.gender,
            "embed": options.embed,
            "chips": options.chips,
            "model": model,
            "pack": self._settings.models_pack,
            "min_confidence": options.min_confidence,
            "most": options.most,
        }
        result = await self._children.run("find", args, image)
        return Found(
            faces=tuple(found_face(each) for each in result["faces"]),
            width=result["width"],
            height=result["height"],
            orientation=result["orientation"],
            model=model if options.embed else None,
        )

    async def embed_chips(self, chips: Sequence[bytes], *, model: str | None = None) -> NDArray[np.float32]:
        """Make vectors of chips; see the port."""
        if wrong := [chip for chip in chips if len(chip) != CHIP_BYTES]:
            raise InvalidInputError(f"A chip has {CHIP_BYTES} bytes, not {len(wrong[0])}: 112 x 112 pixels of RGB.")
        args = {"model": self._known(model), "pack": self._settings.models_pack}
        vectors: list[NDArray[np.float32]] = []
        for at in range(0, len(chips), CHIPS_A_CALL):
            content = b"".join(chips[at : at + CHIPS_A_CALL])
            answer = await self._children.run("embed", args, content, media_type=RAW)
            vectors += [embedding_from_base64(text) for text in answer["embeddings"]]
        return np.stack(vectors) if vectors else np.zeros((0, numbers_of(args["model"])), np.float32)

    async def close(self) -> None:
        """Nothing is held: the children belong to the direct lane."""

    def _known(self, model: str | None) -> str:
        models = self.models
        if model is not None and model not in models:
            raise ModelUnavailableError(
                f"There is no model {model!r} here, only {', '.join(models)}. Run `fotofila models fetch --pack "
                "research` for the other pack, and set FOTOFILA_MODELS_NON_COMMERCIAL if its licence suits you.",
                model=model,
            )
        return model or models[0]


def numbers_of(model: str) -> int:
    """Return how many numbers a vector of a model has."""
    return PACK_OF_MODEL[model].numbers


def found_face(made: Mapping[str, Any]) -> FoundFace:
    """Read what the child wrote of a face."""
    chip = made.get("chip")
    return FoundFace(face=face_from_json(made), chip=base64.b64decode(chip) if chip else None)
