"""`FOTOFILA_NAME_FILE`: a setting read from a file, as container platforms hand out secrets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource


class SecretFileSource(PydanticBaseSettingsSource):
    """Reads each setting from the file that `<PREFIX><NAME>_FILE` names, without the newline at its end."""

    def __init__(self, settings_cls: type[BaseSettings], prefix: str) -> None:
        super().__init__(settings_cls)
        self._prefix = prefix

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the file's text, or None where no file is named."""
        del field
        path = os.environ.get(f"{self._prefix}{field_name.upper()}_FILE")
        return (Path(path).read_text(encoding="utf-8").rstrip("\r\n") if path else None, field_name, False)

    def __call__(self) -> dict[str, Any]:
        """Return every setting that a file gives."""
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}
