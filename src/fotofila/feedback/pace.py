"""Sleeping that a stop ends at once."""

from __future__ import annotations

import asyncio


async def sleep(stop: asyncio.Event, seconds: float) -> None:
    """Sleep for so long, or until told to stop."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
