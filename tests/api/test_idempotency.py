from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from sqlalchemy import func, select, text

from fotofila.api.deps import ContextDep, LargeBody, PrincipalDep
from fotofila.api.idempotency import (
    IdempotencyConflictError,
    IdempotencyKey,
    IdempotencyMismatchError,
    drain,
    idempotency,
    sweep,
)
from fotofila.api.models import IdempotentRequest
from fotofila.core.capability import Context, Principal
from fotofila.core.errors import InvalidInputError, StorageFullError
from fotofila.testing.clock import FakeClock

ANA = Principal(owner="w1", scopes=frozenset(), key_id="ana")
RUI = Principal(owner="w1", scopes=frozenset(), key_id="rui")
DAY = 24 * 3600


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def send(
    context: Context, *content: bytes, by: Principal = ANA, key: str | None = "k1", answer: bytes = b"first"
) -> bytes:
    """Do what a route does; the answer says whether it was given before."""
    async with idempotency(context, by, key, "upload_photos") as run:
        body = run.watch(chunks(*content))
        await drain(body)
        if run.known:
            response = run.replay(run.fingerprint)
            assert response.headers["idempotency-replayed"] == "true"
            assert (response.status_code, response.media_type) == (202, "application/json")
            return b"again: " + bytes(response.body)
        async with context.db.write() as session:
            await run.finish(fingerprint=run.fingerprint, status=202, body=answer, session=session)
    return answer


async def test_the_first_answer_is_given_again(context: Context) -> None:
    assert await send(context, b"photo") == b"first"
    assert await send(context, b"photo", answer=b"second") == b"again: first"


async def test_how_the_body_was_cut_into_chunks_does_not_matter(context: Context) -> None:
    await send(context, b"pho", b"to")
    assert await send(context, b"photo") == b"again: first"


async def test_other_content_under_the_key_is_refused(context: Context) -> None:
    await send(context, b"photo")
    with pytest.raises(IdempotencyMismatchError):
        await send(context, b"other")
    assert await send(context, b"photo") == b"again: first"


async def test_each_owner_has_keys_of_its_own(context: Context) -> None:
    await send(context, b"photo")
    assert await send(context, b"other", by=RUI, answer=b"of rui") == b"of rui"


async def test_without_a_key_nothing_is_kept(context: Context) -> None:
    assert await send(context, b"photo", key=None) == b"first"
    assert await send(context, b"photo", key=None, answer=b"second") == b"second"


async def test_parts_of_a_form_cannot_pose_as_each_other(context: Context) -> None:
    prints = set()
    for number, parts in enumerate(((b"ab", b"c"), (b"a", b"bc"), (b"abc", b""))):
        async with idempotency(context, ANA, f"k{number}", "upload_photos") as run:
            for name, part in zip(("1.jpg", "2.jpg"), parts, strict=True):
                await drain(run.watch(chunks(part), label=name))
            prints.add(run.fingerprint)
    assert len(prints) == 3


async def test_while_the_first_request_runs_the_second_is_told_to_wait(context: Context) -> None:
    async with idempotency(context, ANA, "k1", "upload_photos"):
        with pytest.raises(IdempotencyConflictError) as refused:
            await send(context, b"photo")
    assert refused.value.headers == {"Retry-After": "5"}
    assert refused.value.status == 409


async def test_of_many_at_once_one_runs(context: Context) -> None:
    results = await asyncio.gather(*(send(context, b"photo") for _ in range(8)), return_exceptions=True)

    assert results.count(b"first") == 1
    assert all(isinstance(one, IdempotencyConflictError) or one in {b"first", b"again: first"} for one in results)


async def test_a_request_that_failed_may_be_tried_again(context: Context) -> None:
    with pytest.raises(StorageFullError):
        async with idempotency(context, ANA, "k1", "upload_photos"):
            raise StorageFullError("The disk is full.")
    assert await send(context, b"photo") == b"first"


