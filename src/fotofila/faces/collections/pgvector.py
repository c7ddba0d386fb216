"""Search by pgvector: an HNSW index (Malkov, Yashunin 2018) in PostgreSQL, of half-precision vectors.

For collections that are too large for every process to hold. It finds nearly all of the nearest, and what it misses is
in docs/explanation/collections.md. The index lies in tables of its own, made when they are first needed; they hang on
the tables of the vectors, so that whatever is erased there is erased here by the same statement, and follow them by the
collection's revision as the matrices of exact search do.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.db import Database
from fotofila.core.db.locks import lock_name
from fotofila.core.errors import UnavailableError
from fotofila.core.observability.logs import get_logger
from fotofila.faces.collections.search_port import Kind, Near, Space, VectorSearch
from fotofila.faces.collections.vectors import read_state, read_written

log = get_logger("fotofila.faces")

EF_SEARCH = 200
"""Candidates that are kept while the graph is walked. Of those at a similarity of 80 among 60,000 random vectors, the
hardest there are, 100 find 97.6 %, 200 98.8 % and 400 99.2 %, a half slower."""
MOST_EF_SEARCH = 1000
MOST_TUPLES = 200_000
"""Vectors that are looked at for one search, those of other collections among them."""
LONGEST_SECONDS = 7200.0
"""Of building the index of many millions."""
MANY = 1000
"""Vectors at once after which PostgreSQL should count anew, and that no search waits for: some seconds."""
PATIENCE_SECONDS = 1.0
"""That the first search waits for the index."""
GRAPH_BYTES = 800
"""Of each vector in the graph while it is built, beside its own numbers, measured as 714: a graph that outgrows its
memory is finished on the disk, far slower."""
BUILD_MEMORY_MIB = (64, 4096)
"""Least and most: a parallel build takes all of it at once, in shared memory."""
MODEL = re.compile(r"[A-Za-z0-9_.\-]{1,64}")

CURRENT = """
SELECT 1 FROM collections c JOIN collection_near_state s ON s.collection_id = c.id AND s.revision = c.revision
WHERE c.id = :id AND s.model = :model AND s.kind = :kind
"""
INDEX = """
SELECT 1 FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
WHERE c.relname = :name AND i.indisvalid AND pg_table_is_visible(c.oid)
"""
SET = text(
    "SELECT set_config('hnsw.ef_search', :ef, true), set_config('hnsw.iterative_scan', 'relaxed_order', true), "
    f"set_config('hnsw.max_scan_tuples', '{MOST_TUPLES}', true)"
)
PARENTS: dict[Kind, tuple[str, str]] = {
    "face": ("collection_vectors", "face_id"),
    "user": ("collection_user_vectors", "user_row_id"),
}
FAR_BEHIND = {
    kind: f"SELECT 1 FROM {parent} WHERE collection_id = :id AND model = :model AND revision > COALESCE(("  # noqa: S608 - constants
    "SELECT s.revision FROM collection_near_state s WHERE s.collection_id = :id AND s.model = :model AND s.kind = :kind"
    f"), 0) LIMIT 1 OFFSET {MANY}"
    for kind, (parent, _) in PARENTS.items()
}
"""Whether more was written since than one search should wait for."""
STATE_TABLE = """
CREATE TABLE IF NOT EXISTS collection_near_state (
    collection_id varchar(32) REFERENCES collections (id) ON DELETE CASCADE,
    model varchar(64), kind varchar(8), revision bigint NOT NULL, PRIMARY KEY (collection_id, model, kind))
