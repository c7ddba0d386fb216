"""What an upload may wish for beyond its analysis, and what is refused of it; `noop` searches nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fotofila.testing.pictures import jpeg
from tests.library.conftest import House, open_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, f"sqlite:///{tmp_path / 'a.db'}") as made:
        yield made


@pytest.mark.parametrize(
    ("wish", "named"),
    [
        ({"collection": "guests"}, "noop"),
        ({"search": "each"}, "collection"),
        ({"collection": "guests", "store": "false"}, "/api/collections/guests/search"),
        ({"collection": "guests", "search": "all"}, "search"),
    ],
)
async def test_wish_that_cannot_be_is_refused_and_nothing_is_kept(
    house: House, wish: dict[str, str], named: str
) -> None:
    refused = await house.client.post("/api/photos", params=wish, content=jpeg())

    assert refused.status_code == 422
    assert named in refused.text
    assert (await house.client.get("/api/photos")).json()["items"] == []
    assert [each.key async for each in house.context.storage.list("originals/")] == []


async def test_fields_of_a_form_are_wishes_for_the_files_behind_them(house: House) -> None:
    files = [("collection", (None, b"guests")), ("files", ("a.jpg", jpeg()))]

    refused = await house.client.post("/api/photos", files=files)

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")


async def test_photo_that_is_being_analysed_is_not_searched_at_the_same_time(house: House) -> None:
    photo = (await house.client.post("/api/photos", content=jpeg())).json()["photo"]

    again = await house.client.post(f"/api/photos/{photo['id']}/analyze")
    search = await house.client.post(f"/api/photos/{photo['id']}/analyze", params={"collection": "guests"})

    assert again.json()["id"] == photo["job"]["id"]
    assert (search.status_code, search.json()["code"]) == (409, "conflict")
