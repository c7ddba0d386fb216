from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import delete, func, select

from fotofila.access.audit import OPERATOR
from fotofila.access.audit_models import AuditInbox
from fotofila.api.app import create_app
from fotofila.core.capability import Context
from fotofila.core.errors import InvalidInputError
from fotofila.core.ids import new_id
from fotofila.faces.collections import desk, remodel, remodel_compare, remodel_loop
from fotofila.faces.collections.models import FaceChip, FaceVector
from fotofila.faces.collections.remodel import NoRemodelError, RemodelInfo, RemodelStateError
from fotofila.faces.engine.base import FindOptions, Found
from fotofila.library.models import Photo
from tests.faces.collections.conftest import OWNER, Place
from tests.faces.collections.painted import MODEL as OLD
from tests.faces.collections.painted import PaintedEngine, picture, vector_of

NEW = "edgeface-s-gamma05-2023"
OTHERS = 100_000


def new_vector(person: int) -> NDArray[np.float32]:
    """Of the new model, which has more numbers."""
    wide = np.concatenate([vector_of(person + OTHERS + part) for part in range(4)])
    unit: NDArray[np.float32] = wide / np.linalg.norm(wide)
    return unit


class TwoModels(PaintedEngine):
    """Makes vectors of both models; chips and pictures tell who is seen."""

    models = (OLD, NEW)  # type: ignore[assignment]  # the other has one

    async def find_faces(self, image: bytes, *, options: FindOptions) -> Found:
        found = await super().find_faces(image, options=replace(options, chips=True))
        faces = tuple(
            replace(
                each,
                face=replace(each.face, embedding=new_vector(each.chip[0]))
                if options.model == NEW and options.embed and each.chip
                else each.face,
                chip=each.chip if options.chips else None,
            )
            for each in found.faces
        )
        return replace(found, faces=faces)

    async def embed_chips(self, chips: Sequence[bytes], *, model: str | None = None) -> NDArray[np.float32]:
        return np.stack([new_vector(chip[0]) if model == NEW else vector_of(chip[0]) for chip in chips])


def with_two_models(place: Place) -> Place:
    context = replace(place.context, parts={**place.context.parts, "faces": TwoModels()})
    return replace(place, context=context)


@pytest.fixture
def place(place: Place) -> Place:
    return with_two_models(place)


@pytest.fixture
def either(either: Place) -> Place:
    """On either database."""
    return with_two_models(either)


async def begin(place: Place) -> RemodelInfo:
    return await remodel.start(place.context, OWNER, "guests", NEW, actor=OPERATOR)


async def embed_all(context: Context) -> None:
    while await remodel_loop.turn(context):
        pass


async def describe(place: Place) -> RemodelInfo:
    return await remodel.describe(place.context, OWNER, "guests")


async def switch(place: Place, *, anyway: bool = False) -> RemodelInfo:
    return await remodel.switch(place.context, OWNER, "guests", actor=OPERATOR, anyway=anyway)


async def who_is(place: Place, person: int) -> list[str]:
    found = await desk.search_faces_by_image(
        place.context, OWNER, "guests", picture(person, photo=9), actor=OPERATOR, threshold=80.0
    )
    return [match.record.face_id for match in found.matches]


async def vectors_of(place: Place, model: str) -> int:
    async with place.context.db.read() as session:
        query = select(func.count()).select_from(FaceVector).where(FaceVector.model == model)
        return await session.scalar(query) or 0


async def lose_chips(place: Place, face_ids: Sequence[str]) -> None:
    async with place.context.db.write() as session:
        await session.execute(delete(FaceChip).where(FaceChip.face_id.in_(face_ids)))


