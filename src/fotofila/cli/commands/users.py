"""`fotofila users`: people of the default workspace, on the database itself."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access import schemas
from fotofila.access.models import User
from fotofila.access.scopes import Role
from fotofila.access.sign_in import make_sign_in_link
from fotofila.access.users import change_user, create_user, delete_user, list_users, normal_username
from fotofila.cli.database import OWNER, open_context
from fotofila.cli.lazy import new_app
from fotofila.cli.options import DataDir, Json, Yes, configure_command, settings_with
from fotofila.cli.output import moment, print_json, print_table, say
from fotofila.cli.running import run_async
from fotofila.core.config import Settings
from fotofila.core.errors import InvalidInputError, NotFoundError

app = new_app()

Name = Annotated[str, typer.Argument(metavar="NAME", help="The user name.")]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
MOST = 10_000


@app.callback()
def users() -> None:
    """People: add, list, give a password or a sign-in link, remove.

    They work on the database itself, with or without a server beside them.
    """


@app.command()
def create(
    name: Name,
    role: Annotated[Role, typer.Option(help="What they may do.")] = "viewer",
    password_stdin: PasswordStdin = False,
    no_password: Annotated[bool, typer.Option("--no-password", help="Only sign-in links let them in.")] = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Add a user; the password is asked for.

    `fotofila users create ana --role editor`
    """
    password = None if no_password else read_password(from_stdin=password_stdin)
    user = run_async(add(prepare(data_dir), name, role, password))
    if json:
        print_json(schemas.User.model_validate(user).model_dump(mode="json"))
    else:
        say(f"User {user.username!r} is in, as {user.role}.")


@app.command("list")
def list_all(data_dir: DataDir = None, json: Json = False) -> None:
    """Show every user.

    `fotofila users list`
    """
    rows = run_async(load_users(prepare(data_dir)))
    if json:
        print_json([schemas.User.model_validate(row).model_dump(mode="json") for row in rows])
        return
    cells = [
        (
            row.username,
            row.role,
            "yes" if row.password_hash else "no",
            moment(row.created_at),
            moment(row.last_login_at),
        )
        for row in rows
    ]
    print_table(("Name", "Role", "Password", "Added", "Last sign-in"), cells)


@app.command("set-password")
def set_password(name: Name, password_stdin: PasswordStdin = False, data_dir: DataDir = None) -> None:
    """Give a user a new password, which ends their sessions.

    `fotofila users set-password admin`
    """
    run_async(change(prepare(data_dir), name, read_password(from_stdin=password_stdin)))
    say(f"User {name!r} has a new password and signs in anew.")


@app.command()
def link(name: Name = "admin", data_dir: DataDir = None) -> None:
    """Print a link that signs a user in, once, within 15 minutes.

    `fotofila users link admin`
    """
    say(run_async(make_link(prepare(data_dir), name)))


@app.command()
def delete(name: Name, yes: Yes = False, data_dir: DataDir = None) -> None:
    """Remove a user with their sessions; the photos stay, they belong to the workspace.

    `fotofila users delete ana`
    """
    if not yes:
        typer.confirm(f"Remove the user {name!r}?", abort=True)
    run_async(remove(prepare(data_dir), name))
    say(f"User {name!r} is removed.")


def prepare(data_dir: object) -> Settings:
    """Read the settings."""
    settings = settings_with(data_dir=data_dir)
    configure_command(settings)
    return settings


def read_password(*, from_stdin: bool) -> str:
    """Ask for a password twice, or read one line.

    Raises:
        InvalidInputError: nobody is there to be asked.
    """
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise InvalidInputError("Nobody is there to type a password: give it with --password-stdin.")
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return answer


async def add(settings: Settings, name: str, role: Role, password: str | None) -> User:
    """Add a user."""
    async with open_context(settings) as context, context.db.write() as session:
        now = context.clock.now()
        return await create_user(session, owner=OWNER, username=name, role=role, now=now, password=password)


async def load_users(settings: Settings) -> list[User]:
    """Return every user, oldest first."""
    async with open_context(settings) as context, context.db.read() as session:
        return list(await list_users(session, owner=OWNER, limit=MOST))


async def change(settings: Settings, name: str, password: str) -> None:
    """Set a password."""
    async with open_context(settings) as context, context.db.write() as session:
        user_id, now = await find(session, name), context.clock.now()
        await change_user(session, owner=OWNER, user_id=user_id, now=now, password=password)


async def make_link(settings: Settings, name: str) -> str:
    """Make a sign-in link."""
    async with open_context(settings) as context, context.db.write() as session:
        now = context.clock.now()
        return await make_sign_in_link(session, username=name, base_url=settings.base_url, now=now)


async def remove(settings: Settings, name: str) -> None:
    """Remove a user."""
    async with open_context(settings) as context, context.db.write() as session:
        await delete_user(session, owner=OWNER, user_id=await find(session, name), now=context.clock.now())


async def find(session: AsyncSession, name: str) -> str:
    """Return the id of a user.

    Raises:
        NotFoundError: there is none of this name.
    """
    query = select(User.id).where(User.owner == OWNER, User.username == normal_username(name))
    if (user_id := await session.scalar(query)) is None:
        raise NotFoundError(f"There is no user {name!r}: `fotofila users list` shows them.")
    return user_id
