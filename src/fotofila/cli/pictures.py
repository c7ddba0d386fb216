"""The photos that paths on the command line mean."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fotofila.core.errors import NotFoundError

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".webp", ".heic", ".heif", ".avif", ".tif", ".tiff"})
"""What is taken from a folder; a file that is named itself is taken whatever it is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A file of this machine, as it was when we looked."""

    path: Path
    size_bytes: int


def find_pictures(paths: Sequence[Path]) -> list[Picture]:
    """Return the named files and the photos of the named folders, each once, folders in order of names.

    Hidden files and folders are left out: they are previews and the litter of other programs.

    Raises:
        NotFoundError: a path does not exist, or there is no photo in any of them.
    """
    found: dict[Path, Picture] = {}
    for path in paths:
        if not path.exists():
            raise NotFoundError(f"There is no file or folder {str(path)!r}: look at its spelling.")
        for file in walk(path) if path.is_dir() else (path,):
            found.setdefault(file.resolve(), Picture(path=file, size_bytes=file.stat().st_size))
    if not found:
        endings = " ".join(sorted(SUFFIXES))
        raise NotFoundError(f"There is no photo in {paths[0]}: looked for {endings}.")
    return list(found.values())


def walk(folder: Path) -> Iterator[Path]:
    """Give the photos below a folder; links to folders are not followed, since they may lead in a circle."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(root, name)
            if not name.startswith(".") and path.suffix.lower() in SUFFIXES and path.is_file():
                yield path
