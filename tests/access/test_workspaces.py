from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import func, insert, select

from fotofila.access.models import User, Workspace
from fotofila.access.workspaces import DEFAULT_WORKSPACE, FirstStart, ensure_default_workspace, retention
from fotofila.core.capability import Context
from fotofila.core.db import Base
from fotofila.core.ids import new_id
from tests.access.conftest import MakeKey

OTHER = "0" * 31 + "2"


@pytest.fixture
async def other(context: Context) -> str:
    async with context.db.write() as session:
        session.add(Workspace(id=OTHER, name="other", detection="fast", created_at=context.clock.now()))
        user = User(id=new_id(), owner=OTHER, username="stranger", role="owner", created_at=context.clock.now())
        await session.flush()
        session.add(user)
    return OTHER


async def test_the_first_start_makes_an_owner_without_a_password(context: Context) -> None:
    async with context.db.read() as session:
        user = await session.scalar(select(User))
    assert user is not None
    assert (user.username, user.role, user.password_hash, user.owner) == ("admin", "owner", None, DEFAULT_WORKSPACE)


async def test_later_starts_make_nothing(context: Context) -> None:
    async def start() -> FirstStart:
        async with context.db.write() as session:
            return await ensure_default_workspace(session, now=context.clock.now(), detection="fast")

    starts = await asyncio.gather(start(), start())

    assert [start.created for start in starts] == [False, False]
    assert starts[0].workspace.detection == "accurate"
    async with context.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(User)) == 1


async def test_a_workspace_shows_its_settings(client: httpx.AsyncClient, make_key: MakeKey) -> None:
    response = await client.get("/api/workspace", headers=await make_key("photos:read"))

    assert response.json() == {
        "id": DEFAULT_WORKSPACE,
        "name": "default",
        "face_recognition": False,
        "age": True,
        "gender": True,
        "detection": "accurate",
        "retention_days": None,
        "quota_photos": None,
        "quota_bytes": None,
        "usage": {"photos": 0, "bytes": 0},
    }


async def test_usage_counts_the_workspaces_own_photos(
    context: Context, client: httpx.AsyncClient, auth: dict[str, str], other: str
) -> None:
    photos = Base.metadata.tables["photos"]
    async with context.db.write() as session:
        for number, (owner, size) in enumerate(
            [(DEFAULT_WORKSPACE, 3_000_000_000), (DEFAULT_WORKSPACE, 5), (other, 7)]
        ):
            row = {
                "id": new_id(),
                "owner": owner,
                "filename": "a.jpg",
                "media_type": "image/jpeg",
                "size_bytes": size,
                "checksum_sha256": str(number),
                "original_key": "k",
                "job_id": new_id(),
                "created_at": context.clock.now(),
            }
            await session.execute(insert(photos).values(row))

    usage = (await client.get("/api/workspace", headers=auth)).json()["usage"]
    assert usage == {"photos": 2, "bytes": 3_000_000_005}


async def test_only_what_is_sent_changes(client: httpx.AsyncClient, auth: dict[str, str]) -> None:
    first = await client.patch("/api/workspace", json={"retention_days": 30, "age": False}, headers=auth)
    second = await client.patch("/api/workspace", json={"retention_days": None, "name": "Estúdio"}, headers=auth)

    assert first.status_code == 200
    assert (first.json()["retention_days"], first.json()["age"]) == (30, False)
    assert (second.json()["retention_days"], second.json()["age"], second.json()["name"]) == (None, False, "Estúdio")
    assert (await client.get("/api/workspace", headers=auth)).json() == second.json()


@pytest.mark.parametrize(
    "change",
    [
        {"retention_days": 0},
        {"quota_photos": -1},
        {"quota_bytes": 2**53},
        {"detection": "magic"},
        {"age": None},
        {"name": ""},
        {"id": OTHER},
    ],
)
async def test_a_setting_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, auth: dict[str, str], change: dict[str, object]
) -> None:
    assert (await client.patch("/api/workspace", json=change, headers=auth)).status_code == 422


async def test_a_quota_reaches_the_next_request(
    context: Context, client: httpx.AsyncClient, auth: dict[str, str], key: str
) -> None:
    await client.patch("/api/workspace", json={"quota_photos": 7, "quota_bytes": 9}, headers=auth)
    principal = await context.authenticate(context, {"x-api-key": key}, {})
    assert (principal.quota_photos, principal.quota_bytes) == (7, 9)


async def test_retention_is_told_where_there_is_one(
    context: Context, client: httpx.AsyncClient, auth: dict[str, str], other: str
) -> None:
    await client.patch("/api/workspace", json={"retention_days": 30}, headers=auth)
    async with context.db.read() as session:
        assert await retention(session) == {DEFAULT_WORKSPACE: timedelta(days=30)}


async def test_a_strangers_ids_do_not_exist(
    client: httpx.AsyncClient, auth: dict[str, str], make_key: MakeKey, other: str
) -> None:
    stranger = await make_key("photos:read", "photos:write", "failures", "admin", owner=other)
    key = (await client.get("/api/keys", headers=auth)).json()["items"][0]["id"]
    user = (await client.get("/api/users", headers=auth)).json()["items"][0]["id"]

    for method, path, body in (
        ("POST", f"/api/keys/{key}/rotate", {}),
        ("DELETE", f"/api/keys/{key}", None),
        ("PATCH", f"/api/users/{user}", {"role": "viewer"}),
        ("DELETE", f"/api/users/{user}", None),
    ):
        response = await client.request(method, path, json=body, headers=stranger)
        assert (response.status_code, response.json()["code"]) == (404, "not_found"), path
        unknown = await client.request(method, path.replace(key, "x" * 9).replace(user, "x"), json=body, headers=auth)
        assert unknown.status_code == 404, path

    assert (await client.get("/api/workspace", headers=stranger)).json()["id"] == other
    listed = (await client.get("/api/users", headers=stranger)).json()["items"]
    assert [item["username"] for item in listed] == ["stranger"]
