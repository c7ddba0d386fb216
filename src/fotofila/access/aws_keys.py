"""Access keys in the form of AWS, for programs that sign their requests: an id that is sent, a secret that signs.

Ids begin with FFAK and not with AKIA, so that no scanner takes one for a key of Amazon's. A signature can only be
verified with the secret itself, so it is kept, encrypted under the secret key and bound to its id.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import actor_of, record
from fotofila.access.authenticate import USE_NOTED_EVERY
from fotofila.access.cache import KEPT_FOR, PRINCIPALS, forget_on_commit
from fotofila.access.keys import demand_scopes
from fotofila.access.models import AwsKey, Workspace
from fotofila.core.capability import Context, Principal
from fotofila.core.crypto import SecretKeys
from fotofila.core.errors import NotFoundError, UnauthenticatedError
from fotofila.core.ids import is_id, new_id

PREFIX = "FFAK"
PURPOSE = "aws-access-key"
SECRET_BYTES = 30
"""40 characters, as AWS's secrets have."""
ID_CHARACTERS = 16
KNOWN_AT_MOST = 10_000

_ALPHABET = string.ascii_uppercase + "234567"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAwsKey:
    """A key that was just made; its secret is seen here only."""

    row: AwsKey
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """An access key as a signature needs it."""

    principal: Principal
    secret: str
    until: datetime
    """Looked up anew from then on."""
    generation: int
    """Of the cache of principals: any change of access empties both."""


class CredentialCache:
    """Credentials that were looked up in the last seconds, by the id of the access key."""

    def __init__(self) -> None:
        self._known: dict[str, Credential] = {}

    def get(self, access_key_id: str, now: datetime) -> Credential | None:
        """Return a credential that is still believed."""
        found = self._known.get(access_key_id)
        return found if found and now < found.until and found.generation == PRINCIPALS.generation else None

    def put(self, access_key_id: str, credential: Credential) -> None:
        """Keep one."""
        if len(self._known) >= KNOWN_AT_MOST:
            self._known.clear()
        self._known[access_key_id] = credential


async def create_aws_key(
    session: AsyncSession,
    *,
    keys: SecretKeys,
    owner: str,
    name: str,
    scopes: Collection[str],
    now: datetime,
    expires_at: datetime | None = None,
    by: Principal | None = None,
) -> NewAwsKey:
    """Make an access key; the arguments are those of `create_key`, and the ring that encrypts its secret.

    Raises:
        InvalidInputError: no scope that we know, or an end in the past.
        ForbiddenError: the scopes go beyond those of `by`.
    """
    known = demand_scopes(scopes, now=now, expires_at=expires_at, by=by)
    access_key_id = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(ID_CHARACTERS))
    secret = secrets.token_urlsafe(SECRET_BYTES)
    row = AwsKey(
        id=new_id(),
        owner=owner,
        name=name,
        access_key_id=access_key_id,
        sealed_secret=keys.encrypt(PURPOSE, secret.encode(), bound_to=access_key_id),
        scopes=list(known),
        created_at=now,
        expires_at=expires_at,
    )
    session.add(row)
    await session.flush()
    detail = {"name": name, "scopes": list(known), "aws": access_key_id}
    await record(session, owner=owner, actor=actor_of(by), action="key.create", subject=row.id, detail=detail, now=now)
    return NewAwsKey(row=row, secret=secret)


async def list_aws_keys(
    session: AsyncSession, *, owner: str, limit: int = 200, before: str | None = None
) -> Sequence[AwsKey]:
    """Return access keys of a workspace, newest first; `before` is the id of the last one seen."""
    query = select(AwsKey).where(AwsKey.owner == owner).order_by(AwsKey.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AwsKey.id < before)
    return (await session.scalars(query)).all()


async def revoke_aws_key(
    session: AsyncSession, *, owner: str, key_id: str, now: datetime, by: Principal | None = None
) -> None:
    """End an access key now.

    Raises:
        NotFoundError: the workspace has no such key.
    """
    query = select(AwsKey).where(AwsKey.id == key_id, AwsKey.owner == owner).with_for_update()
    row = await session.scalar(query) if is_id(key_id) else None
    if row is None:
        raise NotFoundError("There is no such access key: GET /api/aws-keys lists them.")
    await session.delete(row)
    detail = {"name": row.name, "aws": row.access_key_id}
    await record(session, owner=owner, actor=actor_of(by), action="key.revoke", subject=row.id, detail=detail, now=now)
    forget_on_commit(session)


async def find_credential(context: Context, cache: CredentialCache, access_key_id: str) -> Credential:
    """Return who has an access key, and its secret.

    Raises:
        UnauthenticatedError: there is no such key, or it has expired.
        SecretKeyError: the secret cannot be read with the secret key of this process.
    """
    now, generation = context.clock.now(), PRINCIPALS.generation
    if (known := cache.get(access_key_id, now)) is not None:
        return known
    query = select(AwsKey, Workspace).join(Workspace, Workspace.id == AwsKey.owner)
    async with context.db.read() as session:
        row = (await session.execute(query.where(AwsKey.access_key_id == access_key_id))).one_or_none()
    if row is None or (row[0].expires_at is not None and row[0].expires_at <= now):
        raise UnauthenticatedError("The access key is not known: make one with `fotofila keys create --aws`.")
    key, workspace = row
    if key.last_used_at is None or now - key.last_used_at >= USE_NOTED_EVERY:
        async with context.db.write() as session:
            await session.execute(update(AwsKey).where(AwsKey.id == key.id).values(last_used_at=now))
    ends = now + KEPT_FOR
    found = Credential(
        principal=Principal(
            owner=workspace.id,
            scopes=frozenset(key.scopes),
            key_id=key.id,
            quota_photos=workspace.quota_photos,
            quota_bytes=workspace.quota_bytes,
        ),
        secret=context.secret_keys.decrypt(PURPOSE, key.sealed_secret, bound_to=access_key_id).decode(),
        until=min(ends, key.expires_at) if key.expires_at is not None else ends,
        generation=generation,
    )
    cache.put(access_key_id, found)
    return found
