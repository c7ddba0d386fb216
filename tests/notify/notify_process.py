"""The role `notify` as a process of its own, for tests that kill it: database URL and folder are its arguments."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from notify_parts import FakeClock, make_context

from fotofila.core.clock import SystemClock
from fotofila.core.db import Database
from fotofila.notify.loop import run


async def main(url: str, folder: str) -> None:
    settings = {"data_dir": Path(folder), "webhooks_allow_private": True, "retry_scale": 0.01}
    clock: FakeClock = SystemClock()  # type: ignore[assignment]
    await run(make_context(Database(url), clock, **settings), asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
