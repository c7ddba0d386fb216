"""The role `notify`: collects events and sends notifications, for as long as the program runs."""

from __future__ import annotations

import asyncio

from fotofila.core.capability import Context
from fotofila.core.errors import FotofilaError
from fotofila.core.observability.logs import get_logger
from fotofila.feedback.pace import sleep
from fotofila.notify.collect import collect
from fotofila.notify.dispatch import Dispatcher

log = get_logger(__name__)

IDLE_SECONDS = 0.5
TROUBLE_SECONDS = 1.0
GATHER_SECONDS = 0.1
"""After a commit we wait so long before we look: a photo is several commits, and one look serves them all."""

QUIET_SECONDS = 1.0
"""So long where nobody wants to be told of anything, whatever happens."""
SOMEBODY = """
SELECT 1 FROM (
    SELECT 1 AS one FROM notification_rules WHERE enabled
    UNION ALL SELECT 1 FROM notification_deliveries WHERE state = 'pending'
) AS somebody LIMIT 1
"""


async def run(context: Context, stop: asyncio.Event) -> None:
    """Notify until told to stop; what is being sent then is ended first."""
    async with Dispatcher(context) as dispatcher, asyncio.TaskGroup() as sends:
        while not stop.is_set():
            try:
                await turn(context, dispatcher, sends, stop)
            except FotofilaError as error:
                log.warning("notify.unavailable", sentence=error.message)
                await sleep(stop, TROUBLE_SECONDS)


async def turn(context: Context, dispatcher: Dispatcher, sends: asyncio.TaskGroup, stop: asyncio.Event) -> None:
    """Collect, begin to send, and wait when there is nothing more."""
    mark = context.db.changes.mark()
    if not await context.db.has_row(SOMEBODY):
        await sleep(stop, QUIET_SECONDS)
        await context.db.changes.wait(IDLE_SECONDS, since=mark)
        return
    more = await collect(context)
    claims = await dispatcher.claim()
    for claim in claims:
        sends.create_task(dispatcher.deliver(claim))
    if more or claims:
        return
    if dispatcher.saturated:
        await dispatcher.wait_for_place(IDLE_SECONDS)
    else:
        await context.db.changes.wait(IDLE_SECONDS, since=mark)
        await sleep(stop, GATHER_SECONDS)
