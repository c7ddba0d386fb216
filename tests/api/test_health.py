from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from fotofila.api.app import create_app
from fotofila.core.capability import Context
from fotofila.core.db import Database
from fotofila.core.db.migrate import head_revision


@pytest.fixture
async def migrated(context: Context) -> Context:
    async with context.db.write() as session:
        await session.execute(text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32))"))
        await session.execute(text("DELETE FROM alembic_version"))
        await session.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": head_revision()})
    return context


async def test_a_living_process_says_so(client: httpx.AsyncClient) -> None:
    response = await client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


async def test_a_process_with_everything_is_ready(migrated: Context, client: httpx.AsyncClient) -> None:
    response = await client.get("/readyz")

    assert response.status_code == 200
    assert response.json()["ready"] is True
    assert [check["name"] for check in response.json()["checks"]] == ["database", "migrations", "queue", "storage"]
    assert all(check["ok"] for check in response.json()["checks"])


async def test_a_missing_database_is_named_without_its_address(migrated: Context, tmp_path: Path) -> None:
    (tmp_path / "folder.db").mkdir()
    broken = replace(migrated, db=Database(f"sqlite:///{tmp_path}/folder.db"))
    transport = httpx.ASGITransport(create_app(broken), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        response = await client.get("/readyz")
    await broken.db.close()

    checks = {check["name"]: check for check in response.json()["checks"]}
    assert response.status_code == 503
    assert response.json()["ready"] is False
    assert not checks["database"]["ok"]
    assert checks["queue"]["ok"]
    assert checks["storage"]["ok"]
    assert str(tmp_path) not in response.text


async def test_a_schema_of_a_newer_version_is_served_while_it_is_rolled_out(
    migrated: Context, client: httpx.AsyncClient
) -> None:
    async with migrated.db.write() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = 'newer'"))

    assert (await client.get("/readyz")).status_code == 200


async def test_a_schema_of_an_older_version_is_not_ready(migrated: Context, client: httpx.AsyncClient) -> None:
    async with migrated.db.write() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '0001'"))

    response = await client.get("/readyz")

    assert response.status_code == 503
    (check,) = [check for check in response.json()["checks"] if not check["ok"]]
    assert check["name"] == "migrations"
    assert "fotofila migrate" in check["sentence"]


async def test_metrics_are_given_in_the_format_that_is_asked_for(client: httpx.AsyncClient) -> None:
    await client.get("/healthz")
    plain = await client.get("/metrics")
    open_metrics = await client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})

    assert plain.headers["content-type"].startswith("text/plain")
    assert 'fotofila_http_requests_total{method="GET",route="/healthz",status="200"}' in plain.text
    assert open_metrics.headers["content-type"].startswith("application/openmetrics-text")
    assert open_metrics.text.endswith("# EOF\n")
