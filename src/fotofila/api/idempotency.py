"""`Idempotency-Key`: a request that is sent again is answered again, and done once.

For 24 hours the first answer under a key is kept for its owner (API key or user) and route. The same key

- with the same content is answered with the kept answer and `Idempotency-Replayed: true`,
- with other content is a 422,
- while the first request still runs is a 409 with `Retry-After`.

What the content is, a streamed upload knows only at its end. So a route works like this:

    async with idempotency(context, principal, key, "upload_photos") as run:
        body = run.watch(request.stream())          # hashes what passes, and tells that the run lives
        if run.known:                               # finished before: read it all, keep nothing
            await drain(body)
            return run.replay(run.fingerprint)
        ...                                         # read `body` and store it
        async with context.db.write() as session:
            ...
            await run.finish(fingerprint=run.fingerprint, status=202, body=..., session=session)

A form is watched part by part (`label` takes the part's name), since clients draw its boundary anew for each attempt.
`finish` writes into the caller's transaction, so that the photo and the answer appear together or not at all; that
transaction begins and ends inside the block (a `WriteSession` of the route would stand in its own way). A block that
is left without it (an error, a broken-off upload) forgets the key, and the client may try again. A process that
dies leaves a marker behind; after three minutes without a sign of life the next request takes it over, and a run
that lost its marker cannot finish. Without a key all of this does nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, cast

from fastapi import Header
from sqlalchemy import CursorResult, delete, update
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from fotofila.api.models import IdempotentRequest
from fotofila.core.capability import Context, Principal
from fotofila.core.db import insert_ignore
from fotofila.core.errors import ConflictError, InvalidInputError
from fotofila.core.ids import new_id

KEPT_FOR = timedelta(hours=24)
SILENT_FOR = timedelta(minutes=3)
"""A run that has said nothing for so long died with its process."""
SIGN_OF_LIFE = timedelta(seconds=30)
RETRY_SECONDS = "5"
KEY_FORM = r"^[\x21-\x7e][\x20-\x7e]{0,254}$"

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=KEY_FORM,
        description="Any text of up to 255 characters; the first answer under it is given again for 24 hours.",
    ),
]


class IdempotencyMismatchError(InvalidInputError):
    """The key was used for other content."""

    code = "idempotency_mismatch"
    title = "This Idempotency-Key was used for another request"


class IdempotencyConflictError(ConflictError):
    """The first request under the key has not ended."""

    code = "idempotency_running"
    title = "The first request still runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer that was kept."""

    fingerprint: str
    status: int
    media_type: str
    body: bytes


