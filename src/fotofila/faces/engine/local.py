"""The engine of our own models: pictures go to the sandboxed children of the direct lane; nothing is kept."""

from __future__ import annotations

import asyncio
import base64
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fotofila.core.capability import DirectLane, JobKind
from fotofila.core.config import Settings
from fotofila.core.errors import FotofilaError, InvalidInputError
from fotofila.core.images.sniff import sniff
from fotofila.core.inference.errors import ModelUnavailableError
from fotofila.faces.engine.base import CHIP_BYTES, FindOptions, Found, FoundFace
from fotofila.faces.face import embedding_from_base64, face_from_json
from fotofila.faces.packs import available_models
from fotofila.worker.scratch import DIRECT_PREFIX

CHIPS_A_CALL = 64
"""Chips that one child embeds in a row: a quarter of a second, so that other callers come to their turn."""

RAW = "application/octet-stream"


class LocalEngine:
    """Finds faces and makes vectors on this machine; as many pictures at once as the direct lane has children."""

    name = "local"

    def __init__(self, settings: Settings, direct: DirectLane) -> None:
        """Load nothing: a model that is missing shows when it is first needed."""
        self._settings = settings
        self._direct = direct

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
        media_type = sniff(image, declared_type=None, pixel_cap=self._settings.max_pixels).media_type
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
            "max_pixels": self._settings.max_pixels,
        }
        result = await self._work("find", args, image, media_type)
        return Found(
            faces=tuple(found_face(each) for each in result["faces"]),
            width=result["width"],
            height=result["height"],
            orientation=result["orientation"],
            model=model if options.embed else None,
        )

    async def embed_chips(self, chips: Sequence[bytes], *, model: str | None = None) -> NDArray[np.float32]:
        """Make vectors of chips; see the port. Many chips are shared out among the children."""
        if wrong := [chip for chip in chips if len(chip) != CHIP_BYTES]:
            raise InvalidInputError(f"A chip has {CHIP_BYTES} bytes, not {len(wrong[0])}: 112 x 112 pixels of RGB.")
        args = {"model": self._known(model), "pack": self._settings.models_pack}
        parts = [b"".join(chips[at : at + CHIPS_A_CALL]) for at in range(0, len(chips), CHIPS_A_CALL)]
        answers = [await self._work("embed", args, part, RAW) for part in parts]
        return np.stack([embedding_from_base64(text) for answer in answers for text in answer["embeddings"]])

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

    async def _work(self, function: str, args: Mapping[str, Any], content: bytes, media_type: str) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix=DIRECT_PREFIX) as folder:
            path = Path(folder) / "original"
            await asyncio.to_thread(path.write_bytes, content)
            try:
                return await self._direct(kind_of(function), args, path, media_type)
            except FotofilaError as error:
                if error.code == "snooze":  # how a child says that a model is missing
                    raise ModelUnavailableError(error.message) from error
                raise


def kind_of(function: str) -> JobKind:
    """Name a function of `direct_job` as the direct lane wants it; it is never in a queue."""
    return JobKind(
        name=f"faces.direct.{function}",
        version=1,
        lane="direct",
        work=f"fotofila.faces.engine.direct_job:{function}",
        apply="",
        resolve="",
    )


def found_face(made: Mapping[str, Any]) -> FoundFace:
    """Read what the child wrote of a face."""
    chip = made.get("chip")
    return FoundFace(face=face_from_json(made), chip=base64.b64decode(chip) if chip else None)
