from __future__ import annotations

import os
from pathlib import Path

import pytest

from fotofila.core.config import Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run in an empty folder and without any setting of the machine."""
    for name in [name for name in os.environ if name.startswith("FOTOFILA_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_nothing_set_is_one_machine(tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.data_dir == tmp_path / "data"
    assert (settings.host, settings.port, settings.base_url) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")
    assert (settings.database_url, settings.storage_url, settings.queue_url) == ("", "", "")
    assert settings.models_dir == Path.home() / ".cache" / "fotofila"
    assert (settings.max_deliveries, settings.lease_seconds) == (3, 30)


def test_environment_wins_over_the_file_and_an_option_over_both(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "fotofila.toml").write_text("port = 1\nmax_files = 2\nmax_attempts = 3\n")
    monkeypatch.setenv("FOTOFILA_MAX_FILES", "20")
    monkeypatch.setenv("FOTOFILA_MAX_ATTEMPTS", "30")
    settings = load_settings(max_attempts=300)
    assert (settings.port, settings.max_files, settings.max_attempts) == (1, 20, 300)


def test_other_file_is_read_where_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('capabilities = ["library"]\n')
    monkeypatch.setenv("FOTOFILA_CONFIG", str(tmp_path / "other.toml"))
    assert load_settings().capabilities == ["library"]


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOTOFILA_CAPABILITIES", " library, access ,,noop")
    monkeypatch.setenv("FOTOFILA_TRUSTED_PROXIES", "")
    settings = load_settings()
    assert (settings.capabilities, settings.trusted_proxies) == (["library", "access", "noop"], [])


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_reads_from_a_file_of_its_own(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As container platforms hand out secrets; the newline at the end is none of the value."""
    unset = getattr(load_settings(), name)
    default = Settings.model_fields[name].default
    shown = default.get_secret_value() if hasattr(default, "get_secret_value") else default
    text = ",".join(shown) if isinstance(shown, list) else str(shown)
    (tmp_path / "value").write_text(f"{text}\n")
    monkeypatch.setenv(f"FOTOFILA_{name.upper()}_FILE", str(tmp_path / "value"))
    assert getattr(load_settings(), name) == unset


def test_secret_is_read_from_its_file_and_never_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s" * 40 + "\n")
    monkeypatch.setenv("FOTOFILA_SECRET_KEY_FILE", str(tmp_path / "secret"))
    settings = load_settings()
    assert settings.secret_key.get_secret_value() == "s" * 40
    assert "sss" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("LEASE_SECONDS", "0"),
        ("MAX_DELIVERIES", "0"),
        ("CHILD_MEMORY_MB", "1"),
        ("DETECTION", "careful"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_bad_value_stops_with_one_sentence_that_names_the_setting(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"FOTOFILA_{name}", value)
    with pytest.raises(SettingsError, match=f"FOTOFILA_{name}") as caught:
        load_settings()
    assert "\n" not in str(caught.value)


def test_unknown_name_in_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "fotofila.toml").write_text("prot = 1\n")
    with pytest.raises(SettingsError, match="FOTOFILA_PROT"):
        load_settings()


@pytest.mark.parametrize("content", ["port = ", "\xff", "[port"])
def test_file_that_cannot_be_read_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "fotofila.toml").write_text(content, encoding="latin-1")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings()


def test_file_of_a_secret_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOTOFILA_SECRET_KEY_FILE", str(tmp_path / "none"))
    with pytest.raises(SettingsError, match="none"):
        load_settings()


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
    assert [name for name, field in Settings.model_fields.items() if not str(field.description).endswith(".")] == []


def test_settings_are_settled_once() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().port = 1  # type: ignore[misc]


def test_public_url_is_how_people_reach_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOTOFILA_PUBLIC_URL", "https://photos.example/")
    assert load_settings().base_url == "https://photos.example"
