from __future__ import annotations

import asyncio
from pathlib import Path

from fotofila.bootstrap import make_context
from fotofila.core.capability import Principal
from fotofila.core.config import load_settings
from fotofila.core.errors import UnauthenticatedError
from tests.cli.conftest import Run


async def ask(key: str) -> Principal | None:
    context = make_context(load_settings())
    try:
        return await context.authenticate(context, {"authorization": f"Bearer {key}"}, {})
    except UnauthenticatedError:
        return None
    finally:
        await context.close()


def test_json_of_a_new_key_is_id_key_and_scopes(cli: Run) -> None:
    made = cli("keys", "create", "laptop", "--json")
    assert made.code == 0
    assert set(made.json) == {"id", "key", "scopes"}
    assert made.json["scopes"] == ["photos:read", "photos:write"]


def test_a_new_key_alone_is_on_standard_output(cli: Run) -> None:
    made = cli("keys", "create", "laptop")
    assert made.out.startswith("ff_")
    assert len(made.out.split()) == 1
    assert "not shown again" in made.err


def test_scopes_are_given_one_by_one_or_with_commas(cli: Run) -> None:
    made = cli("keys", "create", "ops", "--scope", "admin", "--scope", "failures,photos:read", "--json")
    assert made.json["scopes"] == ["photos:read", "failures", "admin"]


def test_an_unknown_scope_is_refused(cli: Run) -> None:
    refused = cli("keys", "create", "x", "--scope", "everything")
    assert refused.code == 1
    assert "photos:read" in refused.err


def test_the_list_shows_no_secret(cli: Run) -> None:
    secret = cli("keys", "create", "laptop", "--json").json["key"]
    listed = cli("keys", "list")
    assert "laptop" in listed.out
    assert secret[3:11] in listed.out
    assert secret[12:] not in listed.out
    assert cli("keys", "list", "--json").json[0]["name"] == "laptop"


def test_a_key_works_until_it_is_revoked_by_its_beginning(cli: Run) -> None:
    secret = cli("keys", "create", "laptop", "--json").json["key"]
    assert asyncio.run(ask(secret)) is not None
    assert cli("keys", "revoke", secret[:11]).code == 0
    assert asyncio.run(ask(secret)) is None


def test_rotation_keeps_name_and_scopes(cli: Run) -> None:
    first = cli("keys", "create", "laptop", "--scope", "photos:read", "--json").json
    second = cli("keys", "rotate", first["id"], "--overlap", "60", "--json").json
    assert second["id"] != first["id"]
    assert second["scopes"] == ["photos:read"]
    assert [key["name"] for key in cli("keys", "list", "--json").json] == ["laptop", "laptop"]


def test_an_unknown_key_names_the_list(cli: Run) -> None:
    ran = cli("keys", "revoke", "ff_nothere0")
    assert ran.code == 1
    assert "`fotofila keys list`" in ran.err


def test_the_first_key_makes_the_database(cli: Run, data_dir: Path) -> None:
    cli("keys", "create", "laptop")
    assert (data_dir / "fotofila.db").is_file()
    assert (data_dir / "secret.key").stat().st_mode & 0o077 == 0


def test_an_aws_key_is_printed_for_programs_and_for_shells(cli: Run) -> None:
    made = cli("keys", "create", "--aws", "--json")
    assert set(made.json) == {"access_key_id", "secret_access_key"}
    shell = cli("keys", "create", "boto", "--aws")
    assert [line.partition("=")[0] for line in shell.out.split()] == ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    assert "not shown again" in shell.err


def test_aws_keys_are_listed_and_revoked_with_the_others(cli: Run) -> None:
    made = cli("keys", "create", "boto", "--aws", "--json").json
    cli("keys", "create", "laptop")
    listed = cli("keys", "list")
    assert made["access_key_id"] in listed.out
    assert made["secret_access_key"] not in listed.out
    assert {each["name"] for each in cli("keys", "list", "--json").json} == {"boto", "laptop"}
    assert cli("keys", "revoke", made["access_key_id"]).code == 0
    assert made["access_key_id"] not in cli("keys", "list").out
