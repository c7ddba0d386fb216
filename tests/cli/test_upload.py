"""The sender against the real app, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from fotofila.access.keys import create_key
from fotofila.access.workspaces import DEFAULT_WORKSPACE, ensure_default_workspace
from fotofila.api.app import create_app
from fotofila.bootstrap import make_context
from fotofila.cli.pictures import Picture, find_pictures
from fotofila.cli.upload.resumable import (
    PIECE,
    PIECE_BYTES,
    RESUMABLE_BYTES,
    TUS,
    find_or_begin,
    send_rest,
    send_resumable,
)
from fotofila.cli.upload.sending import Outcome, find_unknown, hash_file, send_all
from fotofila.cli.upload.server import Server, Span, StoppedError, UnreachableError
from fotofila.cli.upload.waiting import close_batch, find_or_make_batch, wait_for_results
from fotofila.core.capability import Context
from fotofila.core.config import load_settings
from fotofila.core.db.migrate import prepare_database
from fotofila.core.events.lifecycle import finish_job
from fotofila.core.jobs.models import Job
from fotofila.core.jobs.states import JobState
from fotofila.library.models import Photo
from fotofila.testing.pictures import jpeg
from tests.cli.conftest import Run

BASE_URL = "http://127.0.0.1:8000"


class Ear:
    """Hears how it goes."""

    def __init__(self) -> None:
        self.bytes: dict[str, int] = {}
        self.heard: list[int] = []
        self.over_with: list[str] = []

    def going(self, picture: Picture, sent_bytes: int) -> None:
        self.bytes[picture.path.name] = sent_bytes
        self.heard.append(sent_bytes)

    def over(self, picture: Picture) -> None:
        self.over_with.append(picture.path.name)


@pytest.fixture
async def context() -> AsyncIterator[Context]:
    context = make_context(load_settings())
    await prepare_database(context.db)
    async with context.db.write() as session:
        await ensure_default_workspace(session, now=context.clock.now(), detection="fast")
    yield context
    await context.close()


@asynccontextmanager
async def sender(context: Context, *scopes: str) -> AsyncIterator[Server]:
    wanted = scopes or ("photos:read", "photos:write")
    async with context.db.write() as session:
        key = await create_key(session, owner=DEFAULT_WORKSPACE, name="t", scopes=wanted, now=context.clock.now())
    headers = {"Authorization": f"Bearer {key.secret}"}
    transport = httpx.ASGITransport(create_app(context))
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers=headers) as client:
        yield Server(client)


@pytest.fixture
def pictures(tmp_path: Path) -> list[Picture]:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.jpg").write_bytes(jpeg(comment=str(number).encode()))
    return find_pictures([folder])


async def send(server: Server, pictures: list[Picture], batch_id: str | None = None) -> tuple[Outcome, Ear]:
    outcome, ear = Outcome(), Ear()
    unknown = await find_unknown(server, pictures, outcome, ear)
    await send_all(server, unknown, outcome, ear, batch_id=batch_id, jobs=2)
    return outcome, ear


async def end_jobs(context: Context, state: JobState) -> None:
    error = {"code": "ordered", "sentence": "It was to fail.", "permanent": True} if state is JobState.FAILED else None
    async with context.db.write() as session:
        for job in await session.scalars(Job.__table__.select().with_only_columns(Job.id)):
            await finish_job(session, await session.get_one(Job, job), state, now=context.clock.now(), error=error)


async def test_every_file_is_sent_and_told_of(context: Context, pictures: list[Picture]) -> None:
    async with sender(context) as server:
        outcome, ear = await send(server, pictures)
    assert sorted(sent.photo["filename"] for _, sent in outcome.sent) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg"]
    assert ear.bytes == {picture.path.name: picture.size_bytes for picture in pictures}
    assert sorted(ear.over_with) == sorted(ear.bytes)


async def test_a_second_run_sends_only_what_is_new(context: Context, pictures: list[Picture]) -> None:
    async with sender(context) as server:
        await send(server, pictures[:3])
        outcome, ear = await send(server, pictures)
    assert len(outcome.duplicates) == 3
    assert sorted(ear.bytes) == ["3.jpg", "4.jpg"]


async def test_the_same_bytes_twice_are_sent_once(context: Context, pictures: list[Picture]) -> None:
    pictures[1].path.write_bytes(pictures[0].path.read_bytes())
    async with sender(context) as server:
        outcome, _ = await send(server, find_pictures([pictures[0].path.parent]))
    assert (len(outcome.sent), outcome.repeated) == (4, 1)


async def test_a_key_that_may_only_write_is_enough(context: Context, pictures: list[Picture]) -> None:
    async with sender(context, "photos:write") as server:
        first, _ = await send(server, pictures)
        second, _ = await send(server, pictures)
        assert await find_or_make_batch(server, "holiday", 5)
    assert (len(first.sent), len(second.duplicates)) == (5, 5)


async def test_a_file_that_is_refused_stops_no_other(context: Context, pictures: list[Picture]) -> None:
    pictures[2].path.write_bytes(b"no picture at all")
    async with sender(context) as server:
        outcome, _ = await send(server, find_pictures([pictures[0].path.parent]))
    assert len(outcome.sent) == 4
    assert [(each.picture.path.name, each.code) for each in outcome.refused] == [("2.jpg", "unsupported_media_type")]


async def test_a_file_that_is_gone_meanwhile_stops_no_other(context: Context, pictures: list[Picture]) -> None:
    pictures[2].path.unlink()
    async with sender(context) as server:
        outcome, _ = await send(server, pictures)
    assert [each.code for each in outcome.refused] == ["unreadable"]
    assert len(outcome.sent) == 4


async def test_a_key_that_is_not_known_stops_everything(context: Context, pictures: list[Picture]) -> None:
    transport = httpx.ASGITransport(create_app(context))
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers={"X-API-Key": "ff_no"}) as client:
        with pytest.raises(StoppedError, match="API key"):
            await send(Server(client), pictures)


async def test_a_stopped_batch_is_gone_on_with(context: Context, pictures: list[Picture]) -> None:
    async with sender(context) as server:
        first = await find_or_make_batch(server, "holiday", 5)
        await send(server, pictures[:2], batch_id=first)
        assert await find_or_make_batch(server, "holiday", 3) == first
        await send(server, pictures, batch_id=first)
        await end_jobs(context, JobState.DONE)
        assert await find_or_make_batch(server, "holiday", 3) != first


async def test_a_batch_ends_without_the_files_that_were_refused(context: Context, pictures: list[Picture]) -> None:
    async with sender(context) as server:
        batch_id = await find_or_make_batch(server, "holiday", 5)
        await send(server, pictures[:4], batch_id=batch_id)
        await end_jobs(context, JobState.DONE)
        assert (await server.get(f"/api/batches/{batch_id}"))["finished_at"] is None
        await close_batch(server, batch_id)
        assert (await server.get(f"/api/batches/{batch_id}"))["finished_at"] is not None


@pytest.mark.parametrize("state", [JobState.DONE, JobState.FAILED, JobState.CANCELLED])
async def test_waiting_ends_with_the_last_photo(context: Context, pictures: list[Picture], state: JobState) -> None:
    async with sender(context) as server:
        outcome, _ = await send(server, pictures)
        await end_jobs(context, state)
        await wait_for_results(server, outcome)
    assert set(outcome.states.values()) == {state}
    assert len(outcome.failed) == (0 if state is JobState.DONE else 5)


LARGE = RESUMABLE_BYTES + PIECE_BYTES // 2


@pytest.fixture
def large(tmp_path: Path) -> Picture:
    file = tmp_path / "large.jpg"
    file.write_bytes(padded(LARGE))
    return find_pictures([file])[0]


def padded(size_bytes: int) -> bytes:
    small = jpeg()
    return small + b"\0" * (size_bytes - len(small))


async def test_a_large_file_is_sent_in_pieces(context: Context, large: Picture) -> None:
    async with sender(context) as server:
        outcome, ear = await send(server, [large])
        again, _ = await send(server, [large])
    ((_, sent),) = outcome.sent
    assert (sent.photo["filename"], sent.photo["size_bytes"]) == ("large.jpg", LARGE)
    assert ear.bytes == {"large.jpg": LARGE}
    assert len(again.duplicates) == 1


async def begin(server: Server, picture: Picture) -> str:
    """Begin an upload of which one piece has arrived; returns its path."""
    found = await find_or_begin(server, picture, hash_file(picture.path), None)
    assert found is not None
    path = f"/api/uploads/tus/{found['id']}"
    answer = await server.pass_on(
        path, picture, headers={**PIECE, "Upload-Offset": "0"}, span=Span(start=0, end=1_000_000), told=lambda _: None
    )
    assert answer is not None
    assert answer.status_code == 204
    return path


@pytest.mark.parametrize("scopes", [(), ("photos:write",)], ids=["read and write", "write"])
async def test_the_next_run_goes_on_where_the_last_was_stopped(
    context: Context, large: Picture, scopes: tuple[str, ...]
) -> None:
    async with sender(context, *scopes) as server:
        path = await begin(server, large)
        outcome, ear = Outcome(), Ear()
        await send_all(server, {hash_file(large.path): large}, outcome, ear, batch_id=None, jobs=1)
        assert (await server.ask("HEAD", path, headers=TUS)).headers["Upload-Offset"] == str(LARGE)
    assert (ear.heard[0], ear.heard[-1], len(outcome.sent)) == (1_000_000, LARGE, 1)


async def test_an_upload_that_somebody_else_moved_is_gone_on_with(context: Context, large: Picture) -> None:
    async with sender(context) as server:
        path = await begin(server, large)
        stale = {"id": path.rsplit("/", 1)[1], "offset_bytes": 0}
        assert await send_rest(server, large, stale, lambda _: None)
    async with context.db.read() as session:
        (photo,) = await session.scalars(select(Photo))
    assert photo.checksum_sha256 == hash_file(large.path)


async def test_an_upload_that_was_ended_is_begun_anew(context: Context, large: Picture) -> None:
    async with sender(context) as server:
        path = await begin(server, large)
        assert (await server.ask("DELETE", path, headers=TUS)).status_code == 204
        assert not await send_rest(server, large, {"id": path.rsplit("/", 1)[1], "offset_bytes": 0}, lambda _: None)
        outcome, _ = await send(server, [large])
    assert len(outcome.sent) == 1


async def test_a_large_file_that_is_no_photo_is_refused_before_it_is_sent_whole(
    context: Context, large: Picture
) -> None:
    large.path.write_bytes(b"no picture at all " * (LARGE // 18 + 1))
    async with sender(context) as server:
        outcome, _ = await send(server, find_pictures([large.path]))
    assert [each.code for each in outcome.refused] == ["unsupported_media_type"]


async def test_after_a_loss_the_server_is_asked_how_much_came(large: Picture) -> None:
    lost, half = httpx.ReadError("reset"), httpx.Response(200, headers={"Upload-Offset": str(LARGE - 10)})
    rest = httpx.Response(204, headers={"Upload-Offset": str(LARGE)})
    heard: list[int] = []
    async with httpx.AsyncClient(transport=Scripted(lost, half, rest), base_url=BASE_URL) as client:
        assert await send_rest(Server(client), large, {"id": "1", "offset_bytes": 0}, heard.append)
    assert heard[-2:] == [LARGE - 10, LARGE]


async def test_a_line_that_lets_nothing_through_is_given_up(large: Picture) -> None:
    time = Time()
    answers: list[httpx.Response | Exception] = [
        httpx.ReadError("reset"),
        httpx.Response(200, headers={"Upload-Offset": "0"}),
    ] * 7
    async with httpx.AsyncClient(transport=Scripted(*answers), base_url=BASE_URL) as client:
        with pytest.raises(UnreachableError, match="send it later"):
            await send_rest(
                Server(client, sleep=time.sleep, now=time.now), large, {"id": "1", "offset_bytes": 0}, lambda _: None
            )
    assert time.slept == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]


async def test_a_server_without_resumable_uploads_gets_a_large_file_too(large: Picture) -> None:
    taken = httpx.Response(202, json={"photo": {"id": "1"}, "job": {"id": "2"}, "duplicate": False})
    async with httpx.AsyncClient(transport=Scripted(httpx.Response(404), taken), base_url=BASE_URL) as client:
        sent = await send_resumable(Server(client), large, "0" * 64, batch_id=None, told=lambda _: None)
    assert sent.photo == {"id": "1"}


class Scripted(httpx.AsyncBaseTransport):
    """A server that answers what it is told to."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Time:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


