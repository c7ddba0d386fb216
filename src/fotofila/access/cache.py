"""Principals that were looked up in the last seconds, so that not every request costs a query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.capability import Principal

KEPT_FOR = timedelta(seconds=5)
"""How long another process may go on believing in a key that was revoked here."""
MOST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A principal, and until when it is believed."""

    principal: Principal
    until: datetime


class PrincipalCache:
    """By the hash of key or token.

    Every change to keys, users, sessions and workspaces empties it as it is committed. A look-up that began before
    that must not fill it again, so `put` takes the generation that its look-up began in.
    """

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self.generation = 0

    def get(self, token_hash: str, now: datetime) -> Principal | None:
        """Return a principal that is still believed."""
        entry = self._entries.get(token_hash)
        return entry.principal if entry is not None and now < entry.until else None

    def put(self, token_hash: str, principal: Principal, *, generation: int, until: datetime) -> None:
        """Keep a principal, unless something changed since its look-up began."""
        if generation != self.generation:
            return
        if len(self._entries) >= MOST:
            self._entries.clear()
        self._entries[token_hash] = Entry(principal=principal, until=until)

    def clear(self) -> None:
        """Believe nothing any more."""
        self.generation += 1
        self._entries.clear()


PRINCIPALS = PrincipalCache()
"""One for the process: what it is asked by has 256 random bits and means the same everywhere."""


def forget_on_commit(session: AsyncSession) -> None:
    """Empty the cache when this transaction is committed."""

    def clear(_session: object) -> None:
        PRINCIPALS.clear()

    event.listen(session.sync_session, "after_commit", clear, once=True)
