"""`fotofila keys`: API keys of the default workspace, on the database itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access import schemas
from fotofila.access.aws_keys import NewAwsKey, create_aws_key, list_aws_keys, revoke_aws_key
from fotofila.access.keys import NewKey, create_key, list_keys, revoke_key, rotate_key
from fotofila.access.models import ApiKey, AwsKey
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
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people call it; `key` without one.")] = "key",
    scope: Annotated[
        list[str] | None, typer.Option(help=f"How far it reaches, may be given several times: {', '.join(SCOPES)}.")
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Days after which it ends by itself.")] = None,
    aws: Annotated[
        bool, typer.Option("--aws", help="An access key in the form of AWS, for programs that speak Rekognition.")
    ] = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Make a key; it is shown this once.

    Photos in and out: `fotofila keys create laptop`

    Everything: `fotofila keys create admin --scope admin --scope photos:read --scope photos:write --scope failures`

    For boto3, the AWS command line and the like: `fotofila keys create --aws --json`
    """
    scopes = [part.strip() for given in scope or ["photos:read,photos:write"] for part in given.split(",")]
    if aws:
        show_new_aws(run_async(make_aws(prepare(data_dir), name, scopes, days)), json=json)
        return
    show_new(run_async(make(prepare(data_dir), name, scopes, days)), json=json)


@app.command("list")
def list_all(data_dir: DataDir = None, json: Json = False) -> None:
    """Show every key, without what proves it.

    `fotofila keys list --json`
    """
    rows = run_async(load_keys(prepare(data_dir)))
    if json:
        print_json([schema_of(row).model_validate(row).model_dump(mode="json") for row in rows])
    elif not rows:
        say("There is no API key: make one with `fotofila keys create NAME`.")
    else:
        cells = [
            (shown(row), row.name, " ".join(row.scopes), *map(moment, (row.last_used_at, row.expires_at)))
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


def show_new_aws(made: NewAwsKey, *, json: bool) -> None:
    """Print an access key that was just made, as JSON or as lines for a shell."""
    if json:
        print_json({"access_key_id": made.row.access_key_id, "secret_access_key": made.secret})
        return
    say(f"AWS_ACCESS_KEY_ID={made.row.access_key_id}")
    say(f"AWS_SECRET_ACCESS_KEY={made.secret}")
    remark(f"Access key {made.row.name!r} with {', '.join(made.row.scopes)}. Keep it: it is not shown again.")


def shown(row: ApiKey | AwsKey) -> str:
    """Return what tells a key from others."""
    return row.access_key_id if isinstance(row, AwsKey) else f"ff_{row.prefix}…"


def schema_of(row: ApiKey | AwsKey) -> type[schemas.Key | schemas.AwsKey]:
    """Return the form of a key for programs."""
    return schemas.AwsKey if isinstance(row, AwsKey) else schemas.Key


async def make(settings: Settings, name: str, scopes: list[str], days: int | None) -> NewKey:
    """Make a key."""
    async with open_context(settings) as context, context.db.write() as session:
        now = context.clock.now()
        end = now + timedelta(days=days) if days is not None else None
        return await create_key(session, owner=OWNER, name=name, scopes=scopes, now=now, expires_at=end)


async def make_aws(settings: Settings, name: str, scopes: list[str], days: int | None) -> NewAwsKey:
    """Make an access key in the form of AWS."""
    async with open_context(settings) as context, context.db.write() as session:
        now = context.clock.now()
        end = now + timedelta(days=days) if days is not None else None
        return await create_aws_key(
            session, keys=context.secret_keys, owner=OWNER, name=name, scopes=scopes, now=now, expires_at=end
        )


async def load_keys(settings: Settings) -> list[ApiKey | AwsKey]:
    """Return every key, newest first."""
    async with open_context(settings) as context, context.db.read() as session:
        plain = await list_keys(session, owner=OWNER, limit=MOST)
        aws = await list_aws_keys(session, owner=OWNER, limit=MOST)
        return sorted((*plain, *aws), key=lambda row: row.id, reverse=True)


async def renew(settings: Settings, given: str, overlap: timedelta) -> NewKey:
    """Rotate a key."""
    async with open_context(settings) as context, context.db.write() as session:
        key = await find(session, given)
        return await rotate_key(session, owner=OWNER, key_id=key.id, overlap=overlap, now=context.clock.now())


async def end(settings: Settings, given: str) -> str:
    """Revoke a key; return its name."""
    async with open_context(settings) as context, context.db.write() as session:
        for row in await list_aws_keys(session, owner=OWNER, limit=MOST):
            if given in {row.id, row.access_key_id}:
                await revoke_aws_key(session, owner=OWNER, key_id=row.id, now=context.clock.now())
                return row.name
        key = await find(session, given)
        await revoke_key(session, owner=OWNER, key_id=key.id, now=context.clock.now())
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
