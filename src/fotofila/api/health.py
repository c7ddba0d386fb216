"""Is it alive, is it ready, what does it count."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import choose_encoder
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from fotofila.api.deps import ContextDep
from fotofila.core.capability import Context
from fotofila.core.db.migrate import check_schema
from fotofila.core.errors import FotofilaError
from fotofila.core.observability.metrics import REGISTRY

router = APIRouter(tags=["health"])

DEADLINE_SECONDS = 3.0


class Alive(BaseModel):
    """The process answers."""

    status: str


class Check(BaseModel):
    """One thing that the process needs, and the mend where it is not there."""

    name: str
    ok: bool
    sentence: str


class Readiness(BaseModel):
    """Whether requests can be served now."""

    ready: bool
    checks: list[Check]


@router.get("/healthz", status_code=200)
async def get_health() -> Alive:
    """Say that the process is alive."""
    return Alive(status="alive")


@router.get("/readyz", status_code=200, responses={503: {"model": Readiness, "description": "Not ready"}})
async def get_readiness(context: ContextDep, response: Response) -> Readiness:
    """Look at everything that is needed to serve; 503 while something is missing."""
    checks = await check_readiness(context)
    ready = all(check.ok for check in checks)
    response.status_code = 200 if ready else 503
    return Readiness(ready=ready, checks=checks)


@router.get("/metrics", status_code=200, response_class=Response, include_in_schema=False)
async def get_metrics(request: Request) -> Response:
    """Give every metric in the format of Prometheus or OpenMetrics."""
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(REGISTRY), headers={"Content-Type": media_type})


async def check_readiness(context: Context) -> list[Check]:
    """Look at the database, its schema, the queue and the storage, all at once, each with a deadline."""
    looks = {
        "database": look_at_database,
        "migrations": look_at_schema,
        "queue": look_at_queue,
        "storage": look_at_storage,
    }
    return list(await asyncio.gather(*(check(name, look, context) for name, look in looks.items())))


async def check(name: str, look: Callable[[Context], Awaitable[str]], context: Context) -> Check:
    """Turn a look into a check; what went wrong is told without addresses or passwords."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return Check(name=name, ok=True, sentence=await look(context))
    except TimeoutError:
        return Check(name=name, ok=False, sentence=f"No answer within {DEADLINE_SECONDS:g} seconds.")
    except FotofilaError as error:
        return Check(name=name, ok=False, sentence=error.message)
    except (SQLAlchemyError, OSError) as error:
        return Check(name=name, ok=False, sentence=f"Does not answer ({type(error).__name__}): see `fotofila doctor`.")


async def look_at_database(context: Context) -> str:
    """Ask the database for one row."""
    async with context.db.read() as session:
        await session.execute(text("SELECT 1"))
    return "Answers."


async def look_at_schema(context: Context) -> str:
    """Compare the schema's revision with the program's; raises SchemaError where it is too old."""
    return f"At revision {await check_schema(context.db)}."


async def look_at_queue(context: Context) -> str:
    """Count the lane of work."""
    depth = await context.queue.depth("process")
    return f"{depth.ready} messages ready, {depth.leased} being worked on."


async def look_at_storage(context: Context) -> str:
    """Ask whether it can be used."""
    await context.storage.check()
    return "Answers."
