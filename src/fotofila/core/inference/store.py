"""The models folder: what is there, whether it is what it should be, and the path to load it from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fotofila.core.inference.errors import ModelUnavailableError
from fotofila.core.inference.manifest import ManifestEntry, read_manifest
from fotofila.core.inference.rewrite import rewrite_tag
from fotofila.core.inference.specs import ModelSpec, PinnedFile

FileState = Literal["ready", "missing", "damaged"]

_verified: set[tuple[str, int, int, str]] = set()
"""Files (path, size, time of change, hash) that this process has hashed already: hashing once is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A pinned file and how it stands in a folder."""

    spec: PinnedFile
    path: Path
    state: FileState
    size_bytes: int | None
    sha256: str | None
    """Of the file that is loaded; for a rewritten model not the pinned one."""


def default_models_dir() -> Path:
    """Where models are kept unless `FOTOFILA_MODELS_DIR` says otherwise."""
    return Path.home() / ".cache" / "fotofila"


def ready_filename(spec: PinnedFile) -> str:
    """Name of the file that is loaded: for a rewritten model the rewrite and its revision are part of it."""
    tag = rewrite_tag(spec.rewrite) if isinstance(spec, ModelSpec) and spec.rewrite else None
    if tag is None:
        return spec.filename
    path = Path(spec.filename)
    return f"{path.stem}.{tag}{path.suffix}"


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def verify(spec: PinnedFile, folder: Path) -> StoredFile:
    """Hash the file of `spec`, whatever was hashed before, and say how it stands."""
    path = folder / ready_filename(spec)
    entry = read_manifest(folder).get(path.name)
    if not path.is_file():
        return StoredFile(spec=spec, path=path, state="missing", size_bytes=None, sha256=None)
    found = sha256_of(path)
    state: FileState = "ready" if _vouched_hash(spec, entry) == found else "damaged"
    return StoredFile(spec=spec, path=path, state=state, size_bytes=path.stat().st_size, sha256=found)


def list_files(specs: Iterable[PinnedFile], folder: Path) -> tuple[StoredFile, ...]:
    """How each of `specs` stands in `folder`, by presence and size alone; `verify` hashes."""
    entries = read_manifest(folder)
    return tuple(_listed(spec, folder, entries) for spec in specs)


def load(spec: PinnedFile, folder: Path) -> Path:
    """The path of the file of `spec`, hashed once by this process.

    Raises:
        ModelUnavailableError: it is missing, or is not the file that was put there.
    """
    path = folder / ready_filename(spec)
    expected = _vouched_hash(spec, read_manifest(folder).get(path.name))
    if expected is None or not path.is_file():
        raise ModelUnavailableError(
            f"The model {spec.name} is not in {folder}. Run `fotofila models fetch`.", model=spec.name
        )
    state = path.stat()
    key = (str(path), state.st_size, state.st_mtime_ns, expected)
    if key not in _verified:
        if sha256_of(path) != expected:
            raise ModelUnavailableError(
                f"The file {path} of model {spec.name} is damaged. Run `fotofila models fetch`.", model=spec.name
            )
        _verified.add(key)
    return path


def _listed(spec: PinnedFile, folder: Path, entries: dict[str, ManifestEntry]) -> StoredFile:
    path = folder / ready_filename(spec)
    expected = _vouched_hash(spec, entries.get(path.name))
    present = expected is not None and path.is_file()
    return StoredFile(
        spec=spec,
        path=path,
        state="ready" if present else "missing",
        size_bytes=path.stat().st_size if present else None,
        sha256=expected if present else None,
    )


def _vouched_hash(spec: PinnedFile, entry: ManifestEntry | None) -> str | None:
    """The hash that the loaded file must have: the pinned one, or for a rewrite the one written down with it."""
    if not (isinstance(spec, ModelSpec) and spec.rewrite):
        return spec.sha256
    if entry is None or entry.original_sha256 != spec.sha256:
        return None
    return entry.sha256
