"""Options that the commands of faces share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

URL = "http://127.0.0.1:8000"

Url = Annotated[str, typer.Option(envvar="FOTOFILA_URL", help="The server.")]
OtherUrl = Annotated[
    str | None,
    typer.Option("--url", envvar="FOTOFILA_URL", help="Ask this server; without it, this machine does the work."),
]
Key = Annotated[str, typer.Option(envvar="FOTOFILA_KEY", help="An API key of the server.", show_default=False)]
Threshold = Annotated[float, typer.Option(min=0, max=100, help="The least similarity, 0 to 100.")]
Collection = Annotated[str, typer.Argument(metavar="COLLECTION", help="Name of a collection of the server.")]

NOBODY = 3
"""Exit code where everything worked and no face was alike enough."""
INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """A server, and the key to it."""

    url: str
    key: str


def demand_server(url: str, key: str) -> At:
    """Return the server; raises BadParameter where it cannot be asked."""
    if not key:
        raise typer.BadParameter("give an API key with --key or FOTOFILA_KEY: `fotofila keys create NAME` makes one.")
    if not url.startswith(("http://", "https://")):
        raise typer.BadParameter(f"{url!r} is no URL of a server: it begins with http:// or https://.")
    return At(url=url, key=key)
