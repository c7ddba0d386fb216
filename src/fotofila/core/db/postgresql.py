"""PostgreSQL by asyncpg.

The URL is libpq's, read by asyncpg itself: `sslmode`, `sslrootcert`, several hosts and `target_session_attrs` mean what
they mean to `psql`. What is slow ends by itself: a statement after the statement timeout, on the server; a server that
says nothing at all a little later, on our side. A transaction whose process sleeps is ended by the server, so that its
locks are free for others.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import orjson
from sqlalchemy import ExceptionContext, event, exc
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from fotofila.core.db.gaps import dump_json
from fotofila.core.db.outages import DatabaseUnavailableError, code_of, first_line, translate

CONNECT_SECONDS = 10.0
POOL_SECONDS = 15.0
"""How long a request waits for one of the connections of its process."""
IDLE_SECONDS = 30
"""How long a transaction may do nothing before the server ends it."""
SPARE_SECONDS = 2.0
"""So much later than the server we give a statement up."""
PING_AFTER_SECONDS = 20.0
"""A connection that rested for so long is asked whether it lives before it is used."""
STATEMENTS = 200
"""That a connection keeps prepared."""
FOREIGN = {"channel_binding", "gssencmode", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"}
"""What libpq reads in a URL and asyncpg would send to the server as a setting of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresOptions:
    """How PostgreSQL is used; SQLite has nothing of it."""

    pool_size: int = 10
    statement_seconds: float = 30.0
    pooler: bool = False
    """Whether a pooler stands between that hands each transaction to another server process (PgBouncer)."""


def shown(url: str) -> str:
    """Return the URL without its password."""
    parts = urlsplit(url)
    user, at, where = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{at}{where}", query=""))


def clean_dsn(url: str) -> str:
    """Return the URL as asyncpg reads it."""
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in FOREIGN]
    return urlunsplit(parts._replace(scheme="postgresql", query=urlencode(query)))


async def connect(url: str, options: PostgresOptions) -> Any:
    """Open one connection.

    Raises:
        DatabaseUnavailableError: it cannot be had; `reason` is a sentence that names the mend.
    """
    import asyncpg  # noqa: PLC0415 - the embedded database needs no driver of another

    limits = {} if options.pooler else server_settings(options)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await asyncpg.connect(
                clean_dsn(url),
                command_timeout=options.statement_seconds + SPARE_SECONDS,
                # None, and nothing that anybody prepares has a name: it would be read and planned at every call.
                statement_cache_size=0 if options.pooler else STATEMENTS,
                server_settings=limits,
            )
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
        raise DatabaseUnavailableError(why(error, url)) from error


def server_settings(options: PostgresOptions) -> dict[str, str]:
    """Return the limits that the server keeps for us; a pooler would refuse them, there the role's own count.

    Statements stay prepared, their plans do not: one made while a table was nearly empty would be kept for its million
    rows, and one for any value passes by the indices over some.
    """
    return {
        "application_name": "fotofila",
        "statement_timeout": f"{options.statement_seconds * 1000:.0f}",
        "idle_in_transaction_session_timeout": f"{IDLE_SECONDS * 1000}",
        "jit": "off",
        "plan_cache_mode": "force_custom_plan",
    }


WHY = {
    "28P01": "PostgreSQL at {where} refuses the password of the user {user!r}: look at {setting}.",
    "28": "PostgreSQL at {where} does not let {user!r} in ({cause}): look at pg_hba.conf and {setting}.",
    "3D": "PostgreSQL at {where} has no database {name!r}: make it with `createdb {name}`, or mend {setting}.",
    "53300": "PostgreSQL at {where} has no connection left: raise its max_connections or lower {pool}.",
    "57P03": "PostgreSQL at {where} is starting up or shutting down: try again shortly.",
    "refused": "Nothing answers at {where} (connection refused): is PostgreSQL running, and is {setting} right?",
    "silent": "PostgreSQL at {where} gave no answer within {seconds:g} seconds: look at {setting} and at firewalls.",
    "": "PostgreSQL at {where} cannot be reached ({cause}): look at {setting}.",
}
"""Sentences by the beginning of PostgreSQL's code, or by what happened before it could tell one."""


def why(error: BaseException, url: str) -> str:
    """Say in one sentence why there is no connection, and what mends it."""
    parts = urlsplit(url)
    kinds = {ConnectionRefusedError: "refused", TimeoutError: "silent"}
    kind = code_of(error) or next((name for each, name in kinds.items() if isinstance(error, each)), "")
    sentence = next(text for beginning, text in WHY.items() if kind.startswith(beginning))
    return sentence.format(
        where=parts.netloc.rpartition("@")[2] or "the local socket",
        user=parts.username or "",
        name=parts.path.lstrip("/") or parts.username or "",
        cause=first_line(error),
        seconds=CONNECT_SECONDS,
        setting="FOTOFILA_DATABASE_URL",
        pool="FOTOFILA_DATABASE_POOL_SIZE",
    )


def postgresql_engine(url: str, options: PostgresOptions) -> AsyncEngine:
    """Open a pool of connections; the first is made when it is needed."""

    async def open_one(**_parts: Any) -> Any:
        return await connect(url, options)

    engine = create_async_engine(
        "postgresql+asyncpg://",
        connect_args={
            "async_creator_fn": open_one,
            "prepared_statement_cache_size": 0 if options.pooler else STATEMENTS,
        },
        pool_size=options.pool_size,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        pool_use_lifo=True,
        isolation_level="READ COMMITTED",
        json_serializer=dump_json,
        json_deserializer=orjson.loads,
    )
    event.listen(engine.sync_engine, "handle_error", tell_trouble)
    event.listen(engine.sync_engine, "checkin", note_rest)
    event.listen(engine.sync_engine, "checkout", wake)
    return engine


def tell_trouble(context: ExceptionContext) -> BaseException | None:
    """Put our error in place of the driver's; a connection that gave no answer is thrown away."""
    error = context.sqlalchemy_exception or context.original_exception
    ours = translate(error)
    if isinstance(ours, DatabaseUnavailableError):
        lost_track = isinstance(error, exc.InternalError) and not code_of(error)
        if lost_track or isinstance(context.original_exception, TimeoutError | OSError):
            context.is_disconnect = True
            context.invalidate_pool_on_disconnect = False
        return ours
    return None


def note_rest(_connection: Any, record: Any) -> None:
    """Note since when a connection rests."""
    record.info["rests_since"] = time.monotonic()


def wake(connection: Any, record: Any, _proxy: Any) -> None:
    """Have the pool make another connection where this one was closed, or rested for long and gives no answer."""
    if connection.driver_connection.is_closed():
        raise exc.DisconnectionError
    if time.monotonic() - record.info.get("rests_since", time.monotonic()) < PING_AFTER_SECONDS:
        return
    try:
        connection.ping()
    except (connection.dbapi.Error, OSError, TimeoutError) as error:
        raise exc.DisconnectionError from error