async def test_faces_are_embedded_again_from_their_chips_and_found_by_the_new_model(place: Place) -> None:
    first = (await place.index(1, 2)).records
    assert (await begin(place)).state == "embedding"

    await embed_all(place.context)

    info = await describe(place)
    assert (info.state, info.embedded, info.left_behind, info.progress) == ("ready", 2, 0, 1.0)
    assert (await switch(place)).model == NEW
    assert await who_is(place, 1) == [first[0].face_id]
    assert await who_is(place, 3) == []


async def test_switch_waits_for_the_last_face_unless_it_is_told_not_to(place: Place) -> None:
    await place.index(1, 2)
    await begin(place)

    with pytest.raises(RemodelStateError, match="2 of 2 faces are left"):
        await switch(place)
    await switch(place, anyway=True)

    assert len(await who_is(place, 2)) == 1
    await embed_all(place.context)
    assert len(await who_is(place, 2)) == 1
    assert (await describe(place)).embedded == 2


async def test_face_with_neither_photo_nor_chip_is_listed_and_found_by_the_old_model(place: Place) -> None:
    kept = (await place.index(1)).records[0]
    lost = (await place.index(2, photo=1, external_image_id="door.jpg")).records[0]
    again = (await place.index(2, photo=2)).records[0]
    await lose_chips(place, [lost.face_id])
    await begin(place)
    await embed_all(place.context)

    [left] = await remodel.list_left_behind(place.context, OWNER, "guests", limit=10)
    assert (left.face_id, left.external_image_id, left.reason) == (lost.face_id, "door.jpg", "no_source")
    assert (await describe(place)).left_behind == 1
    await switch(place)

    assert set(await who_is(place, 2)) == {lost.face_id, again.face_id}
    assert await who_is(place, 1) == [kept.face_id]
    by_lost = await desk.search_faces(place.context, OWNER, "guests", lost.face_id, actor=OPERATOR)
    assert [match.record.face_id for match in by_lost] == [again.face_id]
    by_again = await desk.search_faces(place.context, OWNER, "guests", again.face_id, actor=OPERATOR)
    assert [match.record.face_id for match in by_again] == [lost.face_id]


async def test_faces_indexed_between_the_models_are_found_before_and_after_a_roll_back(place: Place) -> None:
    await place.index(1)
    await begin(place)
    await embed_all(place.context)
    await switch(place)
    new = (await place.index(2)).records[0]
    assert new.model == NEW

    info = await remodel.roll_back(place.context, OWNER, "guests", actor=OPERATOR)

    assert info.model == OLD
    assert await who_is(place, 2) == [new.face_id]
    await embed_all(place.context)
    assert await vectors_of(place, OLD) == 2
    assert await who_is(place, 2) == [new.face_id]


async def test_finish_removes_the_old_vectors_but_of_who_was_left_behind(either: Place) -> None:
    await either.index(1)
    lost = (await either.index(2, photo=1)).records[0]
    await lose_chips(either, [lost.face_id])
    await begin(either)
    await embed_all(either.context)
    await switch(either)

    with pytest.raises(RemodelStateError, match="may be under way"):
        await remodel.finish(either.context, OWNER, "guests", actor=OPERATOR)
    either.clock.advance(remodel.SETTLES.total_seconds())
    await remodel.finish(either.context, OWNER, "guests", actor=OPERATOR)
    await embed_all(either.context)

    assert (await vectors_of(either, OLD), await vectors_of(either, NEW)) == (1, 1)
    assert await who_is(either, 2) == [lost.face_id]
    assert len(await who_is(either, 1)) == 1
    with pytest.raises(RemodelStateError):
        await remodel.roll_back(either.context, OWNER, "guests", actor=OPERATOR)

    await desk.delete_faces(either.context, OWNER, "guests", [lost.face_id], actor=OPERATOR)
    await embed_all(either.context)
    with pytest.raises(NoRemodelError):
        await describe(either)
    assert len(await who_is(either, 1)) == 1


