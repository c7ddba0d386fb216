from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from fotofila.access.audit_append import append_waiting
from fotofila.access.audit_export import verify_file
from fotofila.access.models import Workspace
from fotofila.access.receipts import signing_keys
from fotofila.core.capability import Context
from fotofila.testing.clock import FakeClock
from tests.access.conftest import ORIGIN, PASSWORD, MakeKey, SignIn


async def listed(context: Context, client: httpx.AsyncClient, auth: dict[str, str], **query: Any) -> list[Any]:
    await append_waiting(context, signing_keys(context))
    response = await client.get("/api/audit", headers=auth, params=query)
    assert response.status_code == 200
    items: list[Any] = response.json()["items"]
    return items


async def test_keys_users_switches_and_sign_ins_are_in_the_log(
    context: Context, client: httpx.AsyncClient, auth: dict[str, str], sign_in: SignIn
) -> None:
    made = (await client.post("/api/keys", headers=auth, json={"name": "k", "scopes": ["photos:read"]})).json()
    await client.post(f"/api/keys/{made['id']}/rotate", headers=auth, json={"overlap_seconds": 60})
    await client.delete(f"/api/keys/{made['id']}", headers=auth)
    await client.patch("/api/workspace", headers=auth, json={"face_recognition": True})
    await client.patch("/api/workspace", headers=auth, json={"face_recognition": True, "age": True})
    await client.patch("/api/workspace", headers=auth, json={"retention_days": 7})
    await sign_in("viewer", username="ana")
    wrong = {"username": "ana", "password": PASSWORD + "x"}
    assert (await client.post("/api/session", json=wrong, headers=ORIGIN)).status_code == 401
    nobody = {"username": "nobody", "password": PASSWORD}
    assert (await client.post("/api/session", json=nobody, headers=ORIGIN)).status_code == 401
    items = await listed(context, client, auth)
    assert [item["action"] for item in reversed(items)] == [
        "key.create",  # that of the test
        "key.create",
        "key.create",
        "key.rotate",
        "key.revoke",
        "workspace.switch",
        "workspace.change",
        "user.create",
        "session.create",
        "session.refuse",
    ]
    switch = next(item for item in items if item["action"] == "workspace.switch")
    assert switch["detail"] == {"face_recognition": True}
    assert switch["actor"]["kind"] == "key"
    assert PASSWORD not in json.dumps(items)


async def test_the_list_is_filtered_and_paged(
    context: Context, client: httpx.AsyncClient, auth: dict[str, str], clock: FakeClock
) -> None:
    for days in (1, 2, 3):
        clock.advance(60)
        await client.patch("/api/workspace", headers=auth, json={"retention_days": days})
    found = await listed(context, client, auth, action="workspace")
    assert [item["detail"]["retention_days"] for item in found] == [3, 2, 1]
    assert await listed(context, client, auth, action="work") == []
    assert len(await listed(context, client, auth, subject=found[0]["subject"])) == 3
    between = await listed(context, client, auth, **{"from": found[1]["at"], "to": found[0]["at"]})
    assert [item["detail"] for item in between] == [{"retention_days": 2}]
    first = (await client.get("/api/audit?limit=2&action=workspace", headers=auth)).json()
    query = {"limit": 2, "action": "workspace", "cursor": first["next_cursor"]}
    second = (await client.get("/api/audit", headers=auth, params=query)).json()
    assert [item["id"] for item in first["items"] + second["items"]] == [item["id"] for item in found]
    assert second["next_cursor"] is None


@pytest.fixture
async def stranger(context: Context, make_key: MakeKey) -> dict[str, str]:
    """A key of another workspace."""
    async with context.db.write() as session:
        session.add(
            Workspace(
                id="e" * 32, name="other", detection="fast", created_at=context.clock.now(), face_recognition=False
            )
        )
    return await make_key("admin", "photos:read", owner="e" * 32)


async def test_a_workspace_sees_its_own_entries_only_and_follows_the_chain_all_the_same(
    context: Context, client: httpx.AsyncClient, auth: dict[str, str], stranger: dict[str, str], tmp_path: Path
) -> None:
    mine = await listed(context, client, auth)
    theirs = await listed(context, client, stranger)
    assert {item["owner"] for item in theirs} == {"e" * 32}
    assert not {item["id"] for item in mine} & {item["id"] for item in theirs}
    text = (await client.get("/api/audit/export?format=chain", headers=stranger)).text
    assert mine[0]["owner"] not in text
    path = tmp_path / "audit.jsonl"
    path.write_text(text, encoding="utf-8")
    found = await verify_file(path, signing_keys(context))
    assert (found.entries, found.broken) == (len(mine) + len(theirs), None)


async def test_exports_are_csv_and_json_lines_and_are_told_in_the_log(
    context: Context, client: httpx.AsyncClient, auth: dict[str, str]
) -> None:
    await client.post("/api/keys", headers=auth, json={"name": "=1+1", "scopes": ["photos:read"]})
    items = await listed(context, client, auth)
    lines = (await client.get("/api/audit/export", headers=auth)).text.splitlines()
    assert [json.loads(line) for line in lines] == items[::-1]
    table = (await client.get("/api/audit/export?format=csv", headers=auth)).text
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["action"] for row in rows] == [item["action"] for item in items[::-1]]
    exports = [item["detail"] for item in await listed(context, client, auth, action="audit.export")]
    assert exports == [{"format": "csv"}, {"format": "jsonl"}]


async def test_only_admins_read_it(client: httpx.AsyncClient, make_key: MakeKey) -> None:
    reader = await make_key("photos:read")
    for path in ("/api/audit", "/api/audit/export"):
        assert (await client.get(path, headers=reader)).status_code == 403
