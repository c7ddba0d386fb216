"""The protocol itself: who is let in, what is read, how it is answered."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from fotofila.access.audit_models import AuditInbox
from fotofila.access.aws_keys import list_aws_keys, revoke_aws_key
from fotofila.access.models import AwsKey, Workspace
from fotofila.access.workspaces import DEFAULT_WORKSPACE, get_workspace
from fotofila.api.app import create_app
from fotofila.core.capability import Context
from fotofila.core.ids import new_id
from fotofila.core.observability.metrics import REGISTRY
from fotofila.faces.engine.local import LocalEngine
from fotofila.rekognition.calls import Call, as_it_is
from fotofila.rekognition.door import MAX_BODY_BYTES
from fotofila.rekognition.front import front_of
from fotofila.rekognition.operations import OPERATIONS
from fotofila.rekognition.routes import create_wire_app
from fotofila.testing.clock import FakeClock
from fotofila.testing.pictures import jpeg
from fotofila.worker.errors import BusyError
from tests.rekognition.conftest import make_target
from tests.rekognition.parts import Wired, code, open_context, sign


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def context(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Context]:
    async with open_context(tmp_path, clock=clock) as context:
        yield context


@pytest.fixture
async def wire(context: Context) -> AsyncIterator[Wired]:
    made = Wired(create_app(context), context, await make_target(context))
    async with made.http:
        yield made


async def test_an_answer_has_the_type_and_the_id_of_the_request(wire: Wired) -> None:
    answer = await wire.call("ListCollections")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"
    assert answer.headers["x-amzn-requestid"].replace("-", "") == answer.headers["x-request-id"]
    assert answer.json() == {"CollectionIds": [], "FaceModelVersions": []}


async def test_an_error_has_a_type_and_a_message(wire: Wired) -> None:
    answer = await wire.call("DescribeCollection", {"CollectionId": "none"})
    assert answer.status_code == 400
    assert set(answer.json()) == {"__type", "Message"}
    assert code(answer) == "ResourceNotFoundException"
    assert answer.headers["x-amzn-requestid"]


async def test_both_slashes_are_answered_and_neither_is_redirected(wire: Wired) -> None:
    for path in ("/rekognition", "/rekognition/"):
        headers = sign(wire.target, "ListCollections", b"{}", at=wire.context.clock.now(), path=path)
        assert (await wire.http.post(path, content=b"{}", headers=headers)).status_code == 200


async def test_a_port_of_its_own_answers_at_the_root(context: Context, wire: Wired) -> None:
    app = create_wire_app(context, create_app(context).state.limits)
    alone = Wired(app, context, wire.target, path="/")
    assert (await alone.call("ListCollections")).status_code == 200
    assert (await alone.http.get("/api/photos")).json()["__type"] == "UnknownOperationException"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
async def test_every_method_gets_an_answer_that_clients_read(wire: Wired, method: str) -> None:
    answer = await wire.http.request(method, "/rekognition")
    assert answer.status_code == 400
    assert method == "HEAD" or code(answer) == "UnknownOperationException"


@pytest.mark.parametrize(
    "target", ["", "DetectFaces", "RekognitionService.", "RekognitionService.Fly", "S3.DetectFaces"]
)
async def test_an_unknown_operation_is_told_before_the_signature_is_looked_at(wire: Wired, target: str) -> None:
    answer = await wire.http.post("/rekognition", content=b"{}", headers={"x-amz-target": target})
    assert code(answer) == "UnknownOperationException"


async def test_without_a_signature_nothing_is_read(wire: Wired) -> None:
    headers = {"x-amz-target": "RekognitionService.ListCollections"}
    assert code(await wire.http.post("/rekognition", headers=headers)) == "MissingAuthenticationTokenException"
    bearer = headers | {"authorization": "Bearer ff_abc"}
    assert code(await wire.http.post("/rekognition", headers=bearer)) == "IncompleteSignatureException"


async def test_a_revoked_key_ends_at_once_and_an_expired_one_at_its_end(
    wire: Wired, context: Context, clock: FakeClock
) -> None:
    assert (await wire.call("ListCollections")).status_code == 200
    async with context.db.write() as session:
        (row,) = await list_aws_keys(session, owner=DEFAULT_WORKSPACE)
        row.expires_at = clock.now() + timedelta(seconds=20)
    clock.advance(10)
    assert (await wire.call("ListCollections")).status_code == 200
    clock.advance(10)
    assert code(await wire.call("ListCollections")) == "UnrecognizedClientException"
    other = Wired(create_app(context), context, await make_target(context))
    assert (await other.call("ListCollections")).status_code == 200
    async with context.db.write() as session:
        row = (await list_aws_keys(session, owner=DEFAULT_WORKSPACE))[0]
        await revoke_aws_key(session, owner=DEFAULT_WORKSPACE, key_id=row.id, now=clock.now())
    assert code(await other.call("ListCollections")) == "UnrecognizedClientException"


async def test_the_secret_is_kept_encrypted_and_the_use_is_noted(wire: Wired, context: Context) -> None:
    await wire.call("ListCollections")
    async with context.db.read() as session:
        row = (await session.scalars(select(AwsKey))).one()
    assert wire.target.secret_access_key not in row.sealed_secret
    assert row.last_used_at is not None


async def test_a_replay_within_the_window_is_an_honest_call(wire: Wired, clock: FakeClock) -> None:
    headers = sign(wire.target, "ListCollections", b"{}", at=clock.now())
    for _ in range(2):  # boto3 signs two calls of one second alike
        assert (await wire.http.post("/rekognition", content=b"{}", headers=headers)).status_code == 200
    clock.advance(301)
    late = await wire.http.post("/rekognition", content=b"{}", headers=headers)
    assert code(late) == "InvalidSignatureException"


async def test_a_body_that_was_changed_on_the_way_is_refused(wire: Wired, clock: FakeClock) -> None:
    headers = sign(wire.target, "ListCollections", b"{}", at=clock.now())
    changed = await wire.http.post("/rekognition", content=b'{"MaxResults": 1}', headers=headers)
    assert code(changed) == "InvalidSignatureException"


async def test_behind_a_proxy_the_public_name_is_what_was_signed(tmp_path: Path) -> None:
    settings = {"public_url": "https://photos.test", "trusted_proxies": ["127.0.0.1"]}
    async with open_context(tmp_path, **settings) as context:
        target = await make_target(context)
        http = Wired(create_app(context), context, target).http
        for signed_host, sent in (
            ("photos.test", {"host": "inside:8000", "x-forwarded-host": "photos.test", "x-forwarded-proto": "https"}),
            ("photos.test", {"host": "inside:8000"}),
            ("photos.test:8443", {"host": "photos.test", "x-forwarded-port": "8443"}),
            ("photos.test", {"host": "photos.test:443", "x-forwarded-proto": "https"}),
        ):
            headers = sign(target, "ListCollections", b"{}", at=context.clock.now(), host=signed_host) | sent
            answer = await http.post("/rekognition", content=b"{}", headers=headers)
            assert answer.status_code == 200, (signed_host, sent, answer.text)
        headers = sign(target, "ListCollections", b"{}", at=context.clock.now(), host="evil.test") | {"host": "inside"}
        assert code(await http.post("/rekognition", content=b"{}", headers=headers)) == "InvalidSignatureException"


async def test_a_body_larger_than_any_call_is_told_with_its_size(wire: Wired, clock: FakeClock) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 2**20 + 1):
            yield bytes(2**20)

    headers = sign(wire.target, "DetectFaces", b"", at=clock.now())
    answer = await wire.http.post("/rekognition", content=body(), headers=headers)
    assert (answer.status_code, code(answer)) == (413, "RequestEntityTooLargeException")


async def test_more_calls_at_once_than_there_is_room_for_are_throttled(wire: Wired, context: Context) -> None:
    front = front_of(context)
    front.under_way = front.most
    refused = await wire.call("ListCollections")
    assert (refused.status_code, code(refused)) == (400, "ThrottlingException")
    front.under_way = 0
    assert (await wire.call("ListCollections")).status_code == 200
    assert front.under_way == 0


async def test_more_calls_than_the_rate_allows_are_told_as_aws_tells_them(tmp_path: Path) -> None:
    async with open_context(tmp_path, rate_limit="2/minute") as context:
        target = await make_target(context)
        wire = Wired(create_app(context), context, target)
        assert [code(await wire.call("ListCollections")) for _ in range(3)] == [
            "",
            "",
            "ProvisionedThroughputExceededException",
        ]


async def test_guessing_at_secrets_is_throttled_by_address(tmp_path: Path) -> None:
    async with open_context(tmp_path, rate_limit="2/minute") as context:
        target = await make_target(context)
        wire = Wired(create_app(context), context, target)
        wire.target = type(target)(url="", access_key_id=target.access_key_id, secret_access_key="wrong")
        codes = [code(await wire.call("ListCollections")) for _ in range(3)]
        assert codes == ["InvalidSignatureException"] * 2 + ["ThrottlingException"]


async def test_making_a_collection_switches_recognition_on_and_is_audited(wire: Wired, context: Context) -> None:
    assert (await wire.call("CreateCollection", {"CollectionId": "guests"})).status_code == 200
    async with context.db.read() as session:
        assert not (await get_workspace(session, DEFAULT_WORKSPACE)).face_recognition
        entries = (await session.scalars(select(AuditInbox))).all()
        key = (await session.scalars(select(AwsKey))).one()
    told = {entry.action: entry for entry in entries}
    assert told["collection.create"].subject == "guests"
    assert (told["collection.create"].actor_kind, told["collection.create"].actor_id) == ("aws_key", key.id)


async def test_an_attempt_that_is_made_again_is_answered_again_and_done_once(wire: Wired) -> None:
    call, given = new_id(), {"CollectionId": "once"}
    first = await wire.call("CreateCollection", given, invocation=call)
    again = await wire.call("CreateCollection", given, invocation=call)
    assert (again.status_code, again.content) == (200, first.content)
    other_call = await wire.call("CreateCollection", given, invocation=new_id())
    assert code(other_call) == "ResourceAlreadyExistsException"
    other_body = await wire.call("CreateCollection", {"CollectionId": "two"}, invocation=call)
    assert other_body.status_code == 200


async def test_an_attempt_of_another_key_is_another_call(wire: Wired, context: Context) -> None:
    call, given = new_id(), {"CollectionId": "once"}
    assert (await wire.call("CreateCollection", given, invocation=call)).status_code == 200
    wire.target = await make_target(context)
    assert code(await wire.call("CreateCollection", given, invocation=call)) == "ResourceAlreadyExistsException"


async def test_an_attempt_while_the_first_still_runs_is_told_to_wait(context: Context, wire: Wired) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(_call: Call) -> dict[str, Any]:
        begun.set()
        await go_on.wait()
        return {"StatusCode": 200}

    operations = {"DeleteCollection": replace(OPERATIONS["DeleteCollection"], run=slowly, tell=as_it_is)}
    app = create_wire_app(context, create_app(context).state.limits, operations)
    slow, call, given = Wired(app, context, wire.target), new_id(), {"CollectionId": "c"}
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(slow.call("DeleteCollection", given, invocation=call))
        await begun.wait()
        assert code(await slow.call("DeleteCollection", given, invocation=call)) == "ThrottlingException"
        go_on.set()
    again = await slow.call("DeleteCollection", given, invocation=call)
    assert first.result().content == again.content == b'{"StatusCode":200}'


class FullLane:
    """A direct lane without a free child."""

    async def __call__(self, *_arguments: object) -> dict[str, Any]:
        raise BusyError("Every worker of this machine is busy: try again in a moment.")

    async def close(self) -> None:
        """Hold nothing."""


async def test_while_every_child_is_busy_calls_are_throttled(context: Context, wire: Wired) -> None:
    engine = LocalEngine(context.settings, FullLane())
    full = replace(context, parts={**context.parts, "faces": engine})
    busy = Wired(create_app(full), full, wire.target)
    given = {"Image": {"Bytes": base64.b64encode(jpeg()).decode()}}
    assert code(await busy.call("DetectFaces", given)) == "ThrottlingException"


async def test_a_refused_attempt_is_tried_anew(wire: Wired) -> None:
    call, given = new_id(), {"CollectionId": "late"}
    assert code(await wire.call("DeleteCollection", given, invocation=call)) == "ResourceNotFoundException"
    await wire.call("CreateCollection", given)
    assert (await wire.call("DeleteCollection", given, invocation=call)).status_code == 200


async def test_a_token_names_a_call_and_fits_no_other(wire: Wired) -> None:
    await wire.call("CreateCollection", {"CollectionId": "c"})
    given = {"CollectionId": "c", "UserId": "anna", "ClientRequestToken": "token-1"}
    for _ in range(2):
        assert (await wire.call("CreateUser", given, invocation=new_id())).status_code == 200
    other = await wire.call("CreateUser", given | {"UserId": "bob"})
    assert code(other) == "IdempotentParameterMismatchException"
    assert code(await wire.call("CreateUser", given | {"ClientRequestToken": "t2"})) == "ConflictException"


async def test_pages_of_the_longest_names_go_on(wire: Wired) -> None:
    names = sorted("n" * 254 + letter for letter in "abc")
    for name in names:
        assert (await wire.call("CreateCollection", {"CollectionId": name})).status_code == 200
    seen, token = [], {}
    for _ in names:
        page = (await wire.call("ListCollections", {"MaxResults": 1, **token})).json()
        seen += page["CollectionIds"]
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else {}
    assert (seen, token) == (names, {})


async def test_calls_are_counted_by_operation_and_answer(wire: Wired) -> None:
    def count(answer: str) -> float:
        labels = {"operation": "DescribeCollection", "answer": answer}
        return REGISTRY.get_sample_value("fotofila_rekognition_calls_total", labels) or 0

    before = count("ResourceNotFoundException")
    await wire.call("DescribeCollection", {"CollectionId": "none"})
    assert count("ResourceNotFoundException") == before + 1


async def test_two_workspaces_share_nothing(wire: Wired, context: Context) -> None:
    await wire.call("CreateCollection", {"CollectionId": "mine"})
    arn = (await wire.call("DescribeCollection", {"CollectionId": "mine"})).json()["CollectionARN"]
    wire.target = await make_target(context, owner=await other_workspace(context))
    assert (await wire.call("ListCollections")).json()["CollectionIds"] == []
    for name, given in (
        ("DescribeCollection", {"CollectionId": "mine"}),
        ("ListFaces", {"CollectionId": "mine"}),
        ("ListUsers", {"CollectionId": "mine"}),
        ("DeleteCollection", {"CollectionId": "mine"}),
        ("ListTagsForResource", {"ResourceArn": arn}),
    ):
        assert code(await wire.call(name, given)) == "ResourceNotFoundException", name
    assert (await wire.call("CreateCollection", {"CollectionId": "mine"})).status_code == 200


async def other_workspace(context: Context) -> str:
    owner = new_id()
    async with context.db.write() as session:
        session.add(Workspace(id=owner, name="other", detection="fast", created_at=context.clock.now()))
    return owner
