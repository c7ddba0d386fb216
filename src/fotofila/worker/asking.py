"""What a worker asks of a service before its child works, and the children for what that takes of pictures."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fotofila.core.capability import DirectLane, JobKind, Kinds, Part, Question, ask, load
from fotofila.core.config import Settings
from fotofila.core.errors import FotofilaError
from fotofila.core.jobs.messages import ProcessMessage
from fotofila.worker.errors import UnexpectedError, result_of
from fotofila.worker.pool import ChildPool, Request


class OwnChildren:
    """The worker's own children as a direct lane: who waits for one holds none, so nobody waits for ever."""

    def __init__(self, pool: ChildPool, models_dir: Path, folder: Path) -> None:
        """`folder` is where things lie for as long as a call lasts."""
        self._pool = pool
        self._models_dir = models_dir
        self._folder = folder

    async def __call__(self, kind: JobKind, args: Mapping[str, Any], original: Path, media_type: str) -> dict[str, Any]:
        """Return the result of the kind's `work`, or raise its error."""
        with tempfile.TemporaryDirectory(prefix="ask-", dir=self._folder) as folder:
            request = Request(
                work=kind.work,
                args=dict(args),
                original=original,
                folder=Path(folder),
                models_dir=self._models_dir,
                media_type=media_type,
            )
            return result_of(await self._pool.run(request))

    async def close(self) -> None:
        """Nothing is held: the children are the worker's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What a worker has to ask with; nothing where no setting wants any."""

    parts: Mapping[str, Part] = field(default_factory=dict)

    async def __call__(self, kind: JobKind, message: ProcessMessage, original: Path) -> Mapping[str, Any]:
        """Return the arguments of a job with what was asked for it; those of the message where that is nothing.

        Raises:
            FotofilaError: what it says becomes of the job.
        """
        if kind.ask is None or message.source is None:
            return message.args
        question = Question(
            args=message.args,
            original=original,
            media_type=message.source.media_type,
            photo_id=message.source.photo_id,
            parts=self.parts,
        )
        try:
            return await ask(kind, question)
        except FotofilaError:
            raise
        except Exception as error:  # as in a child: whatever it is, the job must hear of it
            raise UnexpectedError(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """Let go of everything, whatever happens to one of them."""
        async with AsyncExitStack() as stack:
            for part in self.parts.values():
                stack.push_async_callback(part.close)


def make_asking(settings: Settings, kinds: Kinds, lane: DirectLane) -> Asking:
    """Make what the kinds ask with, once for each name; nothing is connected yet."""
    makers = {name: make for kind in kinds for name, make in kind.ask_parts.items()}
    made = {name: load(make)(settings, lane) for name, make in makers.items()}
    return Asking(parts={name: part for name, part in made.items() if part is not None})
