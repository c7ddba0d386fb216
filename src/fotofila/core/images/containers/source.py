"""Bytes by position: the first 64 KB at the door, the whole file in the child."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import BinaryIO, Protocol


class Source(Protocol):
    """Where a container is read from."""

    def read(self, offset: int, size: int) -> bytes:
        """Return at most `size` bytes at `offset`; fewer, or none, past the end. Never raises for a position."""
        ...


@dataclass(frozen=True, slots=True)
class HeadSource:
    """The first bytes of a file whose rest is not here yet."""

    head: bytes

    def read(self, offset: int, size: int) -> bytes:
        """Return what the head has of it."""
        return self.head[offset : offset + size] if offset >= 0 and size > 0 else b""


@dataclass(frozen=True, slots=True)
class FileSource:
    """A whole file, open for reading."""

    file: BinaryIO
    size: int

    @classmethod
    def of(cls, file: BinaryIO) -> FileSource:
        """Return the source over an open file."""
        return cls(file=file, size=os.fstat(file.fileno()).st_size)

    def read(self, offset: int, size: int) -> bytes:
        """Return what the file has of it."""
        if not 0 <= offset < self.size or size <= 0:
            return b""
        self.file.seek(offset)
        return self.file.read(min(size, self.size - offset))


@dataclass(frozen=True, slots=True)
class PartSource:
    """A stretch of another source, with positions of its own."""

    whole: Source
    start: int
    size: int

    def read(self, offset: int, size: int) -> bytes:
        """Return what the stretch has of it."""
        if not 0 <= offset < self.size or size <= 0:
            return b""
        return self.whole.read(self.start + offset, min(size, self.size - offset))


def big_endian(source: Source, offset: int, size: int) -> int | None:
    """Return the unsigned integer of `size` bytes at `offset`, or None where the source ends before."""
    data = source.read(offset, size)
    return int.from_bytes(data, "big") if len(data) == size else None


def little_endian(source: Source, offset: int, size: int) -> int | None:
    """Return the unsigned integer of `size` bytes at `offset`, or None where the source ends before."""
    data = source.read(offset, size)
    return int.from_bytes(data, "little") if len(data) == size else None
