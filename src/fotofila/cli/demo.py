"""The whole way of a photo on one machine, in a temporary folder and on a free port, which go again."""

from __future__ import annotations

import io
import json
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from fotofila.cli.faces_table import show_faces
from fotofila.cli.first_photo import open_server, send_and_wait
from fotofila.cli.options import configure_process, settings_with
from fotofila.cli.output import remark
from fotofila.cli.pinned import demo_photo
from fotofila.cli.running import run_async
from fotofila.cli.serve import serve
from fotofila.core.capability import Context
from fotofila.core.config.settings import PREFIX

JPEG_QUALITY = 92
KEPT = frozenset({f"{PREFIX}MODELS_DIR", f"{PREFIX}WORKERS", f"{PREFIX}DETECTION"})
"""Settings of the visitor that the demo follows; any other could lead it to real data."""


@dataclass(slots=True, kw_only=True)
class Show:
    """What the demo shows, once it was shown."""

    out: Path
    found: dict[str, Any] | None = None

    async def on_ready(self, context: Context, url: str) -> None:
        """Send the photo, keep what was found, and stop the program."""
        try:
            async with open_server(context, url) as (server, client):
                self.found = await send_and_wait(server, demo_photo(context.settings))
                annotated = await client.get(self.found["links"]["annotated"])
            self.write(annotated)
        finally:
            signal.raise_signal(signal.SIGTERM)

    def write(self, annotated: httpx.Response) -> None:
        """Write `faces.json` and `annotated.jpg`."""
        faces = self.found["faces"] if self.found else []
        self.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"faces": faces}, indent=2, ensure_ascii=False)
        (self.out / "faces.json").write_text(text + "\n", encoding="utf-8")
        # Our own worker made this picture: nobody else's bytes are decoded here.
        with Image.open(io.BytesIO(annotated.raise_for_status().content)) as picture:
            picture.convert("RGB").save(self.out / "annotated.jpg", quality=JPEG_QUALITY)


def show_demo(out: Path) -> int:
    """Run the demo; return how many faces were found."""
    show = Show(out=out.absolute())
    with tempfile.TemporaryDirectory(prefix="fotofila-demo-") as folder, apart_from_real_data():
        settings = settings_with(data_dir=folder, port=0, log_level="warning", log_format="console")
        configure_process(settings, service="fotofila-demo")
        remark("Starting server and worker in a temporary folder")
        run_async(serve(settings, roles=None, with_workers=True, on_ready=show.on_ready))
    found = show.found
    if found is None:  # stopped by hand
        raise KeyboardInterrupt
    show_faces(found["filename"], found["width"], found["height"], found["faces"])
    return len(found["faces"])


@contextmanager
def apart_from_real_data() -> Iterator[None]:
    """Forget every setting that leads to a database, a queue, a storage, for us and the worker that we start."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in KEPT]:
        del os.environ[name]
    os.environ[f"{PREFIX}CONFIG"] = os.devnull
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
