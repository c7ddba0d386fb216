from __future__ import annotations

from pathlib import Path

import orjson

from tests.cli.conftest import Run


def test_migrate_brings_a_new_database_up_and_then_has_nothing_to_do(cli: Run) -> None:
    first = cli("migrate", "--json").json
    assert first["from"] is None
    assert first["to"]
    assert cli("migrate", "--json").json == {"from": first["to"], "to": first["to"]}
    assert "nothing to do" in cli("migrate").out


def test_a_database_that_cannot_be_opened_is_a_sentence(cli: Run, data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "fotofila.db").write_bytes(b"this is no database" * 100)
    ran = cli("keys", "list")
    assert ran.code == 1
    assert "`fotofila doctor`" in ran.err
    assert "Traceback" not in ran.err


def test_openapi_is_the_same_every_time_and_makes_nothing(cli: Run, data_dir: Path) -> None:
    first, second = cli("openapi"), cli("openapi")
    assert first.out == second.out
    document = orjson.loads(first.out)
    assert list(document["paths"]) == sorted(document["paths"])
    assert "/api/photos" in document["paths"]
    assert not data_dir.exists()
