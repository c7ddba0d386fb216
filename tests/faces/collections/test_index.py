from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from fotofila.access.audit import OPERATOR
from fotofila.access.audit_models import AuditInbox
from fotofila.core.errors import InvalidInputError
from fotofila.faces.collections import desk
from fotofila.faces.collections.errors import CollectionNotFoundError, FaceNotFoundError, RecognitionOffError
from fotofila.faces.collections.models import CollectionFace, FaceChip, FaceVector, Removal
from fotofila.faces.engine.base import CHIP_BYTES
from tests.faces.collections.conftest import OWNER, Place
from tests.faces.collections.painted import picture


async def count(place: Place, table: type) -> int:
    async with place.context.db.read() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_every_good_face_of_an_image_is_kept_with_its_vector_and_its_chip(place: Place) -> None:
    indexed = await place.index(1, 2, external_image_id="wedding-1")
    assert [record.external_image_id for record in indexed.records] == ["wedding-1"] * 2
    assert len({record.image_id for record in indexed.records}) == 1
    assert not indexed.duplicates
    info = await desk.describe_collection(place.context, OWNER, "guests")
    assert (info.face_count, info.revision) == (2, 1)
    assert (await count(place, FaceVector), await count(place, FaceChip)) == (2, 2)


async def test_a_chip_can_be_had_and_is_not_readable_in_the_database(place: Place) -> None:
    (record,) = (await place.index(7)).records
    async with place.context.db.read() as session:
        sealed = await session.scalar(select(FaceChip.chip))
    assert record.has_chip
    assert sealed is not None
    assert bytes([7]) * 64 not in sealed
    chip = await desk.get_chip(place.context, OWNER, "guests", record.face_id, actor=OPERATOR)
    assert chip == bytes([7]) * CHIP_BYTES


async def test_the_same_image_and_name_give_the_same_faces(either: Place) -> None:
    place = either
    first = await place.index(1, 2, external_image_id="a")
    again = await place.index(1, 2, external_image_id="a")
    other_name = await place.index(1, 2, external_image_id="b")
    assert again.duplicates
    assert {each.face_id for each in again.records} == {each.face_id for each in first.records}
    assert not other_name.duplicates
    assert await count(place, CollectionFace) == 4


async def test_the_same_image_at_the_same_moment_is_there_once(either: Place) -> None:
    both = await asyncio.gather(*(either.index(1, 2, external_image_id="a") for _ in range(4)))
    assert len({record.face_id for indexed in both for record in indexed.records}) == 2
    assert sorted(indexed.duplicates for indexed in both) == [False, True, True, True]
    assert (await desk.describe_collection(either.context, OWNER, "guests")).face_count == 2


async def test_the_same_image_with_more_faces_wanted_adds_only_those_that_are_missing(place: Place) -> None:
    first = await place.index(1, 2, 3, max_faces=1)
    second = await place.index(1, 2, 3)
    assert not second.duplicates
    assert len(second.records) == 3
    assert first.records[0].face_id in {each.face_id for each in second.records}
    assert {each.image_id for each in second.records} == {first.records[0].image_id}
    assert await count(place, CollectionFace) == 3


async def test_too_many_faces_lose_the_worst_first_and_then_the_smallest(place: Place) -> None:
    blurred, small, large = {"person": 1, "size": 0.3, "sharpness": 0}, {"person": 2, "size": 0.05}, {"person": 3}
    two = await place.index(blurred, small, large, max_faces=2, quality_filter="NONE")
    assert [each.face.bounding_box.width for each in two.records] == [0.1, 0.05]
    assert [(each.face.bounding_box.width, each.reasons) for each in two.left_out] == [(0.3, ("EXCEEDS_MAX_FACES",))]


@pytest.mark.parametrize(
    ("flaw", "reason"),
    [
        ({"size": 0.01}, "SMALL_BOUNDING_BOX"),
        ({"yaw": 80}, "EXTREME_POSE"),
        ({"pitch": -70}, "EXTREME_POSE"),
        ({"brightness": 3}, "LOW_BRIGHTNESS"),
        ({"brightness": 99.5}, "LOW_BRIGHTNESS"),
        ({"sharpness": 0.5}, "LOW_SHARPNESS"),
        ({"confidence": 0.3}, "LOW_CONFIDENCE"),
    ],
)
async def test_a_face_that_is_not_good_enough_is_left_out_with_the_reason(
    place: Place, flaw: dict[str, float], reason: str
) -> None:
    indexed = await place.index({"person": 1, **flaw})
    assert indexed.records == ()
    assert [each.reasons for each in indexed.left_out] == [(reason,)]
    assert len((await place.index({"person": 1, **flaw}, quality_filter="NONE")).records) == 1