"""


class NoPgvectorError(UnavailableError):
    """The database has no pgvector."""

    code = "no_pgvector"
    title = "The database has no pgvector"


Key = tuple[Space, int]


@dataclass(slots=True, kw_only=True)
class PgvectorSearch:
    """Asks the database; nothing is held in memory but for collections that the index has not caught up with.

    What takes long, to make the index of a model or to take over many vectors at once, is done in the background.
    Searches are answered exactly meanwhile.
    """

    meanwhile: VectorSearch
    _made: set[tuple[str, Kind]] = field(default_factory=set)
    _preparing: dict[Key, asyncio.Task[None]] = field(default_factory=dict)

    async def search(
        self, db: Database, space: Space, vectors: NDArray[np.float32], *, limit: int, least_cosine: float = -1.0
    ) -> list[list[Near]]:
        """Return the nearest of each vector; see the port."""
        if not await self._is_prepared(db, space, vectors.shape[1]):
            return await self.meanwhile.search(db, space, vectors, limit=limit, least_cosine=least_cosine)
        self.meanwhile.forget(space.collection_id)
        async with db.write() as session:  # what is set is set for one transaction, and this begins one
            await session.execute(SET, {"ef": str(min(max(EF_SEARCH, limit), MOST_EF_SEARCH))})
            return [await nearest(session, space, vector, limit=limit, least=least_cosine) for vector in vectors]

    def forget(self, collection_id: str) -> None:
        """Let go of what is held meanwhile."""
        self.meanwhile.forget(collection_id)

    async def close(self) -> None:
        """Break off what is being prepared."""
        for task in self._preparing.values():
            task.cancel()
        await asyncio.gather(*self._preparing.values(), return_exceptions=True)
        self._preparing.clear()
        await self.meanwhile.close()

    async def prepare(self, db: Database, space: Space, numbers: int) -> None:
        """Make what is missing: tables, vectors, the index of their model; of many vectors that takes minutes.

        Raises:
            NoPgvectorError: the database has no pgvector.
        """
        async with db.write() as session:
            await session.execute(text("SET LOCAL statement_timeout = 0"))
            await lock_name(session, "collection_near")
            await make_extension(session)
            await make_tables(session, space.kind)
            await follow(session, space)  # before there is an index: building it of many at once is ten times as quick
            await make_index(session, space, numbers)
        self._made.add((space.model, space.kind))

    async def _is_prepared(self, db: Database, space: Space, numbers: int) -> bool:
        """Say whether the index has all that was committed; else see to it that it will."""
        key = (space, numbers)
        task = self._preparing.get(key)
        if task is None:
            if await self._catches_up(db, space):
                return True
            task = asyncio.create_task(self.prepare(db, space, numbers), name="near-index")
            task.add_done_callback(tell_failure)
            self._preparing[key] = task
            await asyncio.wait({task}, timeout=PATIENCE_SECONDS)  # of a small collection it is there by then
        if not task.done():
            return False
        self._preparing.pop(key, None)
        task.result()
        return await self._catches_up(db, space)

    async def _catches_up(self, db: Database, space: Space) -> bool:
        """Take over what was written since the last search, where there is an index and it is not too much."""
        made = (space.model, space.kind)
        if made not in self._made:
            if not await db.has_row(INDEX, name=index_of(space)):
                return False
            self._made.add(made)
        where = {"id": space.collection_id, "model": space.model, "kind": space.kind}
        if await db.has_row(CURRENT, **where):
            return True
        if await db.has_row(FAR_BEHIND[space.kind], **where):
            return False
        async with db.write() as session:
            await session.execute(text("SET LOCAL statement_timeout = 0"))
            await follow(session, space)
        return True


def tell_failure(task: asyncio.Task[None]) -> None:
    """Log why an index was not made; the next search tries again and tells its caller."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("faces.index_failed", sentence=str(error))


async def make_extension(session: AsyncSession) -> None:
    """Have the extension, where the server brings it.

    Raises:
        NoPgvectorError: it does not, or we are not allowed to.
    """
    if await session.scalar(text("SELECT 1 FROM pg_extension WHERE extname = 'vector'")):
        return
    mend = "set FOTOFILA_FACES_SEARCH=exact, or have pgvector 0.8 installed and `CREATE EXTENSION vector` run."
    if not await session.scalar(text("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'")):
        raise NoPgvectorError(f"This PostgreSQL does not bring pgvector: {mend}")
    try:
        await session.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
    except DBAPIError as error:
        raise NoPgvectorError(f"We may not create the extension `vector` in this database: {mend}") from error


async def make_tables(session: AsyncSession, kind: Kind) -> None:
    """Make the tables of faces or of users, and that of how far they are."""
    parent, key = PARENTS[kind]
    await session.execute(text(STATE_TABLE))
    await session.execute(
        text(
            f"CREATE TABLE IF NOT EXISTS {table_of(kind)} (id varchar(32), model varchar(64), "
            "collection_id varchar(32) NOT NULL, vector halfvec NOT NULL, PRIMARY KEY (id, model), "
            f"FOREIGN KEY (id, model) REFERENCES {parent} ({key}, model) ON DELETE CASCADE)"
        )
    )
    name = f"ix_{table_of(kind)}_collection"
    await session.execute(text(f"CREATE INDEX IF NOT EXISTS {name} ON {table_of(kind)} (collection_id, model)"))


