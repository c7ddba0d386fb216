from __future__ import annotations

import pytest

from fotofila.access.audit import OPERATOR
from fotofila.faces.collections import desk
from fotofila.faces.collections.errors import FaceNotFoundError, NoFaceError, RecognitionOffError
from tests.faces.collections.conftest import OWNER, Place
from tests.faces.collections.painted import picture


async def test_a_face_finds_its_like_and_not_itself(place: Place) -> None:
    one, other = [(await place.index({"person": 1, "noise": 0.4}, photo=at)).records[0] for at in (1, 2)]
    await place.index(2, 3)
    (match,) = await desk.search_faces(place.context, OWNER, "guests", one.face_id, actor=OPERATOR)
    assert match.record.face_id == other.face_id
    assert 99 < match.similarity <= 100


async def test_the_largest_face_of_an_image_is_searched(place: Place) -> None:
    small, large = (await place.index(1, 2)).records
    image = picture({"person": 1, "size": 0.2}, {"person": 2, "size": 0.3}, photo=9)
    found = await desk.search_faces_by_image(place.context, OWNER, "guests", image, actor=OPERATOR)
    assert [match.record.face_id for match in found.matches] == [large.face_id]
    assert small.face_id != large.face_id
    assert found.face.bounding_box.width == pytest.approx(0.3)


async def test_every_face_of_an_image_is_searched_at_once(place: Place) -> None:
    records = (await place.index(1, 2, 3)).records
    image = picture({"person": 9, "size": 0.3}, {"person": 3, "size": 0.2}, {"person": 1, "size": 0.1})
    found = await desk.search_all_faces(place.context, OWNER, "guests", image, actor=OPERATOR)
    assert [[match.record.face_id for match in each.matches] for each in found] == [
        [],
        [records[2].face_id],
        [records[0].face_id],
    ]


async def test_matches_come_by_similarity_above_the_threshold_and_no_more_than_wanted(place: Place) -> None:
    for at, noise in enumerate((1.6, 1.2, 2.6, 2.0)):
        await place.index({"person": 1, "noise": noise}, photo=at)
    every = await desk.search_faces_by_image(
        place.context, OWNER, "guests", picture(1, photo=99), actor=OPERATOR, threshold=0
    )
    similarities = [match.similarity for match in every.matches]
    assert len(similarities) == 4
    assert similarities == sorted(similarities, reverse=True)
    some = await desk.search_faces_by_image(
        place.context, OWNER, "guests", picture(1), actor=OPERATOR, threshold=similarities[1] - 1e-3, limit=80
    )
    assert [match.similarity for match in some.matches] == similarities[:2]
    two = await desk.search_faces_by_image(
        place.context, OWNER, "guests", picture(1), actor=OPERATOR, threshold=0, limit=3
    )
    assert [match.similarity for match in two.matches] == similarities[:3]


async def test_the_very_same_face_is_100_similar(place: Place) -> None:
    await place.index(1)
    found = await desk.search_faces_by_image(place.context, OWNER, "guests", picture(1), actor=OPERATOR, threshold=100)
    assert [match.similarity for match in found.matches] == [100.0]


async def test_an_image_without_a_face(place: Place) -> None:
    with pytest.raises(NoFaceError):
        await desk.search_faces_by_image(place.context, OWNER, "guests", picture(), actor=OPERATOR)
    blurred = picture({"person": 1, "sharpness": 0})
    with pytest.raises(NoFaceError):
        await desk.search_faces_by_image(place.context, OWNER, "guests", blurred, actor=OPERATOR, quality_filter="LOW")
    assert await desk.search_all_faces(place.context, OWNER, "guests", picture(), actor=OPERATOR) == ()


async def test_a_search_sees_what_was_indexed_and_what_was_deleted_just_before(either: Place) -> None:
    place = either
    seen = []
    for at in range(6):
        (record,) = (await place.index({"person": 1, "noise": 0.1}, photo=at)).records
        if at % 2:
            await desk.delete_faces(place.context, OWNER, "guests", [record.face_id], actor=OPERATOR)
        else:
            seen.append(record.face_id)
        found = await desk.search_faces_by_image(place.context, OWNER, "guests", picture(1), actor=OPERATOR)
        assert {match.record.face_id for match in found.matches} == set(seen)


async def test_an_empty_collection_finds_nobody(place: Place) -> None:
    found = await desk.search_faces_by_image(place.context, OWNER, "guests", picture(1), actor=OPERATOR)
    assert found.matches == ()


async def test_collections_do_not_see_each_others_faces(place: Place) -> None:
    await place.index(1)
    await desk.create_collection(place.context, OWNER, "others", actor=OPERATOR)
    found = await desk.search_faces_by_image(place.context, OWNER, "others", picture(1), actor=OPERATOR)
    assert found.matches == ()


async def test_an_unknown_face_and_a_switch_that_is_off_are_refused(place: Place) -> None:
    (record,) = (await place.index(1)).records
    with pytest.raises(FaceNotFoundError):
        await desk.search_faces(place.context, OWNER, "guests", "0" * 32, actor=OPERATOR)
    await desk.update_collection(place.context, OWNER, "guests", {"switched_on": False}, actor=OPERATOR)
    with pytest.raises(RecognitionOffError):
        await desk.search_faces(place.context, OWNER, "guests", record.face_id, actor=OPERATOR)
    with pytest.raises(RecognitionOffError):
        await desk.search_all_faces(place.context, OWNER, "guests", picture(1), actor=OPERATOR)


async def test_two_images_are_compared_without_keeping_anything(place: Place) -> None:
    source = picture({"person": 5, "size": 0.1}, {"person": 1, "size": 0.3})
    target = picture({"person": 1, "noise": 0.3}, 2, photo=1)
    with pytest.raises(RecognitionOffError):
        await desk.compare_faces(place.context, OWNER, source, target, actor=OPERATOR)
    compared = await desk.compare_faces(place.context, OWNER, source, target, actor=OPERATOR, switched_on=True)
    assert [each.face.bounding_box.left for each in compared.matches] == [0.0]
    assert [each.bounding_box.left for each in compared.unmatched] == [pytest.approx(0.11)]
    with pytest.raises(NoFaceError, match="target"):
        await desk.compare_faces(place.context, OWNER, source, picture(), actor=OPERATOR, switched_on=True)


async def test_detecting_makes_no_vectors(place: Place) -> None:
    found = await desk.detect_faces(place.context, OWNER, picture(1, 2))
    assert [each.face.embedding for each in found.faces] == [None, None]