async def test_abandoned_change_leaves_nothing(place: Place) -> None:
    await place.index(1, 2)
    await begin(place)
    await embed_all(place.context)

    await remodel.abandon(place.context, OWNER, "guests", actor=OPERATOR)

    assert (await vectors_of(place, OLD), await vectors_of(place, NEW)) == (2, 0)
    assert len(await who_is(place, 1)) == 1
    assert (await begin(place)).embedded == 0


async def test_work_that_was_stopped_goes_on_where_it_was(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    await place.index(*range(1, 7))
    await begin(place)
    monkeypatch.setattr(remodel_loop, "PAGE", 2)

    assert await remodel_loop.turn(place.context)

    assert (await describe(place)).progress == pytest.approx(2 / 6)
    await embed_all(place.context)
    assert (await describe(place)).embedded == 6


async def test_users_are_found_by_the_new_model(place: Place) -> None:
    faces = (await place.index(1, 2)).records
    for number, face in enumerate(faces):
        await desk.create_user(place.context, OWNER, "guests", f"user-{number}", actor=OPERATOR)
        await desk.associate_faces(place.context, OWNER, "guests", f"user-{number}", [face.face_id], actor=OPERATOR)
    await lose_chips(place, [faces[1].face_id])
    await begin(place)
    await embed_all(place.context)
    await switch(place)

    for number, person in enumerate((1, 2)):
        found = await desk.search_users_by_image(
            place.context, OWNER, "guests", picture(person, photo=9), actor=OPERATOR
        )
        assert [match.user.user_id for match in found.matches] == [f"user-{number}"]


async def test_models_are_compared_on_the_same_queries(place: Place) -> None:
    for photo in range(3):
        await place.index(1, 2, photo=photo)
    await begin(place)
    await embed_all(place.context)

    made = await remodel_compare.compare(place.context, OWNER, "guests", actor=OPERATOR)

    assert (made.queries, made.same_matches, made.only_from, made.only_to) == (6, 1.0, 0, 0)
    assert (made.from_model, made.to_model) == (OLD, NEW)


async def test_disagreement_is_counted() -> None:
    old = [{"a": 95.0, "b": 90.0}, {}, {"c": 99.0}]
    new = [{"a": 97.0, "d": 91.0}, {}, {}]

    made = remodel_compare.figures(old, new, from_model=OLD, to_model=NEW, threshold=80)

    assert made.same_best == pytest.approx(2 / 3, abs=1e-4)
    assert made.same_matches == pytest.approx((1 / 3 + 1 + 0) / 3, abs=1e-4)
    assert (made.only_from, made.only_to, made.similarity_gap) == (2, 1, 2.0)


async def test_searches_never_fail_nor_miss_anybody_meanwhile(either: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    faces = {person: (await either.index(person)).records[0].face_id for person in range(1, 9)}
    await lose_chips(either, [faces[8]])
    monkeypatch.setattr(remodel_loop, "PAGE", 3)
    over = asyncio.Event()
    searched = 0

    async def search() -> None:
        nonlocal searched
        while not over.is_set():
            for person, face_id in faces.items():
                assert await who_is(either, person) == [face_id]
                searched += 1

    async def change() -> None:
        await begin(either)
        await remodel_loop.turn(either.context)
        await switch(either, anyway=True)
        await remodel_loop.turn(either.context)
        await remodel.roll_back(either.context, OWNER, "guests", actor=OPERATOR)
        await embed_all(either.context)
        await switch(either, anyway=True)
        await embed_all(either.context)
        either.clock.advance(remodel.SETTLES.total_seconds())
        await remodel.finish(either.context, OWNER, "guests", actor=OPERATOR)
        await embed_all(either.context)
        over.set()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(search())
        tasks.create_task(change())

    assert searched >= len(faces)
    assert (await describe(either)).left_behind == 1


async def test_loop_embeds_until_told_to_stop(place: Place) -> None:
    await place.index(1, 2)
    await begin(place)
    stop = asyncio.Event()

    async with asyncio.TaskGroup() as tasks, asyncio.timeout(60):
        tasks.create_task(remodel_loop.run(place.context, stop))
        mark = place.context.db.changes.mark()
        while (await describe(place)).state != "ready":
            await place.context.db.changes.wait(1.0, since=mark)
            mark = place.context.db.changes.mark()
        stop.set()

    assert (await describe(place)).embedded == 2


async def test_loop_rests_where_the_engine_makes_no_vectors(place: Place) -> None:
    context = replace(place.context, parts={**place.context.parts, "faces": NoVectors()})
    stop = asyncio.Event()

    running = asyncio.create_task(remodel_loop.run(context, stop))
    await asyncio.sleep(0)

    assert not running.done()
    stop.set()
    await running


class NoVectors:
    name = "rekognition"
    model = "rekognition-7.0"


async def test_only_a_model_that_is_here_can_be_taken(place: Place) -> None:
    with pytest.raises(InvalidInputError, match="only"):
        await remodel.start(place.context, OWNER, "guests", "unknown-1", actor=OPERATOR)
    with pytest.raises(InvalidInputError, match="already"):
        await remodel.start(place.context, OWNER, "guests", OLD, actor=OPERATOR)
    await begin(place)
    with pytest.raises(RemodelStateError, match="between two models"):
        await begin(place)


async def test_change_can_be_driven_by_the_api(place: Place) -> None:
    await place.index(1)
    url = "/api/collections/guests"
    transport = httpx.ASGITransport(create_app(place.context), client=("127.0.0.1", 40000))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8000", headers=place.client.headers
    ) as client:
        await drive(place, client, url)


async def tells_of_a_change(client: httpx.AsyncClient, collection: str) -> list[bool]:
    """Return what the collection, the list of all, and the answer to a change of its settings say."""
    shown = await client.get(collection)
    (listed,) = (await client.get("/api/collections")).json()["items"]
    changed = await client.patch(collection, json={"ttl_days": 30})
    return [each["changing_model"] for each in (shown.json(), listed, changed.json())]


async def drive(place: Place, client: httpx.AsyncClient, collection: str) -> None:
    url = f"{collection}/model"
    assert await tells_of_a_change(client, collection) == [False] * 3
    assert (await client.get(url)).json()["code"] == "no_model_change"
    assert (await client.get(f"{url}/choices")).json() == {"model": OLD, "choices": [NEW]}
    started = await client.post(url, json={"model": NEW})
    assert (started.status_code, started.json()["state"]) == (202, "embedding")
    assert await tells_of_a_change(client, collection) == [True] * 3

    await embed_all(place.context)

    assert (await client.get(url)).json()["progress"] == 1
    assert (await client.post(f"{url}/compare", json={})).json()["queries"] == 1
    assert (await client.get(f"{url}/left-behind")).json() == {"items": [], "next_cursor": None}
    assert (await client.post(f"{url}/switch", json={})).json()["model"] == NEW
    assert (await client.post(f"{url}/roll-back")).json()["model"] == OLD
    assert (await client.post(f"{url}/finish")).status_code == 409
    assert (await client.post(f"{url}/finish", json={"drop_left_behind": 0})).status_code == 409
    assert (await client.post(f"{url}/finish", json={"drop_left_behind": -1})).status_code == 422
    assert (await client.delete(url)).status_code == 409


async def test_faces_of_stored_photos_are_embedded_from_the_originals(place: Place) -> None:
    photos = [await store_photo(place, picture(1)), await store_photo(place, picture(2, photo=1))]
    for photo_id, person in zip(photos, (1, 2), strict=True):
        await place.index(person, photo=person - 1, photo_id=photo_id)
    await place.context.storage.delete([f"originals/{OWNER}/{photos[1]}"])
    await begin(place)

    await embed_all(place.context)

    info = await describe(place)
    assert (info.embedded, info.left_behind) == (1, 1)
    [left] = await remodel.list_left_behind(place.context, OWNER, "guests", limit=10)
    assert left.reason == "photo_gone"


async def store_photo(place: Place, content: bytes) -> str:
    """Keep a photo with the row that names its original."""
    photo_id = new_id()
    key = f"originals/{OWNER}/{photo_id}"
    await place.context.storage.put(key, content)
    async with place.context.db.write() as session:
        session.add(
            Photo(
                id=photo_id,
                owner=OWNER,
                filename="a.jpg",
                media_type="image/jpeg",
                size_bytes=len(content),
                checksum_sha256=hashlib.sha256(content).hexdigest(),
                original_key=key,
                job_id=new_id(),
                created_at=place.clock.now(),
            )
        )
    return photo_id


async def left_alone(place: Place) -> str:
    """Have a face of a user left behind, and everything else switched and settled; return its id."""
    await place.index(1)
    lost = (await place.index(2, photo=1)).records[0].face_id
    await desk.create_user(place.context, OWNER, "guests", "ben", actor=OPERATOR)
    await desk.associate_faces(place.context, OWNER, "guests", "ben", [lost], actor=OPERATOR)
    await lose_chips(place, [lost])
    await begin(place)
    await embed_all(place.context)
    await switch(place)
    await embed_all(place.context)
    place.clock.advance(remodel.SETTLES.total_seconds())
    return lost


async def test_faces_left_behind_can_be_given_up_by_who_says_how_many(either: Place) -> None:
    context, lost = either.context, await left_alone(either)
    for wrong in (0, 2):
        with pytest.raises(RemodelStateError, match="1 faces would not be found"):
            await remodel.finish(context, OWNER, "guests", actor=OPERATOR, drop=wrong)
    await remodel.finish(context, OWNER, "guests", actor=OPERATOR)
    await embed_all(context)
    assert await who_is(either, 2) == [lost], "without a number they stay searchable"

    await remodel.finish(context, OWNER, "guests", actor=OPERATOR, drop=1)
    assert await remodel.list_left_behind(context, OWNER, "guests", limit=10) == ()
    await embed_all(context)

    with pytest.raises(NoRemodelError):
        await describe(either)
    assert await who_is(either, 2) == []
    assert (await vectors_of(either, OLD), await vectors_of(either, NEW)) == (0, 1)
    faces = await desk.list_faces(context, OWNER, "guests", actor=OPERATOR, limit=10)
    assert lost in [face.face_id for face in faces], "it stays in the collection"
    async with context.db.read() as session:
        rows = await session.scalars(select(AuditInbox).where(AuditInbox.action == "collection.remodel"))
        details = [json.loads(row.detail) for row in rows]
    assert [each for each in details if "dropped" in each] == [
        {"what": "finish", "model": NEW, "dropped": 1, "faces": [lost]}
    ]


async def test_who_was_left_behind_follows_when_indexed_again(either: Place) -> None:
    context, lost = either.context, await left_alone(either)
    await remodel.finish(context, OWNER, "guests", actor=OPERATOR)
    await embed_all(context)

    again = await either.index(2, photo=1)

    assert ([record.face_id for record in again.records], again.duplicates) == ([lost], True)
    await embed_all(context)
    with pytest.raises(NoRemodelError):
        await describe(either)
    assert await who_is(either, 2) == [lost]
    found = await desk.search_users(context, OWNER, "guests", actor=OPERATOR, face_id=lost)
    assert [match.user.user_id for match in found.matches] == ["ben"]


async def test_nobody_is_given_up_while_more_may_be_left_behind(place: Place) -> None:
    await place.index(1)
    await begin(place)
    await switch(place, anyway=True)
    place.clock.advance(remodel.SETTLES.total_seconds())
    with pytest.raises(RemodelStateError, match="left to embed"):
        await remodel.finish(place.context, OWNER, "guests", actor=OPERATOR, drop=0)
