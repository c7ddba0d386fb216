"""The manifest of a models folder: which files are here, with the hashes they had when they were put here.

A rewritten model is made on this machine by the `onnx` that is installed here, so its hash cannot be pinned in the
program; it is written down when it is made, beside the pinned hash of the file it was made from.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

MANIFEST_FILENAME = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestEntry:
    """One file that is ready to be used."""

    name: str
    version: str
    filename: str
    sha256: str
    original_filename: str
    original_sha256: str
    rewrite: str | None
    licence: str
    source: str


def read_manifest(folder: Path) -> dict[str, ManifestEntry]:
    """The entries of `folder` by file name; none when there is no manifest, or none that can be read."""
    try:
        rows = json.loads((folder / MANIFEST_FILENAME).read_bytes())["files"]
        return {row["filename"]: ManifestEntry(**row) for row in rows}
    except (OSError, ValueError, KeyError, TypeError):
        # A manifest that cannot be read vouches for nothing: every file counts as absent and is made anew.
        return {}


def add_to_manifest(folder: Path, entry: ManifestEntry) -> None:
    """Write `entry` over the one of the same file name. The caller holds the lock of the folder."""
    entries = {**read_manifest(folder), entry.filename: entry}
    rows = [asdict(entries[key]) for key in sorted(entries)]
    write_atomically(folder / MANIFEST_FILENAME, json.dumps({"files": rows}, indent=1).encode() + b"\n")


def write_atomically(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step: a reader sees the old file or the new one, never a part."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
