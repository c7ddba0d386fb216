"""Sending many: hash, ask which are there, send the rest, a few at a time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from fotofila.cli.pictures import Picture
from fotofila.cli.upload.resumable import RESUMABLE_BYTES, send_resumable
from fotofila.cli.upload.server import RefusedError, Sent, Server, StoppedError

ASK_AT_ONCE = 50
"""Checksums in one question: 4 KB of address, which every proxy takes."""


class Watcher(Protocol):
    """Who shows how it goes."""

    def going(self, picture: Picture, sent_bytes: int) -> None:
        """Hear how much of a file has gone out."""
        ...

    def over(self, picture: Picture) -> None:
        """Hear that a file is done with, whatever became of it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A file that was not taken, or not analysed."""

    picture: Picture
    code: str
    sentence: str


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of all so far; true whenever the upload is stopped."""

    sent: list[tuple[Picture, Sent]] = field(default_factory=list)
    duplicates: list[tuple[Picture, Sent]] = field(default_factory=list)
    refused: list[Trouble] = field(default_factory=list)
    failed: list[Trouble] = field(default_factory=list)
    repeated: int = 0
    """Files with the same bytes as another of them."""
    states: dict[str, str] = field(default_factory=dict)
    """Final states by id of the photo, where they were waited for."""

    @property
    def over(self) -> int:
        """How many are sent, or need not be."""
        return len(self.sent) + len(self.duplicates) + len(self.refused) + self.repeated


async def find_unknown(
    server: Server, pictures: Sequence[Picture], outcome: Outcome, watcher: Watcher
) -> dict[str, Picture]:
    """Return the files that the server does not have, by checksum. Raises as `Server.known` does."""
    unknown: dict[str, Picture] = {}
    for start in range(0, len(pictures), ASK_AT_ONCE):
        some = pictures[start : start + ASK_AT_ONCE]
        checksums = await asyncio.gather(*(checksum(picture) for picture in some))
        known = await ask_known(server, [each for each in checksums if each is not None])
        for picture, found in zip(some, checksums, strict=True):
            if found is None:
                sentence = "The file cannot be read: look at its permissions."
                outcome.refused.append(Trouble(picture=picture, code="unreadable", sentence=sentence))
                watcher.over(picture)
            elif found in known:
                outcome.duplicates.append((picture, known[found]))
                watcher.over(picture)
            elif found in unknown:
                outcome.repeated += 1
                watcher.over(picture)
            else:
                unknown[found] = picture
    return unknown


async def ask_known(server: Server, checksums: Sequence[str]) -> dict[str, Sent]:
    """Ask which are there; a key that may only write is answered with none, and the server finds out by itself."""
    try:
        return await server.known(checksums)
    except StoppedError as error:
        if error.details.get("reason") != "forbidden":
            raise
        return {}


async def send_all(
    server: Server,
    pictures: Mapping[str, Picture],
    outcome: Outcome,
    watcher: Watcher,
    *,
    batch_id: str | None,
    jobs: int,
) -> None:
    """Send files, `jobs` at once. Raises as `Server.send` does for what stops everything."""
    left = iter(pictures.items())
    async with asyncio.TaskGroup() as tasks:
        for _ in range(min(jobs, len(pictures))):
            tasks.create_task(send_some(server, left, outcome, watcher, batch_id=batch_id))


async def send_some(
    server: Server, left: Iterator[tuple[str, Picture]], outcome: Outcome, watcher: Watcher, *, batch_id: str | None
) -> None:
    """Send one after the other until there is none left."""
    for found, picture in left:
        told = hear(watcher, picture)
        try:
            if picture.size_bytes >= RESUMABLE_BYTES:
                sent = await send_resumable(server, picture, found, batch_id=batch_id, told=told)
            else:
                sent = await server.send(picture, batch_id=batch_id, told=told)
            (outcome.duplicates if sent.duplicate else outcome.sent).append((picture, sent))
        except RefusedError as error:
            outcome.refused.append(Trouble(picture=picture, code=error.reason, sentence=error.message))
        watcher.over(picture)


def hear(watcher: Watcher, picture: Picture) -> Callable[[int], None]:
    """Return what is told of the bytes of one file."""
    return lambda sent_bytes: watcher.going(picture, sent_bytes)


async def checksum(picture: Picture) -> str | None:
    """Return the SHA-256 of a file, in hex, or None where it cannot be read."""
    try:
        return await asyncio.to_thread(hash_file, picture.path)
    except OSError:
        return None


def hash_file(path: Path) -> str:
    """Hash a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