@dataclass(slots=True, kw_only=True)
class IdempotentRun:
    """One run under a key; made by `idempotency`."""

    context: Context
    row: tuple[str, str, str] | None
    holder: str
    alive_at: datetime
    answer: Answer | None
    finished: bool = False
    digest: Hash = field(default_factory=hashlib.sha256)

    @property
    def known(self) -> bool:
        """Say whether an answer is kept: read and hash the content, keep nothing, then `replay`."""
        return self.answer is not None

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of everything that was watched so far."""
        return self.digest.hexdigest()

    async def watch(self, chunks: AsyncIterator[bytes], *, label: str = "") -> AsyncIterator[bytes]:
        """Pass content on; label and length go into the fingerprint, so that no part can pose as two."""
        if self.row is None:  # without a key there is nothing to compare with
            async for chunk in chunks:
                yield chunk
            return
        length = 0
        self.digest.update(hashlib.sha256(label.encode("utf-8", "replace")).digest())
        async for chunk in chunks:
            length += len(chunk)
            self.digest.update(chunk)
            await self.keep_alive()
            yield chunk
        self.digest.update(length.to_bytes(8, "big"))

    def replay(self, fingerprint: str) -> Response:
        """Give the kept answer.

        Raises:
            IdempotencyMismatchError: the content is not what was sent first.
        """
        answer = cast("Answer", self.answer)
        if answer.fingerprint != fingerprint:
            message = "The content differs from what was first sent under this Idempotency-Key: use a new key."
            raise IdempotencyMismatchError(message)
        return Response(
            answer.body,
            status_code=answer.status,
            media_type=answer.media_type,
            headers={"Idempotency-Replayed": "true"},
        )

    async def keep_alive(self) -> None:
        """Tell that this run still works; cheap enough for each chunk, since it writes twice a minute at most."""
        now = self.context.clock.now()
        if self.row is None or now - self.alive_at < SIGN_OF_LIFE:
            return
        self.alive_at = now
        async with self.context.db.write() as session:
            await self._change(session, alive_at=now)

    async def finish(
        self,
        *,
        fingerprint: str,
        status: int,
        body: bytes,
        media_type: str = "application/json",
        session: AsyncSession | None = None,
    ) -> None:
        """Keep the answer, in the caller's transaction or in one of its own.

        Args:
            fingerprint: SHA-256 of the content in hex, as `replay` will be given it.
            status: of the answer.
            body: of the answer, to the byte.
            media_type: of the answer.
            session: the transaction that writes what the answer tells of.

        Raises:
            IdempotencyConflictError: another run took over, because this one was silent for too long.
        """
        if session is None:
            async with self.context.db.write() as own:
                await self.finish(fingerprint=fingerprint, status=status, body=body, media_type=media_type, session=own)
            return
        if self.row is not None:
            now = self.context.clock.now()
            await self._change(
                session,
                finished_at=now,
                expires_at=now + KEPT_FOR,
                fingerprint=fingerprint,
                status=status,
                media_type=media_type,
                body=body,
            )
        self.finished = True

    async def _change(self, session: AsyncSession, **values: Any) -> None:
        changed = await session.execute(
            update(IdempotentRequest).where(*_is_row(self.row), IdempotentRequest.holder == self.holder).values(values)
        )
        if cast("CursorResult[Any]", changed).rowcount == 0:
            raise still_running()

    async def forget(self) -> None:
        """Give the key back where no answer was kept under it by this run."""
        if self.row is None or self.known:
            return
        async with self.context.db.write() as session:
            await session.execute(
                delete(IdempotentRequest).where(
                    *_is_row(self.row),
                    IdempotentRequest.holder == self.holder,
                    IdempotentRequest.finished_at.is_(None),
                )
            )


def still_running() -> IdempotencyConflictError:
    """Make the error of a request whose first one has not ended."""
    message = "The first request under this Idempotency-Key still runs: ask again shortly."
    return IdempotencyConflictError(message, headers={"Retry-After": RETRY_SECONDS})


def _is_row(row: tuple[str, str, str] | None) -> tuple[Any, ...]:
    principal, route, key_hash = row or ("", "", "")
    return (
        IdempotentRequest.principal == principal,
        IdempotentRequest.route == route,
        IdempotentRequest.key_hash == key_hash,
    )


@asynccontextmanager
async def idempotency(
    context: Context, principal: Principal, key: str | None, route: str
) -> AsyncIterator[IdempotentRun]:
    """Run a request under its key; see the module.

    Args:
        context: the process.
        principal: who asks; `principal.id` owns the key.
        key: the header, or None.
        route: name of the operation, up to 64 characters: the same key elsewhere is another one.

    Raises:
        IdempotencyConflictError: the first request under the key still runs.
        InvalidInputError: the key is empty, too long, or has characters outside ASCII.
    """
    run = await begin(context, principal, key, route)
    try:
        yield run
    except BaseException:  # also a `finish` whose transaction was rolled back
        await run.forget()
        raise
    if not run.finished:
        await run.forget()


async def drain(chunks: AsyncIterator[bytes]) -> None:
    """Read to the end and keep nothing."""
    async for _ in chunks:
        pass


async def begin(context: Context, principal: Principal, key: str | None, route: str) -> IdempotentRun:
    """Take the key, or learn its answer, in a short transaction of its own."""
    now = context.clock.now()
    run = IdempotentRun(context=context, row=None, holder="", alive_at=now, answer=None)
    if key is None:
        return run
    run.holder = new_id()
    if not re.fullmatch(KEY_FORM, key):
        message = "The header Idempotency-Key takes 1 to 255 printable ASCII characters."
        raise InvalidInputError(message)
    run.row = (principal.id, route, hashlib.sha256(key.encode()).hexdigest())
    async with context.db.write() as session:
        fresh = {"holder": run.holder, "alive_at": now, "expires_at": now + KEPT_FOR}
        identity = dict(zip(("principal", "route", "key_hash"), run.row, strict=True))
        made = await session.execute(insert_ignore(session, IdempotentRequest).values(**identity, **fresh))
        if cast("CursorResult[Any]", made).rowcount:
            return run
        row = await session.get(IdempotentRequest, run.row, with_for_update=True)
        if row is None:  # swept or forgotten by another in this very moment
            raise still_running()
        if row.finished_at is not None and row.expires_at > now:
            run.answer = Answer(
                fingerprint=row.fingerprint or "",
                status=row.status or 200,
                media_type=row.media_type or "",
                body=row.body or b"",
            )
        elif row.finished_at is None and now - row.alive_at < SILENT_FOR:
            raise still_running()
        else:
            row.finished_at = None
            row.holder, row.alive_at, row.expires_at = run.holder, now, now + KEPT_FOR
    return run


async def sweep(context: Context) -> int:
    """Remove what has expired; return how many."""
    async with context.db.write() as session:
        swept = await session.execute(
            delete(IdempotentRequest).where(IdempotentRequest.expires_at <= context.clock.now())
        )
        return cast("CursorResult[Any]", swept).rowcount
