from __future__ import annotations

import asyncio
import io
import sys
from urllib.parse import urlsplit

import pytest

from fotofila.access.sign_in import sign_in, use_link
from fotofila.bootstrap import make_context
from fotofila.core.config import load_settings
from tests.cli.conftest import Run

PASSWORD = "correct horse battery"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(PASSWORD + "\n"))


async def enter(**credentials: str) -> str:
    context = make_context(load_settings())
    try:
        signed_in = await (
            use_link(context, **credentials) if "token" in credentials else sign_in(context, **credentials)
        )
        return signed_in.user.role
    finally:
        await context.close()


@pytest.mark.usefixtures("typed")
def test_a_new_user_signs_in_with_the_password_that_was_read(cli: Run) -> None:
    assert cli("users", "create", "ana", "--role", "editor", "--password-stdin").code == 0
    assert asyncio.run(enter(username="ana", password=PASSWORD)) == "editor"


@pytest.mark.usefixtures("typed")
def test_the_first_user_gets_a_password(cli: Run) -> None:
    assert cli("users", "set-password", "admin", "--password-stdin").code == 0
    assert asyncio.run(enter(username="admin", password=PASSWORD)) == "owner"


def test_a_link_signs_in_once(cli: Run) -> None:
    link = cli("users", "link").out.strip()
    token = urlsplit(link).fragment.partition("token=")[2]
    assert asyncio.run(enter(token=token)) == "owner"


def test_a_password_is_not_asked_of_nobody(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    ran = cli("users", "create", "ana")
    assert ran.code == 1
    assert "--password-stdin" in ran.err


def test_a_user_is_listed_and_removed(cli: Run) -> None:
    assert cli("users", "create", "ana", "--no-password", "--json").json["role"] == "viewer"
    assert [user["username"] for user in cli("users", "list", "--json").json] == ["admin", "ana"]
    assert "ana" in cli("users", "list").out
    assert cli("users", "delete", "ana", "--yes").code == 0
    assert [user["username"] for user in cli("users", "list", "--json").json] == ["admin"]


def test_the_only_owner_stays(cli: Run) -> None:
    ran = cli("users", "delete", "admin", "--yes")
    assert ran.code == 1
    assert "only owner" in ran.err


def test_an_unknown_user_names_the_list(cli: Run) -> None:
    ran = cli("users", "link", "bob")
    assert ran.code == 1
    assert "`fotofila users list`" in ran.err
