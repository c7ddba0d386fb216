"""Every setting, and where it was read from; also when the settings as a whole cannot be read."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from fotofila.cli.doctor.findings import Finding, note, ok, wrong
from fotofila.core.config import Settings, SettingsError, load_settings
from fotofila.core.config.settings import PREFIX

NOT_SETTINGS = frozenset({f"{PREFIX}CONFIG", f"{PREFIX}URL", f"{PREFIX}KEY"})
"""Variables of ours that no field of the settings stands for: the TOML file's name, and what `upload` reads."""
HIDDEN = frozenset({"secret_key"})
WITH_PASSWORDS = frozenset({"database_url", "storage_url", "queue_url", "otlp_endpoint"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A setting as it was read."""

    name: str
    value: str
    source: str


def read_settings() -> tuple[Settings | None, Finding]:
    """Read the settings, or say why they cannot be read."""
    try:
        settings = load_settings()
    except SettingsError as error:
        return None, wrong("settings", str(error).removesuffix(MENTION))
    if unknown := sorted(unknown_variables()):
        name = unknown[0]
        near = get_close_matches(name, [PREFIX + field.upper() for field in Settings.model_fields], n=1)
        return settings, note("settings", f"{name} is no setting{f': {near[0]} is meant?' if near else '.'}")
    return settings, ok("settings", f"{sum(reading.source != 'default' for reading in readings())} of them are set.")


MENTION = " `fotofila doctor` lists every setting and where it was read from."


def unknown_variables() -> Iterator[str]:
    """Give the variables with our prefix that nothing of ours reads."""
    for variable in map(str.upper, os.environ):
        name = variable.removeprefix(PREFIX).removesuffix("_FILE").lower()
        if variable.startswith(PREFIX) and variable not in NOT_SETTINGS and name not in Settings.model_fields:
            yield variable


def readings() -> list[Reading]:
    """Return every setting with its value and source, in their order, secrets hidden."""
    environment = {name.upper(): value for name, value in os.environ.items()}
    toml_path = Path(os.environ.get(f"{PREFIX}CONFIG", "fotofila.toml"))
    toml = read_toml(toml_path)
    found = []
    for name, field in Settings.model_fields.items():
        variable = PREFIX + name.upper()
        value: Any = field.get_default(call_default_factory=True)
        source = "default"
        if variable in environment:
            value, source = environment[variable], variable
        elif f"{variable}_FILE" in environment:
            value, source = "…", f"{variable}_FILE={environment[f'{variable}_FILE']}"
        elif name in toml:
            value, source = toml[name], str(toml_path)
        found.append(Reading(name=name, value=shown(name, value), source=source))
    return found


def read_toml(path: Path) -> dict[str, Any]:
    """Read the TOML file; one that is not there, or cannot be read, gives nothing."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def shown(name: str, value: Any) -> str:
    """Shape a value, without what must not be seen."""
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    if name in HIDDEN:
        return "(hidden)" if text else ""
    if name in WITH_PASSWORDS and "@" in text:
        scheme, _, rest = text.partition("://")
        return f"{scheme}://…@{rest.rpartition('@')[2]}"
    return text
