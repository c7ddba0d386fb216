"""Collections of a server whose engine is Rekognition: its rows here, the vectors on our own Rekognition server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from fotofila.access.workspaces import DEFAULT_WORKSPACE
from fotofila.bootstrap import make_context
from fotofila.core.config import load_settings
from fotofila.faces.engine.names import aws_collection
from tests.e2e.conftest import Served as Photos
from tests.e2e.conftest import serving
from tests.rekognition.clients import REGION, Target, own_client
from tests.rekognition.conftest import Portraits, Served, make_target
from tests.rekognition.test_engine import target_that_recognises

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

PREFIX = "trial."
GUESTS = "/api/collections/guests"
THERE = aws_collection(DEFAULT_WORKSPACE, "guests", prefix=PREFIX)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(served: Served) -> Target:
    return await target_that_recognises(served)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(target: Target, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Photos]:
    """A server without any models, so that no vector can come from anywhere else."""
    folder = tmp_path_factory.mktemp("kept")
    async with serving(
        folder,
        arguments=("serve", "--roles", "api"),
        models_dir=folder / "no-models",
        workers=1,
        faces_engine="rekognition",
        faces_aws_prefix=PREFIX,
        faces_aws_endpoint=target.url,
        faces_aws_region=REGION,
        faces_aws_access_key_id=target.access_key_id,
        faces_aws_secret_access_key=target.secret_access_key,
        faces_aws_tps=1000,
    ) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(here: Photos) -> AsyncIterator[httpx.AsyncClient]:
    async with here.client() as made:
        yield made


async def ask(client: httpx.AsyncClient, method: str, path: str, **given: Any) -> dict[str, Any]:
    """Return a good answer."""
    answer = await client.request(method, path, **given)
    assert answer.is_success, answer.text
    told: dict[str, Any] = answer.json() if answer.content else {}
    return told


async def faces_there(target: Target) -> set[str]:
    """Return the faces that the other server says it keeps."""
    told = await asyncio.to_thread(lambda: own_client(target).list_faces(CollectionId=THERE))
    return {face["FaceId"].replace("-", "") for face in told["Faces"]}


async def collections_there(target: Target) -> Mapping[str, Any]:
    told: Mapping[str, Any] = await asyncio.to_thread(lambda: own_client(target).list_collections())
    return told


async def test_collection_lives_there_and_is_known_here_until_both_have_erased_it(
    client: httpx.AsyncClient, target: Target, portraits: Portraits
) -> None:
    made = await ask(client, "POST", "/api/collections", json={"name": "guests", "switched_on": True})
    assert made["model"].startswith("rekognition-")
    [first] = (await ask(client, "POST", f"{GUESTS}/faces?external_image_id=ana", content=portraits.first))["faces"]
    repeated = await ask(client, "POST", f"{GUESTS}/faces?external_image_id=ana", content=portraits.first)
    [other] = (await ask(client, "POST", f"{GUESTS}/faces?external_image_id=ben", content=portraits.other))["faces"]
    crowd = (await ask(client, "POST", f"{GUESTS}/faces?max_faces=3", content=portraits.group))["faces"]
    ids = {face["face_id"] for face in (first, other, *crowd)}
    assert repeated["duplicates"] is True
    assert (len(ids), await faces_there(target)) == (5, ids)
    assert (await ask(client, "GET", GUESTS))["face_count"] == 5

    largest = await ask(client, "POST", f"{GUESTS}/search?faces=largest", content=portraits.again)
    [seen] = largest["faces"]
    assert [match["face"]["external_image_id"] for match in seen["matches"]][:1] == ["ana"]
    assert (seen["face"]["pose"], largest["model"]) == (None, made["model"])
    every = await ask(client, "POST", f"{GUESTS}/search?faces=all", content=portraits.group)
    found = {match["face"]["face_id"] for face in every["faces"] for match in face["matches"]}
    assert len(every["faces"]) > 3
    assert len(found & {face["face_id"] for face in crowd}) >= 2

    await ask(client, "POST", f"{GUESTS}/users", json={"user_id": "ana"})
    joined = await ask(client, "POST", f"{GUESTS}/users/ana/faces", json={"face_ids": [first["face_id"]]})
    assert joined["face_ids"] == [first["face_id"]]
    refused = await ask(client, "POST", f"{GUESTS}/users/ana/faces", json={"face_ids": [other["face_id"]]})
    assert refused["not_done"][0]["reasons"] == ["LOW_MATCH_CONFIDENCE"]
    people = await ask(client, "POST", f"{GUESTS}/users/search", content=portraits.again)
    assert [match["user"]["user_id"] for match in people["matches"]] == ["ana"]

    await ask(client, "DELETE", f"{GUESTS}/faces/{crowd[0]['face_id']}")
    assert await faces_there(target) == ids - {crowd[0]["face_id"]}
    person = await ask(client, "POST", "/api/erasures", json={"person": {"user_id": "ana"}})
    assert person["receipt"]["erased"][0]["engine"]["faces"] == 1
    assert await faces_there(target) == ids - {crowd[0]["face_id"], first["face_id"]}
    whole = await ask(client, "POST", "/api/erasures", json={"collection": "guests"})
    assert whole["receipt"]["erased"][0]["engine"] == {"model": made["model"], "collection": THERE, "whole": True}
    assert THERE not in (await collections_there(target))["CollectionIds"]
    assert (await client.get(GUESTS)).status_code == 404


async def test_programs_of_aws_are_answered_by_way_of_this_server(
    here: Photos, target: Target, portraits: Portraits
) -> None:
    context = make_context(load_settings(data_dir=here.data_dir))
    own = await make_target(context, url=f"{here.url}/rekognition")
    await context.close()

    def as_a_program_does() -> dict[str, Any]:
        aws, guests = own_client(own), {"CollectionId": "wire"}
        made = aws.create_collection(**guests)
        added = aws.index_faces(**guests, Image={"Bytes": portraits.first}, ExternalImageId="ana")
        aws.create_user(**guests, UserId="ana")
        face_id = added["FaceRecords"][0]["Face"]["FaceId"]
        aws.associate_faces(**guests, UserId="ana", FaceIds=[face_id])
        by_image = aws.search_faces_by_image(**guests, Image={"Bytes": portraits.again})
        people = aws.search_users_by_image(**guests, Image={"Bytes": portraits.again})
        kept = aws.delete_faces(**guests, FaceIds=[face_id])
        aws.delete_collection(**guests)
        return {"made": made, "face_id": face_id, "by_image": by_image, "people": people, "kept": kept}

    told = await asyncio.to_thread(as_a_program_does)

    assert told["by_image"]["FaceMatches"][0]["Face"]["FaceId"] == told["face_id"]
    assert told["by_image"]["FaceModelVersion"] == told["made"]["FaceModelVersion"]
    assert told["people"]["UserMatches"][0]["User"]["UserId"] == "ana"
    assert set(told["people"]["SearchedFace"]["FaceDetail"]) == {"BoundingBox", "Confidence"}
    assert told["kept"]["UnsuccessfulFaceDeletions"][0]["Reasons"] == ["ASSOCIATED_TO_AN_EXISTING_USER"]
    assert (
        aws_collection(DEFAULT_WORKSPACE, "wire", prefix=PREFIX)
        not in (await collections_there(target))["CollectionIds"]
    )


async def test_nobody_is_told_as_erased_whom_another_program_holds_there(
    client: httpx.AsyncClient, target: Target, portraits: Portraits
) -> None:
    await ask(client, "POST", "/api/collections", json={"name": "held", "switched_on": True})
    [face] = (await ask(client, "POST", "/api/collections/held/faces", content=portraits.first))["faces"]
    held = {"CollectionId": aws_collection(DEFAULT_WORKSPACE, "held", prefix=PREFIX), "UserId": "theirs"}
    mine = {**held, "FaceIds": [str(UUID(face["face_id"]))]}
    aws = own_client(target)
    await asyncio.to_thread(lambda: (aws.create_user(**held), aws.associate_faces(**mine)))
    wish = {"person": {"face_ids": [face["face_id"]]}}

    refused = await client.post("/api/erasures", json=wish)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert "theirs" in refused.json()["detail"]
    assert (await ask(client, "GET", "/api/collections/held"))["face_count"] == 1

    await asyncio.to_thread(lambda: aws.disassociate_faces(**mine))
    erased = await ask(client, "POST", "/api/erasures", json=wish)
    assert erased["receipt"]["erased"][0]["face_ids"] == [face["face_id"]]
    await ask(client, "DELETE", "/api/collections/held")


async def test_vectors_are_said_to_be_with_the_engine(client: httpx.AsyncClient) -> None:
    await ask(client, "POST", "/api/collections", json={"name": "staff"})
    told = await client.post("/api/collections/staff/model", json={"model": "edgeface-s-gamma-05"})
    assert (told.status_code, told.json()["code"]) == (409, "engine_without_vectors")
    await ask(client, "DELETE", "/api/collections/staff")
