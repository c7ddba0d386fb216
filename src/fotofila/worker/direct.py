"""The direct lane: bytes go to a local pool of the same sandboxed children; no queue, no storage, nothing kept."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fotofila.core.capability import JobKind
from fotofila.core.config import Settings
from fotofila.worker.errors import DirectError, result_of
from fotofila.worker.loop import available_cpus
from fotofila.worker.pool import ChildPool, Request
from fotofila.worker.scratch import DIRECT_PREFIX, remove_stale

__all__ = ["DirectError", "DirectPool", "lay_down"]

WAIT_SECONDS = 5.0
"""A caller that waits for its answer should rather be told to come back than wait longer than this for a child."""


class DirectPool:
    """A pool that starts with its first call."""

    def __init__(self, settings: Settings, *, wait_seconds: float = WAIT_SECONDS) -> None:
        self._settings = settings
        self._wait_seconds = wait_seconds
        self._pool: ChildPool | None = None
        remove_stale()

    async def __call__(self, kind: JobKind, args: Mapping[str, Any], original: Path, media_type: str) -> dict[str, Any]:
        """Return the result of the kind's `work`, or raise its error; a full pool raises a 503 with Retry-After."""
        with tempfile.TemporaryDirectory(prefix=DIRECT_PREFIX) as folder:
            return await self.run(kind, args, original, media_type, folder=Path(folder))

    async def run(
        self, kind: JobKind, args: Mapping[str, Any], original: Path, media_type: str, *, folder: Path
    ) -> dict[str, Any]:
        """Do the same and leave what was made in a folder."""
        if self._pool is None:
            settings = self._settings
            size = settings.workers or available_cpus()
            self._pool = ChildPool(size=size, memory_mb=settings.child_memory_mb, seconds=settings.job_seconds)
        request = Request(
            work=kind.work,
            args=dict(args),
            original=original,
            folder=folder,
            models_dir=self._settings.models_dir,
            media_type=media_type,
        )
        answer = await self._pool.run(request, wait_seconds=self._wait_seconds)
        result = result_of(answer)
        await asyncio.to_thread(lay_down, folder, answer["renditions"])
        return result

    async def close(self) -> None:
        """End the children."""
        if self._pool is not None:
            await self._pool.close()


def lay_down(folder: Path, renditions: Sequence[Mapping[str, Any]]) -> None:
    """Write what a child gave as bytes to the folder where its files are."""
    for file in renditions:
        if "content" in file:
            (folder / Path(file["name"]).name).write_bytes(file["content"])
