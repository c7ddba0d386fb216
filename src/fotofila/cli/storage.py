"""Looking at the storage before anything is started on it."""

from __future__ import annotations

import asyncio

from fotofila.core.config import SettingsError
from fotofila.core.errors import UnavailableError
from fotofila.core.observability.logs import get_logger
from fotofila.core.storage import Storage, StorageRefusedError

log = get_logger(__name__)

DEADLINE_SECONDS = 10.0


async def demand_storage(storage: Storage) -> None:
    """Stop the start where a setting is wrong; a storage that is away for now is waited for by whoever needs it.

    Raises:
        SettingsError: no such bucket, or credentials that it refuses.
    """
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await storage.check()
    except StorageRefusedError as error:
        raise SettingsError(error.message) from error
    except (UnavailableError, TimeoutError) as error:
        log.warning("storage.unavailable", error=str(error) or f"No answer within {DEADLINE_SECONDS:g} seconds.")
