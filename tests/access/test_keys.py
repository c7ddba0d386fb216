from __future__ import annotations

import httpx
import pytest
from sqlalchemy import event, select, text

from fotofila.access.keys import create_key, parse_key, revoke_key
from fotofila.access.models import ApiKey
from fotofila.access.workspaces import DEFAULT_WORKSPACE
from fotofila.core.capability import Context
from fotofila.core.errors import UnauthenticatedError
from fotofila.testing.clock import FakeClock
from tests.access.conftest import MakeKey

DAY = 24 * 3600


async def post_key(client: httpx.AsyncClient, auth: dict[str, str], **body: object) -> httpx.Response:
    return await client.post("/api/keys", json={"name": "ci", "scopes": ["photos:read"], **body}, headers=auth)


async def test_a_key_is_shown_once_and_kept_as_a_hash(
    context: Context, client: httpx.AsyncClient, auth: dict[str, str]
) -> None:
    made = await post_key(client, auth)
    listed = await client.get("/api/keys", headers=auth)

    secret = made.json()["key"]
    assert made.status_code == 201
    assert parse_key(secret) == made.json()["prefix"]
    assert len(secret) == 55
    assert listed.json()["items"][0] == {name: value for name, value in made.json().items() if name != "key"}
    async with context.db.read() as session:
        row = await session.scalar(select(ApiKey).where(ApiKey.id == made.json()["id"]))
    assert row is not None
    assert secret not in str(vars(row))
    assert secret[12:] not in str(vars(row))


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
async def test_a_key_is_taken_from_either_header(client: httpx.AsyncClient, key: str, header: str) -> None:
    value = f"Bearer {key}" if header == "Authorization" else key
    assert (await client.get("/api/keys", headers={header: value})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer ff_nokey"},
        {"X-API-Key": ""},
        {"X-API-Key": "ff_abcdefgh_" + "a" * 43},
        {"X-API-Key": "é".encode()},
    ],
)
async def test_what_is_no_key_lets_nobody_in(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    response = await client.get("/api/keys", headers=headers)

    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
    assert response.headers["www-authenticate"] == 'Bearer realm="fotofila"'


async def test_a_key_with_one_wrong_character_lets_nobody_in(client: httpx.AsyncClient, key: str) -> None:
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    assert (await client.get("/api/keys", headers={"X-API-Key": wrong})).status_code == 401


async def test_a_key_without_the_scope_is_told_which_one(client: httpx.AsyncClient, make_key: MakeKey) -> None:
    response = await client.get("/api/keys", headers=await make_key("photos:read", "photos:write"))

    assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    assert "'admin'" in response.json()["detail"]


async def test_a_key_gives_away_only_scopes_it_has(client: httpx.AsyncClient, make_key: MakeKey) -> None:
    admin = await make_key("admin")

    beyond = await post_key(client, admin, scopes=["admin", "photos:read"])
    within = await post_key(client, admin, scopes=["admin"])

    assert (beyond.status_code, beyond.json()["code"]) == (403, "forbidden")
    assert "photos:read" in beyond.json()["detail"]
    assert within.status_code == 201


async def test_a_key_cannot_be_rotated_by_one_that_reaches_less(
    client: httpx.AsyncClient, auth: dict[str, str], make_key: MakeKey
) -> None:
    strong = (await post_key(client, auth)).json()["id"]
    response = await client.post(f"/api/keys/{strong}/rotate", json={}, headers=await make_key("admin"))
    assert response.status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {"scopes": []},
        {"scopes": ["everything"]},
        {"name": ""},
        {"name": "   "},
        {"name": "a" * 101},
        {"expires_at": "2025-12-31T00:00:00Z"},
        {"expires_at": "2027-01-01T00:00:00"},
        {"scope": "admin"},
    ],
)
async def test_a_key_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, auth: dict[str, str], body: dict[str, object]
) -> None:
    assert (await post_key(client, auth, **body)).status_code == 422


async def test_an_expired_key_lets_nobody_in(client: httpx.AsyncClient, auth: dict[str, str], clock: FakeClock) -> None:
    made = (await post_key(client, auth, expires_at="2026-01-01T00:00:03Z")).json()
    mine = {"X-API-Key": made["key"]}

    assert (await client.get("/api/workspace", headers=mine)).status_code == 200
    clock.advance(3)
    response = await client.get("/api/workspace", headers=mine)
    assert response.status_code == 401
    assert "expired" in response.json()["detail"]


async def test_a_rotated_key_works_on_for_the_overlap(
    client: httpx.AsyncClient, auth: dict[str, str], clock: FakeClock
) -> None:
    old = (await post_key(client, auth)).json()
    response = await client.post(f"/api/keys/{old['id']}/rotate", json={"overlap_seconds": 60}, headers=auth)
    new = response.json()

    assert response.status_code == 201
    assert (new["name"], new["scopes"], new["expires_at"]) == (old["name"], old["scopes"], None)
    assert new["id"] != old["id"]
    for wait, status in ((0, 200), (59, 200), (1, 401)):
        clock.advance(wait)
        assert (await client.get("/api/workspace", headers={"X-API-Key": old["key"]})).status_code == status
        assert (await client.get("/api/workspace", headers={"X-API-Key": new["key"]})).status_code == 200


