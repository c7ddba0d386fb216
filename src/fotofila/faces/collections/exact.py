"""Exact search: one matrix for each collection and model, kept warm, brought up to date before each search.

A process that did not make a change sees it by the collection's revision, and loads only what is newer.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fotofila.core.db import Database
from fotofila.core.observability.logs import get_logger
from fotofila.faces.collections.blas import use_one_thread
from fotofila.faces.collections.matrix import (
    Matrix,
    added,
    nearest,
    new_matrix,
    packed,
    read_vectors,
    rows_of,
    wiped,
    without,
)
from fotofila.faces.collections.search_port import Near, Space
from fotofila.faces.collections.vectors import Page, State, is_current, read_removed, read_state, read_written

log = get_logger("fotofila.faces")


@dataclass(slots=True, kw_only=True)
class Held:
    """The matrix of a space, and the lock of who brings it up to date."""

    matrix: Matrix | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class ExactSearch:
    """Compares a vector with every vector of a collection."""

    def __init__(self, *, memory_bytes: int, threads: int) -> None:
        """Load nothing.

        Args:
            memory_bytes: of all matrices together; beyond it the one that was searched longest ago goes.
            threads: searches at once.
        """
        self._memory_bytes = memory_bytes
        self._threads = threads
        self._executor: ThreadPoolExecutor | None = None
        self._held: OrderedDict[Space, Held] = OrderedDict()

    async def search(
        self, db: Database, space: Space, vectors: NDArray[np.float32], *, limit: int, least_cosine: float = -1.0
    ) -> list[list[Near]]:
        """Return the nearest of each vector; see the port."""
        matrix = await self._current(db, space)
        if matrix is None:
            return [[] for _ in vectors]
        if self._executor is None:
            use_one_thread()
            self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="face-search")
        queries = np.ascontiguousarray(vectors, np.float32)
        return await asyncio.get_running_loop().run_in_executor(
            self._executor, lambda: nearest(matrix, queries, limit=limit, least_cosine=least_cosine)
        )

    def forget(self, collection_id: str) -> None:
        """Let go of a collection's matrices; those of other processes go when they are searched, or have no room."""
        for space in [each for each in self._held if each.collection_id == collection_id]:
            del self._held[space]

    async def close(self) -> None:
        """Forget everything."""
        self._held.clear()
        if self._executor is not None:
            self._executor.shutdown(wait=False)
            self._executor = None

    async def _current(self, db: Database, space: Space) -> Matrix | None:
        held = self._held.setdefault(space, Held())
        self._held.move_to_end(space)
        if held.matrix is not None and await is_current(db, space, held.matrix.revision):
            return held.matrix
        async with held.lock:
            held.matrix = await refreshed(db, space, held.matrix)
        if held.matrix is None:
            self._held.pop(space, None)
        self._make_room(space)
        return held.matrix

    def _make_room(self, wanted: Space) -> None:
        """Let go of what was searched longest ago; never of what is wanted now."""
        sizes = {space: held.matrix.nbytes for space, held in self._held.items() if held.matrix is not None}
        total = sum(sizes.values())
        for space in list(sizes):
            if total <= self._memory_bytes:
                return
            if space != wanted:
                del self._held[space]
                total -= sizes[space]
        if total > self._memory_bytes:
            log.warning("faces.search_memory", megabytes=total >> 20, allowed=self._memory_bytes >> 20)


async def refreshed(db: Database, space: Space, matrix: Matrix | None) -> Matrix | None:
    """Return the matrix as the database is now, loading only what is newer; None where the collection is gone.

    What is committed while we read is seen in part; it is read again the next time, since the matrix is marked with the
    revision at which the reading began.
    """
    async with db.read() as session:
        state = await read_state(session, space)
        if state is None:
            return None
        if matrix is not None and matrix.revision < state.removals_from:
            matrix = None
        since = 0
        if matrix is not None:
            if matrix.revision == state.revision:
                return matrix
            since = matrix.revision
            gone = await read_removed(session, space, since=since, until=state.revision)
            matrix = await asyncio.to_thread(without_ids, matrix, list(gone))
        late: dict[str, int] = {}
        async for page in read_written(session, space, since=since):
            matrix = await asyncio.to_thread(with_page, matrix, page, state)
            late |= {row_id: at for row_id, at in page.written if at > state.revision}
        removed = await read_removed(session, space, since=state.revision)
    if matrix is None:
        return replace(new_matrix(0), revision=state.revision)
    gone_late = [row_id for row_id, at in removed.items() if late.get(row_id, 0) < at]
    matrix = await asyncio.to_thread(without_ids, matrix, gone_late)
    return replace(matrix, revision=state.revision)


def with_page(matrix: Matrix | None, page: Page, state: State) -> Matrix:
    """Add what was written; a vector that was written anew takes the place of the old one."""
    ids, vectors = packed(page.ids), read_vectors(page.raw)
    if matrix is None or not matrix.vectors.shape[1]:
        matrix = new_matrix(vectors.shape[1], room=max(state.rows, len(ids)))
    may_be_there = matrix.revision or page.revisions[-1] > state.revision
    if matrix.count and may_be_there:
        matrix = without(matrix, rows_of(matrix, ids))
    return added(matrix, ids, vectors)


def without_ids(matrix: Matrix, ids: list[str]) -> Matrix:
    """Take rows out by their ids."""
    return wiped(matrix, rows_of(matrix, packed(ids))) if ids else matrix
