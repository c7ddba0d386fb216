"""One short query of a hot path, where a session would cost many times what the query does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

QUICKLY = "quickly"

Ask = Callable[[str, Mapping[str, Any]], Awaitable[list[Any] | None]]


async def quick_rows(session: AsyncSession, query: str, **parameters: Any) -> list[Any]:
    """Return rows by the driver alone where a session only reads and has read nothing yet; else by the session.

    Args:
        session: of a transaction, or of `Database.read`.
        query: text that both databases read, `:name` for parameters; answered by an index, with few rows.
        parameters: texts, numbers and times.

    Returns:
        Rows by position; their values are the driver's, so that SQLite's truths are numbers.
    """
    ask: Ask | None = session.info.get(QUICKLY)
    if ask is not None and not session.in_transaction() and (found := await ask(query, parameters)) is not None:
        return found
    return list(await session.execute(text(query), parameters))
