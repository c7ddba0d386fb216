"""Photos whose faces Amazon Rekognition finds: server and worker on one side, our own Rekognition on the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.e2e.conftest import Served as Photos
from tests.e2e.conftest import serving
from tests.e2e.proxy import Mode, Proxy, proxying
from tests.rekognition.clients import REGION, Target, own_client
from tests.rekognition.conftest import Portraits, Served
from tests.rekognition.test_engine import target_that_recognises

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(served: Served) -> Target:
    return await target_that_recognises(served)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def way(target: Target) -> AsyncIterator[Proxy]:
    """The network between them."""
    async with proxying(int(target.url.rpartition(":")[2]), seed=1) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def photos(target: Target, way: Proxy, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Photos]:
    """A server without any models, so that no face can come from anywhere else."""
    folder = tmp_path_factory.mktemp("photos")
    async with serving(
        folder,
        models_dir=folder / "no-models",
        workers=1,
        faces_engine="rekognition",
        faces_aws_endpoint=f"http://{way.address}",
        faces_aws_region=REGION,
        faces_aws_access_key_id=target.access_key_id,
        faces_aws_secret_access_key=target.secret_access_key,
        faces_aws_tps=1000,
        retry_scale=0.01,
        max_attempts=100,
    ) as made:
        yield made


def padded(picture: bytes) -> bytes:
    """Return the same picture in other bytes."""
    return picture + b"\0"


def client_of(photos: Photos) -> httpx.AsyncClient:
    """Return a client that waits for longer than a job takes on a machine that is busy."""
    return httpx.AsyncClient(base_url=photos.url, headers=photos.headers, timeout=120)


async def analysed(client: httpx.AsyncClient, picture: bytes, **wishes: str) -> dict[str, Any]:
    """Upload a photo and return it as it is once its job is done."""
    answer = await client.post("/api/photos", params={"wait": 60, **wishes}, content=picture)
    assert answer.status_code == 202, answer.text
    upload = answer.json()
    assert upload["job"]["state"] == "done", upload["job"]
    return await look_at(client, upload["photo"]["id"])


async def look_at(client: httpx.AsyncClient, photo_id: str) -> dict[str, Any]:
    """Return a photo with its faces."""
    photo: dict[str, Any] = (await client.get(f"/api/photos/{photo_id}")).json()
    assert photo["face_count"] == len(photo["faces"])
    return photo


async def test_faces_of_an_upload_are_those_that_the_service_tells(
    photos: Photos, target: Target, portraits: Portraits
) -> None:
    said = await asyncio.to_thread(
        lambda: own_client(target).detect_faces(Image={"Bytes": portraits.group}, Attributes=["AGE_RANGE", "GENDER"])
    )
    async with client_of(photos) as client:
        faces = (await analysed(client, portraits.group))["faces"]
        unkept = await client.post("/api/photos", params={"store": "false"}, content=portraits.group)
    boxes = sorted((each["BoundingBox"]["Left"], each["BoundingBox"]["Width"]) for each in said["FaceDetails"])
    assert len(faces) == len(boxes) > 3
    for face, (left, width) in zip(faces, boxes, strict=True):
        box = face["bounding_box"]
        assert (box["left"], box["width"]) == pytest.approx((left, width), abs=1e-4)
        assert len(face["landmarks"]) == 5
        assert face["age_range"] is not None
        assert face["has_embedding"] is False
    assert any(face["apparent_gender"] for face in faces)
    assert len(unkept.json()["faces"]) == len(faces)


async def test_upload_tells_who_is_in_a_collection_until_they_are_erased_there(
    photos: Photos, portraits: Portraits
) -> None:
    door = {"collection": "guests", "search": "largest_or_index"}
    async with client_of(photos) as client:
        refused = await client.post("/api/photos", params=door, content=portraits.first)
        assert (refused.status_code, refused.json()["code"]) == (404, "collection_not_found")
        made = await client.post("/api/collections", json={"name": "guests", "switched_on": True})
        assert made.status_code == 201, made.text

        first = await analysed(client, portraits.first, **door)
        again = await analysed(client, portraits.again, **door)
        other = await analysed(client, portraits.other, collection="guests")
        listed = (await client.get("/api/collections/guests/faces")).json()["items"]

        [new], [known] = first["faces"][0]["matches"], again["faces"][0]["matches"]
        assert new == {
            "collection": "guests",
            "face_id": new["face_id"],
            "external_image_id": first["id"],
            "user_id": None,
            "similarity": None,
        }
        assert known == {**new, "similarity": known["similarity"]}
        assert known["similarity"] > 80
        assert "matches" not in other["faces"][0]
        assert [(face["face_id"], face["photo_id"]) for face in listed] == [(new["face_id"], first["id"])]

        gone = await client.post("/api/collections/guests/faces/delete", json={"face_ids": [new["face_id"]]})
        assert gone.is_success, gone.text
        assert "matches" not in (await look_at(client, again["id"]))["faces"][0]


async def test_photo_waits_until_the_service_is_back(photos: Photos, way: Proxy, portraits: Portraits) -> None:
    await way.back()
    way.turn(Mode.REFUSE)
    async with client_of(photos) as client:
        job_id = (await client.post("/api/photos", content=padded(portraits.nobody))).json()["job"]["id"]
        async with asyncio.timeout(120):
            while "engine_away" not in (await client.get(f"/api/jobs/{job_id}/timeline")).text:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            await way.back()
            while (job := (await client.get(f"/api/jobs/{job_id}")).json())["state"] != "done":  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        timeline = (await client.get(f"/api/jobs/{job_id}/timeline")).json()["items"]
    assert job["attempt"] > 1
    assert [hop["detail"]["asked"] > 0 for hop in timeline if hop["hop"] == "finished"] == [True]
