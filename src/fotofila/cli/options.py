"""Options that become settings: an option wins over the environment, for this process and those it starts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from fotofila.core.config import Settings, SettingsError, load_settings
from fotofila.core.config.settings import PREFIX
from fotofila.core.observability.logs import configure_logs
from fotofila.core.observability.metrics import serve_metrics
from fotofila.core.observability.traces import configure_traces

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Folder of everything that is kept.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def settings_with(**options: object) -> Settings:
    """Read the settings, options first; raises SettingsError."""
    for name, value in options.items():
        set_option(name, value)
    return load_settings()


def set_option(name: str, value: object) -> None:
    """Put an option that was given before the environment's."""
    if value is not None:
        os.environ[PREFIX + name.upper()] = str(value)


def configure_process(settings: Settings, *, service: str) -> None:
    """Set up logs and traces of a process that goes on running."""
    configure_logs(level=settings.log_level, fmt=settings.log_format)
    configure_traces(endpoint=settings.otlp_endpoint, service=service)


def configure_command(settings: Settings) -> None:
    """Set up logs of a command that a person runs: only what is wrong is told."""
    level = "warning" if settings.log_level == "info" else settings.log_level
    configure_logs(level=level, fmt="console")


def answer_metrics(settings: Settings) -> None:
    """Answer `/metrics` of a process without an HTTP server of its own.

    Raises:
        SettingsError: the port is taken.
    """
    try:
        serve_metrics(host=settings.host, port=settings.metrics_port)
    except OSError as error:
        raise SettingsError(
            f"FOTOFILA_METRICS_PORT: cannot listen on {settings.host}:{settings.metrics_port} ({error.strerror}): "
            "give each process a port of its own."
        ) from error
