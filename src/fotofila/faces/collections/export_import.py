"""Importing: the whole file is looked at first, then its faces are written, some hundred a transaction.

A face keeps its id where that is free. Where another collection has it, the face gets an id that follows from the
collection and the old id; so an import that was interrupted is simply run again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import Actor, record
from fotofila.core.capability import Context
from fotofila.core.errors import ConflictError
from fotofila.core.ids import new_id
from fotofila.faces.collections.care_models import ConsentRow
from fotofila.faces.collections.change import next_revision, renew_user
from fotofila.faces.collections.export_file import Secret, read_lines
from fotofila.faces.collections.export_lines import (
    AnyLine,
    CollectionLine,
    ConsentLine,
    Contents,
    FaceLine,
    UserLine,
    parse,
    survey,
)
from fotofila.faces.collections.index import CHIP
from fotofila.faces.collections.models import CollectionFace, CollectionRow, CollectionUser, FaceChip, FaceVector
from fotofila.faces.collections.store import (
    NoVectorsError,
    demand_vectors,
    expiry,
    find_collection,
    vector_engine,
)
from fotofila.faces.collections.types import is_kept_by_engine

BATCH = 500
SORTING = 16
"""Hex digits of an id that tell when it was made, and in which turn."""


class OtherModelError(ConflictError):
    """The vectors of a file are of a model that is not the one in use."""

    code = "other_model"
    title = "The vectors are of another model"


@dataclass(slots=True, kw_only=True)
class Imported:
    """What became of a file."""

    name: str
    created: bool
    model: str
    faces: int = 0
    faces_there: int = 0
    """Skipped: the collection has them."""
    faces_renamed: int = 0
    """Of those written, the ones whose id another collection has."""
    users: int = 0
    users_there: int = 0
    consents: int = 0
    consents_there: int = 0
    chips: int = 0
    chips_left_out: int = 0
    """The collection keeps none."""
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Importing:
    """What all steps of an import need."""

    context: Context
    owner: str
    name: str
    actor: Actor
    now: datetime
    sha256: str


async def import_collection(
    context: Context,
    owner: str,
    path: Path,
    secret: Secret,
    *,
    actor: Actor,
    name: str | None = None,
    other_model: bool = False,
) -> Imported:
    """Write what is in a file into a collection, which is made where it is not there.

    Args:
        context: the parts of the process.
        owner: id of the workspace.
        path: of the file.
        secret: what it was encrypted with.
        actor: who asks.
        name: of the collection; None: that of the file.
        other_model: write vectors that searches here will not find until the faces are embedded anew.

    Raises:
        BadExportError: the file is damaged, cut off, or no export: nothing was written.
        WrongExportKeyError: the secret is another one.
        NoVectorsError: the engine of this process keeps vectors itself, or that of the file did: nothing was written.
        OtherModelError: its vectors are of another model: nothing was written.
    """
    vector_engine(context)
    with path.open("rb") as file:
        contents = survey(read_lines(file, secret))
    if is_kept_by_engine(contents.collection.model):
        raise NoVectorsError(
            f"The file's collection was kept at AWS ({contents.collection.model}), so there are no vectors in it: make "
            "a collection and index the photos again."
        )
    wanted = name or contents.collection.name
    notes = await compare_models(context, owner, wanted, contents)
    if notes and not other_model:
        raise OtherModelError(f"{notes[0]} Import with --other-model to keep them until they are embedded anew.")
    job = Importing(
        context=context, owner=owner, name=wanted, actor=actor, now=context.clock.now(), sha256=contents.sha256
    )
    told = await begin(job, contents.collection)
    told.notes += notes
    with path.open("rb") as file:
        for batch in batches(parse(read_lines(file, secret))):
            await write_batch(job, batch, told)
    return told


async def compare_models(context: Context, owner: str, name: str, contents: Contents) -> list[str]:
    """Say where vectors of the file and those of this program do not go together; nothing where they do."""
    models = vector_engine(context).models
    made = contents.collection.model
    async with context.db.read() as session:
        query = select(CollectionRow.model).where(CollectionRow.owner == owner, CollectionRow.name == name)
        there = await session.scalar(query)
        size = await session.scalar(select(func.length(FaceVector.vector)).where(FaceVector.model == made).limit(1))
    notes: list[str] = []
    if there is not None and contents.counts["face"] > contents.models[there]:
        missing = contents.counts["face"] - contents.models[there]
        notes.append(f"The collection {name!r} searches vectors of {there}, which {missing} faces of the file lack.")
    if there is None and made not in models:
        notes.append(f"The file's vectors are of {made}; this program makes those of {', '.join(models)}.")
    if size is not None and contents.sizes.get(made, size) != size:
        notes.append(f"The file's vectors of {made} have {contents.sizes[made] // 2} numbers, those here {size // 2}.")
    return notes


async def begin(job: Importing, line: CollectionLine) -> Imported:
    """Make the collection where it is not there; say so in the audit log either way."""

    async def work(session: AsyncSession) -> Imported:
        query = select(CollectionRow).where(CollectionRow.owner == job.owner, CollectionRow.name == job.name)
        there = await session.scalar(query)
        if there is not None:
            demand_vectors(there)
        row = there or new_collection(job, line)
        if there is None:
            session.add(row)
            await session.flush()
            detail = {"id": row.id, "model": row.model, "consent_note": row.consent_note, "ttl_days": row.ttl_days}
            await put_down(session, job, "collection.create", {**detail, "switched_on": row.switched_on})
        await put_down(session, job, "faces.import", {"file_sha256": job.sha256, "step": "begun"})
        return Imported(name=row.name, created=there is None, model=row.model)

    return await job.context.db.transact(work)


def new_collection(job: Importing, line: CollectionLine) -> CollectionRow:
    """Shape the collection as the file tells it."""
    return CollectionRow(
        id=new_id(),
        owner=job.owner,
        name=job.name,
        model=line.model,
        tags=line.tags,
        keep_chips=line.keep_chips,
        switched_on=line.switched_on,
        ttl_days=line.ttl_days,
        consent_note=line.consent_note,
        revision=0,
        removals_from=0,
        face_count=0,
        user_count=0,
        created_at=job.now,
    )


def batches(lines: Iterator[AnyLine]) -> Iterator[list[AnyLine]]:
    """Gather lines."""
    while batch := list(islice(lines, BATCH)):
        yield batch


async def write_batch(job: Importing, batch: Sequence[AnyLine], told: Imported) -> None:
    """Write some lines in one transaction, with the audit entry that tells of them."""
    users = [line for line in batch if isinstance(line, UserLine)]
    faces = [line for line in batch if isinstance(line, FaceLine)]
    consents = [line for line in batch if isinstance(line, ConsentLine)]

    async def work(session: AsyncSession) -> dict[str, int]:
        collection = await find_collection(session, job.owner, job.name, hold=True)
        counts: dict[str, int] = {}
        counts |= await add_users(session, collection, users)
        written, more = await add_faces(session, job, collection, faces)
        counts |= more | await add_consents(session, collection, consents)
        if any(counts[name] for name in ("faces", "users", "consents")):
            await put_down(
                session, job, "faces.import", {"file_sha256": job.sha256, "faces": written, "counts": counts}
            )
        return counts

    for name, count in (await job.context.db.transact(work)).items():
        setattr(told, name, getattr(told, name) + count)


async def add_users(session: AsyncSession, collection: CollectionRow, lines: Sequence[UserLine]) -> dict[str, int]:
    """Add users who are not there."""
    mine = CollectionUser.collection_id == collection.id
    names = [line.user_id for line in lines]
    query = select(CollectionUser.user_id).where(mine, CollectionUser.user_id.in_(names))
    there = set(await session.scalars(query)) if names else set()
    fresh = [line for line in lines if line.user_id not in there]
    for line in fresh:
        row = {"collection_id": collection.id, "user_id": line.user_id, "created_at": line.created_at}
        session.add(CollectionUser(id=new_id(), face_count=0, **row))
    collection.user_count += len(fresh)
    await session.flush()
    return {"users": len(fresh), "users_there": len(lines) - len(fresh)}


async def add_faces(
    session: AsyncSession, job: Importing, collection: CollectionRow, lines: Sequence[FaceLine]
) -> tuple[list[str], dict[str, int]]:
    """Add faces that are not there; return their ids and counts."""
    ids = await free_ids(session, collection.id, [line.face_id for line in lines])
    fresh = [line for line in lines if line.face_id in ids]
    counts = {
        "faces": len(fresh),
        "faces_there": len(lines) - len(fresh),
        "faces_renamed": sum(ids[line.face_id] != line.face_id for line in fresh),
        "chips": 0,
        "chips_left_out": 0,
    }
    if not fresh:
        return [], counts
    revision = next_revision(collection)
    collection.face_count += len(fresh)
    await session.flush()
    await session.execute(insert(CollectionFace), [face_row(collection, ids[line.face_id], line) for line in fresh])
    marked = {"collection_id": collection.id, "revision": revision}
    vectors = [
        {"face_id": ids[line.face_id], "model": model, "vector": raw, **marked}
        for line in fresh
        for model, raw in line.raw_vectors().items()
    ]
    with_chips = [(ids[line.face_id], chip) for line in fresh if (chip := line.raw_chip()) is not None]
    counts["chips" if collection.keep_chips else "chips_left_out"] = len(with_chips)
    keys = job.context.secret_keys
    chips = [
        {"face_id": face_id, "chip": keys.seal(CHIP, chip, bound_to=face_id)}
        for face_id, chip in with_chips
        if collection.keep_chips
    ]
    for table, rows in ((FaceVector, vectors), (FaceChip, chips)):
        if rows:
            await session.execute(insert(table), rows)
    for user_id in sorted({line.user_id for line in fresh if line.user_id is not None}):
        await renew_user(session, collection, user_id, revision)
    return [ids[line.face_id] for line in fresh], counts


async def free_ids(session: AsyncSession, collection_id: str, wanted: Sequence[str]) -> dict[str, str]:
    """Return under which id each face is to be written; those that are there already are left out."""
    renamed = {face_id: other_id(collection_id, face_id) for face_id in wanted}
    query = select(CollectionFace.id, CollectionFace.collection_id).where(
        CollectionFace.id.in_([*renamed, *renamed.values()])
    )
    taken = {row.id: row.collection_id for row in await session.execute(query)} if wanted else {}
    ids: dict[str, str] = {}
    for old, new in renamed.items():
        if taken.get(old) == collection_id or new in taken:
            continue
        ids[old] = old if old not in taken else new
    return ids


def other_id(collection_id: str, face_id: str) -> str:
    """Return another id for a face, the same each time, which sorts as the old one."""
    digest = hashlib.sha256(f"{collection_id}:{face_id}".encode()).hexdigest()
    return face_id[:SORTING] + digest[: 32 - SORTING]


def face_row(collection: CollectionRow, face_id: str, line: FaceLine) -> dict[str, Any]:
    """Shape a face; the photo that it was indexed from is not here."""
    return {
        "id": face_id,
        "collection_id": collection.id,
        "owner": collection.owner,
        "image_id": line.image_id,
        "image_sha256": line.image_sha256,
        "external_image_id": line.external_image_id,
        "photo_id": None,
        "user_id": line.user_id,
        "face": {name: value for name, value in line.face.items() if name != "embedding"},
        "model": line.model,
        "indexed_at": line.indexed_at,
        "expires_at": expiry(collection, line.indexed_at),
    }


async def add_consents(
    session: AsyncSession, collection: CollectionRow, lines: Sequence[ConsentLine]
) -> dict[str, int]:
    """Add notes that are not there; one of a face follows it to its new id."""
    faces = await named(session, collection.id, [line.subject for line in lines if line.kind == "face_id"])
    subjects = [faces.get(line.subject, line.subject) if line.kind == "face_id" else line.subject for line in lines]
    query = select(ConsentRow).where(ConsentRow.collection_id == collection.id, ConsentRow.subject.in_(subjects))
    there = {key_of(row, row.subject) for row in await session.scalars(query)} if lines else set()
    added = 0
    for line, subject in zip(lines, subjects, strict=True):
        if key_of(line, subject) in there:
            continue
        row = {**line.model_dump(exclude={"type", "subject"}), "subject": subject}
        session.add(ConsentRow(id=new_id(), collection_id=collection.id, **row))
        added += 1
    await session.flush()
    return {"consents": added, "consents_there": len(lines) - added}


def key_of(each: Any, subject: str) -> tuple[Any, ...]:
    """Return what makes a note the same as another."""
    return each.kind, subject, each.text, each.given_at


async def named(session: AsyncSession, collection_id: str, face_ids: Iterable[str]) -> dict[str, str]:
    """Return the new ids of faces that got one."""
    renamed = {other_id(collection_id, face_id): face_id for face_id in face_ids}
    there = await existing(session, renamed) if renamed else ()
    return {renamed[face_id]: face_id for face_id in there}


async def existing(session: AsyncSession, ids: Collection[str]) -> Sequence[str]:
    """Return those of the faces that are there."""
    return (await session.scalars(select(CollectionFace.id).where(CollectionFace.id.in_(ids)))).all()


async def put_down(session: AsyncSession, job: Importing, action: str, detail: dict[str, Any]) -> None:
    """Write an audit entry."""
    await record(session, owner=job.owner, actor=job.actor, action=action, subject=job.name, detail=detail, now=job.now)
