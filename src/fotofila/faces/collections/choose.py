"""Which search this process has."""

from __future__ import annotations

from fotofila.core.capability import Context, DirectLane
from fotofila.core.config import Settings, SettingsError
from fotofila.core.db import Database
from fotofila.faces.collections.exact import ExactSearch
from fotofila.faces.collections.pgvector import PgvectorSearch
from fotofila.faces.collections.search_port import VectorSearch

PART = "faces.search"
"""Name of the search among the parts of the process."""
THREADS = 2
"""Searches at once: each reads the whole matrix, and two use up the memory's speed of a small machine."""


def make_search(settings: Settings, direct: DirectLane, db: Database) -> VectorSearch:
    """Make the search that `FOTOFILA_FACES_SEARCH` names.

    Raises:
        SettingsError: it is pgvector, and the database is not PostgreSQL.
    """
    del direct
    exact = ExactSearch(memory_bytes=settings.faces_search_memory_mb << 20, threads=THREADS)
    if settings.faces_search == "pgvector":
        if db.is_sqlite:
            raise SettingsError("FOTOFILA_FACES_SEARCH: pgvector needs PostgreSQL as FOTOFILA_DATABASE_URL.")
        return PgvectorSearch(meanwhile=exact)
    return exact


def search_of(context: Context) -> VectorSearch:
    """Return the search of this process."""
    search: VectorSearch = context.parts[PART]
    return search
