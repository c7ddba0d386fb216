"""A deed and the answer that is kept of it are one: an attempt that comes again is safe, whatever happened before."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from fotofila.access.audit_models import AuditInbox
from fotofila.api.limits import RateLimits
from fotofila.api.models import IdempotentRequest
from fotofila.core.capability import Context
from fotofila.core.errors import UnavailableError
from fotofila.core.ids import new_id
from fotofila.faces.engine.base import AddedFaces, FindOptions, Found
from fotofila.rekognition.calls import Call, Run
from fotofila.rekognition.operations import OPERATIONS
from fotofila.rekognition.routes import create_wire_app
from fotofila.testing.pictures import jpeg
from tests.faces.collections.painted import PaintedEngine, picture
from tests.faces.collections.painted_keeper import PaintedKeeper
from tests.rekognition.conftest import make_target
from tests.rekognition.parts import Wired, code, open_context

DEEDS = {
    "CreateCollection": "collection.create",
    "TagResource": "collection.tag",
    "UntagResource": "collection.tag",
    "IndexFaces": "faces.index",
    "CreateUser": "users.create",
    "AssociateFaces": "users.associate",
    "DisassociateFaces": "users.disassociate",
    "DeleteFaces": "faces.delete",
    "DeleteUser": "users.delete",
    "DeleteCollection": "collection.delete",
}
"""Every operation that changes something, in an order in which they follow each other, with what the log says of it."""


class SeesOne(PaintedEngine):
    """Finds the same face in whatever is a picture."""

    async def find_faces(self, image: bytes, *, options: FindOptions) -> Found:
        del image
        return await super().find_faces(picture(1), options=options)


class KeepsOne(PaintedKeeper):
    """Keeps the same face of whatever is a picture."""

    async def index_faces(self, collection: str, image: bytes, **wishes: Any) -> AddedFaces:
        del image
        return await super().index_faces(collection, picture(1), **wishes)


@pytest.fixture(params=[SeesOne, KeepsOne])
async def context(tmp_path: Path, database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Context]:
    async with open_context(tmp_path, database_url=database_url) as made:
        yield replace(made, parts={**made.parts, "faces": request.param()})


def dying_after(run: Run) -> Run:
    """Do the deed, and fail before anything is answered."""

    async def dies(call: Call) -> Any:
        await run(call)
        raise UnavailableError("the process ends here")

    return dies


def overtaken(run: Run) -> Run:
    """Do the deed where another attempt has taken over meanwhile, so that no answer can be kept."""

    async def late(call: Call) -> Any:
        async with call.context.db.write() as session:
            await session.execute(delete(IdempotentRequest))
        return await run(call)

    return late


async def told(context: Context, action: str) -> int:
    """Count what the audit log says was done."""
    async with context.db.read() as session:
        query = select(func.count()).select_from(AuditInbox).where(AuditInbox.action == action)
        return await session.scalar(query) or 0


def test_every_operation_that_changes_something_is_tried_here() -> None:
    assert set(DEEDS) == {name for name, each in OPERATIONS.items() if each.once}


async def test_what_was_done_before_the_process_died_is_answered_and_not_done_again(context: Context) -> None:
    """And what could not be kept was not done."""
    limits = RateLimits(requests="1000000/second", sign_ins="1000000/second")
    operations = dict(OPERATIONS)
    wire = Wired(create_wire_app(context, limits, operations), context, await make_target(context), path="/")
    inputs: dict[str, dict[str, Any]] = {name: {"CollectionId": "team"} for name in DEEDS}
    inputs["IndexFaces"]["Image"] = {"Bytes": base64.b64encode(jpeg()).decode()}
    for name, action in DEEDS.items():
        given, call = inputs[name], new_id()
        before = await told(context, action)
        operations[name] = replace(OPERATIONS[name], run=overtaken(OPERATIONS[name].run))
        assert code(await wire.call(name, given, invocation=new_id())) == "ThrottlingException", name
        assert await told(context, action) == before, name
        operations[name] = replace(OPERATIONS[name], run=dying_after(OPERATIONS[name].run))
        assert (await wire.call(name, given, invocation=call)).status_code == 500, name
        operations[name] = OPERATIONS[name]
        again = await wire.call(name, given, invocation=call)
        assert again.status_code == 200, (name, again.text)
        assert (await wire.call(name, given, invocation=call)).content == again.content
        assert await told(context, action) == before + 1, name
        learn(inputs, name, again.json())
    await wire.http.aclose()


def learn(inputs: dict[str, dict[str, Any]], name: str, answer: dict[str, Any]) -> None:
    """Fill in what later operations need to know of an answer."""
    if name == "CreateCollection":
        arn = {"ResourceArn": answer["CollectionArn"]}
        inputs["TagResource"] = {**arn, "Tags": {"a": "b"}}
        inputs["UntagResource"] = {**arn, "TagKeys": ["a"]}
    if name == "IndexFaces":
        faces = [each["Face"]["FaceId"] for each in answer["FaceRecords"]]
        for other in ("AssociateFaces", "DisassociateFaces", "DeleteFaces"):
            inputs[other]["FaceIds"] = faces
        for other in ("CreateUser", "AssociateFaces", "DisassociateFaces", "DeleteUser"):
            inputs[other]["UserId"] = "anna"
    if name == "AssociateFaces":
        assert answer["AssociatedFaces"]
    if name == "DeleteFaces":
        assert answer["DeletedFaces"]
