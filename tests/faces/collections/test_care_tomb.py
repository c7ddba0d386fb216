"""Collections that are too large to be erased at once."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest
from sqlalchemy import func, select, text

from fotofila.access.audit import OPERATOR
from fotofila.access.audit_append import append_waiting
from fotofila.access.audit_models import AuditEntry
from fotofila.access.receipts import signing_keys
from fotofila.core.capability import Context
from fotofila.faces.collections import care, care_tomb, desk
from fotofila.faces.collections.care_consent import Consent, add_consents
from fotofila.faces.collections.care_expire import expire_due
from fotofila.faces.collections.care_models import ConsentRow
from fotofila.faces.collections.care_tomb import bury, clear_all
from fotofila.faces.collections.errors import CollectionNotFoundError
from fotofila.faces.collections.models import CollectionFace, CollectionRow, CollectionUser, FaceChip, FaceVector
from fotofila.faces.collections.store import find_collection
from tests.faces.collections.conftest import OWNER, Place
from tests.faces.collections.painted import picture

TABLES = (CollectionRow, CollectionFace, FaceVector, FaceChip, CollectionUser, ConsentRow)
FACES = 5
BLOCKED = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


async def rows(context: Context) -> list[int]:
    async with context.db.read() as session:
        return [await session.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES]


async def fill(context: Context, name: str) -> list[str]:
    """Make a collection of five faces, two users and a consent; return the ids of the faces."""
    await desk.create_collection(context, OWNER, name, actor=OPERATOR, ttl_days=1)
    indexed = await desk.index_faces(context, OWNER, name, picture(*range(1, FACES + 1)), actor=OPERATOR)
    for user in ("ana", "ben"):
        await desk.create_user(context, OWNER, name, user, actor=OPERATOR)
    await add_consents(context, OWNER, name, [Consent(kind="user_id", subject="ana", text="yes")], actor=OPERATOR)
    return sorted(record.face_id for record in indexed.records)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(care_tomb, "BATCH", 2)
    monkeypatch.setattr(care_tomb, "PAGE", 2)
    return monkeypatch


async def test_wherever_it_is_broken_off_the_loop_ends_it_with_the_same_receipt(
    either: Place, small_batches: pytest.MonkeyPatch
) -> None:
    context, told = either.context, list[dict[str, Any]]()
    for batches in range(8):
        small_batches.setattr(care_tomb, "AT_ONCE", batches)
        ids = await fill(context, "team")
        erasure = await care.erase_collection(context, OWNER, "team", actor=OPERATOR)
        if not erasure.done:
            assert erasure.receipt is None
            with pytest.raises(CollectionNotFoundError):
                await desk.describe_collection(context, OWNER, "team")
            assert await clear_all(context) == 1
        ended = await care.find_erasure(context, OWNER, erasure.id)
        assert ended.receipt is not None
        assert "finished_at" in ended.body
        (erased,) = ended.body["erased"]
        assert erased["face_ids"] == ids
        assert erased["face_ids_sha256"] == hashlib.sha256("\n".join(ids).encode()).hexdigest()
        told.append({"counts": erased["counts"], "users": erased["user_ids"], "keys": sorted(erased)})
        told[-1]["begun"] = erasure.done
    assert [each.pop("begun") for each in told] == [*[False] * 7, True]
    assert all(each == told[0] for each in told)
    assert told[0]["counts"] == {"faces": FACES, "vectors": FACES, "chips": FACES, "users": 2, "consents": 1}
    assert await rows(context) == [1, 0, 0, 0, 0, 0]  # the collection that every test begins with
    assert await clear_all(context) == 0


async def test_what_is_being_erased_is_seen_by_nobody_and_its_name_is_free(
    place: Place, small_batches: pytest.MonkeyPatch
) -> None:
    small_batches.setattr(care_tomb, "AT_ONCE", 2)
    context = place.context
    await fill(context, "team")
    made = (await place.client.post("/api/erasures", json={"collection": "team"})).json()
    assert (made["state"], made["receipt"]) == ("erasing", None)
    assert (made["counts"]["collections"], made["counts"]["faces"]) == (1, FACES)
    receipt = await place.client.get(f"/api/erasures/{made['id']}/receipt")
    assert (receipt.status_code, receipt.headers["retry-after"]) == (503, "60")
    names = [each["name"] for each in (await place.client.get("/api/collections")).json()["items"]]
    assert names == ["guests"]
    kept = (await place.client.get("/api/biometrics")).json()
    assert (kept["collections"], kept["faces"], kept["users"]) == (1, 0, 0)
    place.clock.advance(2 * 86_400)
    assert await expire_due(context) == 0, "what is going anyway does not expire besides"
    again = await fill(context, "team")
    await clear_all(context)
    listed = await desk.list_faces(context, OWNER, "team", actor=OPERATOR, limit=10)
    assert sorted(record.face_id for record in listed) == again
    ended = (await place.client.get(f"/api/erasures/{made['id']}")).json()
    assert (ended["state"], ended["counts"]["faces"], ended["receipt"]["what"]) == ("done", FACES, "collection")


async def test_everything_is_told_once_when_the_last_collection_is_gone(
    either: Place, small_batches: pytest.MonkeyPatch
) -> None:
    small_batches.setattr(care_tomb, "AT_ONCE", 8)
    context = either.context
    for name in ("one", "two"):
        await fill(context, name)
    begun = await care.erase_everything(context, OWNER, actor=OPERATOR, reason="the end")
    assert not begun.done
    await append_waiting(context, signing_keys(context), hold=None)
    await clear_all(context)
    ended = await care.find_erasure(context, OWNER, begun.id)
    assert ended.body["counts"] | {"chips": 0} == {
        "collections": 3,
        "faces": 2 * FACES,
        "vectors": 2 * FACES,
        "chips": 0,
        "users": 4,
        "consents": 2,
        "photo_embeddings": 0,
    }
    async with context.db.read() as session:
        query = select(AuditEntry.action).where(AuditEntry.action.in_(["collection.erase", "faces.erase"]))
        actions = (await session.scalars(query.order_by(AuditEntry.sequence))).all()
    assert actions == ["collection.erase"] * 3 + ["faces.erase"]
    assert await rows(context) == [0] * len(TABLES)


async def test_a_deleted_collection_is_cleared_without_a_receipt(
    place: Place, small_batches: pytest.MonkeyPatch
) -> None:
    small_batches.setattr(care_tomb, "AT_ONCE", 1)
    await fill(place.context, "team")
    await desk.delete_collection(place.context, OWNER, "team", actor=OPERATOR)
    assert (await rows(place.context))[:2] == [2, FACES - 2]
    assert await clear_all(place.context) == 1
    assert await rows(place.context) == [1, 0, 0, 0, 0, 0]
    assert await care.list_erasures(place.context, OWNER, limit=10) == ()


async def test_nothing_is_added_to_a_collection_that_is_being_erased(either: Place) -> None:
    """Its stock is taken once, and the receipt tells of no more than that."""
    context, late = either.context, Consent(kind="user_id", subject="ben", text="yes")
    await fill(context, "team")
    async with context.db.write() as session:
        row = await find_collection(session, OWNER, "team", hold=True)
        adding = asyncio.create_task(add_consents(context, OWNER, "team", [late], actor=OPERATOR))
        if not context.db.is_sqlite:  # there it has read what it will write by
            async with context.db.read() as looking:
                while await looking.scalar(text(BLOCKED)) is None:
                    continue
        await bury(session, row)
    with pytest.raises(CollectionNotFoundError):
        await adding
