"""The port of vector search: which faces, or users, of a collection are nearest to vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from fotofila.core.db import Database

Kind = Literal["face", "user"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A face (its id), or a user (the id of its row), and how near it is: a cosine, -1 to 1."""

    id: str
    cosine: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Vectors that may be compared with each other."""

    collection_id: str
    model: str
    kind: Kind = "face"


class VectorSearch(Protocol):
    """Finds the nearest vectors. One object serves all tasks of a process.

    It finds whatever was committed before it was asked, and nothing that was deleted before.
    """

    async def search(
        self, db: Database, space: Space, vectors: NDArray[np.float32], *, limit: int, least_cosine: float = -1.0
    ) -> list[list[Near]]:
        """Return, for each of `vectors` (n, d) of length 1, the nearest, nearest first, at most `limit`."""
        ...

    def forget(self, collection_id: str) -> None:
        """Keep nothing of a collection that was deleted."""
        ...

    async def close(self) -> None:
        """Let go of memory; may be called twice."""
        ...
