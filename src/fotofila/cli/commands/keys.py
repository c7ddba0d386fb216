"""`fotofila keys`: API keys of the default workspace, on the database itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.keys import NewKey, create_key, list_keys, revoke_key, rotate_key
from fotofila.access.models import ApiKey
from fotofila.access.schemas import Key
from fotofila.access.scopes import SCOPES
from fotofila.cli.database import OWNER, open_context
from fotofila.cli.lazy import new_app
from fotofila.cli.options import DataDir, Json, configure_command, settings_with
from fotofila.cli.output import moment, print_json, print_table, remark, say
from fotofila.cli.running import run_async
from fotofila.core.config import Settings
from fotofila.core.errors import NotFoundError

app = new_app()

KeyId = Annotated[str, typer.Argument(metavar="KEY", help="Its id, or the beginning that `keys list` shows.")]
PREFIX_CHARACTERS = 8
MOST = 10_000


@app.callback()
def keys() -> None:
    """API keys: make, list, rotate, revoke.

    They work on the database itself, with or without a server beside them.
    """


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people call it.")],
    scope: Annotated[
        list[str] | None, typer.Option(help=f"How far it reaches, may be given several times: {', '.join(SCOPES)}.")
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Days after which it ends by itself.")] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Make a key; it is shown this once.

    Photos in and out: `fotofila keys create laptop`

    Everything: `fotofila keys create admin --scope admin --scope photos:read --scope photos:write --scope failures`
    """
    scopes = [part.strip() for given in scope or ["photos:read,photos:write"] for part in given.split(",")]
    show_new(run_async(make(prepare(data_dir), name, scopes, days)), json=json)


@app.command("list")
def list_all(data_dir: DataDir = None, json: Json = False) -> None:
    """Show every key, without what proves it.

    `fotofila keys list --json`
    """
    rows = run_async(load_keys(prepare(data_dir)))
    if json:
        print_json([Key.model_validate(row).model_dump(mode="json") for row in rows])
    elif not rows:
        say("There is no API key: make one with `fotofila keys create NAME`.")
    else:
        cells = [
            (f"ff_{row.prefix}…", row.name, " ".join(row.scopes), *map(moment, (row.last_used_at, row.expires_at)))
            for row in rows
        ]
        print_table(("Key", "Name", "Scopes", "Last used", "Ends"), cells)


@app.command()
def rotate(
    key: KeyId,
    overlap: Annotated[int, typer.Option(min=0, max=2_592_000, help="Seconds for which the old key works on.")] = 0,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Make a new key of the same name and scopes in place of an old one.

    With a day to change over: `fotofila keys rotate ff_k3v9q2pw --overlap 86400`
    """
    show_new(run_async(renew(prepare(data_dir), key, timedelta(seconds=overlap))), json=json)


@app.command()
def revoke(key: KeyId, data_dir: DataDir = None) -> None:
    """End a key; servers notice within five seconds.

    `fotofila keys revoke ff_k3v9q2pw`
    """
    say(f"The key {run_async(end(prepare(data_dir), key))!r} is revoked.")


def prepare(data_dir: Any) -> Settings:
    """Read the settings."""
    settings = settings_with(data_dir=data_dir)
    configure_command(settings)
    return settings


def show_new(made: NewKey, *, json: bool) -> None:
    """Print a key that was just made."""
    if json:
        print_json({"id": made.row.id, "key": made.secret, "scopes": made.row.scopes})
        return
    say(made.secret)
    remark(f"Key {made.row.name!r} with {', '.join(made.row.scopes)}. Keep it: it is not shown again.")


async def make(settings: Settings, name: str, scopes: list[str], days: int | None) -> NewKey:
    """Make a key."""
    async with open_context(settings) as context, context.db.write() as session:
        now = context.clock.now()
        end = now + timedelta(days=days) if days is not None else None
        return await create_key(session, owner=OWNER, name=name, scopes=scopes, now=now, expires_at=end)


async def load_keys(settings: Settings) -> list[ApiKey]:
    """Return every key, newest first."""
    async with open_context(settings) as context, context.db.read() as session:
        return list(await list_keys(session, owner=OWNER, limit=MOST))


async def renew(settings: Settings, given: str, overlap: timedelta) -> NewKey:
    """Rotate a key."""
    async with open_context(settings) as context, context.db.write() as session:
        key = await find(session, given)
        return await rotate_key(session, owner=OWNER, key_id=key.id, overlap=overlap, now=context.clock.now())


async def end(settings: Settings, given: str) -> str:
    """Revoke a key; return its name."""
    async with open_context(settings) as context, context.db.write() as session:
        key = await find(session, given)
        await revoke_key(session, owner=OWNER, key_id=key.id)
        return key.name


async def find(session: AsyncSession, given: str) -> ApiKey:
    """Return a key by its id or its beginning.

    Raises:
        NotFoundError: there is none.
    """
    prefix = given.removeprefix("ff_").rstrip("…")[:PREFIX_CHARACTERS]
    for key in await list_keys(session, owner=OWNER, limit=MOST):
        if given == key.id or prefix == key.prefix:
            return key
    raise NotFoundError(f"There is no API key {given!r}: `fotofila keys list` shows them.")
