from __future__ import annotations

import io
from collections import defaultdict
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.contract.test_stranger import sample
from tests.faces.collections.conftest import STRANGER, Place
from tests.faces.collections.painted import picture

FACES = "/api/collections/guests/faces"


async def index(place: Place, *people: Any, **params: Any) -> dict[str, Any]:
    answer = await place.client.post(FACES, content=picture(*people), params=params)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def code_of(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def test_a_collection_is_made_described_changed_and_deleted(place: Place) -> None:
    client = place.client
    made = await client.post("/api/collections", json={"name": "wedding", "tags": {"year": "2026"}})
    assert (made.status_code, made.json()["switched_on"]) == (201, False)
    change = {"ttl_days": 30, "consent_note": "Signed at the door.", "tags": {"year": None, "place": "Recife"}}
    changed = await client.patch("/api/collections/wedding", json=change)
    assert (changed.json()["ttl_days"], changed.json()["tags"]) == (30, {"place": "Recife"})
    assert (await client.patch("/api/collections/wedding", json={"ttl_days": None})).json()["ttl_days"] is None
    listed = (await client.get("/api/collections", params={"limit": 1})).json()
    assert [each["name"] for each in listed["items"]] == ["guests"]
    rest = (await client.get("/api/collections", params={"cursor": listed["next_cursor"]})).json()
    assert [each["name"] for each in rest["items"]] == ["wedding"]
    assert (await client.delete("/api/collections/wedding")).status_code == 204
    assert code_of(await client.get("/api/collections/wedding")) == (404, "collection_not_found")
    assert code_of(await client.post("/api/collections", json={"name": "guests"})) == (409, "collection_exists")
    assert code_of(await client.post("/api/collections", json={"name": "a b"})) == (422, "invalid_input")


async def test_faces_are_indexed_listed_looked_at_and_deleted(place: Place) -> None:
    made = await index(place, 1, {"person": 2, "size": 0.01}, external_image_id="door")
    (face,) = made["faces"]
    assert made["left_out"][0]["reasons"] == ["SMALL_BOUNDING_BOX"]
    assert (await index(place, 1, {"person": 2, "size": 0.01}, external_image_id="door"))["duplicates"]
    listed = (await place.client.get(FACES)).json()["items"]
    assert listed == [face]
    one = f"{FACES}/{face['face_id']}"
    assert (await place.client.get(one)).json() == face
    chip = await place.client.get(f"{one}/chip")
    with Image.open(io.BytesIO(chip.content)) as image:
        assert (chip.headers["content-type"], image.size, image.getpixel((5, 5))) == (
            "image/png",
            (112, 112),
            (1, 1, 1),
        )
    assert (await place.client.delete(one)).status_code == 204
    assert code_of(await place.client.get(one)) == (404, "face_not_found")
    gone = await place.client.post(f"{FACES}/delete", json={"face_ids": [face["face_id"]]})
    assert gone.json() == {
        "face_ids": [],
        "not_done": [{"face_id": face["face_id"], "reasons": ["FACE_NOT_FOUND"], "user_id": None, "similarity": None}],
    }


async def test_an_image_comes_as_it_is_or_in_a_form(place: Place) -> None:
    raw = await place.client.post(FACES, content=picture(1))
    form = await place.client.post(FACES, files={"image": ("a.jpg", picture(1), "image/jpeg")})
    assert form.json()["duplicates"]
    assert form.json()["faces"] == raw.json()["faces"]
    assert code_of(await place.client.post(FACES, content=b"")) == (400, "bad_request")
    assert code_of(await place.client.post(FACES, params={"photo_id": "0" * 32})) == (404, "not_found")


async def test_who_is_in_an_image(place: Place) -> None:
    faces = (await index(place, 1, 2))["faces"]
    url = "/api/collections/guests/search"
    both = (await place.client.post(url, content=picture({"person": 2, "size": 0.3}, 9))).json()
    assert [[match["face"]["face_id"] for match in each["matches"]] for each in both["faces"]] == [
        [faces[1]["face_id"]],
        [],
    ]
    assert both["faces"][0]["matches"][0]["similarity"] == 100
    largest = await place.client.post(url, content=picture(9, {"person": 1, "size": 0.3}), params={"faces": "largest"})
    assert [each["matches"][0]["face"] for each in largest.json()["faces"]] == [faces[0]]
    assert (await place.client.post(url, content=picture())).json()["faces"] == []
    nobody = await place.client.post(url, content=picture(), params={"faces": "largest"})
    assert code_of(nobody) == (422, "no_face")
    by_face = await place.client.post(f"{FACES}/{faces[0]['face_id']}/search", params={"threshold": 0})
    assert [match["face"]["face_id"] for match in by_face.json()["matches"]] == [faces[1]["face_id"]]


async def test_users_are_known_by_several_faces(place: Place) -> None:
    users = "/api/collections/guests/users"
    faces = [face["face_id"] for face in (await index(place, 1, 2))["faces"]]
    assert (await place.client.post(users, json={"user_id": "ana"})).status_code == 201
    assert code_of(await place.client.post(users, json={"user_id": "ana"})) == (409, "collection_user_exists")
    given = (await place.client.post(f"{users}/ana/faces", json={"face_ids": faces})).json()
    assert (given["face_ids"], given["not_done"][0]["reasons"]) == (faces[:1], ["LOW_MATCH_CONFIDENCE"])
    assert (await place.client.get(f"{users}/ana")).json()["face_ids"] == faces[:1]
    by_image = (await place.client.post(f"{users}/search", content=picture(1))).json()
    by_face = (await place.client.post(f"{users}/search", params={"face_id": faces[0]})).json()
    assert [each["matches"][0]["user"]["user_id"] for each in (by_image, by_face)] == ["ana", "ana"]
    wrong = await place.client.post(f"{users}/search", params={"face_id": faces[0], "user_id": "ana"})
    assert code_of(wrong) == (422, "invalid_input")
    taken = (await place.client.post(f"{users}/ana/faces/remove", json={"face_ids": faces[:1]})).json()
    assert taken["status"] == "CREATED"
    assert [each["user_id"] for each in (await place.client.get(users)).json()["items"]] == ["ana"]
    assert (await place.client.delete(f"{users}/ana")).status_code == 204
    assert code_of(await place.client.get(f"{users}/ana")) == (404, "collection_user_not_found")


async def test_two_images_are_compared_where_the_workspace_recognises_faces(place: Place) -> None:
    images = {name: (name, picture(person), "image/jpeg") for name, person in (("source", 1), ("target", 1))}
    assert code_of(await place.client.post("/api/faces/compare", files=images)) == (403, "recognition_off")
    await place.client.patch("/api/workspace", json={"face_recognition": True})
    compared = (await place.client.post("/api/faces/compare", files=images)).json()
    assert [each["similarity"] for each in compared["matches"]] == [100]
    del images["target"]
    assert code_of(await place.client.post("/api/faces/compare", files=images)) == (400, "bad_request")


async def test_faces_are_not_recognised_before_somebody_with_the_right_switches_it_on(place: Place) -> None:
    editor = {"Authorization": f"Bearer {await place.key(['photos:read', 'photos:write'])}"}
    asked = {"name": "new", "switched_on": True}
    assert code_of(await place.client.post("/api/collections", json=asked, headers=editor)) == (403, "forbidden")
    await place.client.post("/api/collections", json={"name": "new"}, headers=editor)
    url = "/api/collections/new/faces"
    assert code_of(await place.client.post(url, content=picture(1), headers=editor)) == (403, "recognition_off")
    switch = {"switched_on": True}
    refused = await place.client.patch("/api/collections/new", json=switch, headers=editor)
    assert code_of(refused) == (403, "forbidden")
    await place.client.patch("/api/collections/new", json=switch)
    assert (await place.client.post(url, content=picture(1), headers=editor)).status_code == 200


async def test_a_reader_changes_nothing(place: Place) -> None:
    reader = {"Authorization": f"Bearer {await place.key(['photos:read'])}"}
    assert (await place.client.get("/api/collections/guests", headers=reader)).status_code == 200
    for method, url in (("DELETE", "/api/collections/guests"), ("POST", FACES), ("DELETE", f"{FACES}/x")):
        assert code_of(await place.client.request(method, url, headers=reader)) == (403, "forbidden")


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
async def test_a_stranger_finds_nothing_anywhere_in_a_collection(place: Place, method: str) -> None:
    face_id = (await index(place, 1))["faces"][0]["face_id"]
    await place.client.post("/api/collections/guests/users", json={"user_id": "ana"})
    stranger = {"Authorization": f"Bearer {await place.key(['photos:read', 'photos:write'], owner=STRANGER)}"}
    bodies = {"create_collection_user": {"user_id": "b"}}
    names = defaultdict(lambda: "x", collection="guests", face_id=face_id, person="ana")
    document = (await place.client.get("/openapi.json")).json()
    walked = 0
    for template, operations in document["paths"].items():
        if not template.startswith("/api/collections/{collection}") or method.lower() not in operations:
            continue
        operation = operations[method.lower()]
        path = template.format_map(names)
        body = bodies.get(operation["operationId"]) or sample(document, operation)
        answer = await place.client.request(method, path, json=body, headers=stranger)
        assert answer.status_code in {403, 404}, (template, answer.status_code, answer.text)
        walked += 1
    assert walked
