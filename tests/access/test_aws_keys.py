from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from fotofila.access.aws_keys import CredentialCache, find_credential
from fotofila.core.capability import Context
from fotofila.core.crypto import SecretKeyError, SecretKeys
from fotofila.core.errors import UnauthenticatedError
from fotofila.testing.clock import FakeClock


async def make(client: httpx.AsyncClient, auth: dict[str, str], **body: Any) -> dict[str, Any]:
    given = {"name": "boto", "scopes": ["photos:read"], **body}
    answer = await client.post("/api/aws-keys", json=given, headers=auth)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_key_is_made_shown_once_listed_and_revoked(
    client: httpx.AsyncClient, auth: dict[str, str], context: Context
) -> None:
    made = await make(client, auth)
    assert made["access_key_id"].startswith("FFAK")
    assert (len(made["access_key_id"]), len(made["secret_access_key"])) == (20, 40)
    listed = (await client.get("/api/aws-keys", headers=auth)).json()["items"]
    assert [each["access_key_id"] for each in listed] == [made["access_key_id"]]
    assert "secret_access_key" not in listed[0]
    found = await find_credential(context, CredentialCache(), made["access_key_id"])
    assert found.secret == made["secret_access_key"]
    assert found.principal.scopes == {"photos:read"}
    assert (await client.delete(f"/api/aws-keys/{made['id']}", headers=auth)).status_code == 204
    with pytest.raises(UnauthenticatedError):
        await find_credential(context, CredentialCache(), made["access_key_id"])
    assert (await client.delete(f"/api/aws-keys/{made['id']}", headers=auth)).status_code == 404


async def test_lists_come_in_pages(client: httpx.AsyncClient, auth: dict[str, str]) -> None:
    made = [(await make(client, auth))["id"] for _ in range(3)]
    first = (await client.get("/api/aws-keys", params={"limit": 2}, headers=auth)).json()
    rest = {"limit": 2, "cursor": first["next_cursor"]}
    second = (await client.get("/api/aws-keys", params=rest, headers=auth)).json()
    assert [each["id"] for each in (*first["items"], *second["items"])] == made[::-1]
    assert second["next_cursor"] is None


async def test_nobody_gives_away_what_they_do_not_have(
    client: httpx.AsyncClient, auth: dict[str, str], clock: FakeClock
) -> None:
    for body in ({"scopes": ["everything"]}, {"scopes": []}, {"expires_at": "2001-01-01T00:00:00Z"}):
        given = {"name": "k", "scopes": ["photos:read"], **body}
        assert (await client.post("/api/aws-keys", json=given, headers=auth)).status_code == 422
    admin = {"name": "a", "scopes": ["admin"]}
    key = (await client.post("/api/keys", json=admin, headers=auth)).json()["key"]
    beyond = {"name": "k", "scopes": ["photos:read"]}
    answer = await client.post("/api/aws-keys", json=beyond, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 403


async def test_a_credential_is_believed_for_seconds_and_no_longer_than_it_lives(
    client: httpx.AsyncClient, auth: dict[str, str], context: Context, clock: FakeClock
) -> None:
    ends = clock.now() + timedelta(seconds=8)
    made = await make(client, auth, expires_at=ends.isoformat())
    cache = CredentialCache()
    first = await find_credential(context, cache, made["access_key_id"])
    assert await find_credential(context, cache, made["access_key_id"]) is first
    clock.advance(6)
    later = await find_credential(context, cache, made["access_key_id"])
    assert later is not first
    assert later.until == ends
    clock.advance(2)
    with pytest.raises(UnauthenticatedError):
        await find_credential(context, cache, made["access_key_id"])


async def test_without_the_key_that_encrypted_it_a_secret_cannot_be_read(
    client: httpx.AsyncClient, auth: dict[str, str], context: Context
) -> None:
    made = await make(client, auth)
    other = replace(context, secret_keys=SecretKeys.parse("x" * 32))
    with pytest.raises(SecretKeyError, match="FOTOFILA_SECRET_KEY"):
        await find_credential(other, CredentialCache(), made["access_key_id"])
