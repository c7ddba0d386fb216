from __future__ import annotations

import random
from collections.abc import AsyncIterator

import numpy as np
import pytest

from fotofila.access.audit import OPERATOR
from fotofila.faces.collections import change, desk
from fotofila.faces.collections.exact import ExactSearch
from fotofila.faces.collections.matrix import added, nearest, new_matrix, packed, rows_of, without
from fotofila.faces.collections.search_port import Space
from tests.faces.collections.conftest import OWNER, Place
from tests.faces.collections.painted import MODEL, vector_of


@pytest.fixture
async def replica() -> AsyncIterator[ExactSearch]:
    """The search of another process."""
    search = ExactSearch(memory_bytes=1 << 30, threads=1)
    yield search
    await search.close()


async def ids_seen(search: ExactSearch, place: Place, name: str = "guests") -> set[str]:
    info = await desk.describe_collection(place.context, OWNER, name)
    space = Space(collection_id=info.id, model=MODEL)
    (found,) = await search.search(place.context.db, space, vector_of(0)[None], limit=1000)
    return {each.id for each in found}


async def test_another_process_sees_every_change_whenever_it_looks(place: Place, replica: ExactSearch) -> None:
    chance = random.Random(7)
    there: list[str] = []
    for step in range(40):
        if there and chance.random() < 0.4:
            gone = there.pop(chance.randrange(len(there)))
            await desk.delete_faces(place.context, OWNER, "guests", [gone], actor=OPERATOR)
        else:
            there += [each.face_id for each in (await place.index(step, step + 100, photo=step)).records]
        if chance.random() < 0.5:
            assert await ids_seen(replica, place) == set(there)
    assert await ids_seen(replica, place) == set(there)


async def test_who_missed_too_many_removals_loads_everything(
    place: Place, replica: ExactSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change, "MOST_REMOVALS", 2)
    monkeypatch.setattr(change, "FORGET_EVERY", 1)
    faces = [(await place.index(person, photo=person)).records[0].face_id for person in range(8)]
    assert await ids_seen(replica, place) == set(faces)
    for face_id in faces[:6]:
        await desk.delete_faces(place.context, OWNER, "guests", [face_id], actor=OPERATOR)
    assert await ids_seen(replica, place) == set(faces[6:])


async def test_what_was_searched_longest_ago_is_let_go_of_when_memory_is_short(place: Place) -> None:
    search = ExactSearch(memory_bytes=1000, threads=1)  # a vector has 512 bytes
    for name in ("a", "b"):
        await desk.create_collection(place.context, OWNER, name, actor=OPERATOR)
        await desk.index_faces(place.context, OWNER, name, b'{"photo": 0, "people": [{"person": 1}]}', actor=OPERATOR)
        assert len(await ids_seen(search, place, name)) == 1
    assert len(search._held) == 1
    assert len(await ids_seen(search, place, "a")) == 1
    await search.close()


def test_a_matrix_grows_shrinks_and_never_changes_for_those_who_hold_it() -> None:
    chance = np.random.default_rng(3)
    vectors = chance.standard_normal((5000, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [f"{at:032x}" for at in range(5000)]
    matrix = new_matrix(8)
    alive: set[int] = set()
    for at in range(0, 5000, 500):
        before, known = matrix, set(alive)
        matrix = added(matrix, packed(ids[at : at + 500]), vectors[at : at + 500])
        alive |= set(range(at, at + 500))
        gone = chance.choice(sorted(alive), 200, replace=False)
        matrix = without(matrix, rows_of(matrix, packed([ids[row] for row in gone])))
        alive -= set(gone.tolist())
        for held, wanted in ((before, known), (matrix, alive)):
            (found,) = nearest(held, vectors[:1], limit=10_000, least_cosine=-1)
            assert {int(each.id, 16) for each in found} == wanted
            assert len(held) == len(wanted)


def test_a_row_of_queries_finds_what_each_alone_finds() -> None:
    vectors = np.stack([vector_of(person) for person in range(300)])
    matrix = added(new_matrix(128), packed([f"{at:032x}" for at in range(300)]), vectors)
    together = nearest(matrix, vectors[:40], limit=5, least_cosine=-1)
    alone = [nearest(matrix, vectors[at : at + 1], limit=5, least_cosine=-1)[0] for at in range(40)]
    assert [[each.id for each in some] for some in together] == [[each.id for each in some] for some in alone]
    assert all(some[0].id == f"{at:032x}" for at, some in enumerate(together))
