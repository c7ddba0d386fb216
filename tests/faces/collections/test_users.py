from __future__ import annotations

import pytest
from sqlalchemy import func, select

from fotofila.access.audit import OPERATOR
from fotofila.core.errors import InvalidInputError
from fotofila.faces.collections import desk
from fotofila.faces.collections.errors import UserExistsError, UserNotFoundError
from fotofila.faces.collections.models import UserVector
from tests.faces.collections.conftest import OWNER, Place
from tests.faces.collections.painted import picture


async def person(place: Place, user_id: str, number: int, *, photos: int = 3, noise: float = 0.6) -> list[str]:
    """Make a user of several faces; returns these."""
    ids = [
        (await place.index({"person": number, "noise": noise}, photo=100 * number + at)).records[0].face_id
        for at in range(photos)
    ]
    await desk.create_user(place.context, OWNER, "guests", user_id, actor=OPERATOR)
    done = await desk.associate_faces(place.context, OWNER, "guests", user_id, ids, actor=OPERATOR, threshold=0)
    assert set(done.face_ids) == set(ids)
    return ids


async def found_users(place: Place, number: int) -> list[str]:
    found = await desk.search_users_by_image(place.context, OWNER, "guests", picture(number), actor=OPERATOR)
    return [match.user.user_id for match in found.matches]


async def test_a_user_is_found_by_the_mean_of_the_faces(place: Place) -> None:
    await person(place, "ana", 1)
    await person(place, "bia", 2)
    by_image = await desk.search_users_by_image(place.context, OWNER, "guests", picture(1), actor=OPERATOR)
    single = await desk.search_faces_by_image(place.context, OWNER, "guests", picture(1), actor=OPERATOR)
    assert [match.user.user_id for match in by_image.matches] == ["ana"]
    assert by_image.matches[0].similarity >= single.matches[0].similarity


async def test_users_are_found_by_a_face_and_by_another_user_but_not_by_themselves(place: Place) -> None:
    faces = await person(place, "ana", 1)
    await person(place, "twin", 1, noise=0.3)
    by_face = await desk.search_users(place.context, OWNER, "guests", actor=OPERATOR, face_id=faces[0])
    by_user = await desk.search_users(place.context, OWNER, "guests", actor=OPERATOR, user_id="ana")
    assert {match.user.user_id for match in by_face.matches} == {"ana", "twin"}
    assert [match.user.user_id for match in by_user.matches] == ["twin"]
    with pytest.raises(InvalidInputError):
        await desk.search_users(place.context, OWNER, "guests", actor=OPERATOR)
    with pytest.raises(UserNotFoundError):
        await desk.search_users(place.context, OWNER, "guests", actor=OPERATOR, user_id="nobody")


async def test_an_image_without_a_face_finds_no_user_and_is_no_error(place: Place) -> None:
    found = await desk.search_users_by_image(place.context, OWNER, "guests", picture(), actor=OPERATOR)
    assert (found.face, found.matches) == (None, ())


async def test_the_faces_of_an_image_that_are_not_searched_are_told(place: Place) -> None:
    image = picture({"person": 1, "size": 0.3}, {"person": 2}, {"person": 3, "sharpness": 0})
    found = await desk.search_users_by_image(
        place.context, OWNER, "guests", image, actor=OPERATOR, quality_filter="AUTO"
    )
    assert [each.reasons for each in found.left_out] == [("FACE_NOT_LARGEST",), ("LOW_SHARPNESS",)]


