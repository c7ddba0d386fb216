"""Exporting: a collection goes into one encrypted file, with vectors of every model, users, consents, perhaps chips."""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, BinaryIO

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila import __version__
from fotofila.access.audit import Actor, record
from fotofila.core.capability import Context
from fotofila.faces.collections.care_models import ConsentRow
from fotofila.faces.collections.export_file import Secret, Writer
from fotofila.faces.collections.export_lines import (
    FORMAT,
    AnyLine,
    CollectionLine,
    ConsentLine,
    EndLine,
    FaceLine,
    UserLine,
    write_line,
)
from fotofila.faces.collections.index import CHIP
from fotofila.faces.collections.models import CollectionFace, CollectionRow, CollectionUser, FaceChip, FaceVector
from fotofila.faces.collections.store import find_collection

PAGE = 500


async def export_collection(
    context: Context, owner: str, name: str, file: BinaryIO, secret: Secret, *, actor: Actor, with_chips: bool = False
) -> Counter[str]:
    """Write a collection into a file, and return how many users, faces and consents are in it.

    Others may go on meanwhile: what changes while the file is written may be in it or not.

    Args:
        context: the parts of the process.
        owner: id of the workspace.
        name: of the collection.
        file: where to write; it is neither flushed nor closed.
        secret: what encrypts it.
        actor: who asks.
        with_chips: put the aligned pictures of the faces in, so that another model can embed them there.

    Raises:
        CollectionNotFoundError: there is none of this name.
        WrongExportKeyError: the secret is too short.
        SecretKeyError: a chip was sealed with a secret key that is not on the ring.
    """
    writer = Writer(file, secret)
    now = context.clock.now()
    counts: Counter[str] = Counter()

    async def begin(session: AsyncSession) -> CollectionRow:
        row = await find_collection(session, owner, name)
        detail = {"faces": row.face_count, "users": row.user_count, "chips": with_chips, "model": row.model}
        await record(session, owner=owner, actor=actor, action="faces.export", subject=name, detail=detail, now=now)
        return row

    collection = await context.db.transact(begin)
    writer.write(write_line(collection_line(collection, now)))
    async for line in contents(context, collection.id, with_chips=with_chips):
        counts[line.type] += 1
        writer.write(write_line(line))
    end = EndLine(users=counts["user"], faces=counts["face"], consents=counts["consent"])
    writer.write(write_line(end))
    writer.finish()
    return counts


def collection_line(row: CollectionRow, now: datetime) -> CollectionLine:
    """Shape the first line."""
    return CollectionLine(
        format=FORMAT,
        program=f"fotofila {__version__}",
        exported_at=now,
        name=row.name,
        model=row.model,
        tags=dict(row.tags),
        keep_chips=row.keep_chips,
        switched_on=row.switched_on,
        ttl_days=row.ttl_days,
        consent_note=row.consent_note,
        created_at=row.created_at,
    )


async def contents(context: Context, collection_id: str, *, with_chips: bool) -> AsyncIterator[AnyLine]:
    """Give users, then faces, then consents, a page at a time."""
    async for rows in pages(context, CollectionUser, collection_id):
        for row in rows:
            yield UserLine(user_id=row.user_id, created_at=row.created_at)
    async for rows in pages(context, CollectionFace, collection_id):
        for line in await face_lines(context, rows, with_chips=with_chips):
            yield line
    names = tuple(name for name in ConsentLine.model_fields if name != "type")
    async for rows in pages(context, ConsentRow, collection_id):
        for row in rows:
            yield ConsentLine(**{name: getattr(row, name) for name in names})


async def pages(context: Context, table: Any, collection_id: str) -> AsyncIterator[Sequence[Any]]:
    """Give the rows of a collection by their ids; no transaction is open meanwhile."""
    after = ""
    while True:
        query = select(table).where(table.collection_id == collection_id, table.id > after).order_by(table.id)
        async with context.db.read() as session:
            rows = (await session.scalars(query.limit(PAGE))).all()
        if rows:
            yield rows
        if len(rows) < PAGE:
            return
        after = rows[-1].id


async def face_lines(context: Context, rows: Sequence[CollectionFace], *, with_chips: bool) -> list[FaceLine]:
    """Shape faces with their vectors and chips."""
    ids = [row.id for row in rows]
    vectors: dict[str, dict[str, str]] = defaultdict(dict)
    chips: dict[str, str] = {}
    async with context.db.read() as session:
        found = select(FaceVector.face_id, FaceVector.model, FaceVector.vector).where(FaceVector.face_id.in_(ids))
        for face_id, model, raw in await session.execute(found):
            vectors[face_id][model] = base64.b64encode(raw).decode("ascii")
        if with_chips:
            sealed = select(FaceChip.face_id, FaceChip.chip).where(FaceChip.face_id.in_(ids))
            for face_id, raw in await session.execute(sealed):
                chip = context.secret_keys.unseal(CHIP, raw, bound_to=face_id)
                chips[face_id] = base64.b64encode(chip).decode("ascii")
    return [
        FaceLine(
            face_id=row.id,
            image_id=row.image_id,
            image_sha256=row.image_sha256,
            external_image_id=row.external_image_id,
            user_id=row.user_id,
            face=row.face,
            model=row.model,
            indexed_at=row.indexed_at,
            vectors=vectors[row.id],
            chip=chips.get(row.id),
        )
        for row in rows
    ]
