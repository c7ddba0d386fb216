from __future__ import annotations

import asyncio

import httpx
import pytest
from sqlalchemy import select

from fotofila.access import passwords
from fotofila.access.models import User
from fotofila.access.users import change_user
from fotofila.access.workspaces import DEFAULT_WORKSPACE
from fotofila.core.capability import Context
from fotofila.core.errors import ConflictError
from tests.access.conftest import ORIGIN, PASSWORD, MakeKey, SignIn


async def post_user(client: httpx.AsyncClient, auth: dict[str, str], **body: object) -> httpx.Response:
    return await client.post("/api/users", json={"username": "bia", "password": PASSWORD, **body}, headers=auth)


async def admin_id(client: httpx.AsyncClient, auth: dict[str, str]) -> str:
    users = (await client.get("/api/users", headers=auth)).json()["items"]
    return str(next(user["id"] for user in users if user["username"] == "admin"))


async def test_a_user_is_added_and_signs_in(client: httpx.AsyncClient, auth: dict[str, str]) -> None:
    made = await post_user(client, auth)
    entered = await client.post("/api/session", json={"username": "bia", "password": PASSWORD})
    listed = (await client.get("/api/users", headers=auth)).json()["items"]

    assert made.status_code == 201
    assert set(made.json()) == {"id", "username", "role", "created_at", "last_login_at"}
    assert made.json()["role"] == "viewer"
    assert entered.status_code == 200
    assert [user["username"] for user in listed] == ["admin", "bia"]
    assert listed[1]["last_login_at"] == "2026-01-01T00:00:00Z"


async def test_a_password_is_kept_as_argon2id(
    context: Context, client: httpx.AsyncClient, auth: dict[str, str]
) -> None:
    await post_user(client, auth)
    async with context.db.read() as session:
        kept = await session.scalar(select(User.password_hash).where(User.username == "bia"))
    assert kept is not None
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@pytest.mark.parametrize(
    "body",
    [
        {"password": "short"},
        {"password": "a" * 257},
        {"username": ""},
        {"username": "a b"},
        {"username": "a/b"},
        {"role": "king"},
        {"role": None},
    ],
)
async def test_a_user_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, auth: dict[str, str], body: dict[str, object]
) -> None:
    response = await post_user(client, auth, **body)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_input")


async def test_a_name_is_given_once(client: httpx.AsyncClient, auth: dict[str, str]) -> None:
    assert (await post_user(client, auth)).status_code == 201
    again = await post_user(client, auth, username="BIA")
    assert (again.status_code, again.json()["code"]) == (409, "username_taken")


async def test_a_new_role_reaches_as_far_at_once(
    sign_in: SignIn, client: httpx.AsyncClient, auth: dict[str, str]
) -> None:
    browser = await sign_in("owner")
    user = (await browser.get("/api/session")).json()["user"]["id"]
    assert (await browser.get("/api/keys")).status_code == 200

    changed = await client.patch(f"/api/users/{user}", json={"role": "viewer"}, headers=auth)

    assert (changed.status_code, changed.json()["role"]) == (200, "viewer")
    assert (await browser.get("/api/keys")).status_code == 403


async def test_a_new_password_ends_every_session(
    sign_in: SignIn, client: httpx.AsyncClient, auth: dict[str, str]
) -> None:
    browser = await sign_in("viewer", username="ana")
    user = (await browser.get("/api/session")).json()["user"]["id"]

    await client.patch(f"/api/users/{user}", json={"password": "another long one"}, headers=auth)

    assert (await browser.get("/api/session")).status_code == 401
    old = await client.post("/api/session", json={"username": "ana", "password": PASSWORD})
    new = await client.post("/api/session", json={"username": "ana", "password": "another long one"})
    assert (old.status_code, new.status_code) == (401, 200)


async def test_a_removed_user_is_out_at_once(sign_in: SignIn, client: httpx.AsyncClient, auth: dict[str, str]) -> None:
    browser = await sign_in("editor")
    user = (await browser.get("/api/session")).json()["user"]["id"]

    assert (await client.delete(f"/api/users/{user}", headers=auth)).status_code == 204

    assert (await browser.get("/api/session")).status_code == 401
    assert (await client.delete(f"/api/users/{user}", headers=auth)).status_code == 404


async def test_the_last_owner_stays(client: httpx.AsyncClient, auth: dict[str, str]) -> None:
    admin = await admin_id(client, auth)

    demoted = await client.patch(f"/api/users/{admin}", json={"role": "editor"}, headers=auth)
    removed = await client.delete(f"/api/users/{admin}", headers=auth)
    await post_user(client, auth, role="owner")
    later = await client.delete(f"/api/users/{admin}", headers=auth)

    assert (demoted.status_code, demoted.json()["code"]) == (409, "last_owner")
    assert (removed.status_code, removed.json()["code"]) == (409, "last_owner")
    assert later.status_code == 204


async def test_two_owners_who_demote_each_other_leave_one(context: Context, sign_in: SignIn) -> None:
    await sign_in("owner", username="ana")
    async with context.db.read() as session:
        owners = (await session.scalars(select(User.id).where(User.role == "owner"))).all()

    async def demote(user_id: str) -> None:
        async with context.db.write() as session:
            await change_user(session, owner=DEFAULT_WORKSPACE, user_id=user_id, now=context.clock.now(), role="viewer")

    results = await asyncio.gather(*(demote(owner) for owner in owners), return_exceptions=True)

    assert sum(isinstance(result, ConflictError) for result in results) == 1
    async with context.db.read() as session:
        assert len((await session.scalars(select(User.id).where(User.role == "owner"))).all()) == 1


async def test_who_lacks_a_scope_makes_and_changes_nobody_who_has_it(
    client: httpx.AsyncClient, auth: dict[str, str], make_key: MakeKey
) -> None:
    weak = await make_key("admin")
    admin = await admin_id(client, auth)

    assert (await post_user(client, weak, role="viewer")).status_code == 403
    assert (await client.patch(f"/api/users/{admin}", json={"password": PASSWORD}, headers=weak)).status_code == 403
    assert (await client.delete(f"/api/users/{admin}", headers=weak)).status_code == 403


@pytest.mark.parametrize("role", ["viewer", "editor"])
async def test_only_owners_see_users_and_keys(sign_in: SignIn, role: str) -> None:
    browser = await sign_in(role)
    for path in ("/api/users", "/api/keys"):
        assert (await browser.get(path)).status_code == 403
    assert (await browser.get("/api/workspace")).status_code == 200
    assert (await browser.patch("/api/workspace", json={}, headers=ORIGIN)).status_code == 403


async def test_an_unknown_name_costs_the_work_of_a_password() -> None:
    assert passwords._HASHER.check_needs_rehash(passwords._NOBODY) is False
    assert not await passwords.verify_password("anything", None)
    assert await passwords.verify_password(PASSWORD, await passwords.hash_password(PASSWORD))


async def test_users_come_in_pages(client: httpx.AsyncClient, auth: dict[str, str]) -> None:
    for name in ("bia", "caio"):
        await post_user(client, auth, username=name)
    first = (await client.get("/api/users", params={"limit": 2}, headers=auth)).json()
    second = (await client.get("/api/users", params={"limit": 2, "cursor": first["next_cursor"]}, headers=auth)).json()

    assert [user["username"] for user in first["items"] + second["items"]] == ["admin", "bia", "caio"]
    assert second["next_cursor"] is None