async def test_what_passes_a_higher_bar_passes_every_lower_one(place: Place) -> None:
    people = [{"person": at, "size": 0.02 + 0.02 * at, "yaw": 90 - 15 * at} for at in range(6)]
    passed = [
        {each.face.bounding_box.width for each in (await place.index(*people, quality_filter=bar)).records}
        for bar in ("HIGH", "MEDIUM", "LOW", "NONE")
    ]
    assert passed[0] < passed[1] < passed[2] < passed[3]


async def test_nothing_is_indexed_where_nobody_switched_recognition_on(place: Place) -> None:
    await desk.update_collection(place.context, OWNER, "guests", {"switched_on": False}, actor=OPERATOR)
    with pytest.raises(RecognitionOffError, match="face_recognition"):
        await place.index(1)


async def test_no_collection_no_faces(place: Place) -> None:
    with pytest.raises(CollectionNotFoundError):
        await desk.index_faces(place.context, OWNER, "nobody", picture(1), actor=OPERATOR)
    with pytest.raises(InvalidInputError):
        await place.index(1, max_faces=101)


async def test_deleted_faces_are_gone_with_all_that_was_kept_of_them(either: Place) -> None:
    place = either
    kept, gone = (await place.index(1, 2)).records
    deleted = await desk.delete_faces(place.context, OWNER, "guests", [gone.face_id, "0" * 32], actor=OPERATOR)
    assert deleted.face_ids == (gone.face_id,)
    assert [(each.face_id, each.reasons) for each in deleted.not_done] == [("0" * 32, ("FACE_NOT_FOUND",))]
    for table in (CollectionFace, FaceVector, FaceChip, Removal):
        assert await count(place, table) == 1
    left = await desk.list_faces(place.context, OWNER, "guests", actor=OPERATOR, limit=10)
    assert [each.face_id for each in left] == [kept.face_id]
    with pytest.raises(FaceNotFoundError):
        await desk.get_face(place.context, OWNER, "guests", gone.face_id, actor=OPERATOR)


async def test_faces_are_listed_in_the_order_of_their_indexing_page_by_page(place: Place) -> None:
    order = [(await place.index(person, photo=person)).records[0].face_id for person in range(5)]
    first = await desk.list_faces(place.context, OWNER, "guests", actor=OPERATOR, limit=3)
    rest = await desk.list_faces(place.context, OWNER, "guests", actor=OPERATOR, limit=3, after=first[-1].face_id)
    assert [each.face_id for each in (*first, *rest)] == order


async def test_a_time_to_live_counts_from_the_day_of_indexing_for_old_faces_and_new(either: Place) -> None:
    place = either
    (old,) = (await place.index(1)).records
    place.clock.advance(86400)
    await desk.update_collection(place.context, OWNER, "guests", {"ttl_days": 30}, actor=OPERATOR)
    await place.index(2)
    listed = await desk.list_faces(place.context, OWNER, "guests", actor=OPERATOR, limit=10)
    assert [each.expires_at for each in listed] == [each.indexed_at + timedelta(days=30) for each in listed]
    assert listed[0].face_id == old.face_id
    await desk.update_collection(place.context, OWNER, "guests", {"ttl_days": None}, actor=OPERATOR)
    listed = await desk.list_faces(place.context, OWNER, "guests", actor=OPERATOR, limit=10)
    assert {each.expires_at for each in listed} == {None}


async def test_chips_go_when_they_are_no_longer_to_be_kept(place: Place) -> None:
    await place.index(1)
    await desk.update_collection(place.context, OWNER, "guests", {"keep_chips": False}, actor=OPERATOR)
    (record,) = (await place.index(2, photo=1)).records
    assert await count(place, FaceChip) == 0
    assert not record.has_chip


async def test_what_is_done_to_faces_is_written_to_the_audit_log(place: Place) -> None:
    (record,) = (await place.index(1)).records
    await desk.get_face(place.context, OWNER, "guests", record.face_id, actor=OPERATOR)
    await desk.search_faces(place.context, OWNER, "guests", record.face_id, actor=OPERATOR)
    await desk.delete_faces(place.context, OWNER, "guests", [record.face_id], actor=OPERATOR)
    await desk.delete_collection(place.context, OWNER, "guests", actor=OPERATOR)
    async with place.context.db.read() as session:
        rows = await session.scalars(select(AuditInbox).where(AuditInbox.subject == "guests").order_by(AuditInbox.id))
        entries = [(row.action, row.subject) for row in rows]
    assert entries == [
        (action, "guests")
        for action in (
            "collection.create",
            "collection.switch",
            "faces.index",
            "faces.view",
            "faces.search",
            "faces.delete",
            "collection.delete",
        )
    ]
