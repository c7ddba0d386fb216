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
from tests.rekognition.clients import REGION, Target, own_client
from tests.rekognition.conftest import Portraits, Served
from tests.rekognition.test_engine import target_that_recognises

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(served: Served) -> Target:
    return await target_that_recognises(served)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def photos(target: Target, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Photos]:
    """A server without any models, so that no face can come from anywhere else."""
    folder = tmp_path_factory.mktemp("photos")
    async with serving(
        folder,
        models_dir=folder / "no-models",
        workers=1,
        faces_engine="rekognition",
        faces_aws_endpoint=target.url,
        faces_aws_region=REGION,
        faces_aws_access_key_id=target.access_key_id,
        faces_aws_secret_access_key=target.secret_access_key,
        faces_aws_tps=1000,
    ) as made:
        yield made


async def analysed(client: httpx.AsyncClient, picture: bytes, **wishes: str) -> list[dict[str, Any]]:
    """Upload a photo and return its faces."""
    answer = await client.post("/api/photos", params={"wait": 60, **wishes}, content=picture)
    assert answer.status_code == 202, answer.text
    upload = answer.json()
    assert upload["job"]["state"] == "done", upload["job"]
    photo = (await client.get(f"/api/photos/{upload['photo']['id']}")).json()
    assert photo["face_count"] == len(photo["faces"])
    faces: list[dict[str, Any]] = photo["faces"]
    return faces


async def test_faces_of_an_upload_are_those_that_the_service_tells(
    photos: Photos, target: Target, portraits: Portraits
) -> None:
    said = await asyncio.to_thread(
        lambda: own_client(target).detect_faces(Image={"Bytes": portraits.group}, Attributes=["AGE_RANGE", "GENDER"])
    )
    async with photos.client() as client:
        faces = await analysed(client, portraits.group)
    boxes = sorted((each["BoundingBox"]["Left"], each["BoundingBox"]["Width"]) for each in said["FaceDetails"])
    assert len(faces) == len(boxes) > 3
    for face, (left, width) in zip(faces, boxes, strict=True):
        box = face["bounding_box"]
        assert (box["left"], box["width"]) == pytest.approx((left, width), abs=1e-4)
        assert len(face["landmarks"]) == 5
        assert face["age_range"] is not None
        assert face["has_embedding"] is False
    assert any(face["apparent_gender"] for face in faces)
