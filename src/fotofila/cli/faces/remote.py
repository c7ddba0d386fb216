"""Collections, asked of a server."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from fotofila.cli.faces.options import At
from fotofila.cli.pictures import Picture
from fotofila.cli.upload.server import RefusedError, Server, connect, settled

LONGEST_ID = 255
PAGE = 200
RAW = {"Content-Type": "application/octet-stream"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is wanted of each photo that is indexed."""

    collection: str
    external_id: Callable[[Picture], str | None]
    quality: str
    most: int
    """Faces of one photo."""
    consent: Mapping[str, str] = field(default_factory=dict)
    """What is noted for each face, as the server takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexing:
    """What became of a photo: what the server says of its faces, or why it was refused."""

    picture: Picture
    answer: Mapping[str, Any] | None = None
    code: str = ""
    sentence: str = ""


@asynccontextmanager
async def open_server(at: At) -> AsyncIterator[Server]:
    """Give a server to ask."""
    async with connect(at.url, at.key) as client:
        yield Server(client)


def path_of(*parts: str) -> str:
    """Return the path of a collection, or of something in it."""
    return "/".join(("/api/collections", *(quote(part, safe="") for part in parts)))


async def index_all(
    server: Server, pictures: Sequence[Picture], wish: Wish, told: Callable[[Indexing], None], *, jobs: int
) -> None:
    """Send photos, `jobs` at once; raises as `Server.send` does for what stops everything."""
    left = iter(pictures)

    async def some(left: Iterator[Picture]) -> None:
        for picture in left:
            told(await index_one(server, picture, wish))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(min(jobs, len(pictures))):
            tasks.create_task(some(left))


async def index_one(server: Server, picture: Picture, wish: Wish) -> Indexing:
    """Send one photo; that it is refused is part of the answer."""
    params: dict[str, str] = {"quality_filter": wish.quality, "max_faces": str(wish.most)}
    if external_id := wish.external_id(picture):
        params["external_image_id"] = external_id
    try:
        answer = await send_image(server, path_of(wish.collection, "faces"), picture, params, wish.consent)
    except OSError as error:
        sentence = f"The file cannot be read ({error.strerror}): look at its permissions."
        return Indexing(picture=picture, code="unreadable", sentence=sentence)
    except RefusedError as error:
        return Indexing(picture=picture, code=error.reason, sentence=error.message)
    return Indexing(picture=picture, answer=answer)


async def send_image(
    server: Server,
    path: str,
    picture: Picture,
    params: Mapping[str, str],
    fields: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Send a photo, in a form where there are fields, and return the answer; raises as `settled` does, and OSError."""
    content = await asyncio.to_thread(picture.path.read_bytes)
    if fields:
        files = {"image": (picture.path.name, content)}
        return settled(await server.ask("POST", path, params=dict(params), data=dict(fields), files=files))
    return settled(await server.ask("POST", path, params=dict(params), content=content, headers=RAW))


async def compare_there(at: At, source: Picture, target: Picture, *, threshold: float) -> dict[str, Any]:
    """Have a server compare two photos; raises as `settled` does, and OSError."""
    files = {
        name: (picture.path.name, await asyncio.to_thread(picture.path.read_bytes))
        for name, picture in (("source", source), ("target", target))
    }
    async with open_server(at) as server:
        return settled(
            await server.ask("POST", "/api/faces/compare", params={"threshold": str(threshold)}, files=files)
        )


async def search_there(at: At, collection: str, picture: Picture, *, threshold: float, limit: int) -> dict[str, Any]:
    """Have a server search a collection with every face of a photo; raises as `settled` does, and OSError."""
    params = {"threshold": str(threshold), "limit": str(limit)}
    async with open_server(at) as server:
        return await send_image(server, path_of(collection, "search"), picture, params)


async def list_there(at: At, *parts: str, limit: int, **params: str) -> list[dict[str, Any]]:
    """Return the items of a list, page after page, up to `limit`; raises as `Server.get` does."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    async with open_server(at) as server:
        while len(items) < limit:
            page = await server.get(path_of(*parts), limit=str(min(PAGE, limit - len(items))), **params, **cursor)
            items += page["items"]
            if not page["next_cursor"]:
                break
            cursor = {"cursor": page["next_cursor"]}
    return items


def external_id_of(path: Path) -> str | None:
    """Name the faces of a file: "Maria Silva (2).jpg" becomes "Maria-Silva-2"; None where nothing is left."""
    plain = "".join(sign for sign in unicodedata.normalize("NFD", path.stem) if not unicodedata.combining(sign))
    return re.sub(r"[^a-zA-Z0-9_.:-]+", "-", plain).strip("-")[:LONGEST_ID] or None
