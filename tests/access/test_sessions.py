from __future__ import annotations

from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from fotofila.access.models import SignInLink, UserSession
from fotofila.access.sign_in import FIRST_LINK_LIFETIME, LINK_LIFETIME, make_sign_in_link, sweep
from fotofila.access.users import create_user
from fotofila.access.workspaces import DEFAULT_WORKSPACE
from fotofila.api.app import create_app
from fotofila.core.capability import Context
from fotofila.testing.clock import FakeClock
from tests.access.conftest import ORIGIN, PASSWORD, SignIn
from tests.api.conftest import open_context

DAY = 24 * 3600


async def link_for(context: Context, *, lifetime: timedelta = LINK_LIFETIME) -> str:
    async with context.db.write() as session:
        link = await make_sign_in_link(
            session,
            username="admin",
            base_url="http://127.0.0.1:8000",
            now=context.clock.now(),
            lifetime=lifetime,
        )
    assert link.startswith("http://127.0.0.1:8000/#/signin?token=")
    return link.partition("token=")[2]


async def test_a_password_signs_in(sign_in: SignIn) -> None:
    browser = await sign_in("editor", username="ana")
    session = (await browser.get("/api/session")).json()

    assert session["user"]["username"] == "ana"
    assert session["user"]["role"] == "editor"
    assert session["workspace"] == {"id": DEFAULT_WORKSPACE, "name": "default"}
    assert session["scopes"] == ["photos:read", "photos:write", "failures"]


async def test_the_name_is_taken_as_it_is_meant(sign_in: SignIn) -> None:
    browser = await sign_in("viewer", username="Ana.Souza@example.org")
    body = {"username": "ANA.SOUZA@EXAMPLE.ORG", "password": PASSWORD}
    assert (await browser.post("/api/session", json=body, headers=ORIGIN)).status_code == 200


async def test_a_wrong_password_and_an_unknown_name_are_told_alike(sign_in: SignIn, client: httpx.AsyncClient) -> None:
    await sign_in("viewer", username="ana")
    wrong = await client.post("/api/session", json={"username": "ana", "password": "wrong"})
    unknown = await client.post("/api/session", json={"username": "bia", "password": "wrong"})
    impossible = await client.post("/api/session", json={"username": "b i\u0000a", "password": ""})

    assert wrong.status_code == unknown.status_code == impossible.status_code == 401
    assert wrong.json() == unknown.json() == impossible.json()
    assert wrong.json()["code"] == "wrong_credentials"
    assert "set-cookie" not in wrong.headers


async def test_a_user_without_a_password_cannot_sign_in_by_one(client: httpx.AsyncClient) -> None:
    for password in ("", "admin", PASSWORD):
        response = await client.post("/api/session", json={"username": "admin", "password": password})
        assert response.status_code == 401


async def test_a_visitor_has_no_session(client: httpx.AsyncClient, auth: dict[str, str]) -> None:
    visitor = await client.get("/api/session")
    program = await client.get("/api/session", headers=auth)

    assert (visitor.status_code, visitor.json()["code"]) == (401, "unauthenticated")
    assert program.status_code == 401


async def test_the_cookie_is_for_this_site_only(context: Context, client: httpx.AsyncClient) -> None:
    response = await client.post("/api/session/link", json={"token": await link_for(context)})
    cookie = SimpleCookie(response.headers["set-cookie"])["fotofila_session"]

    assert cookie["httponly"]
    assert cookie["samesite"] == "strict"
    assert cookie["path"] == "/"
    assert not cookie["secure"]
    assert cookie.value not in str(response.json())


async def test_over_https_the_cookie_is_secure(tmp_path: Path) -> None:
    settings = {"trusted_proxies": ["127.0.0.1"], "public_url": "https://foto.example.org"}
    async with open_context(tmp_path, FakeClock(), **settings) as context:
        transport = httpx.ASGITransport(create_app(context))
        async with httpx.AsyncClient(transport=transport, base_url="http://foto.example.org") as client:
            response = await client.post(
                "/api/session/link",
                json={"token": await link_for(context)},
                headers={"X-Forwarded-Proto": "https", "Origin": "https://foto.example.org"},
            )
    assert SimpleCookie(response.headers["set-cookie"])["fotofila_session"]["secure"]


async def test_a_link_lets_in_once(context: Context, client: httpx.AsyncClient) -> None:
    token = await link_for(context)
    first = await client.post("/api/session/link", json={"token": token}, headers=ORIGIN)
    second = await client.post("/api/session/link", json={"token": token}, headers=ORIGIN)

    assert (first.status_code, first.json()["user"]["role"]) == (200, "owner")
    assert (second.status_code, second.json()["code"]) == (401, "link_used")
    assert (await client.get("/api/session")).status_code == 200


