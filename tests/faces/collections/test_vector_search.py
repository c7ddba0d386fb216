"""What holds of every search, exact or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import OPERATOR
from fotofila.core.config import SettingsError
from fotofila.core.db.locks import lock_name
from fotofila.faces.collections import desk, pgvector
from fotofila.faces.collections.choose import search_of
from fotofila.faces.collections.exact import ExactSearch
from fotofila.faces.collections.search_port import Near, Space
from fotofila.testing.servers import PostgresServer
from tests.faces.collections.conftest import OWNER, Place, open_place
from tests.faces.collections.painted import MODEL, picture, vector_of


@pytest.fixture(params=["exact on sqlite", "exact on postgres", "pgvector"])
async def searching(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    url = f"sqlite:///{tmp_path / 'fotofila.db'}"
    if "sqlite" not in request.param:
        url = request.getfixturevalue("migrated_url")
    kind = "pgvector" if request.param == "pgvector" else "exact"
    async with open_place(tmp_path, url, faces_search=kind) as made:
        yield made


async def near(place: Place, person: int, *, limit: int = 10, least: float = 0.5) -> list[Near]:
    info = await desk.describe_collection(place.context, OWNER, "guests")
    space = Space(collection_id=info.id, model=MODEL)
    (found,) = await search_of(place.context).search(
        place.context.db, space, vector_of(person)[None], limit=limit, least_cosine=least
    )
    return found


async def test_the_nearest_come_first_with_their_cosines(searching: Place) -> None:
    ids = [
        (await searching.index({"person": 1, "noise": noise}, photo=at)).records[0].face_id
        for at, noise in enumerate((0.2, 0.9, 0.5))
    ]
    await searching.index(2, 3)
    found = await near(searching, 1)
    assert [each.id for each in found] == [ids[0], ids[2], ids[1]]
    true = [float(vector_of(1) @ vector_of(1, noise=noise, photo=at)) for at, noise in ((0, 0.2), (2, 0.5), (1, 0.9))]
    assert [each.cosine for each in found] == pytest.approx(true, abs=1e-3)
    assert [each.id for each in await near(searching, 1, limit=1)] == [ids[0]]
    assert [each.id for each in await near(searching, 1, least=true[1] - 0.01)] == [ids[0], ids[2]]


async def test_what_was_added_and_removed_is_seen_by_the_next_search(searching: Place) -> None:
    assert await near(searching, 1) == []
    (first,) = (await searching.index(1)).records
    assert [each.id for each in await near(searching, 1)] == [first.face_id]
    (second,) = (await searching.index({"person": 1, "noise": 0.3}, photo=1)).records
    assert [each.id for each in await near(searching, 1)] == [first.face_id, second.face_id]
    await desk.delete_faces(searching.context, OWNER, "guests", [first.face_id], actor=OPERATOR)
    assert [each.id for each in await near(searching, 1)] == [second.face_id]
    await desk.delete_collection(searching.context, OWNER, "guests", actor=OPERATOR)
    await desk.create_collection(searching.context, OWNER, "guests", actor=OPERATOR)
    assert await near(searching, 1) == []


async def test_users_are_renewed_when_their_faces_change(searching: Place) -> None:
    records = [(await searching.index({"person": 1, "noise": 0.5}, photo=at)).records[0] for at in range(2)]
    await desk.create_user(searching.context, OWNER, "guests", "ana", actor=OPERATOR)
    scores = []
    for record in records:
        await desk.associate_faces(searching.context, OWNER, "guests", "ana", [record.face_id], actor=OPERATOR)
        found = await desk.search_users_by_image(searching.context, OWNER, "guests", picture(1), actor=OPERATOR)
        scores += [match.similarity for match in found.matches]
    assert len(scores) == 2
    await desk.delete_user(searching.context, OWNER, "guests", "ana", actor=OPERATOR)
    found = await desk.search_users_by_image(searching.context, OWNER, "guests", picture(1), actor=OPERATOR)
    assert found.matches == ()


async def test_pgvector_finds_the_nearest_of_many(tmp_path: Path, migrated_url: str) -> None:
    async with open_place(tmp_path, migrated_url, faces_search="pgvector") as place:
        for group in range(4):
            people = [{"person": 50 * group + at, "left": at / 50, "size": 0.015} for at in range(50)]
            await place.index(*people, quality_filter="NONE")
        exact = ExactSearch(memory_bytes=1 << 30, threads=1)
        info = await desk.describe_collection(place.context, OWNER, "guests")
        space = Space(collection_id=info.id, model=MODEL)
        await until(lambda: caught_up(place, 0))
        asked = np.stack([vector_of(person, noise=0.7) for person in range(0, 200, 10)])
        wanted = await exact.search(place.context.db, space, asked, limit=5)
        found = await search_of(place.context).search(place.context.db, space, asked, limit=5)
        await exact.close()
        hits = [len({a.id for a in mine} & {b.id for b in theirs}) for mine, theirs in zip(found, wanted, strict=True)]
        assert sum(hits) >= 0.95 * 5 * len(asked)


async def has_index(place: Place) -> bool:
    return await place.context.db.has_row(pgvector.INDEX, name=f"ix_near_face_{MODEL.replace('-', '_')}")


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110 - another process may be at it
            await asyncio.sleep(0.02)


async def test_while_its_index_is_built_searches_are_answered_exactly(
    tmp_path: Path, migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgvector, "PATIENCE_SECONDS", 0.0)
    async with open_place(tmp_path, migrated_url, faces_search="pgvector") as place:
        db = place.context.db
        first = (await place.index(1)).records[0].face_id
        async with db.write() as holding:
            await lock_name(holding, "collection_near")  # as whoever builds it
            for _ in range(2):
                assert [each.id for each in await near(place, 1)] == [first]
            second = (await place.index({"person": 1, "noise": 0.3}, photo=1)).records[0].face_id
            assert [each.id for each in await near(place, 1)] == [first, second], "and find what is new"
            assert not await has_index(place)
        await until(lambda: has_index(place))
        assert [each.id for each in await near(place, 1)] == [first, second]
        await until(lambda: caught_up(place, 7, 0))


async def test_many_vectors_at_once_are_taken_over_in_the_background(
    tmp_path: Path, migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgvector, "PATIENCE_SECONDS", 0.0)
    few = {kind: query.replace(f"OFFSET {pgvector.MANY}", "OFFSET 2") for kind, query in pgvector.FAR_BEHIND.items()}
    monkeypatch.setattr(pgvector, "FAR_BEHIND", few)
    async with open_place(tmp_path, migrated_url, faces_search="pgvector") as place:
        await place.index(1)
        await until(lambda: caught_up(place, 1))
        await place.index(2, 3, photo=1)
        async with place.context.db.write() as holding:
            await lock_name(holding, "collection_near")
            assert await caught_up(place, 2), "two are taken over at once"
            await place.index(4, 5, 6, photo=2)
            assert len(await near(place, 4)) == 1
            assert not await caught_up(place, 4), "three are not waited for"
        await until(lambda: caught_up(place, 4))


async def test_where_shared_memory_is_short_one_process_builds_the_index(
    tmp_path: Path, migrated_url: str, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = migrated_url.rpartition("/")[2]
    postgres_server.psql(f"ALTER DATABASE {name} SET min_parallel_table_scan_size = 0")  # few rows, several processes
    monkeypatch.setattr(pgvector, "BUILD_MEMORY_MIB", (1 << 20, 1 << 20))  # a terabyte: no machine has so much of it
    built: list[str] = []
    run_long = pgvector.run_long

    async def watched(session: AsyncSession, statement: str, *values: object) -> None:
        built.extend([statement] if "USING hnsw" in statement else [])
        await run_long(session, statement, *values)

    monkeypatch.setattr(pgvector, "run_long", watched)
    async with open_place(tmp_path, migrated_url, faces_search="pgvector") as place:
        await place.index(1)
        await until(lambda: caught_up(place, 1))
        assert len(built) == 2, "the first way failed"


@pytest.mark.parametrize(("count", "mebibytes"), [(0, 64), (100_000, 100), (1_000_000, 1007), (10_000_000, 4096)])
def test_a_graph_is_given_the_memory_that_it_takes(count: int, mebibytes: int) -> None:
    assert pgvector.build_memory_mib(count, 128) == mebibytes


async def caught_up(place: Place, person: int, matches: int = 1) -> bool:
    """Search for somebody; say whether the index has everything."""
    assert len(await near(place, person)) == matches
    info = await desk.describe_collection(place.context, OWNER, "guests")
    state = {"id": info.id, "model": MODEL, "kind": "face"}
    return await has_index(place) and await place.context.db.has_row(pgvector.CURRENT, **state)


async def test_pgvector_without_postgresql_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="FOTOFILA_FACES_SEARCH"):
        async with open_place(tmp_path, f"sqlite:///{tmp_path / 'fotofila.db'}", faces_search="pgvector"):
            pass
