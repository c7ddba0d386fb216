"""The role `notify`: collects events and sends notifications, for as long as the program runs."""

from __future__ import annotations

import asyncio

from fotofila.core.capability import Context
from fotofila.feedback.pace import sleep
from fotofila.notify.collect import collect
from fotofila.notify.dispatch import Dispatcher

IDLE_SECONDS = 0.5
GATHER_SECONDS = 0.1
"""After a commit we wait so long before we look: a photo is several commits, and one look serves them all."""


async def run(context: Context, stop: asyncio.Event) -> None:
    """Notify until told to stop; what is being sent then is ended first."""
    async with Dispatcher(context) as dispatcher, asyncio.TaskGroup() as sends:
        while not stop.is_set():
            mark = context.db.changes.mark()
            more = await collect(context)
            claims = await dispatcher.claim()
            for claim in claims:
                sends.create_task(dispatcher.deliver(claim))
            if more or claims:
                continue
            if dispatcher.saturated:
                await dispatcher.wait_for_place(IDLE_SECONDS)
            else:
                await context.db.changes.wait(IDLE_SECONDS, since=mark)
                await sleep(stop, GATHER_SECONDS)
