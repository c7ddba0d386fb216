"""What a job says became of it. A job never acks, sleeps or writes to the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fotofila.core.errors import FotofilaError


@dataclass(frozen=True, slots=True, kw_only=True)
class RenditionFile:
    """What a job made: a file in its folder (`path`), or bytes (`content`).

    To make a file and remove it again costs the disk more than a small picture does: what is less than a few hundred
    KiB is better given as bytes. `name` becomes the last part of its key,
    `renditions/{owner}/{photo_id}/{execution_id}/{name}`.
    """

    name: str
    path: Path | None = None
    content: bytes | None = None
    media_type: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The work is done: `result` is plain JSON, `renditions` are files to keep."""

    result: Mapping[str, Any]
    renditions: tuple[RenditionFile, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    """CPU seconds by step, for the job's timeline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """It may work another time; costs an attempt."""

    error: FotofilaError


@dataclass(frozen=True, slots=True, kw_only=True)
class Snooze:
    """It cannot be done here and now; costs no attempt."""

    for_seconds: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """It is not wanted any more."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Discard:
    """It can never work."""

    error: FotofilaError


Outcome = Done | Retry | Snooze | Cancel | Discard

Report = Callable[[float], None]
"""Called with the progress, 0 to 1; at most one a second is passed on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a job is given: its settled arguments, the original as a file, and a folder of its own."""

    args: Mapping[str, Any]
    original: Path
    folder: Path
    models_dir: Path
    media_type: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