async def test_an_answer_whose_transaction_failed_was_never_given(context: Context) -> None:
    async def fail_late() -> None:
        async with idempotency(context, ANA, "k1", "upload_photos") as run, context.db.write() as session:
            await run.finish(fingerprint="f", status=202, body=b"lost", session=session)
            raise StorageFullError("The disk is full.")

    with pytest.raises(StorageFullError):
        await fail_late()
    assert await send(context, b"photo") == b"first"


async def test_a_cancelled_request_gives_its_key_back(context: Context) -> None:
    entered = asyncio.Event()

    async def hang() -> None:
        async with idempotency(context, ANA, "k1", "upload_photos"):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await entered.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert await send(context, b"photo") == b"first"


async def test_what_a_dead_process_left_is_taken_over(context: Context, clock: FakeClock) -> None:
    dead = idempotency(context, ANA, "k1", "upload_photos")
    run = await dead.__aenter__()
    clock.advance(181)

    assert await send(context, b"photo") == b"first"
    with pytest.raises(IdempotencyConflictError):  # it was not dead after all, and must not answer a second time
        await run.finish(fingerprint="f", status=202, body=b"late")
    assert await send(context, b"photo") == b"again: first"


async def test_a_slow_upload_that_shows_life_is_not_taken_over(context: Context, clock: FakeClock) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(10):
            clock.advance(60)
            yield b"chunk"

    async with idempotency(context, ANA, "k1", "upload_photos") as run:
        await drain(run.watch(slowly()))
        with pytest.raises(IdempotencyConflictError):
            await send(context, b"photo")
        await run.finish(fingerprint=run.fingerprint, status=202, body=b"slow")


async def test_after_a_day_the_key_is_free(context: Context, clock: FakeClock) -> None:
    await send(context, b"photo")
    clock.advance(DAY - 1)
    assert await send(context, b"photo") == b"again: first"
    clock.advance(1)
    assert await send(context, b"other", answer=b"second") == b"second"


async def test_the_sweep_removes_what_has_expired(context: Context, clock: FakeClock) -> None:
    await send(context, b"photo", key="old")
    clock.advance(DAY)
    await send(context, b"photo", key="new")

    assert await sweep(context) == 1
    async with context.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(IdempotentRequest)) == 1


@pytest.mark.parametrize("key", ["", " ", "a" * 256, "é"])
async def test_a_key_that_is_none_is_refused(context: Context, key: str) -> None:
    with pytest.raises(InvalidInputError, match="Idempotency-Key"):
        await send(context, b"photo", key=key)


async def test_over_http_a_photo_sent_twice_is_taken_once(
    context: Context, app: FastAPI, client: httpx.AsyncClient, auth: dict[str, str]
) -> None:
    @app.post("/api/sink", status_code=201, dependencies=[LargeBody])
    async def sink(
        request: Request, context: ContextDep, principal: PrincipalDep, idempotency_key: IdempotencyKey = None
    ) -> Response:
        async with idempotency(context, principal, idempotency_key, "sink") as run:
            await drain(run.watch(request.stream()))
            if run.known:
                return run.replay(run.fingerprint)
            async with context.db.write() as session:
                await session.execute(text("UPDATE workspaces SET quota_photos = coalesce(quota_photos, 0) + 1"))
                count = await session.scalar(text("SELECT quota_photos FROM workspaces"))
                body = b'{"count": %d}' % count
                await run.finish(fingerprint=run.fingerprint, status=201, body=body, session=session)
            return Response(body, status_code=201, media_type="application/json")

    headers = {**auth, "Idempotency-Key": "3f9c", "Content-Type": "image/jpeg"}
    first = await client.post("/api/sink", content=b"photo" * 10, headers=headers)
    again = await client.post("/api/sink", content=b"photo" * 10, headers=headers)
    other = await client.post("/api/sink", content=b"other", headers=headers)

    assert (first.status_code, first.json()) == (201, {"count": 1})
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
