"""The vectors of a collection in memory, as float32: half the work of float16, which processors do not compute with.

Measured for 100,000 x 128 on two cores: 2 ms a search; from float16, block by block, 100 ms.

A matrix never changes for those who search it: what is added is written behind the rows that they know, and what is
removed is left out by a list of the new matrix. So searches need no lock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fotofila.faces.collections.search_port import Near

SPARE = 1.25
"""Room that a matrix is given when it has grown out of its own."""
MOST_DEAD = 0.2
"""Share of removed rows at which a matrix is copied without them."""
QUERIES_AT_ONCE = 16
"""Their scores are held for all rows: 64 MB for a million."""
ID_BYTES = 16

Ids = NDArray[np.void]
Vectors = NDArray[np.float32]
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matrix:
    """Vectors of length 1 and their ids; `count` rows of the two arrays are filled."""

    ids: Ids
    vectors: Vectors
    count: int
    dead: Rows
    """Rows that were removed."""
    revision: int

    @property
    def nbytes(self) -> int:
        """Memory, in bytes."""
        return self.ids.nbytes + self.vectors.nbytes + self.dead.nbytes

    def __len__(self) -> int:
        return self.count - len(self.dead)


def new_matrix(numbers: int, *, room: int = 0) -> Matrix:
    """Return one without rows, for vectors of so many numbers."""
    return Matrix(
        ids=np.empty(room, f"V{ID_BYTES}"),
        vectors=np.empty((room, numbers), np.float32),
        count=0,
        dead=np.empty(0, np.intp),
        revision=0,
    )


def packed(ids: list[str]) -> Ids:
    """Return ids (32 hex digits) as 16 bytes each."""
    return np.frombuffer(bytes.fromhex("".join(ids)), f"V{ID_BYTES}")


def read_vectors(raw: list[bytes]) -> Vectors:
    """Return rows of float16 as float32, brought back to length 1."""
    vectors = np.frombuffer(b"".join(raw), "<f2").reshape(len(raw), -1).astype(np.float32)
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    vectors /= np.maximum(norms, np.float32(1e-12))[:, None]
    return vectors


def added(matrix: Matrix, ids: Ids, vectors: Vectors) -> Matrix:
    """Return a matrix with more rows; only the newest matrix of a line may be added to, by one caller at a time."""
    after = matrix.count + len(ids)
    held_ids, held = matrix.ids, matrix.vectors
    if after > len(held_ids):
        room = max(after, int(after * SPARE)) if matrix.count else after
        held_ids, held = np.empty(room, matrix.ids.dtype), np.empty((room, vectors.shape[1]), np.float32)
        held_ids[: matrix.count] = matrix.ids[: matrix.count]
        held[: matrix.count] = matrix.vectors[: matrix.count]
    held_ids[matrix.count : after] = ids
    held[matrix.count : after] = vectors
    return replace(matrix, ids=held_ids, vectors=held, count=after)


def rows_of(matrix: Matrix, ids: Ids) -> Rows:
    """Return the living rows that have one of these ids."""
    rows = np.flatnonzero(np.isin(as_numbers(matrix.ids[: matrix.count]), as_numbers(ids)))
    return np.setdiff1d(rows, matrix.dead)


def as_numbers(ids: Ids) -> NDArray[np.uint64]:
    """Return the last eight bytes: 62 of their bits are random, so two that are equal here are equal."""
    return ids.view(np.uint64).reshape(len(ids), 2)[:, 1]


def without(matrix: Matrix, rows: Rows) -> Matrix:
    """Return a matrix that leaves some rows out."""
    if not len(rows):
        return matrix
    dead = np.union1d(matrix.dead, rows)
    if len(dead) <= max(1024, MOST_DEAD * matrix.count):
        return replace(matrix, dead=dead)
    kept = np.delete(np.arange(matrix.count), dead)
    none = np.empty(0, np.intp)
    return replace(matrix, ids=matrix.ids[kept], vectors=matrix.vectors[kept], count=len(kept), dead=none)


def wiped(matrix: Matrix, rows: Rows) -> Matrix:
    """Return a matrix without some rows, and leave nothing of them in memory."""
    matrix.vectors[rows] = 0
    return without(matrix, rows)


def nearest(matrix: Matrix, queries: Vectors, *, limit: int, least_cosine: float) -> list[list[Near]]:
    """Return the nearest rows of each query (n, d), nearest first."""
    if not matrix.count:
        return [[] for _ in queries]
    vectors = matrix.vectors[: matrix.count]
    found = []
    for at in range(0, len(queries), QUERIES_AT_ONCE):
        some = queries[at : at + QUERIES_AT_ONCE]
        scores = (vectors @ some[0])[None] if len(some) == 1 else some @ vectors.T
        scores[:, matrix.dead] = -np.inf
        found += [top(matrix, row, limit=limit, least=least_cosine) for row in scores]
    return found


def top(matrix: Matrix, scores: NDArray[np.float32], *, limit: int, least: float) -> list[Near]:
    """Return the best of the scores that are at least so high."""
    hits = np.flatnonzero(scores >= max(least, -2.0))
    if len(hits) > limit:
        hits = hits[np.argpartition(scores[hits], len(hits) - limit)[-limit:]]
    hits = hits[np.argsort(-scores[hits], kind="stable")]
    return [Near(id=matrix.ids[row].tobytes().hex(), cosine=min(float(scores[row]), 1.0)) for row in hits]
