from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request
from structlog.testing import capture_logs

from fotofila.api.app import create_app
from fotofila.api.deps import LargeBody
from fotofila.api.middleware.hosts import allowed_hosts
from fotofila.core.capability import Context
from fotofila.core.config import Settings, SettingsError
from fotofila.core.observability.metrics import HTTP_REQUESTS
from fotofila.core.observability.traces import current_traceparent
from fotofila.testing.clock import FakeClock
from tests.api.conftest import open_context

MIB = 1024 * 1024


def connect(context: Context, *, peer: str = "127.0.0.1", base_url: str = "http://127.0.0.1:8000") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(context), raise_app_exceptions=False, client=(peer, 40000))
    return httpx.AsyncClient(transport=transport, base_url=base_url)


async def test_every_answer_carries_the_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/", "/healthz", "/api/keys", "/nothing"):
        headers = (await client.get(path)).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]


async def test_answers_of_the_api_are_kept_by_no_cache(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/session")).headers["cache-control"] == "no-store"


async def test_a_request_id_that_is_no_id_is_replaced(client: httpx.AsyncClient) -> None:
    response = await client.get("/healthz", headers={"X-Request-ID": "a b\tc"})
    assert len(response.headers["x-request-id"]) == 32


async def test_a_request_is_logged_once_by_its_template(client: httpx.AsyncClient, auth: dict[str, str]) -> None:
    counter = HTTP_REQUESTS.labels("DELETE", "/api/keys/{key_id}", 404)
    before = counter._value.get()
    with capture_logs() as logs:
        await client.delete("/api/keys/0123", headers=auth)

    (entry,) = [entry for entry in logs if entry["event"] == "http.request"]
    assert entry["route"] == "/api/keys/{key_id}"
    assert (entry["method"], entry["status"], entry["client"]) == ("DELETE", 404, "127.0.0.1")
    assert entry["seconds"] >= 0
    assert entry["principal"]
    assert counter._value.get() == before + 1


async def test_an_unknown_host_is_refused_by_name(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/session", headers={"Host": "evil.example"})

    assert (response.status_code, response.json()["code"]) == (400, "host_not_allowed")
    assert "FOTOFILA_ALLOWED_HOSTS" in response.json()["detail"]


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST"])
async def test_loopback_names_are_answered(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/api/session", headers={"Host": host})).status_code == 401


async def test_probes_are_answered_under_any_name(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz", headers={"Host": "10.1.2.3:8000"})).status_code == 200


def test_the_public_name_is_answered_and_a_list_replaces_all() -> None:
    public = Settings(public_url="https://foto.example.org", host="192.0.2.7")
    assert allowed_hosts(public) == {"localhost", "127.0.0.1", "::1", "foto.example.org", "192.0.2.7"}
    assert allowed_hosts(Settings(allowed_hosts=["A.example"])) == {"a.example"}
    assert "0.0.0.0" not in allowed_hosts(Settings(host="0.0.0.0"))


async def test_a_wildcard_answers_names_below_it(tmp_path: Path) -> None:
    async with (
        open_context(tmp_path, FakeClock(), allowed_hosts=["*.example.org"]) as context,
        connect(context) as client,
    ):
        for host, status in (("a.example.org", 401), ("a.b.example.org", 401), ("example.org", 400)):
            assert (await client.get("/api/session", headers={"Host": host})).status_code == status


async def test_forwarded_headers_are_believed_from_trusted_proxies_only(tmp_path: Path) -> None:
    forwarded = {
        "X-Forwarded-For": "6.6.6.6, 203.0.113.9, 10.0.0.2",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "foto.example.org",
    }
    settings = {"trusted_proxies": ["10.0.0.0/8"], "public_url": "https://foto.example.org"}
    async with open_context(tmp_path, FakeClock(), **settings) as context:
        for peer, seen, status in (("10.0.0.1", "203.0.113.9", 200), ("203.0.113.1", "203.0.113.1", 400)):
            async with connect(context, peer=peer, base_url="http://inner:1") as client:
                with capture_logs() as logs:
                    response = await client.get("/", headers=forwarded)
            assert response.status_code == status
            assert next(entry["client"] for entry in logs if entry["event"] == "http.request") == seen


async def test_a_proxy_that_is_no_address_stops_the_start(tmp_path: Path) -> None:
    async with open_context(tmp_path, FakeClock(), trusted_proxies=["proxy.local"]) as context:
        with pytest.raises(SettingsError, match="FOTOFILA_TRUSTED_PROXIES"):
            create_app(context)


async def test_a_json_body_over_the_cap_is_refused(client: httpx.AsyncClient) -> None:
    body = b'{"username": "' + b"a" * MIB + b'"}'
    response = await client.post("/api/session", content=body, headers={"content-type": "application/json"})

    assert (response.status_code, response.json()["code"]) == (413, "too_large")


async def test_a_chunked_body_over_the_cap_is_refused(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"a" * (MIB // 2)

    response = await client.post("/api/session", content=chunks(), headers={"content-type": "application/json"})

    assert (response.status_code, response.json()["code"]) == (413, "too_large")


async def test_a_route_that_streams_takes_more(app: FastAPI, client: httpx.AsyncClient) -> None:
    @app.post("/api/sink", dependencies=[LargeBody])
    async def sink(request: Request) -> int:
        return sum([len(chunk) async for chunk in request.stream()])

    response = await client.post("/api/sink", content=b"a" * (2 * MIB))

    assert (response.status_code, response.json()) == (200, 2 * MIB)


async def test_a_request_continues_the_trace_of_its_caller(app: FastAPI, client: httpx.AsyncClient) -> None:
    @app.get("/api/trace")
    async def trace() -> str | None:
        return current_traceparent()

    trace_id = "0af7651916cd43dd8448eb211c80319c"
    response = await client.get("/api/trace", headers={"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"})

    assert response.json().split("-")[1] == trace_id
