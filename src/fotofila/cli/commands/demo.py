"""`fotofila demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fotofila.cli.demo import show_demo
from fotofila.cli.lazy import new_app
from fotofila.cli.output import say

app = new_app()


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder of faces.json and annotated.jpg.")] = Path("demo-output"),
) -> None:
    """Show the whole way of a photo in a temporary folder, and end.

    Server, queue and worker run as they would for you, on a free port; nothing of yours is touched.

    `fotofila demo --out demo-output`
    """
    count = show_demo(out)
    say(f"{count} faces: see {out / 'annotated.jpg'} and {out / 'faces.json'}.")
