from __future__ import annotations

import pytest

from fotofila.access.audit import OPERATOR
from fotofila.core.errors import InvalidInputError
from fotofila.faces.collections import desk
from fotofila.faces.collections.errors import CollectionExistsError, CollectionNotFoundError
from tests.faces.collections.conftest import OWNER, STRANGER, Place


async def test_a_name_is_taken_once_in_a_workspace(place: Place) -> None:
    with pytest.raises(CollectionExistsError):
        await desk.create_collection(place.context, OWNER, "guests", actor=OPERATOR)
    other = await desk.create_collection(place.context, STRANGER, "guests", actor=OPERATOR)
    assert other.owner == STRANGER
    with pytest.raises(InvalidInputError):
        await desk.create_collection(place.context, OWNER, "two words", actor=OPERATOR)


async def test_collections_are_listed_by_name_page_by_page(place: Place) -> None:
    for name in ("b", "a", "z"):
        await desk.create_collection(place.context, OWNER, name, actor=OPERATOR)
    first = await desk.list_collections(place.context, OWNER, limit=3)
    rest = await desk.list_collections(place.context, OWNER, limit=3, after=first[-1].name)
    assert [each.name for each in (*first, *rest)] == ["a", "b", "guests", "z"]


async def test_tags_are_added_changed_and_taken_away(place: Place) -> None:
    await desk.tag_collection(place.context, OWNER, "guests", {"event": "a", "year": "1"}, actor=OPERATOR)
    await desk.tag_collection(place.context, OWNER, "guests", {"event": "b"}, actor=OPERATOR)
    await desk.untag_collection(place.context, OWNER, "guests", ["year", "unknown"], actor=OPERATOR)
    assert (await desk.describe_collection(place.context, OWNER, "guests")).tags == {"event": "b"}


async def test_a_deleted_collection_takes_everything_along_and_its_name_is_free(either: Place) -> None:
    place = either
    await place.index(1)
    await desk.create_user(place.context, OWNER, "guests", "ana", actor=OPERATOR)
    gone = await desk.delete_collection(place.context, OWNER, "guests", actor=OPERATOR)
    assert (gone.face_count, gone.user_count) == (1, 1)
    with pytest.raises(CollectionNotFoundError):
        await desk.describe_collection(place.context, OWNER, "guests")
    made = await desk.create_collection(place.context, OWNER, "guests", actor=OPERATOR)
    assert (made.face_count, made.user_count) == (0, 0)


async def test_what_cannot_be_changed_is_refused(place: Place) -> None:
    with pytest.raises(InvalidInputError):
        await desk.update_collection(place.context, OWNER, "guests", {"owner": STRANGER}, actor=OPERATOR)
