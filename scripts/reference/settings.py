"""The page of settings, from `core/config/settings.py`: its comments are the headings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from fotofila.core.config.settings import PREFIX, Settings
from scripts.reference.tables import NOTHING, code, table

INTRO = """\
Every command reads the same settings: from the environment, from `FOTOFILA_<NAME>_FILE` (the file's text is the value,
for secrets), then from the TOML file that `FOTOFILA_CONFIG` names (default `fotofila.toml` in the current folder),
where the names are in lower case and without the prefix:

```toml
port = 8080
public_url = "https://photos.example.org"
allowed_hosts = ["photos.example.org"]
```

An option of a command goes before all of them. Lists are comma separated in the environment. A wrong value stops the
start with one sentence that names the setting.
"""
_HEADING = re.compile(r"    # (.+)")
_FIELD = re.compile(r"    ([a-z_]+): ")


def page() -> str:
    """Return the page."""
    parts = ["# Settings", INTRO.rstrip()]
    for heading, names in groups():
        rows = [row(name, Settings.model_fields[name]) for name in names]
        parts += [f"## {heading}", table(("Setting", "Default", "Takes", "What it is for"), rows)]
    return "\n\n".join(parts)


def groups() -> Iterator[tuple[str, list[str]]]:
    """Give the names of the settings under the comment that they stand below."""
    heading, names = "Settings", list[str]()
    for line in inspect.getsource(Settings).splitlines():
        if found := _HEADING.fullmatch(line):
            if names:
                yield heading, names
            heading, names = found[1], []
        elif (found := _FIELD.match(line)) and found[1] in Settings.model_fields:
            names.append(found[1])
    yield heading, names


def row(name: str, field: FieldInfo) -> tuple[str, str, str, str]:
    """Return the cells of one setting."""
    return code(PREFIX + name.upper()), code(default_of(field)), takes(field), field.description or ""


def default_of(field: FieldInfo) -> str:
    """Write a default as it would be written in the environment."""
    value = field.default
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(value)
    return f"{value:g}" if isinstance(value, float) and value < 1e6 else str(value)  # noqa: PLR2004 - beyond, 1e+06


def takes(field: FieldInfo) -> str:
    """Say which values are taken."""
    kind: Any = field.annotation
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    names = {bool: "`true`, `false`", int: "whole number", float: "number", SecretStr: "secret"}
    word = "list" if get_origin(kind) is list else names.get(kind, "text")
    word = "path" if getattr(kind, "__name__", "") == "Path" else word
    return ", ".join([word, *bounds(field)]) or NOTHING


def bounds(field: FieldInfo) -> Iterator[str]:
    """Give the limits of a number."""
    for limit in field.metadata:
        match limit:
            case Ge(ge=value):
                yield f"at least {value}"
            case Gt(gt=value):
                yield f"more than {value}"
            case Le(le=value):
                yield f"at most {value}"
