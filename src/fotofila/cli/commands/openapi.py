"""`fotofila openapi`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from fotofila.api.app import create_app
from fotofila.bootstrap import make_context
from fotofila.cli.lazy import new_app
from fotofila.cli.options import configure_command
from fotofila.cli.output import write_out
from fotofila.cli.running import run_async
from fotofila.core.config import load_settings

app = new_app()


@app.command()
def openapi() -> None:
    """Print the OpenAPI document of the HTTP API.

    The same every time, its keys in order: `fotofila openapi > openapi.json`
    """
    document = run_async(make_document())
    write_out(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


async def make_document() -> dict[str, Any]:
    """Build the app on an empty folder, which goes again, and ask it."""
    with tempfile.TemporaryDirectory(prefix="fotofila-openapi-") as folder:
        settings = load_settings(data_dir=Path(folder), database_url="", queue_url="", storage_url="")
        configure_command(settings)
        context = make_context(settings)
        try:
            return create_app(context).openapi()
        finally:
            await context.close()
