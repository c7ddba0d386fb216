"""Pictures for a service that takes JPEG and PNG up to a size; work on pixels is done in the sandboxed children."""

from __future__ import annotations

import asyncio
import base64
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fotofila.core.capability import DirectLane, JobKind
from fotofila.core.errors import FotofilaError
from fotofila.core.images.containers.source import HeadSource
from fotofila.core.images.exif_block import find_exif
from fotofila.core.images.formats import JPEG, PNG
from fotofila.core.images.orientation import read_orientation
from fotofila.core.images.sniff import sniff
from fotofila.core.inference.errors import ModelUnavailableError
from fotofila.faces.face import BoundingBox
from fotofila.worker.scratch import DIRECT_PREFIX

LARGEST_BYTES = 5 * 1024 * 1024
"""Of a picture that is sent as bytes to Rekognition."""
SIDEWAYS = 5
"""Orientations from here on exchange width and height."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sendable:
    """A picture as it may be sent, and its size upright, in pixels."""

    content: bytes
    width: int
    height: int
    orientation: int | None


class Children:
    """The functions of `direct_job`, run in the direct lane."""

    def __init__(self, direct: DirectLane, *, max_pixels: int) -> None:
        self._direct = direct
        self._max_pixels = max_pixels

    def media_type(self, image: bytes) -> str:
        """Tell what a picture is, or raise why it is not taken."""
        return sniff(image, declared_type=None, pixel_cap=self._max_pixels).media_type

    async def run(
        self, function: str, args: Mapping[str, Any], content: bytes, *, media_type: str | None = None
    ) -> dict[str, Any]:
        """Run a function on some bytes, which are a picture unless a type is given.

        Raises:
            ModelUnavailableError: a model is missing.
            FotofilaError: whatever is wrong with the picture; BusyError when every child is at work.
        """
        kind = kind_of(function)
        settled = {**args, "max_pixels": self._max_pixels}
        known_type = media_type or self.media_type(content)
        with tempfile.TemporaryDirectory(prefix=DIRECT_PREFIX) as folder:
            path = Path(folder) / "original"
            await asyncio.to_thread(path.write_bytes, content)
            try:
                return await self._direct(kind, settled, path, known_type)
            except FotofilaError as error:
                if error.code == "snooze":  # how a child says that a model is missing
                    raise ModelUnavailableError(error.message) from error
                raise

    async def sendable(self, image: bytes) -> Sendable:
        """Return a picture as it is where that may be sent, and else as an upright JPEG, smaller where it must be."""
        if (plain := self._plain(image)) is not None:
            return plain
        return shape(await self.run("to_jpeg", {"largest_bytes": LARGEST_BYTES}, image))

    async def sendable_file(self, path: Path, media_type: str) -> Sendable:
        """Return the same of a file; one that may not be sent as it is never comes into this process."""
        content = await asyncio.to_thread(read_small, path) if media_type in {JPEG, PNG} else None
        return (content and self._plain(content)) or await self.as_jpeg(path, media_type)

    async def as_jpeg(self, path: Path, media_type: str) -> Sendable:
        """Have a picture written anew, upright."""
        args = {"largest_bytes": LARGEST_BYTES, "max_pixels": self._max_pixels}
        return shape(await self._direct(kind_of("to_jpeg"), args, path, media_type))

    def _plain(self, image: bytes) -> Sendable | None:
        """Return a picture that may be sent as it is; of JPEG alone AWS reads the orientation."""
        sniffed = sniff(image, declared_type=None, pixel_cap=self._max_pixels)
        if sniffed.media_type not in {JPEG, PNG} or len(image) > LARGEST_BYTES:
            return None
        block = find_exif(HeadSource(image), sniffed.media_type)
        turned = read_orientation(block) if block else 1
        if not (sniffed.width and sniffed.height) or (sniffed.media_type == PNG and turned != 1):
            return None
        sides = (sniffed.width, sniffed.height)
        width, height = sides if turned < SIDEWAYS else sides[::-1]
        return Sendable(content=image, width=width, height=height, orientation=turned)

    async def crop(self, image: bytes, boxes: Sequence[BoundingBox]) -> tuple[bytes, ...]:
        """Cut boxes out of a picture, each a JPEG; what is outside the picture is left out."""
        made = await self.run("crop", {"boxes": [asdict(box) for box in boxes]}, image)
        return tuple(base64.b64decode(each) for each in made["crops"])


def read_small(path: Path) -> bytes | None:
    """Read a file; None where it has more than may be sent."""
    return path.read_bytes() if path.stat().st_size <= LARGEST_BYTES else None


def shape(made: Mapping[str, Any]) -> Sendable:
    """Read what a child wrote of a picture."""
    return Sendable(
        content=base64.b64decode(made["picture"]),
        width=made["width"],
        height=made["height"],
        orientation=made["orientation"],
    )


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