async def ask(*answers: httpx.Response | Exception) -> tuple[Any, Time]:
    time = Time()
    async with httpx.AsyncClient(transport=Scripted(*answers), base_url=BASE_URL) as client:
        return await Server(client, sleep=time.sleep, now=time.now).get("/api/batches"), time


async def test_the_wait_that_the_server_asks_for_is_kept() -> None:
    busy = httpx.Response(429, headers={"Retry-After": "17"})
    answer, time = await ask(busy, httpx.Response(503), httpx.Response(200, json={"items": []}))
    assert answer == {"items": []}
    assert time.slept == [17.0, 5.0]


async def test_a_line_that_is_lost_is_taken_up_again() -> None:
    first, lost, last = httpx.Response(429), httpx.ReadError("reset"), httpx.Response(200, json={})
    _, time = await ask(first, lost, lost, last)
    assert time.slept == [5.0, 1.0, 2.0]


async def test_a_server_that_never_answered_is_told_at_once() -> None:
    with pytest.raises(UnreachableError, match="is the server running"):
        await ask(httpx.ConnectError("refused"))


async def test_a_server_that_is_gone_for_good_is_told() -> None:
    with pytest.raises(UnreachableError):
        await ask(httpx.Response(429), *[httpx.ReadError("reset")] * 7)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((), "FOTOFILA_KEY"), (("--key", "ff_x", "--url", "photos.example.org"), "http://")],
)
def test_what_is_missing_is_named(cli: Run, pictures: list[Picture], arguments: tuple[str, ...], named: str) -> None:
    ran = cli("upload", pictures[0].path, *arguments)
    assert ran.code == 2
    assert named in ran.err