async def make_index(session: AsyncSession, space: Space, numbers: int) -> None:
    """Make the graph of a model: vectors of two models have nothing to do with each other."""
    if await session.scalar(text(INDEX), {"name": index_of(space)}):
        return
    from asyncpg.exceptions import InsufficientResourcesError  # noqa: PLC0415 - the embedded database needs no driver of another

    count = await session.scalar(
        text(f"SELECT count(*) FROM {table_of(space.kind)} WHERE model = :model"),  # noqa: S608 - no name from outside
        {"model": space.model},
    )
    await session.execute(text(f"SET LOCAL maintenance_work_mem = '{build_memory_mib(count or 0, numbers)}MB'"))
    statement = (
        f"CREATE INDEX {index_of(space)} ON {table_of(space.kind)} USING hnsw "
        f"((vector::halfvec({numbers})) halfvec_ip_ops) WHERE model = '{literal(space.model)}'"
    )
    try:
        async with session.begin_nested():
            await run_long(session, statement)
    except InsufficientResourcesError as error:  # containers have little shared memory: one process needs none
        log.warning("faces.index_alone", sentence=str(error))
        await session.execute(text("SET LOCAL max_parallel_maintenance_workers = 0"))
        await run_long(session, statement)


def build_memory_mib(count: int, numbers: int) -> int:
    """Return what a graph of so many vectors takes while it is built."""
    least, most = BUILD_MEMORY_MIB
    return max(least, min(most, count * (2 * numbers + GRAPH_BYTES) // 2**20))


def index_of(space: Space) -> str:
    """Name the index of a model."""
    return re.sub(r"\W", "_", f"ix_near_{space.kind}_{space.model}".lower())[:63]


async def run_long(session: AsyncSession, statement: str, *values: object) -> None:
    """Run a statement, with `$1`, that may take longer than the pool lets any other."""
    raw: Any = (await (await session.connection()).get_raw_connection()).driver_connection
    await raw.execute(statement, *values, timeout=LONGEST_SECONDS)


async def follow(session: AsyncSession, space: Space) -> None:
    """Take over the vectors that were written since the last time; those that are gone are gone here as well."""
    await lock_name(session, f"collection_near:{space.collection_id}:{space.kind}")
    where = {"collection_id": space.collection_id, "model": space.model, "kind": space.kind}
    query = text(
        "SELECT revision FROM collection_near_state WHERE collection_id = :collection_id AND model = :model "
        "AND kind = :kind"
    )
    since = await session.scalar(query, where) or 0
    state = await read_state(session, space)
    if state is None or state.revision == since:
        return
    put = (
        f"INSERT INTO {table_of(space.kind)} (id, model, collection_id, vector) "  # noqa: S608 - no name from outside
        "SELECT i, $1, $2, v::halfvec FROM unnest($3::varchar[], $4::text[]) "
        "AS given (i, v) ON CONFLICT (id, model) DO UPDATE SET vector = excluded.vector"
    )
    many = False
    async for page in read_written(session, space, since=since):
        many = many or len(page.ids) >= MANY
        vectors = [written(np.frombuffer(raw, "<f2")) for raw in page.raw]
        await run_long(session, put, space.model, space.collection_id, page.ids, vectors)
    if many:  # a table that nobody has counted looks empty, and an empty table is read without its index
        await run_long(session, f"ANALYZE {table_of(space.kind)}")
    await session.execute(
        text(
            "INSERT INTO collection_near_state (collection_id, model, kind, revision) "
            "VALUES (:collection_id, :model, :kind, :revision) "
            "ON CONFLICT (collection_id, model, kind) DO UPDATE SET revision = excluded.revision"
        ),
        {**where, "revision": state.revision},
    )


async def nearest(
    session: AsyncSession, space: Space, vector: NDArray[np.float32], *, limit: int, least: float
) -> list[Near]:
    """Return the nearest of one vector, nearest first."""
    distance = f"vector::halfvec({len(vector)}) <#> CAST(:vector AS halfvec({len(vector)}))"
    query = text(
        f"SELECT id, -({distance}) AS cosine FROM {table_of(space.kind)} "  # noqa: S608 - no name from outside
        f"WHERE collection_id = :collection_id AND model = '{literal(space.model)}' ORDER BY {distance} LIMIT :limit"
    )
    found = await session.execute(
        query, {"vector": written(vector), "collection_id": space.collection_id, "limit": limit}
    )
    near = [Near(id=row_id, cosine=min(cosine, 1.0)) for row_id, cosine in found if cosine >= least]
    return sorted(near, key=lambda each: -each.cosine)


def written(vector: NDArray[np.floating]) -> str:
    """Write a vector as pgvector reads it."""
    numbers: Sequence[float] = vector.astype(np.float32).tolist()
    return "[" + ",".join(f"{number:.6g}" for number in numbers) + "]"


def table_of(kind: Kind) -> str:
    """Name the table of faces or of users."""
    return f"collection_near_{kind}s"


def literal(model: str) -> str:
    """Return a model's name for a statement: an index of one model is used only where the statement names it."""
    if not MODEL.fullmatch(model):
        message = f"{model!r} is no name of a model"
        raise ValueError(message)
    return model
