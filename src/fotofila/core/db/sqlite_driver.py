"""SQLite for SQLAlchemy's asyncio: a thread for each connection, one hop for each statement, none inside that thread.

The driver that SQLAlchemy brings (aiosqlite) hops four times a statement: to open a cursor, execute, fetch and close.
That was most of what an upload cost. Here a statement and its rows are one hop, and work that runs on the connection's
own thread (see `Database.transact`) needs none.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import URL
from sqlalchemy.connectors.asyncio import AsyncAdapt_dbapi_module
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import AdaptedConnection
from sqlalchemy.pool import AsyncAdaptedQueuePool, Pool
from sqlalchemy.util.concurrency import await_, in_greenlet

from fotofila.core.lanes import Lane
from fotofila.core.sqlite import BEGIN_WRITING, begin_writing

T = TypeVar("T")

NAMES = (
    *("DatabaseError", "Error", "IntegrityError", "InterfaceError", "NotSupportedError", "OperationalError"),
    *("ProgrammingError", "sqlite_version", "sqlite_version_info", "PARSE_COLNAMES", "PARSE_DECLTYPES", "Binary"),
)
"""What SQLAlchemy looks for in a DBAPI module, as `sqlite3` has it."""

DRIVER = "sqlite+threaded"
BEGIN_READING = "BEGIN"


def drive(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never has to wait, on this thread, without an event loop.

    Raises:
        RuntimeError: it awaited something else than a session of this thread.
    """
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    message = "work in `Database.transact` awaited something else than its session: do that before, or after"
    raise RuntimeError(message)


