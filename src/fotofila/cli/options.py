"""Options that become settings: an option wins over the environment, for this process and those it starts."""

from __future__ import annotations

import os

from fotofila.core.config import Settings, load_settings
from fotofila.core.config.settings import PREFIX
from fotofila.core.observability.logs import configure_logs
from fotofila.core.observability.traces import configure_traces


def settings_with(**options: object) -> Settings:
    """Read the settings, options first; raises SettingsError."""
    for name, value in options.items():
        if value is not None:
            os.environ[PREFIX + name.upper()] = str(value)
    return load_settings()


def configure_process(settings: Settings, *, service: str) -> None:
    """Set up logs and traces of a process that goes on running."""
    configure_logs(level=settings.log_level, fmt=settings.log_format)
    configure_traces(endpoint=settings.otlp_endpoint, service=service)
