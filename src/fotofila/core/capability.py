"""A capability: what a folder of Fotofila, or a plug-in, brings to the program.

Everything is named by `module:attribute` and imported when it is needed, so that a worker that runs one kind of job
never loads the web framework, and the web server never loads image code.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Protocol

from fotofila.core.errors import FotofilaError

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncSession

    from fotofila.core.clock import Clock
    from fotofila.core.config import Settings
    from fotofila.core.crypto import SecretKeys
    from fotofila.core.db import Database
    from fotofila.core.queue import Queue
    from fotofila.core.storage import Storage


class UnknownKindError(FotofilaError):
    """No capability that is loaded here knows this kind of job."""

    code = "unknown_kind"
    status = 422
    title = "Unknown kind of job"
    permanent = True


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """A kind of job: two functions in two files, and one that settles its arguments.

    `work(work: Work, report: Report) -> Outcome` runs in the sandboxed child.
    `apply(session, job, result, renditions, now) -> dict` (async) runs in feedback, in its transaction, and returns
    what the event tells. Autoflush is off there: flush before you ask for what you have just added.
    `resolve(session, owner, settings) -> dict` (async) settles, at ingest, everything that shapes the result.
    `settle_search(session, owner, settings, wish: Search) -> dict` (async), where faces can be searched for on the way,
    settles that, or raises why it cannot be.
    `ask(question: Question) -> dict` (async) asks a service for what the child, which reaches none, is to work with: it
    runs before the child, in the process that has it, and returns what the child finds among its arguments. No picture
    is decoded there.
    """

    name: str
    version: int
    lane: str
    work: str
    apply: str
    resolve: str
    settle_search: str | None = None
    ask: str | None = None
    ask_parts: Mapping[str, str] = field(default_factory=dict, hash=False)
    """By name, `make(settings, direct) -> Part | None`: what `ask` needs of a worker, which has no database."""


SearchHow = Literal["each", "largest_or_index"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A wish of an upload: tell of faces who they are like in a collection."""

    collection: str
    how: SearchHow
    """Every face; or the largest one, which is indexed when nobody is like it."""
    by: Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A job that is about to be done, and what there is to ask with."""

    args: Mapping[str, Any]
    original: Path
    media_type: str
    photo_id: str | None
    """None: the photo is not kept."""
    parts: Mapping[str, Any]
    """In a worker those of `ask_parts`, in a server those of the capabilities."""


async def ask(kind: JobKind, question: Question) -> Mapping[str, Any]:
    """Return the arguments of a job with what was asked for it; the same object where that is nothing."""
    more = {} if kind.ask is None else await load(kind.ask)(question)
    return {**question.args, **more} if more else question.args


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """Work that a role does for as long as the program runs: `run(context, stop) -> None` (async)."""

    name: str
    role: str
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """What one folder brings. `tables` are modules that declare tables, `specs` lists model files (`module:TUPLE`)."""

    name: str
    routers: tuple[str, ...] = ()
    job_kinds: tuple[JobKind, ...] = ()
    loops: tuple[Loop, ...] = ()
    tables: tuple[str, ...] = ()
    specs: str | None = None
    sweeps: tuple[str, ...] = ()
    """Functions `sweep(context) -> int` (async), run by the sweeper."""
    photo_detail: str | None = None
    """`photo_detail(session, photo_id) -> dict` (async): what it knows of a photo, merged into the answer."""
    report: str | None = None
    """`report(session, owner, start, end) -> dict` (async): what this capability adds to the report of photos."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """By name, `make(settings, direct, db) -> Part`: what it keeps while the process runs, in `context.parts`."""


class Kinds:
    """The kinds of job that are loaded."""

    def __init__(self, capabilities: Sequence[Capability]) -> None:
        self._kinds = {kind.name: kind for capability in capabilities for kind in capability.job_kinds}

    def get(self, name: str) -> JobKind:
        """Return a kind.

        Raises:
            UnknownKindError: no loaded capability has it.
        """
        if (kind := self._kinds.get(name)) is None:
            known = ", ".join(sorted(self._kinds)) or "none"
            raise UnknownKindError(f"There is no job kind {name!r} here; loaded are: {known}.")
        return kind

    def find(self, name: str, version: int) -> JobKind | None:
        """Return a kind that can do this version, or None."""
        kind = self._kinds.get(name)
        return kind if kind is not None and version <= kind.version else None

    def __iter__(self) -> Any:
        """Give every kind."""
        return iter(self._kinds.values())


class Authenticator(Protocol):
    """Who is asking; `access` answers."""

    async def __call__(self, context: Context, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Principal:
        """Return the principal, or raise UnauthenticatedError."""
        ...


class RetentionPolicy(Protocol):
    """How long each workspace keeps photos; `access` answers."""

    async def __call__(self, session: AsyncSession) -> Mapping[str, timedelta]:
        """Return the retention of every owner that has one."""
        ...


class DirectLane(Protocol):
    """Work without queue or storage: nothing is kept."""

    async def __call__(self, kind: JobKind, args: Mapping[str, Any], original: Path, media_type: str) -> dict[str, Any]:
        """Return the result of the kind's `work`, or raise its error; a full pool raises a 503 with Retry-After."""
        ...

    async def close(self) -> None:
        """End the children."""
        ...


class Part(Protocol):
    """What a capability keeps for as long as the process runs; made without a connection to anything."""

    async def close(self) -> None:
        """Let go of everything; may be called twice."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who is asking, and how far that reaches."""

    owner: str
    scopes: frozenset[str]
    user_id: str | None = None
    key_id: str | None = None
    by_cookie: bool = False
    quota_photos: int | None = None
    quota_bytes: int | None = None

    @property
    def id(self) -> str:
        """What rate limits and idempotency keys are counted by."""
        return self.key_id or self.user_id or self.owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The parts of a running process, chosen by `bootstrap` and handed to everybody as an argument."""

    settings: Settings
    clock: Clock
    db: Database
    storage: Storage
    queue: Queue
    secret_keys: SecretKeys
    kinds: Kinds
    capabilities: tuple[Capability, ...]
    authenticate: Authenticator
    retention: RetentionPolicy
    direct: DirectLane
    roles: frozenset[str] = field(default_factory=frozenset)
    parts: Mapping[str, Any] = field(default_factory=dict)
    """What capabilities keep, by the names that they gave."""

    buckets: Mapping[str, Storage] = field(default_factory=dict)
    """Storages that callers may name, by the bucket's name that they use."""

    async def close(self) -> None:
        """Let go of everything."""
        for part in self.parts.values():
            await part.close()
        await self.direct.close()
        await self.queue.close()
        await self.storage.close()
        for bucket in self.buckets.values():
            await bucket.close()
        await self.db.close()


def load(reference: str) -> Any:
    """Import `module:attribute`."""
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)


RunLoop = Callable[[Context, "asyncio.Event"], Awaitable[None]]
