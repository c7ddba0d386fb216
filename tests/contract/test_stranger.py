"""One walk over every route of the OpenAPI document with a stranger's key: what is not one's own is not there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from fotofila.testing.pictures import jpeg
from tests.library.conftest import House

Upload = Callable[..., Awaitable[httpx.Response]]


async def own_things(house: House, upload: Upload) -> dict[str, str]:
    """Make one of everything, and say its id by the name of the path parameter."""
    client = house.client
    batch = (await client.post("/api/batches", json={})).json()
    photo = (await upload(jpeg(comment=b"fotofila:discard"), batch_id=batch["id"])).json()["photo"]
    await house.work_off()
    failure = (await client.get("/api/failures")).json()["items"][0]
    key = (await client.post("/api/keys", json={"name": "k", "scopes": ["photos:read"]})).json()
    user_body = {"username": "eve", "password": "correct horse battery", "role": "viewer"}
    user = (await client.post("/api/users", json=user_body)).json()
    announced = {"size_bytes": 10, "checksum_sha256": "0" * 64}
    waiting = (await client.post("/api/uploads", json=announced)).json()
    target_body = {"name": "t", "kind": "webhook", "url": "https://example.com/hook"}
    target = (await client.post("/api/notifications/targets", json=target_body)).json()
    rule_body = {"event": "job.done", "target_id": target["id"]}
    rule = (await client.post("/api/notifications/rules", json=rule_body)).json()
    delivery = (await client.post(f"/api/notifications/targets/{target['id']}/test")).json()
    return {
        "photo_id": photo["id"],
        "job_id": photo["job"]["id"],
        "batch_id": batch["id"],
        "failure_id": failure["id"],
        "key_id": key["id"],
        "user_id": user["id"],
        "target_id": target["id"],
        "rule_id": rule["id"],
        "delivery_id": delivery["id"],
        "upload_id": waiting["id"],
    }


async def test_no_route_lets_a_stranger_near_what_is_not_theirs(
    house: House, upload: Upload, stranger: httpx.AsyncClient
) -> None:
    things = await own_things(house, upload)
    document = (await house.client.get("/openapi.json")).json()
    walked = 0
    for template, operations in document["paths"].items():
        names = [name for name in things if f"{{{name}}}" in template]
        if not names:
            continue
        path = template.format(**things)
        for method, operation in operations.items():
            body = sample(document, operation)
            answer = await stranger.request(method.upper(), path, json=body)
            assert answer.status_code in {403, 404}, (method, template, answer.status_code, answer.text)
            walked += 1
    parameters = {part for template in document["paths"] for part in template.split("/") if part.startswith("{")}
    assert parameters - {"{code}"} == {f"{{{name}}}" for name in things}, (
        "a route has an id that this walk does not make"
    )
    assert walked >= 20


async def test_no_list_shows_a_stranger_anything(house: House, upload: Upload, stranger: httpx.AsyncClient) -> None:
    things = await own_things(house, upload)
    document = (await house.client.get("/openapi.json")).json()
    lists = [path for path, operations in document["paths"].items() if "get" in operations and "{" not in path]
    for path in lists:
        if path in {"/api/events", "/metrics", "/healthz", "/readyz"}:
            continue
        answer = await stranger.get(path)
        assert not any(value in answer.text for value in things.values()), path


async def test_nobody_gets_anywhere_without_credentials(house: House) -> None:
    document = (await house.client.get("/openapi.json")).json()
    transport = house.client._transport
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as nobody:
        for template, operations in document["paths"].items():
            if not template.startswith("/api/") or template.startswith("/api/session"):
                continue
            for method, operation in operations.items():
                path = template.replace("{", "").replace("}", "")
                answer = await nobody.request(method.upper(), path, json=sample(document, operation))
                assert answer.status_code == 401, (method, template, answer.status_code)


def sample(document: dict[str, Any], operation: dict[str, Any]) -> Any:
    """Return the smallest JSON body that an operation takes, or None."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return None if content is None else value_of(document, content["schema"])


def value_of(document: dict[str, Any], schema: dict[str, Any]) -> Any:  # noqa: PLR0911 - a line for each type
    """Return a valid value of a schema, as far as our own schemas go."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        if name == "Selection":
            return {"ids": []}
        return value_of(document, document["components"]["schemas"][name])
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        return value_of(document, schema["anyOf"][0])
    match schema.get("type"):
        case "object":
            wanted = schema.get("required", [])
            return {name: value_of(document, schema["properties"][name]) for name in wanted}
        case "array":
            return [value_of(document, schema["items"])] if schema.get("minItems") else []
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
    return "https://example.com/" + "x" * schema.get("minLength", 0)