async def test_a_rotation_without_overlap_ends_the_old_key_at_once(
    client: httpx.AsyncClient, auth: dict[str, str]
) -> None:
    old = (await post_key(client, auth)).json()
    mine = {"X-API-Key": old["key"]}
    assert (await client.get("/api/workspace", headers=mine)).status_code == 200

    await client.post(f"/api/keys/{old['id']}/rotate", json={}, headers=auth)

    assert (await client.get("/api/workspace", headers=mine)).status_code == 401
    again = await client.post(f"/api/keys/{old['id']}/rotate", json={}, headers=auth)
    assert (again.status_code, again.json()["code"]) == (409, "key_expired")


async def test_a_rotated_key_lives_as_long_as_the_old_one_was_meant_to(
    client: httpx.AsyncClient, auth: dict[str, str], clock: FakeClock
) -> None:
    old = (await post_key(client, auth, expires_at="2026-01-11T00:00:00Z")).json()
    clock.advance(5 * DAY)
    new = (await client.post(f"/api/keys/{old['id']}/rotate", json={}, headers=auth)).json()
    assert new["expires_at"] == "2026-01-16T00:00:00Z"


async def test_a_revoked_key_ends_at_once_in_this_process(client: httpx.AsyncClient, auth: dict[str, str]) -> None:
    made = (await post_key(client, auth)).json()
    mine = {"X-API-Key": made["key"]}
    assert (await client.get("/api/workspace", headers=mine)).status_code == 200

    assert (await client.delete(f"/api/keys/{made['id']}", headers=auth)).status_code == 204

    assert (await client.get("/api/workspace", headers=mine)).status_code == 401
    assert (await client.delete(f"/api/keys/{made['id']}", headers=auth)).status_code == 404


async def test_a_revocation_that_is_rolled_back_revokes_nothing(
    context: Context, client: httpx.AsyncClient, auth: dict[str, str]
) -> None:
    made = (await post_key(client, auth)).json()
    async with context.db._write() as session:
        await revoke_key(session, owner=DEFAULT_WORKSPACE, key_id=made["id"], now=context.clock.now())
        await session.rollback()
    assert (await client.get("/api/workspace", headers={"X-API-Key": made["key"]})).status_code == 200


async def test_a_key_revoked_in_another_process_ends_within_five_seconds(
    context: Context, client: httpx.AsyncClient, auth: dict[str, str], clock: FakeClock
) -> None:
    made = (await post_key(client, auth)).json()
    mine = {"X-API-Key": made["key"]}
    assert (await client.get("/api/workspace", headers=mine)).status_code == 200
    async with context.db.engine.begin() as other:
        await other.execute(text("DELETE FROM api_keys WHERE id = :id"), {"id": made["id"]})

    clock.advance(5)

    assert (await client.get("/api/workspace", headers=mine)).status_code == 401


async def test_a_look_up_that_a_revocation_overtook_is_not_believed(context: Context, key: str) -> None:
    """The row was read, then the key was revoked, then the look-up ended."""
    first = True

    @event.listens_for(context.db.engine.sync_engine, "after_cursor_execute")
    def overtake(_c: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal first
        if first and "FROM api_keys" in statement:
            first = False
            from fotofila.access.cache import PRINCIPALS  # noqa: PLC0415

            PRINCIPALS.clear()

    await context.authenticate(context, {"x-api-key": key}, {})
    async with context.db.engine.begin() as other:
        await other.exec_driver_sql("DELETE FROM api_keys")

    with pytest.raises(UnauthenticatedError):
        await context.authenticate(context, {"x-api-key": key}, {})


async def test_requests_in_a_row_ask_the_database_once(context: Context, key: str) -> None:
    statements: list[str] = []

    @event.listens_for(context.db.engine.sync_engine, "before_cursor_execute")
    def count(_c: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    for _ in range(5):
        await context.authenticate(context, {"x-api-key": key}, {})

    assert len([statement for statement in statements if statement.startswith("SELECT")]) == 1


async def test_use_is_written_down_once_a_minute(
    context: Context, client: httpx.AsyncClient, auth: dict[str, str], clock: FakeClock
) -> None:
    async def last_used() -> str | None:
        return str((await client.get("/api/keys", headers=auth)).json()["items"][0]["last_used_at"])

    assert await last_used() == "2026-01-01T00:00:00Z"
    clock.advance(59)
    assert await last_used() == "2026-01-01T00:00:00Z"
    clock.advance(6)
    assert await last_used() == "2026-01-01T00:01:05Z"


async def test_keys_come_in_pages_newest_first(client: httpx.AsyncClient, auth: dict[str, str]) -> None:
    made = [(await post_key(client, auth, name=f"key {n}")).json()["id"] for n in range(4)]
    first = (await client.get("/api/keys", params={"limit": 2}, headers=auth)).json()
    second = (await client.get("/api/keys", params={"limit": 2, "cursor": first["next_cursor"]}, headers=auth)).json()

    ids = [item["id"] for item in first["items"] + second["items"]]
    assert ids == made[::-1]
    assert (await client.get("/api/keys", params={"cursor": "x"}, headers=auth)).json()["code"] == "bad_cursor"


async def test_two_keys_never_share_anything(context: Context) -> None:
    async with context.db.write() as session:
        made = [
            await create_key(session, owner=DEFAULT_WORKSPACE, name="k", scopes=["admin"], now=context.clock.now())
            for _ in range(50)
        ]
    assert len({one.secret for one in made}) == len({one.row.prefix for one in made}) == 50
