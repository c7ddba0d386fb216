"""The database port: SQLAlchemy 2, one transaction per request or batch of messages."""

from fotofila.core.db.base import Base, Serial, UtcDateTime, insert_ignore
from fotofila.core.db.engine import Database
from fotofila.core.db.outages import DatabaseUnavailableError
from fotofila.core.db.postgresql import PostgresOptions

__all__ = [
    "Base",
    "Database",
    "DatabaseUnavailableError",
    "PostgresOptions",
    "Serial",
    "UtcDateTime",
    "insert_ignore",
]
