from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def free_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOTOFILA_PORT", "0")


def verdicts(report: Any) -> dict[str, str]:
    return {check["check"]: check["verdict"] for check in report["checks"]}


def test_all_is_well_before_the_first_start_and_nothing_is_made(cli: Run, data_dir: Path) -> None:
    ran = cli("doctor", "--json")
    assert ran.code == 0
    assert ran.json["ok"]
    assert not data_dir.exists()


def test_all_is_well_after_it(cli: Run) -> None:
    cli("keys", "create", "laptop")
    ran = cli("doctor", "--json")
    assert ran.code == 0
    assert {"database", "queue", "storage", "secret key"} <= set(verdicts(ran.json))


def test_settings_are_listed_with_their_source_and_secrets_hidden(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml = tmp_path / "fotofila.toml"
    toml.write_text('rate_limit = "7/minute"\n')
    monkeypatch.setenv("FOTOFILA_CONFIG", str(toml))
    monkeypatch.setenv("FOTOFILA_SECRET_KEY", "s" * 40)
    settings = cli("doctor", "--json").json["settings"]
    assert settings["rate_limit"] == {"value": "7/minute", "source": str(toml)}
    assert settings["data_dir"]["source"] == "FOTOFILA_DATA_DIR"
    assert settings["log_level"]["source"] == "default"
    assert settings["secret_key"] == {"value": "(hidden)", "source": "FOTOFILA_SECRET_KEY"}
    shown = cli("doctor").out
    assert "7/minute" in shown
    assert "ssss" not in shown


def test_a_password_in_an_address_is_hidden(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOTOFILA_OTLP_ENDPOINT", "https://me:hunter2@traces.example.org")
    assert "hunter2" not in cli("doctor").out


def test_a_wrong_setting_is_found_and_the_rest_still_listed(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOTOFILA_PORT", "70000")
    ran = cli("doctor", "--json")
    assert ran.code == 1
    assert verdicts(ran.json)["settings"] == "wrong"
    assert ran.json["settings"]["port"]["value"] == "70000"


def test_a_misspelt_setting_is_guessed(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOTOFILA_WORKRES", "4")
    ran = cli("doctor")
    assert ran.code == 0
    assert "FOTOFILA_WORKERS is meant?" in ran.out


def test_a_port_that_another_program_has_is_wrong(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0)
        monkeypatch.setenv("FOTOFILA_PORT", str(other.getsockname()[1]))
        ran = cli("doctor", "--json")
    assert ran.code == 1
    assert verdicts(ran.json)["port"] == "wrong"


def test_a_data_folder_that_is_a_file_is_wrong(cli: Run, data_dir: Path) -> None:
    data_dir.write_text("no folder")
    ran = cli("doctor", "--json")
    assert ran.code == 1
    assert verdicts(ran.json)["data folder"] == "wrong"


def test_a_secret_key_that_others_can_read_is_wrong(cli: Run, data_dir: Path) -> None:
    cli("keys", "create", "laptop")
    (data_dir / "secret.key").chmod(0o644)
    ran = cli("doctor")
    assert ran.code == 1
    assert f"chmod 600 {data_dir / 'secret.key'}" in ran.out


def test_missing_models_name_the_command_that_fetches_them(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOTOFILA_CAPABILITIES", "library,access,faces")
    monkeypatch.setenv("FOTOFILA_INGEST_KIND", "faces.analyze")
    monkeypatch.setenv("FOTOFILA_MODELS_DIR", str(tmp_path / "models"))
    ran = cli("doctor")
    assert ran.code == 1
    assert "`fotofila models fetch`" in ran.out


def test_a_kind_that_no_capability_brings_is_wrong(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOTOFILA_INGEST_KIND", "faces.paint")
    ran = cli("doctor", "--json")
    assert verdicts(ran.json)["capabilities"] == "wrong"
