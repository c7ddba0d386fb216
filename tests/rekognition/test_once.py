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
from fotofila.api.app import create_app
from fotofila.api.models import IdempotentRequest
from fotofila.core.capability import Context
from fotofila.core.ids import new_id
from fotofila.faces.engine.base import FindOptions, Found
from fotofila.rekognition.calls import Call, Run
from fotofila.rekognition.operations import OPERATIONS
from fotofila.rekognition.routes import create_wire_app
from fotofila.testing.pictures import jpeg
from tests.faces.collections.conftest import Place, open_place
from tests.faces.collections.painted import PaintedEngine, picture
from tests.rekognition.conftest import make_target
from tests.rekognition.parts import Wired, code

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


@pytest.fixture
async def place(tmp_path: Path, database_url: str) -> AsyncIterator[Place]:
    async with open_place(tmp_path, database_url) as made:
        yield made


def wire_of(context: Context, target: Any, runs: dict[str, Run]) -> Wired:
    """Serve the operations, some of them run otherwise."""
    operations = {name: replace(each, run=runs.get(name, each.run)) for name, each in OPERATIONS.items()}
    return Wired(create_wire_app(context, create_app(context).state.limits, operations), context, target, path="/")


def dying_after(run: Run) -> Run:
    """Do the deed, and fail before anything is answered."""

    async def dies(call: Call) -> Any:
        await run(call)
        message = "the process ends here"
        raise RuntimeError(message)

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


async def test_what_was_done_before_the_process_died_is_answered_and_not_done_again(place: Place) -> None:
    """And what could not be kept was not done."""
    context = replace(place.context, parts={**place.context.parts, "faces": SeesOne()})
    target = await make_target(context)
    good = wire_of(context, target, {})
    dying = wire_of(context, target, {name: dying_after(OPERATIONS[name].run) for name in DEEDS})
    late = wire_of(context, target, {name: overtaken(OPERATIONS[name].run) for name in DEEDS})
    inputs: dict[str, dict[str, Any]] = {name: {"CollectionId": "team"} for name in DEEDS}
    inputs["IndexFaces"]["Image"] = {"Bytes": base64.b64encode(jpeg()).decode()}
    for name, action in DEEDS.items():
        given, call = inputs[name], new_id()
        before = await told(context, action)
        assert code(await late.call(name, given, invocation=new_id())) == "ThrottlingException", name
        assert await told(context, action) == before, name
        assert (await dying.call(name, given, invocation=call)).status_code == 500, name
        again = await good.call(name, given, invocation=call)
        assert again.status_code == 200, (name, again.text)
        assert (await good.call(name, given, invocation=call)).content == again.content
        assert await told(context, action) == before + 1, name
        learn(inputs, name, again.json())
    for wired in (good, dying, late):
        await wired.http.aclose()


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