class Cursor:
    """A PEP 249 cursor whose rows are fetched with the statement."""

    server_side = False

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: deque[Any] = deque()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    def execute(self, operation: str, parameters: Sequence[Any] = ()) -> Cursor:
        """Run a statement and fetch its rows; a transaction that reads begins with the first of them, in one hop."""
        if operation == BEGIN_READING:
            self._connection.begins = True
        elif operation == BEGIN_WRITING:
            self._connection.begin_writing()
        else:
            self._connection.run(lambda connection: self._take(connection.execute(operation, parameters)))
        return self

    def executemany(self, operation: str, seq_of_parameters: Sequence[Any]) -> Cursor:
        """Run a statement once for each set of parameters."""
        self._connection.run(lambda connection: self._take(connection.executemany(operation, seq_of_parameters)))
        return self

    def _take(self, cursor: sqlite3.Cursor) -> None:
        self.description, self.lastrowid = cursor.description, cursor.lastrowid
        if cursor.description is not None:
            self._rows = deque(cursor.fetchall())
        self.rowcount = cursor.rowcount
        cursor.close()

    def __iter__(self) -> Iterator[Any]:
        while self._rows:
            yield self._rows.popleft()

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return the next rows."""
        return [self._rows.popleft() for _ in range(min(size or self.arraysize, len(self._rows)))]

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        rows = list(self._rows)
        self._rows.clear()
        return rows

    async def _async_soft_close(self) -> None:
        """Nothing is open: asked by SQLAlchemy before it hands a result to synchronous code."""

    def setinputsizes(self, *_: Any) -> None:
        """Nothing to set."""

    def close(self) -> None:
        """Forget the rows."""
        self._rows.clear()


class Connection(AdaptedConnection):
    """A connection on a lane."""

    def __init__(self, lane: Lane, connection: sqlite3.Connection, *, owns_lane: bool) -> None:
        self._lane = lane
        self._connection: Any = connection
        self._owns_lane = owns_lane
        self._running = 0
        self.begins = False
        """A transaction is to begin with the next statement."""
        self.joins = False
        """Transactions are savepoints of one that another has begun, on the lane's own thread."""
        self._saved = False

    @property
    def driver(self) -> sqlite3.Connection:
        """The connection itself."""
        connection: sqlite3.Connection = self._connection
        return connection

    def begin_writing(self) -> None:
        """Begin a transaction that may write, or a part of the one that is under way."""
        if self.joins:
            self._connection.execute("SAVEPOINT part")
            self._saved = True
        else:
            self.run(begin_writing)

    def _leave(self, *, keep: bool) -> None:
        """End a part."""
        if self._saved:
            self._saved = False
            if not keep:
                self._connection.execute("ROLLBACK TO part")
            self._connection.execute("RELEASE part")

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something with the connection on its thread, within a transaction where one was asked for."""
        self._running += 1
        if self._lane.is_here():
            return self._do(work)
        return await_(self._lane.run(lambda: self._do(work)))

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self.begins:
                self.begins = False
                self._connection.execute(BEGIN_READING)
            return work(self._connection)
        finally:
            self._running -= 1

    @property
    def isolation_level(self) -> str | None:
        """As `sqlite3` has it."""
        level: str | None = self._connection.isolation_level
        return level

    @isolation_level.setter
    def isolation_level(self, value: str | None) -> None:
        self.run(lambda connection: setattr(connection, "isolation_level", value))

    def cursor(self, *, server_side: bool = False) -> Cursor:
        """Return a cursor; rows always come whole."""
        del server_side
        return Cursor(self)

    def execute(self, operation: str, parameters: Sequence[Any] = ()) -> Cursor:
        """Run a statement on a cursor of its own, as `sqlite3` lets one do."""
        return self.cursor().execute(operation, parameters)

    def create_function(self, *arguments: Any, **options: Any) -> None:
        """Give SQL a function."""
        self.run(lambda connection: connection.create_function(*arguments, **options))

    def commit(self) -> None:
        """Commit what was begun."""
        if self.joins:
            self._leave(keep=True)
            return
        if not self.begins:
            self.run(sqlite3.Connection.commit)
        self.begins = False

    def rollback(self) -> None:
        """Take back what was begun: at once, for that neither waits for a lock nor writes, unless we are busy."""
        if self.joins:
            self._leave(keep=False)
            return
        self.begins = False
        if self._running:
            self.run(sqlite3.Connection.rollback)
        elif self._connection.in_transaction:
            self._connection.rollback()

    def close(self) -> None:
        """Close, and end the thread where it is ours alone."""
        if in_greenlet() or self._lane.is_here():
            self.run(sqlite3.Connection.close)
            if self._owns_lane:
                self._lane.end()
        else:
            self.terminate()

    def terminate(self) -> None:
        """Close without waiting for it."""
        self._lane._work.put(self._connection.close)  # noqa: SLF001 - nobody waits, so there is no future
        if self._owns_lane:
            self._lane.end()


class Driver(AsyncAdapt_dbapi_module):
    """What SQLAlchemy takes for the DBAPI module."""

    paramstyle = "qmark"

    def __init__(self) -> None:
        super().__init__(sqlite3)
        for name in NAMES:
            setattr(self, name, getattr(sqlite3, name))

    def connect(self, *arguments: Any, lane: Lane | None = None, **options: Any) -> Connection:
        """Open a connection on a thread of its own, or on one that is given."""
        on = lane or Lane("sqlite")
        options["check_same_thread"] = False

        def work() -> sqlite3.Connection:
            connection: sqlite3.Connection = sqlite3.connect(*arguments, **options)
            return connection

        opened = work() if on.is_here() else await_(on.run(work))
        return Connection(on, opened, owns_lane=lane is None)


class Dialect(SQLiteDialect_pysqlite):
    """`sqlite+threaded`."""

    driver = "threaded"
    supports_statement_cache = True
    is_async = True
    has_terminate = True

    @classmethod
    def import_dbapi(cls) -> Any:
        """Return the driver."""
        return Driver()

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:
        """Keep several connections: each is on a thread of its own."""
        del url
        return AsyncAdaptedQueuePool

    def get_driver_connection(self, connection: Any) -> Any:
        """Return what is below the adapter."""
        return connection._connection  # noqa: SLF001 - ours

    def do_terminate(self, dbapi_connection: Any) -> None:
        """Close without waiting."""
        dbapi_connection.terminate()


registry.register("sqlite.threaded", __name__, "Dialect")
