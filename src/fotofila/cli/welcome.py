"""What a newcomer sees once the server answers: a first photo, a way in, and, on the first start, a key."""

from __future__ import annotations

from rich.text import Text
from sqlalchemy import select

from fotofila.access.keys import create_key, list_keys
from fotofila.access.sign_in import FIRST_LINK_LIFETIME, make_sign_in_link
from fotofila.access.workspaces import FIRST_USER
from fotofila.cli.database import OWNER
from fotofila.cli.faces_table import show_faces
from fotofila.cli.first_photo import open_server, reachable, send_and_wait
from fotofila.cli.output import OUT, remark
from fotofila.cli.pinned import demo_photo
from fotofila.core.capability import Context
from fotofila.core.errors import FotofilaError
from fotofila.library.models import Photo


async def welcome_visitor(context: Context, url: str) -> None:
    """Greet: send the demo photo into an empty library, print what was found, a sign-in link, and once a key."""
    empty = await is_empty(context)
    key = await first_key(context) if empty else None
    if empty:
        try:
            await show_first_photo(context, url)
        except FotofilaError as error:
            remark(f"The first photo could not be shown: {error}", style="yellow")
    base = (context.settings.public_url or reachable(url)).rstrip("/")
    async with context.db.write() as session:
        link = await make_sign_in_link(
            session, username=FIRST_USER, base_url=base, now=context.clock.now(), lifetime=FIRST_LINK_LIFETIME
        )
    lines = [f"Fotofila answers at  {base}", f"Sign in, once, with  {link}"]
    lines += [f"An API key, shown this once: {key}"] if key else []
    lines += [f"The API is described at {base}/docs. Stop with Ctrl-C."]
    for line in lines:
        OUT.print(Text(line), soft_wrap=True)


async def is_empty(context: Context) -> bool:
    """Say whether there is no photo at all."""
    async with context.db.read() as session:
        return await session.scalar(select(Photo.id).limit(1)) is None


async def first_key(context: Context) -> str | None:
    """Make the first key of an empty library; one that has a key was started before."""
    async with context.db.write() as session:
        if await list_keys(session, owner=OWNER, limit=1):
            return None
        scopes = ["photos:read", "photos:write", "failures", "admin"]
        made = await create_key(session, owner=OWNER, name="first key", scopes=scopes, now=context.clock.now())
    return made.secret


async def show_first_photo(context: Context, url: str) -> None:
    """Send the demo photo and print the faces."""
    async with open_server(context, url) as (server, _):
        found = await send_and_wait(server, demo_photo(context.settings))
    show_faces(found["filename"], found["width"], found["height"], found["faces"])
