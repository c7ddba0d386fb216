from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from fotofila.core.errors import UnavailableError


async def test_an_unknown_address_is_a_problem(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/nothing")

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "urn:fotofila:problem:not_found",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at this address: /docs lists every route.",
        "instance": "/api/nothing",
        "code": "not_found",
    }


async def test_an_unknown_address_is_not_found_by_any_method(client: httpx.AsyncClient) -> None:
    assert (await client.post("/api/nothing")).status_code == 404


async def test_a_wrong_method_names_those_that_work(client: httpx.AsyncClient) -> None:
    response = await client.put("/api/keys")

    assert response.status_code == 405
    assert response.json()["code"] == "method_not_allowed"
    assert response.headers["allow"] == "GET, POST"


async def test_a_value_that_is_not_valid_is_named_and_not_repeated(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/session", json={"username": "ana", "password": ["hunter2-hunter2"]})

    problem = response.json()
    assert response.status_code == 422
    assert problem["code"] == "invalid_input"
    assert problem["errors"] == [{"loc": ["body", "password"], "msg": "Input should be a valid string"}]
    assert "hunter2" not in response.text


async def test_a_body_that_is_no_json_is_a_problem(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/session", content=b"{", headers={"content-type": "application/json"})

    assert (response.status_code, response.json()["code"]) == (422, "invalid_input")


async def test_an_unexpected_error_tells_only_the_request_id(app: FastAPI, client: httpx.AsyncClient) -> None:
    @app.get("/api/crash")
    async def crash() -> None:
        message = "the password of the database is swordfish"
        raise RuntimeError(message)

    with capture_logs() as logs:
        response = await client.get("/api/crash", headers={"X-Request-ID": "request-0001"})

    assert response.status_code == 500
    assert response.json()["code"] == "internal_error"
    assert "request-0001" in response.json()["detail"]
    assert "swordfish" not in response.text
    assert response.headers["x-request-id"] == "request-0001"
    assert response.headers["x-content-type-options"] == "nosniff"
    crashed = next(entry for entry in logs if entry["event"] == "http.crashed")
    assert "swordfish" in repr(crashed["exc_info"])


async def test_an_error_keeps_its_headers(app: FastAPI, client: httpx.AsyncClient) -> None:
    @app.get("/api/busy")
    async def busy() -> None:
        raise UnavailableError("Ask again in a while.", headers={"Retry-After": "7"})

    response = await client.get("/api/busy")

    assert (response.status_code, response.headers["retry-after"]) == (503, "7")
    assert response.json()["detail"] == "Ask again in a while."


@pytest.mark.parametrize(
    ("message", "status", "code"),
    [("database is locked", 503, "unavailable"), ("database or disk is full", 507, "storage_full")],
)
async def test_a_database_in_trouble_is_no_crash(
    app: FastAPI, client: httpx.AsyncClient, message: str, status: int, code: str
) -> None:
    @app.get("/api/trouble")
    async def trouble() -> None:
        raise OperationalError("SELECT 1", {}, Exception(message))

    response = await client.get("/api/trouble")

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert message not in response.text