async def test_a_face_of_somebody_else_is_not_taken_in(place: Place) -> None:
    first, like, stranger = [
        (await place.index({"person": number, "noise": 0.3}, photo=at)).records[0].face_id
        for at, number in enumerate((1, 1, 2))
    ]
    await desk.create_user(place.context, OWNER, "guests", "ana", actor=OPERATOR)
    await desk.create_user(place.context, OWNER, "guests", "bia", actor=OPERATOR)
    wanted = [first, like, stranger, "0" * 32]
    done = await desk.associate_faces(place.context, OWNER, "guests", "ana", wanted, actor=OPERATOR)
    assert (done.face_ids, done.status) == ((first, like), "ACTIVE")
    assert {each.face_id: each.reasons for each in done.not_done} == {
        stranger: ("LOW_MATCH_CONFIDENCE",),
        "0" * 32: ("FACE_NOT_FOUND",),
    }
    assert done.not_done[0].similarity is not None
    other = await desk.associate_faces(place.context, OWNER, "guests", "bia", [first], actor=OPERATOR)
    assert [(each.reasons, each.user_id) for each in other.not_done] == [(("ASSOCIATED_TO_A_DIFFERENT_USER",), "ana")]
    again = await desk.associate_faces(place.context, OWNER, "guests", "ana", [first], actor=OPERATOR)
    assert again.face_ids == (first,)
    assert (await desk.get_user(place.context, OWNER, "guests", "ana")).face_ids == (first, like)


async def test_a_user_who_loses_every_face_is_found_no_more_and_again_with_a_new_one(either: Place) -> None:
    place = either
    faces = await person(place, "ana", 1)
    assert await found_users(place, 1) == ["ana"]
    freed = await desk.disassociate_faces(place.context, OWNER, "guests", "ana", faces, actor=OPERATOR)
    assert (freed.status, set(freed.face_ids)) == ("CREATED", set(faces))
    assert await found_users(place, 1) == []
    refused = await desk.disassociate_faces(place.context, OWNER, "guests", "ana", faces[:1], actor=OPERATOR)
    assert [each.reasons for each in refused.not_done] == [("FACE_NOT_FOUND",)]
    await desk.associate_faces(place.context, OWNER, "guests", "ana", faces[:1], actor=OPERATOR)
    assert await found_users(place, 1) == ["ana"]


async def test_deleting_a_face_renews_the_user_it_belonged_to(place: Place) -> None:
    faces = await person(place, "ana", 1)
    kept = await desk.delete_faces(place.context, OWNER, "guests", faces[:1], actor=OPERATOR, keep_associated=True)
    assert [each.reasons for each in kept.not_done] == [("ASSOCIATED_TO_AN_EXISTING_USER",)]
    await desk.delete_faces(place.context, OWNER, "guests", faces[:2], actor=OPERATOR)
    assert (await desk.get_user(place.context, OWNER, "guests", "ana")).face_ids == tuple(faces[2:])
    await desk.delete_faces(place.context, OWNER, "guests", faces, actor=OPERATOR)
    assert (await desk.get_user(place.context, OWNER, "guests", "ana")).status == "CREATED"
    assert await found_users(place, 1) == []


async def test_deleting_a_user_leaves_the_faces(place: Place) -> None:
    faces = await person(place, "ana", 1)
    await found_users(place, 1)
    await desk.delete_user(place.context, OWNER, "guests", "ana", actor=OPERATOR)
    assert await found_users(place, 1) == []
    listed = await desk.list_faces(place.context, OWNER, "guests", actor=OPERATOR, limit=10)
    assert [(each.face_id, each.user_id) for each in listed] == [(face_id, None) for face_id in faces]
    async with place.context.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(UserVector)) == 0
    info = await desk.describe_collection(place.context, OWNER, "guests")
    assert (info.user_count, info.face_count) == (0, 3)


async def test_users_are_listed_by_their_id_and_there_once(place: Place) -> None:
    for user_id in ("c", "a", "b"):
        await desk.create_user(place.context, OWNER, "guests", user_id, actor=OPERATOR)
    first = await desk.list_users(place.context, OWNER, "guests", limit=2)
    rest = await desk.list_users(place.context, OWNER, "guests", limit=2, after="b")
    assert [(each.user_id, each.status) for each in (*first, *rest)] == [(name, "CREATED") for name in "abc"]
    with pytest.raises(UserExistsError):
        await desk.create_user(place.context, OWNER, "guests", "a", actor=OPERATOR)
    with pytest.raises(InvalidInputError):
        await desk.create_user(place.context, OWNER, "guests", "a/b", actor=OPERATOR)
