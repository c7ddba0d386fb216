"""The database, for commands that work on it directly, with or without a server beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from sqlalchemy.exc import SQLAlchemyError

from fotofila.access.workspaces import DEFAULT_WORKSPACE, ensure_default_workspace
from fotofila.bootstrap import make_context
from fotofila.core.capability import Context
from fotofila.core.config import Settings
from fotofila.core.db import Database, DatabaseUnavailableError
from fotofila.core.db.migrate import prepare_database
from fotofila.core.errors import UnavailableError

OWNER = DEFAULT_WORKSPACE
"""The workspace that the commands work on."""


@asynccontextmanager
async def open_context(settings: Settings) -> AsyncIterator[Context]:
    """Build what a server is made of, with its database ready and the default workspace in it.

    Raises:
        UnavailableError: the database does not answer.
    """
    context = make_context(settings)
    try:
        with told_database(context.db):
            await prepare_database(context.db)
            async with context.db.write() as session:
                await ensure_default_workspace(session, now=context.clock.now(), detection=settings.detection)
            yield context
    finally:
        await context.close()


@contextmanager
def told_database(database: Database) -> Iterator[None]:
    """Turn what the driver raises into a sentence.

    Raises:
        UnavailableError: the database does not answer.
    """
    try:
        yield
    except DatabaseUnavailableError as error:
        raise UnavailableError(error.reason) from error
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        message = f"The database {database.shown} does not answer ({cause}): `fotofila doctor` looks for the reason."
        raise UnavailableError(message) from error
