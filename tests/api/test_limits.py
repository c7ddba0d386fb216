from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from fotofila.access.keys import create_key
from fotofila.access.workspaces import DEFAULT_WORKSPACE
from fotofila.api.app import create_app
from fotofila.api.limits import parse_limit
from fotofila.api.request_info import client_network
from fotofila.core.capability import Context
from fotofila.core.config import SettingsError
from fotofila.testing.clock import FakeClock
from tests.api.conftest import open_context


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[Context]:
    async with open_context(tmp_path, FakeClock(), rate_limit="3/hour", login_rate_limit="2/hour") as context:
        yield context


async def new_key(context: Context) -> dict[str, str]:
    async with context.db.write() as session:
        made = await create_key(
            session, owner=DEFAULT_WORKSPACE, name="k", scopes=["photos:read"], now=context.clock.now()
        )
    return {"X-API-Key": made.secret}


async def test_requests_over_the_limit_are_told_when_to_come_back(client: httpx.AsyncClient) -> None:
    answers = [await client.get("/api/session") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert answers[0].headers["ratelimit-policy"] == '"default";q=3;w=3600'
    assert answers[0].headers["ratelimit"].startswith('"default";r=2;t=')
    assert answers[3].json()["code"] == "rate_limited"
    assert answers[3].headers["ratelimit"].startswith('"default";r=0;t=')
    assert 1 <= int(answers[3].headers["retry-after"]) <= 3600


async def test_each_key_has_requests_of_its_own(context: Context, client: httpx.AsyncClient) -> None:
    first, second = await new_key(context), await new_key(context)

    assert [(await client.get("/api/keys", headers=first)).status_code for _ in range(4)] == [403, 403, 403, 429]
    assert (await client.get("/api/keys", headers=second)).status_code == 403
    assert (await client.get("/api/session")).status_code == 401


async def test_guessing_keys_uses_up_the_address(client: httpx.AsyncClient) -> None:
    guesses = [{"X-API-Key": f"ff_{n:08d}_{'a' * 43}"} for n in range(4)]

    assert [(await client.get("/api/keys", headers=guess)).status_code for guess in guesses] == [401, 401, 401, 429]


async def test_pages_and_probes_are_not_counted(client: httpx.AsyncClient) -> None:
    for _ in range(5):
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/")).status_code == 200


async def test_signing_in_is_counted_by_user_name_over_addresses(context: Context) -> None:
    app = create_app(context)
    statuses = []
    for number in range(3):
        transport = httpx.ASGITransport(app, client=(f"192.0.2.{number}", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            body = {"username": ["admin", "ADMIN", " admin"][number], "password": "guess"}
            statuses.append((await client.post("/api/session", json=body)).status_code)

    assert statuses == [401, 401, 429]


async def test_signing_in_is_counted_by_address_over_user_names(client: httpx.AsyncClient) -> None:
    answers = [await client.post("/api/session", json={"username": f"user{n}", "password": "guess"}) for n in range(3)]

    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert "retry-after" in answers[2].headers


def test_a_limit_that_is_none_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="FOTOFILA_RATE_LIMIT"):
        parse_limit("often", setting="FOTOFILA_RATE_LIMIT")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1:2:3:4", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_client_is_counted_by_its_network(address: str, network: str) -> None:
    assert client_network({"type": "http", "client": (address, 1)}) == network
