from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from fastapi import FastAPI

from fotofila.access.keys import create_key
from fotofila.access.scopes import ROLE_SCOPES, Role
from fotofila.access.users import create_user
from fotofila.access.workspaces import DEFAULT_WORKSPACE
from fotofila.core.capability import Context
from tests.api.conftest import BASE_URL, app, auth, client, clock, context, key

__all__ = ["app", "auth", "client", "clock", "context", "key"]

PASSWORD = "correct horse battery"
ORIGIN = {"Origin": BASE_URL}

MakeKey = Callable[..., Awaitable[dict[str, str]]]
SignIn = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
def make_key(context: Context) -> MakeKey:
    async def make(*scopes: str, owner: str = DEFAULT_WORKSPACE) -> dict[str, str]:
        async with context.db.write() as session:
            made = await create_key(session, owner=owner, name="k", scopes=scopes, now=context.clock.now())
        return {"Authorization": f"Bearer {made.secret}"}

    return make


@pytest.fixture
async def sign_in(context: Context, app: FastAPI) -> AsyncIterator[SignIn]:
    """Return a browser that is signed in as a new user of a role."""
    browsers: list[httpx.AsyncClient] = []

    async def enter(role: Role, *, username: str | None = None, owner: str = DEFAULT_WORKSPACE) -> httpx.AsyncClient:
        name = username or f"{role}{len(browsers)}"
        async with context.db.write() as session:
            await create_user(
                session, owner=owner, username=name, password=PASSWORD, role=role, now=context.clock.now()
            )
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 40000))
        browser = httpx.AsyncClient(transport=transport, base_url=BASE_URL)
        browsers.append(browser)
        response = await browser.post("/api/session", json={"username": name, "password": PASSWORD}, headers=ORIGIN)
        assert response.status_code == 200
        assert response.json()["scopes"] == [scope for scope in SCOPE_ORDER if scope in ROLE_SCOPES[role]]
        return browser

    yield enter
    for browser in browsers:
        await browser.aclose()


SCOPE_ORDER = ("photos:read", "photos:write", "failures", "admin")