@pytest.mark.parametrize(("lifetime", "seconds"), [(LINK_LIFETIME, 15 * 60), (FIRST_LINK_LIFETIME, DAY)])
async def test_a_link_expires(
    context: Context, client: httpx.AsyncClient, clock: FakeClock, lifetime: timedelta, seconds: int
) -> None:
    early, late = await link_for(context, lifetime=lifetime), await link_for(context, lifetime=lifetime)
    clock.advance(seconds - 1)
    assert (await client.post("/api/session/link", json={"token": early})).status_code == 200
    clock.advance(1)
    response = await client.post("/api/session/link", json={"token": late}, headers=ORIGIN)
    assert response.status_code == 401


async def test_a_session_slides_for_thirty_days_and_ends_after_ninety(sign_in: SignIn, clock: FakeClock) -> None:
    browser = await sign_in("viewer")
    for _ in range(3):
        clock.advance(29 * DAY)
        assert (await browser.get("/api/session")).status_code == 200
    clock.advance(3 * DAY)
    response = await browser.get("/api/session")
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")


async def test_a_session_that_is_not_used_ends_after_thirty_days(sign_in: SignIn, clock: FakeClock) -> None:
    browser = await sign_in("viewer")
    clock.advance(30 * DAY)
    assert (await browser.get("/api/session")).status_code == 401


async def test_signing_out_ends_the_session_on_the_server(sign_in: SignIn, client: httpx.AsyncClient) -> None:
    browser = await sign_in("viewer")
    token = browser.cookies["fotofila_session"]
    response = await browser.delete("/api/session", headers=ORIGIN)

    assert response.status_code == 204
    assert "fotofila_session" not in browser.cookies
    stolen = await client.get("/api/session", headers={"Cookie": f"fotofila_session={token}"})
    assert stolen.status_code == 401


async def test_signing_out_twice_does_no_harm(client: httpx.AsyncClient) -> None:
    assert (await client.delete("/api/session")).status_code == 204


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:8000", 201),
        (None, 403),
        ("null", 403),
        ("https://127.0.0.1:8000", 403),
        ("http://127.0.0.1:8001", 403),
        ("http://evil.example", 403),
        ("http://127.0.0.1:8000.evil.example", 403),
    ],
)
async def test_a_cookie_moves_something_only_from_our_own_pages(
    sign_in: SignIn, origin: str | None, status: int
) -> None:
    browser = await sign_in("owner")
    headers = {"Origin": origin} if origin is not None else {}
    response = await browser.post("/api/keys", json={"name": "k", "scopes": ["failures"]}, headers=headers)

    assert response.status_code == status
    if status == 403:
        assert response.json()["code"] == "foreign_origin"


async def test_reading_needs_no_origin(sign_in: SignIn) -> None:
    browser = await sign_in("owner")
    assert (await browser.get("/api/keys")).status_code == 200


async def test_a_foreign_page_cannot_sign_a_visitor_in(client: httpx.AsyncClient) -> None:
    body = {"username": "eve", "password": PASSWORD}
    response = await client.post("/api/session", json=body, headers={"Origin": "http://evil.example"})
    assert (response.status_code, response.json()["code"]) == (403, "foreign_origin")


async def test_a_key_needs_no_origin_and_goes_before_the_cookie(
    sign_in: SignIn, auth: dict[str, str], client: httpx.AsyncClient
) -> None:
    browser = await sign_in("viewer")
    body = {"name": "k", "scopes": ["failures"]}
    assert (await browser.post("/api/keys", json=body, headers=auth)).status_code == 201
    assert (await browser.post("/api/keys", json=body, headers={"Authorization": "Bearer x"})).status_code == 401


async def test_the_sweep_removes_sessions_and_links_that_ended(
    context: Context, sign_in: SignIn, clock: FakeClock
) -> None:
    await sign_in("viewer")
    await link_for(context)
    clock.advance(31 * DAY)
    await sign_in("viewer")

    assert await sweep(context) == 2
    async with context.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(UserSession)) == 1
        assert await session.scalar(select(func.count()).select_from(SignInLink)) == 0


async def test_tokens_are_kept_as_hashes(context: Context, sign_in: SignIn) -> None:
    browser = await sign_in("viewer")
    async with context.db.read() as session:
        row = await session.scalar(select(UserSession))
    assert row is not None
    assert browser.cookies["fotofila_session"] not in str(vars(row))


async def test_the_same_name_is_one_user_in_every_workspace(context: Context, sign_in: SignIn) -> None:
    await sign_in("viewer", username="ana")
    with pytest.raises(Exception, match="Somebody has this user name"):
        async with context.db.write() as session:
            await create_user(session, owner=DEFAULT_WORKSPACE, username="ANA", role="viewer", now=context.clock.now())
