"""The database port: SQLAlchemy 2, one transaction per request or batch of messages."""

from fotofila.core.db.base import Base, UtcDateTime, insert_ignore
from fotofila.core.db.engine import Database

__all__ = ["Base", "Database", "UtcDateTime", "insert_ignore"]
