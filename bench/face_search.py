"""Searching collections: `python -m bench face-search [--faces 10000 100000 1000000] [--pgvector] [--searches 200]`.

Each size is written into a SQLite database as the service writes it, and read back by a process that has just started:
the first call is what a restart costs. Then many searches, one after the other, each through the port with its look at
the revision, 80 matches at most. Beside it face_recognition's linear scan (`numpy.linalg.norm(known - face, axis=1)`,
float64, 128 numbers), and with `--pgvector` the HNSW index in PostgreSQL, whose recall is against exact search.

The vectors are of made-up people: unit vectors at random, three photos each whose cosines are those of real photos
(0.68 on average, as SFace's on LFW). Random vectors are the hardest for HNSW: real ones lie closer together.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fotofila.core.db import Database
from fotofila.core.db.migrate import upgrade
from fotofila.faces.collections.exact import ExactSearch
from fotofila.faces.collections.pgvector import PgvectorSearch
from fotofila.faces.collections.search_port import Space
from fotofila.faces.packs import PERMISSIVE
from fotofila.testing.servers import PostgresServer

NUMBERS = 128
PHOTOS = 3
NOISE = 0.68
"""Length of what is added to a person's vector: then two photos have a cosine of 1 / (1 + 0.68²) = 0.68."""
LIMIT = 80
LEAST = 0.3778
"""The cosine of similarity 80."""
SPACE = Space(collection_id="c" * 32, model=PERMISSIVE.model)
AT = "2026-01-01 00:00:00.000000"
BLOCK = 10_000
COLUMNS = "id, owner, name, model, tags, keep_chips, switched_on, revision, removals_from, face_count, user_count"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench face-search")
    parser.add_argument("--faces", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--pgvector", action="store_true", help="build the HNSW index, too: a minute for 100,000 faces")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.part:
        print(json.dumps(PARTS[arguments.part](arguments.folder, arguments.searches)))
        return 0
    for faces in arguments.faces:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(fill_sqlite(Path(folder) / "faces.db", faces))
            np.save(Path(folder) / "faces.npy", np.concatenate(list(people(faces))).astype(np.float16))
            for part in ("exact", "linear", *(("pgvector",) if arguments.pgvector else ())):
                figures = told(measured(part, Path(folder), arguments.searches))
                print(f"{faces:>9,} faces, {part}: {figures}", flush=True)
    return 0


def people(faces: int) -> Iterator[NDArray[np.float32]]:
    """Photos of people, block by block: (n, 128) of length 1."""
    for at in range(0, faces, BLOCK):
        chance = np.random.default_rng([faces, at])
        size = min(BLOCK, faces - at)
        who = unit(chance.standard_normal((size // PHOTOS + 1, NUMBERS)))
        blur = unit(chance.standard_normal((size, NUMBERS)))
        yield unit(np.repeat(who, PHOTOS, axis=0)[:size] + NOISE * blur).astype(np.float32)


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    made: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return made


def asked_for(folder: Path, searches: int) -> NDArray[np.float32]:
    """Vectors to search with: another photo of people who are there."""
    known = np.load(folder / "faces.npy", mmap_mode="r")
    chance = np.random.default_rng(1)
    some = known[np.sort(chance.choice(len(known), searches))].astype(np.float64)
    return unit(some + NOISE * unit(chance.standard_normal(some.shape))).astype(np.float32)


async def fill_sqlite(path: Path, faces: int) -> None:
    """Write a collection as the service does, but without its speed."""
    database = Database(f"sqlite:///{path}")
    await upgrade(database)
    await database.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA foreign_keys=OFF")
    row = (SPACE.collection_id, "o" * 32, "bench", SPACE.model, "{}", 1, 1, faces, 0, faces, 0)
    connection.execute(f"INSERT INTO collections ({COLUMNS}, created_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,'{AT}')", row)
    number = 0
    for block in people(faces):
        raw = block.astype("<f2")
        rows = [
            (id_of(number + at), SPACE.model, SPACE.collection_id, number + at + 1, raw[at].tobytes())
            for at in range(len(raw))
        ]
        number += len(raw)
        connection.executemany(
            "INSERT INTO collection_vectors (face_id, model, collection_id, revision, vector) VALUES (?,?,?,?,?)", rows
        )
    connection.commit()
    connection.close()


def id_of(number: int) -> str:
    """An id as they are: times first, then what is random."""
    return f"{number:016x}{(number * 0x9E3779B97F4A7C15) % 2**64:016x}"


def measured(part: str, folder: Path, searches: int) -> dict[str, Any]:
    """Measure in a process that has just started."""
    command = [sys.executable, "-m", "bench", "face-search", "--part", part, "--folder", str(folder)]
    done = subprocess.run([*command, "--searches", str(searches)], stdout=subprocess.PIPE, text=True, check=True)
    made: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return made


def told(figures: dict[str, Any]) -> str:
    return "; ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items())


def exact(folder: Path, searches: int) -> dict[str, Any]:
    return asyncio.run(search_exactly(folder, searches))


async def search_exactly(folder: Path, searches: int) -> dict[str, Any]:
    queries = asked_for(folder, searches)
    before = resident_mb()
    database = Database(f"sqlite:///{folder / 'faces.db'}")
    search = ExactSearch(memory_bytes=1 << 34, threads=2)
    laps = Laps()
    stalls = asyncio.create_task(longest_stall())
    began, spent = time.perf_counter(), time.process_time()
    await search.search(database, SPACE, queries[:1], limit=LIMIT, least_cosine=LEAST)
    first, first_cpu = time.perf_counter() - began, time.process_time() - spent
    stalls.cancel()
    await asyncio.gather(stalls, return_exceptions=True)
    hits = 0
    for query in queries:
        with laps:
            (found,) = await search.search(database, SPACE, query[None], limit=LIMIT, least_cosine=LEAST)
        hits += bool(found)
    began = time.perf_counter()
    await search.search(database, SPACE, queries[:20], limit=LIMIT, least_cosine=LEAST)
    twenty = time.perf_counter() - began
    held = resident_mb() - before
    await search.close()
    await database.close()
    return {
        "first_call_s": round(first, 3),
        "first_call_cpu_s": round(first_cpu, 3),
        "loop_held_ms": round(1000 * STALL[0], 1),
        **laps.figures(),
        "twenty_faces_at_once_ms": round(1000 * twenty, 2),
        "memory_mb": round(held),
        "found": f"{hits}/{len(queries)}",
    }


STALL = [0.0]


async def longest_stall() -> None:
    """Note for how long the event loop was held."""
    while True:
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        STALL[0] = max(STALL[0], time.perf_counter() - before - 0.001)


def linear(folder: Path, searches: int) -> dict[str, Any]:
    """Do as face_recognition does: `face_distance` over a list of float64 vectors that is in memory already."""
    known = np.load(folder / "faces.npy").astype(np.float64)
    queries = asked_for(folder, searches)[: max(5, min(searches, 20_000_000 // len(known)))].astype(np.float64)
    laps = Laps()
    for query in queries:
        with laps:
            distances = np.linalg.norm(known - query, axis=1)
            np.flatnonzero(distances <= 0.6)
    return laps.figures()


def pgvector(folder: Path, searches: int) -> dict[str, Any]:
    with PostgresServer(folder / "postgres") as server:
        return asyncio.run(search_by_pgvector(server.url, folder, searches))


async def search_by_pgvector(url: str, folder: Path, searches: int) -> dict[str, Any]:
    queries = asked_for(folder, searches)
    database = Database(url)
    await upgrade(database)
    await fill_postgres(database, folder)
    search = PgvectorSearch(meanwhile=ExactSearch(memory_bytes=1 << 34, threads=2))
    began = time.perf_counter()
    await search.prepare(database, SPACE, queries.shape[1])
    built = time.perf_counter() - began
    laps = Laps()
    found = []
    for query in queries:
        with laps:
            found += await search.search(database, SPACE, query[None], limit=LIMIT, least_cosine=LEAST)
    sqlite = Database(f"sqlite:///{folder / 'faces.db'}")
    exactly = await ExactSearch(memory_bytes=1 << 34, threads=2).search(
        sqlite, SPACE, queries, limit=LIMIT, least_cosine=LEAST
    )
    async with database.look() as connection:
        size = await connection.exec_driver_sql("SELECT pg_indexes_size('collection_near_faces') >> 20")
        megabytes = size.scalar()
    await sqlite.close()
    await database.close()
    wanted = sum(len(some) for some in exactly)
    hit = sum(len({a.id for a in mine} & {b.id for b in true}) for mine, true in zip(found, exactly, strict=True))
    best = [mine[0].id == true[0].id if mine else False for mine, true in zip(found, exactly, strict=True) if true]
    return {
        "fill_and_build_s": round(built, 1),
        **laps.figures(),
        "recall": round(hit / max(wanted, 1), 4),
        "recall_of_the_best": round(float(np.mean(best)), 4),
        "index_mb": megabytes,
    }


async def fill_postgres(database: Database, folder: Path) -> None:
    """Copy the vectors out of SQLite, without the faces that they are of."""
    with sqlite3.connect(folder / "faces.db") as source:
        (faces,) = source.execute("SELECT count(*) FROM collection_vectors").fetchone()
        rows = source.execute("SELECT face_id, model, collection_id, revision, vector FROM collection_vectors")
        async with database.engine.connect() as connection:
            raw: Any = (await connection.get_raw_connection()).driver_connection
            await raw.execute("ALTER TABLE collection_vectors DROP CONSTRAINT fk_collection_vectors_face_id")
            await raw.execute(
                f"INSERT INTO collections ({COLUMNS}, created_at) "
                "VALUES ($1, $2, 'bench', $3, '{}', true, true, $4, 0, $5, 0, now())",
                SPACE.collection_id,
                "o" * 32,
                SPACE.model,
                faces,
                faces,
            )
            while some := rows.fetchmany(BLOCK):
                names = ["face_id", "model", "collection_id", "revision", "vector"]
                await raw.copy_records_to_table("collection_vectors", records=some, columns=names)
    source.close()


class Laps:
    """Times of one thing, done many times."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.cpu_seconds = 0.0

    def __enter__(self) -> None:
        self._began, self._spent = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.seconds.append(time.perf_counter() - self._began)
        self.cpu_seconds += time.process_time() - self._spent

    def figures(self) -> dict[str, float]:
        """Median, 99th percentile, and the mean of this process's CPU: what the median is when nothing else runs."""
        p50, p99 = np.quantile(self.seconds, [0.5, 0.99]) * 1000
        cpu = 1000 * self.cpu_seconds / len(self.seconds)
        return {"p50_ms": round(float(p50), 2), "p99_ms": round(float(p99), 2), "cpu_ms": round(cpu, 2)}


def resident_mb() -> float:
    """Memory that is in use now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


PARTS: dict[str, Callable[[Path, int], dict[str, Any]]] = {"exact": exact, "linear": linear, "pgvector": pgvector}
