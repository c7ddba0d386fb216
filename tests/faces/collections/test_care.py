from __future__ import annotations

import json
from typing import Any

from sqlalchemy import func, select, text

from fotofila.access.audit import OPERATOR
from fotofila.access.audit_append import append_waiting
from fotofila.access.audit_models import AuditEntry
from fotofila.access.audit_verify import verify_database
from fotofila.access.receipts import BadSignatureError, signing_keys
from fotofila.core.capability import Context
from fotofila.core.ids import new_id
from fotofila.faces.collections import care, desk
from fotofila.faces.collections.care_expire import expire_due
from fotofila.faces.collections.care_models import ConsentRow
from fotofila.faces.collections.models import (
    CollectionFace,
    CollectionUser,
    FaceChip,
    FaceVector,
    UserVector,
)
from fotofila.faces.models import FaceRow
from fotofila.library.models import Photo
from tests.faces.collections.conftest import OWNER, STRANGER, Place
from tests.faces.collections.painted import picture

DAY = 86_400


async def rows(context: Context, *tables: Any) -> list[int]:
    async with context.db.read() as session:
        return [await session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


async def audited(context: Context, action: str) -> list[dict[str, Any]]:
    await append_waiting(context, signing_keys(context))
    query = select(AuditEntry.detail).where(AuditEntry.action == action).order_by(AuditEntry.sequence)
    async with context.db.read() as session:
        return [json.loads(detail) for detail in await session.scalars(query)]


async def post(place: Place, path: str, body: dict[str, Any], *, status: int = 201) -> dict[str, Any]:
    response = await place.client.post(path, json=body)
    assert response.status_code == status, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def test_a_person_is_erased_from_every_collection_with_a_receipt(either: Place) -> None:
    place = either
    context = place.context
    await desk.create_collection(context, OWNER, "staff", actor=OPERATOR)
    ana = (await place.index(1, external_image_id="ana.jpg")).records[0].face_id
    ben = (await place.index(2, external_image_id="ben.jpg")).records[0].face_id
    image = picture(1, photo=5)
    again = await desk.index_faces(context, OWNER, "staff", image, actor=OPERATOR, external_image_id="other.jpg")
    await desk.create_user(context, OWNER, "staff", "ana", actor=OPERATOR)
    faces = [again.records[0].face_id]
    await desk.associate_faces(context, OWNER, "staff", "ana", faces, actor=OPERATOR)
    await post(
        place, "/api/collections/staff/consents", {"kind": "user_id", "subject": "ana", "text": "I agree to be found."}
    )
    person = {"user_id": "ana", "external_image_id": "ana.jpg"}
    made = await post(place, "/api/erasures", {"person": person, "reason": "she asked"})
    counts = {"collections": 2, "faces": 2, "vectors": 2, "chips": 2, "users": 1, "consents": 1, "photo_embeddings": 0}
    assert made["counts"] == counts
    receipt = made["receipt"]
    signing_keys(context).demand(receipt)
    told = {each["collection"]: (each["face_ids"], each["user_ids"]) for each in receipt["erased"]}
    assert told == {"guests": ([ana], []), "staff": (faces, ["ana"])}
    assert (receipt["reason"], receipt["asked"]) == ("she asked", person)
    assert await rows(context, CollectionFace, FaceVector, FaceChip, CollectionUser, UserVector, ConsentRow) == [
        *(1, 1, 1),
        *(0, 0, 0),
    ]
    left = await desk.list_faces(context, OWNER, "guests", actor=OPERATOR, limit=9)
    assert [each.face_id for each in left] == [ben]
    assert (await desk.describe_collection(context, OWNER, "staff")).user_count == 0
    async with context.db.read() as session:
        entry = await session.get(AuditEntry, receipt["audit"]["sequence"])
    assert entry is not None
    assert (entry.action, entry.hash, entry.id) == ("faces.erase", receipt["audit"]["hash"], receipt["audit"]["id"])
    assert (await verify_database(context.db, signing_keys(context))).broken is None


async def test_who_is_not_named_stays(place: Place) -> None:
    """Faces without a user or an external id are nobody's: a person without one must not take them along."""
    await place.index(1)
    await place.index(2, external_image_id="ben.jpg")
    made = await post(place, "/api/erasures", {"person": {"user_id": "nobody"}})
    assert (made["counts"]["faces"], made["counts"]["collections"]) == (0, 0)
    made = await post(place, "/api/erasures", {"person": {"external_image_id": "ben.jpg"}})
    assert made["counts"]["faces"] == 1
    assert await rows(place.context, CollectionFace) == [1]
    refused: tuple[dict[str, Any], ...] = ({"person": {}}, {}, {"collection": "guests", "everything": True})
    for body in refused:
        await post(place, "/api/erasures", body, status=422)


async def test_another_workspace_is_not_touched_and_sees_no_receipt(place: Place) -> None:
    face = (await place.index(1, external_image_id="ana.jpg")).records[0].face_id
    stranger = {"Authorization": f"Bearer {await place.key(['admin'], owner=STRANGER)}"}
    body = {"person": {"external_image_id": "ana.jpg", "face_ids": [face]}}
    theirs = (await place.client.post("/api/erasures", json=body, headers=stranger)).json()
    assert theirs["counts"]["faces"] == 0
    assert await rows(place.context, CollectionFace) == [1]
    for path in (f"/api/erasures/{theirs['id']}", f"/api/erasures/{theirs['id']}/receipt"):
        assert (await place.client.get(path)).status_code == 404
    assert (await place.client.get("/api/erasures")).json()["items"] == []
    everything = (await place.client.post("/api/erasures", json={"everything": True}, headers=stranger)).json()
    assert everything["counts"]["collections"] == 0


async def test_a_receipt_that_was_changed_is_refused(place: Place) -> None:
    await place.index(1, 2)
    made = await post(place, "/api/erasures", {"collection": "guests"})
    assert made["counts"]["faces"] == 2
    kept = await place.client.get(f"/api/erasures/{made['id']}/receipt")
    keys = signing_keys(place.context)
    receipt = kept.json()
    assert receipt == made["receipt"]
    keys.demand(receipt)
    for name in receipt:
        for changed in ({**receipt, name: "x"}, {key: value for key, value in receipt.items() if key != name}):
            try:
                keys.demand(changed)
            except BadSignatureError:
                continue
            raise AssertionError(name)


async def test_a_collection_and_everything_are_erased_and_counted(either: Place) -> None:
    place = either
    context = place.context
    await place.index(1, 2)
    body = {"kind": "external_image_id", "subject": "x", "text": "yes"}
    await post(place, "/api/collections/guests/consents", body)
    await add_photo_face(context)
    before = (await place.client.get("/api/biometrics")).json()
    assert {name: before[name] for name in ("faces", "vectors", "chips", "consents", "photo_embeddings")} == {
        **dict.fromkeys(("faces", "vectors", "chips"), 2),
        **dict.fromkeys(("consents", "photo_embeddings"), 1),
    }
    photos = await post(place, "/api/erasures", {"photo_embeddings": True})
    assert (photos["counts"]["photo_embeddings"], photos["counts"]["faces"]) == (1, 0)
    whole = await post(place, "/api/erasures", {"everything": True})
    assert (whole["counts"]["collections"], whole["counts"]["faces"], whole["counts"]["consents"]) == (1, 2, 1)
    after = (await place.client.get("/api/biometrics")).json()
    assert not any(after[name] for name in ("faces", "vectors", "chips", "users", "consents", "photo_embeddings"))
    assert await rows(context, CollectionFace, FaceVector, FaceChip, ConsentRow, FaceRow) == [0, 0, 0, 0, 1]
    assert (await place.client.get("/api/collections/guests")).status_code == 404
    listed = (await place.client.get("/api/erasures?limit=1")).json()
    assert listed["items"][0] == whole
    older = (await place.client.get("/api/erasures", params={"cursor": listed["next_cursor"]})).json()
    assert [each["id"] for each in older["items"]] == [photos["id"]]


async def add_photo_face(context: Context) -> None:
    """Add a photo with a face that has a vector, as the workspace's switch makes them."""
    async with context.db.write() as session:
        photo_id = new_id()
        photo = {column.name: None for column in Photo.__table__.columns if column.nullable}
        now = context.clock.now()
        session.add(
            Photo(
                **{
                    **photo,
                    "id": photo_id,
                    "owner": OWNER,
                    "filename": "a.jpg",
                    "media_type": "image/jpeg",
                    "size_bytes": 1,
                    "checksum_sha256": "0" * 64,
                    "original_key": "a",
                    "job_id": "0" * 32,
                    "created_at": now,
                }
            )
        )
        await session.flush()
        session.add(
            FaceRow(
                id=new_id(),
                owner=OWNER,
                photo_id=photo_id,
                left=0.1,
                top=0.1,
                width=0.1,
                height=0.1,
                confidence=0.9,
                landmarks=[],
                pose={},
                quality={},
                embedding=b"\x01\x3c",
                embedding_model="m",
            )
        )


async def test_erased_vectors_are_not_in_the_file_any_more(place: Place) -> None:
    """On SQLite; PostgreSQL lets go of them when it vacuums."""
    await place.index(1, external_image_id="ana.jpg")
    async with place.context.db.read() as session:
        vector = (await session.scalars(select(FaceVector.vector))).one()
    async with place.context.db.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    assert vector in place.context.db.file.read_bytes()
    await post(place, "/api/erasures", {"person": {"external_image_id": "ana.jpg"}})
    async with place.context.db.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    assert vector not in place.context.db.file.read_bytes()


async def test_faces_whose_time_is_over_are_erased_and_told(either: Place) -> None:
    place = either
    context = place.context
    await desk.update_collection(context, OWNER, "guests", {"ttl_days": 2}, actor=OPERATOR)
    old = (await place.index(1)).records[0].face_id
    await post(place, "/api/collections/guests/consents", {"kind": "face_id", "subject": old, "text": "yes"})
    place.clock.advance(DAY)
    young = (await place.index(2, photo=1)).records[0].face_id
    assert await expire_due(context) == 0
    place.clock.advance(DAY)
    assert await expire_due(context) == 1
    left = await desk.list_faces(context, OWNER, "guests", actor=OPERATOR, limit=9)
    assert [each.face_id for each in left] == [young]
    assert (await desk.describe_collection(context, OWNER, "guests")).face_count == 1
    assert await rows(context, FaceVector, ConsentRow) == [1, 0]
    assert await audited(context, "faces.expire") == [{"faces": [old], "ttl_days": 2}]
    place.clock.advance(DAY)
    assert await expire_due(context) == 1
    assert await expire_due(context) == 0


async def test_consents_are_noted_listed_and_withdrawn(either: Place) -> None:
    place = either
    path = "/api/collections/guests/consents"
    body = {"kind": "external_image_id", "subject": "ana.jpg", "text": "I, Ana, agree.", "given_by": "her mother"}
    made = await post(place, path, body)
    other = await post(place, path, {**body, "subject": "ben.jpg", "given_at": "2025-03-04T05:06:07Z"})
    assert other["given_at"] == "2025-03-04T05:06:07Z"
    page = (await place.client.get(path, params={"subject": "ana.jpg", "kind": "external_image_id"})).json()
    assert page == {"items": [made], "next_cursor": None}
    assert [each["id"] for each in (await place.client.get(path)).json()["items"]] == [other["id"], made["id"]]
    withdrawn = await post(place, f"{path}/{made['id']}/withdraw", {}, status=200)
    assert withdrawn["withdrawn_at"] is not None
    assert await post(place, f"{path}/{made['id']}/withdraw", {}, status=200) == withdrawn
    await post(place, f"{path}/{new_id()}/withdraw", {}, status=404)
    entries = await audited(place.context, "consent.add")
    assert len(entries) == 2
    assert "Ana" not in json.dumps(entries)
    assert len(await audited(place.context, "consent.withdraw")) == 1
    erased = await post(place, "/api/erasures", {"person": {"external_image_id": "ana.jpg"}})
    assert erased["counts"]["consents"] == 1


async def test_a_consent_that_comes_with_an_image_is_noted_once_for_each_of_its_faces(either: Place) -> None:
    place = either
    faces, consents = "/api/collections/guests/faces", "/api/collections/guests/consents"
    said = {"consent": "Form 7b of the gate", "consent_given_by": "her mother"}

    async def index(**params: str) -> list[str]:
        response = await place.client.post(faces, content=picture(1, 2), params=params)
        assert response.status_code == 200, response.text
        return sorted(each["face_id"] for each in response.json()["faces"])

    ids = await index(**said)
    assert await index(**said) == ids
    await index()
    noted = (await place.client.get(consents)).json()["items"]
    assert sorted(each["subject"] for each in noted) == ids
    assert {(each["kind"], each["text"], each["given_by"]) for each in noted} == {
        ("face_id", "Form 7b of the gate", "her mother")
    }
    (entry,) = await audited(place.context, "consent.add")
    assert (sorted(entry["faces"]), len(entry["consents"])) == (ids, 2)
    assert "gate" not in json.dumps(entry)
    form = {"image": ("a.jpg", picture(1, 2))}
    again = await place.client.post(faces, files=form, data=said)
    assert (again.status_code, len((await place.client.get(consents)).json()["items"])) == (200, 2)
    for field, most in (("consent", 4000), ("consent_given_by", 255)):
        for length in (most + 1, 9 * most):
            refused = await place.client.post(faces, files=form, data={**said, field: "x" * length})
            assert (refused.status_code, f"{field!r} is longer than {most}" in refused.json()["detail"]) == (413, True)
    refused = await place.client.post(faces, files={**form, "consent": (None, b"\xff")})
    assert (refused.status_code, "UTF-8" in refused.json()["detail"]) == (400, True)
    accented = await place.client.post(faces, files=form, data={"consent": "Form 8", "consent_given_by": "ã" * 255})
    assert (accented.status_code, len((await place.client.get(consents)).json()["items"])) == (200, 4)
    refused = await place.client.post(faces, content=picture(1), params={"consent_given_by": "her mother"})
    assert (refused.status_code, "`consent`" in refused.json()["detail"]) == (422, True)
    erased = await post(place, "/api/erasures", {"person": {"face_ids": ids[:1]}})
    assert erased["counts"]["consents"] == 2


async def test_the_log_says_whose_picture_and_which_face_was_looked_at(place: Place) -> None:
    ids = [record.face_id for record in (await place.index(1, 2)).records]
    for face_id in ids:
        assert (await place.client.get(f"/api/collections/guests/faces/{face_id}/chip")).status_code == 200
    assert (await place.client.get(f"/api/collections/guests/faces/{ids[1]}")).status_code == 200
    await append_waiting(place.context, signing_keys(place.context), hold=None)
    pictures, face = await audited(place.context, "faces.view")
    assert (pictures["each"], pictures["looks"]) == (ids, 2)
    assert (face["faces"], face["face_ids"]) == (1, ids[1:])


async def test_only_admins_erase(place: Place) -> None:
    editor = {"Authorization": f"Bearer {await place.key(['photos:read', 'photos:write'])}"}
    body = {"person": {"user_id": "ana"}}
    assert (await place.client.post("/api/erasures", json=body, headers=editor)).status_code == 403
    assert (await place.client.get("/api/erasures", headers=editor)).status_code == 403


async def test_a_receipt_is_signed_later_where_the_entry_was_not_chained_yet(place: Place) -> None:
    made = await care.erase_collection(place.context, OWNER, "guests", actor=OPERATOR)
    async with place.context.db.write() as session:
        await session.execute(text("UPDATE erasures SET receipt = NULL"))
    again = await care.find_erasure(place.context, OWNER, made.id)
    assert again.receipt == made.receipt
