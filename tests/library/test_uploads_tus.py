from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest

from fotofila.api.app import create_app
from fotofila.core.storage.local import LocalStorage, LocalWriter
from fotofila.library.multipart import CutOffError
from fotofila.library.uploads.errors import SilentClientError
from fotofila.library.uploads.tus.append import BUFFER_BYTES, Inflow
from tests.contract.conftest import add_stranger
from tests.library.conftest import House
from tests.library.uploads_parts import (
    CHUNK,
    TUS,
    begin,
    complete,
    metadata,
    offset_of,
    photo,
    photos,
    pieces,
    send,
    sha256,
    staged,
)

VERSION = {"Tus-Resumable": "1.0.0"}


async def test_the_server_says_what_it_offers(house: House) -> None:
    answer = await house.client.options(TUS)
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert answer.headers["Tus-Extension"] == "creation,creation-with-upload,expiration,termination,checksum"
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256"
    assert answer.headers["Tus-Max-Size"] == str(house.context.settings.max_upload_bytes)


async def test_a_photo_comes_in_bit_by_bit(house: House) -> None:
    content = photo()
    url = await begin(house, content, filename="holiday.jpg")
    first = await send(house, url, content[:100_000], 0)
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "100000")
    assert "Upload-Expires" in first.headers
    assert await offset_of(house, url) == 100_000
    last = await send(house, url, content[100_000:], 100_000)
    assert (last.status_code, last.headers["Upload-Offset"]) == (204, str(len(content)))
    (one,) = await photos(house)
    assert last.headers["Fotofila-Photo-Id"] == one["id"]
    assert (one["filename"], one["checksum_sha256"]) == ("holiday.jpg", sha256(content))
    assert (await house.client.get(one["links"]["image"])).content == content
    assert await staged(house) == []


async def test_head_tells_everything_that_was_said(house: House) -> None:
    said = metadata(filename="a.jpg", mood="happy")
    made = await house.client.post(TUS, headers={**VERSION, "Upload-Length": "1000", "Upload-Metadata": said})
    answer = await house.client.head(made.headers["Location"], headers=VERSION)
    assert answer.headers["Upload-Length"] == "1000"
    assert answer.headers["Upload-Metadata"] == said
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Upload-Expires"].endswith("GMT")


async def test_the_creation_may_bring_bytes_along(house: House) -> None:
    content = photo()
    headers = {**CHUNK, "Upload-Length": str(len(content))}
    part = await house.client.post(TUS, headers=headers, content=content[:5000])
    assert (part.status_code, part.headers["Upload-Offset"]) == (201, "5000")
    whole = await house.client.post(TUS, headers=headers, content=content)
    assert whole.headers["Upload-Offset"] == str(len(content))
    assert whole.headers["Fotofila-Photo-Id"] == (await photos(house))[0]["id"]


async def test_a_finished_upload_answers_as_the_door_does(house: House) -> None:
    content = photo()
    for status in (202, 200):
        url = await begin(house, content)
        await send(house, url, content, 0)
        for _ in range(2):
            answer = await complete(house, url.rsplit("/", 1)[1])
            assert (answer.status_code, answer.json()["duplicate"]) == (status, status == 200)
    assert len(await photos(house)) == 1
    assert len(await staged(house, "")) == 1


async def test_a_finished_upload_says_so_to_whoever_missed_the_answer(house: House) -> None:
    content = photo()
    url = await begin(house, content)
    done = await send(house, url, content, 0)
    again = await house.client.head(url, headers=VERSION)
    assert again.headers["Upload-Offset"] == str(len(content))
    assert again.headers["Fotofila-Photo-Id"] == done.headers["Fotofila-Photo-Id"]
    empty = await send(house, url, b"", len(content))
    assert empty.headers["Fotofila-Photo-Id"] == done.headers["Fotofila-Photo-Id"]


async def test_an_upload_is_taken_up_on_another_replica(house: House) -> None:
    content = photo()
    url = await begin(house, content)
    await send(house, url, content[:1000], 0)
    transport = httpx.ASGITransport(create_app(house.context), client=("127.0.0.1", 40002))
    async with httpx.AsyncClient(
        transport=transport, base_url=house.client.base_url, headers=house.client.headers
    ) as other:
        await other.patch(url, content=content[1000:], headers={**CHUNK, "Upload-Offset": "1000"})
    assert [one["checksum_sha256"] for one in await photos(house)] == [sha256(content)]


@pytest.mark.parametrize("size", [1000, 300_000])
async def test_of_two_that_send_at_once_one_is_told_that_it_came_second(house: House, size: int) -> None:
    content = photo()
    url = await begin(house, content)
    both = await asyncio.gather(*(send(house, url, content[:size], 0) for _ in range(2)))
    assert sorted(answer.status_code for answer in both) == [204, 409]
    (second,) = [answer for answer in both if answer.status_code == 409]
    assert second.json()["code"] == "upload_offset"
    assert await offset_of(house, url) == size
    if size < len(content):
        await send(house, url, content[size:], size)
    assert [one["checksum_sha256"] for one in await photos(house)] == [sha256(content)]
    assert len(await staged(house, "")) == 1


class Died(BaseException):
    """The process is gone: no handler runs."""


class Dying(LocalStorage):
    """Dies when it is asked for an original."""

    @asynccontextmanager
    async def open_writer(self, key: str, *, if_absent: bool = False) -> AsyncIterator[LocalWriter]:
        if key.startswith("originals/"):
            raise Died
        async with super().open_writer(key, if_absent=if_absent) as writer:
            yield writer


async def test_a_server_that_dies_at_the_very_end_is_asked_for_the_end_again(house: House) -> None:
    content = photo()
    url = await begin(house, content)
    await send(house, url, content[:200_000], 0)
    dying = replace(house.context, storage=Dying(house.context.settings.data_dir / "objects"))
    transport = httpx.ASGITransport(create_app(dying), client=("127.0.0.1", 40003))
    headers = {**house.client.headers, **CHUNK, "Upload-Offset": "200000"}
    async with httpx.AsyncClient(transport=transport, base_url=house.client.base_url, headers=headers) as other:
        with pytest.raises(Died):
            await other.patch(url, content=content[200_000:])
    assert (await offset_of(house, url), await photos(house)) == (200_000, [])
    assert (await send(house, url, content[200_000:], 200_000)).headers["Fotofila-Photo-Id"]
    assert [one["checksum_sha256"] for one in await photos(house)] == [sha256(content)]
    assert await staged(house) == []


async def broken_off(content: bytes) -> AsyncIterator[bytes]:
    yield content
    raise CutOffError("The line was lost.")


async def test_what_came_before_the_line_was_lost_is_kept() -> None:
    inflow = Inflow(broken_off(b"x" * 1000), 5000)
    assert await inflow.take(until=float("inf")) == b"x" * 1000
    assert isinstance(inflow.cut, CutOffError)
    assert await inflow.take(until=float("inf")) == b""


async def silent() -> AsyncIterator[bytes]:
    yield b"abc"
    await asyncio.Event().wait()


async def test_who_sends_nothing_for_long_is_not_waited_for() -> None:
    inflow = Inflow(silent(), 5000, silent_seconds=0.01)
    assert await inflow.take(until=float("inf")) == b"abc"
    assert isinstance(inflow.cut, SilentClientError)


async def test_a_slow_sender_s_bytes_are_handed_on_in_time() -> None:
    inflow = Inflow(pieces(b"a", b"b"), BUFFER_BYTES)
    assert [await inflow.take(until=0), await inflow.take(until=0)] == [b"a", b"b"]


def checksum(algorithm: str, content: bytes) -> dict[str, str]:
    digest = base64.b64encode(hashlib.new(algorithm, content).digest()).decode()
    return {"Upload-Checksum": f"{algorithm} {digest}"}


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
async def test_a_piece_that_was_damaged_is_not_kept(house: House, algorithm: str) -> None:
    content = photo()
    url = await begin(house, content)
    damaged = await send(house, url, b"x" + content[1:70_000], 0, **checksum(algorithm, content[:70_000]))
    assert damaged.status_code in {460, 415}  # the first bytes may already show that it is no photo
    url = await begin(house, content)
    bad = await send(house, url, content[:69_999] + b"x", 0, **checksum(algorithm, content[:70_000]))
    assert (bad.status_code, bad.json()["code"]) == (460, "piece_mismatch")
    assert await offset_of(house, url) == 0
    good = await send(house, url, content[:70_000], 0, **checksum(algorithm, content[:70_000]))
    assert good.status_code == 204
    rest = await send(house, url, content[70_000:], 70_000, **checksum(algorithm, content[70_000:]))
    assert rest.headers["Fotofila-Photo-Id"]


async def test_a_file_that_is_not_the_announced_one_becomes_no_photo(house: House) -> None:
    content, other = photo(mark=b"one"), photo(mark=b"two")
    url = await begin(house, content, checksum_sha256=sha256(content))
    answer = await send(house, url, other, 0)
    assert (answer.status_code, answer.json()["code"]) == (422, "checksum_mismatch")
    gone = await house.client.head(url, headers=VERSION)
    assert (gone.status_code, await photos(house), await staged(house, "")) == (410, [], [])
    shown = (await house.client.get(f"/api/uploads/{url.rsplit('/', 1)[1]}")).json()
    assert (shown["state"], shown["problem"]["code"]) == ("refused", "checksum_mismatch")


async def test_what_is_no_photo_is_refused_with_its_first_bytes(house: House) -> None:
    text = b"Dear photographer, " * 10_000
    url = await begin(house, text)
    answer = await send(house, url, text[:100_000], 0)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    again = await send(house, url, text[:100_000], 0)
    assert (again.status_code, again.json()["code"]) == (410, "upload_gone")
    assert "refused" in again.json()["detail"]
    assert await staged(house, "") == []


async def test_what_is_no_photo_is_refused_in_small_pieces_too(house: House) -> None:
    text = b"Dear photographer, this is a letter."
    url = await begin(house, text)
    assert (await send(house, url, text[:10], 0)).status_code == 204
    assert (await send(house, url, text[10:], 10)).status_code == 415
    assert await staged(house, "") == []


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Upload-Length": "100"}, 412, "tus_version"),
        ({"Upload-Length": "100", "Tus-Resumable": "0.2.2"}, 412, "tus_version"),
        (VERSION, 400, "bad_request"),
        ({**VERSION, "Upload-Defer-Length": "1"}, 400, "bad_request"),
        ({**VERSION, "Upload-Length": "-1"}, 400, "bad_request"),
        ({**VERSION, "Upload-Length": "9" * 30}, 400, "bad_request"),
        ({**VERSION, "Upload-Length": "٣"}, 400, "bad_request"),
        ({**VERSION, "Upload-Length": "0"}, 422, "empty_file"),
        ({**VERSION, "Upload-Length": "5000001"}, 413, "too_large"),
        ({**VERSION, "Upload-Length": "10", "Upload-Metadata": "filename %%%"}, 400, "bad_request"),
        ({**VERSION, "Upload-Length": "10", "Upload-Metadata": "a YQ==,a YQ=="}, 400, "bad_request"),
        ({**VERSION, "Upload-Length": "10", "Upload-Metadata": "a " + "YWFh" * 2000}, 400, "bad_request"),
        ({**VERSION, "Upload-Length": "10", "Upload-Metadata": metadata(checksum_sha256="x")}, 400, "bad_request"),
        ({**VERSION, "Upload-Length": "10", "Upload-Metadata": metadata(batch_id="f" * 32)}, 404, "not_found"),
    ],
)
async def test_a_beginning_that_makes_no_sense_is_refused(
    house: House, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await house.client.post(TUS, headers={key.encode(): value.encode() for key, value in headers.items()})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["Tus-Resumable"] == "1.0.0"


@pytest.mark.parametrize(
    ("headers", "size", "status", "code"),
    [
        ({"Upload-Offset": "1"}, 10, 409, "upload_offset"),
        ({"Upload-Offset": "-1"}, 10, 400, "bad_request"),
        ({"Upload-Offset": ""}, 10, 400, "bad_request"),
        ({"Content-Type": "image/jpeg"}, 10, 415, "tus_content_type"),
        ({"Tus-Resumable": "2.0.0"}, 10, 412, "tus_version"),
        ({"Upload-Checksum": "md5 YWFh"}, 10, 400, "bad_request"),
        ({"Upload-Checksum": "sha1 YWFh"}, 10, 400, "bad_request"),
        ({"Upload-Checksum": "sha1 %"}, 10, 400, "bad_request"),
        ({}, 300_001, 413, "too_large"),
    ],
)
async def test_bytes_that_do_not_fit_are_refused(
    house: House, headers: dict[str, str], size: int, status: int, code: str
) -> None:
    url = await begin(house, photo(300_000))
    answer = await send(house, url, photo(300_001)[:size], 0, **headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await offset_of(house, url) == 0


async def test_more_than_was_announced_is_found_out_without_a_length(house: House) -> None:
    content = photo()
    url = await begin(house, content)
    headers = {**CHUNK, "Upload-Offset": "0"}
    answer = await house.client.patch(url, content=pieces(content, b"more"), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "size_mismatch")
    assert await photos(house) == []
    assert (await send(house, url, content, 0)).headers["Fotofila-Photo-Id"]


async def test_a_network_that_knows_only_post_is_enough(house: House) -> None:
    content = photo()
    url = await begin(house, content)
    headers = {**CHUNK, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert (await house.client.post(url, content=content[:1000], headers=headers)).status_code == 204
    headers = {**VERSION, "X-HTTP-Method-Override": "HEAD"}
    assert (await house.client.post(url, headers=headers)).headers["Upload-Offset"] == "1000"
    headers = {**VERSION, "X-HTTP-Method-Override": "DELETE"}
    assert (await house.client.post(url, headers=headers)).status_code == 204
    assert (await house.client.head(url, headers=VERSION)).status_code == 404
    assert (await house.client.post(url, headers=VERSION)).status_code == 400


async def test_an_upload_that_is_ended_leaves_nothing(house: House) -> None:
    content = photo()
    url = await begin(house, content)
    await send(house, url, content[:1000], 0)
    assert (await house.client.delete(url, headers=VERSION)).status_code == 204
    assert (await send(house, url, content[1000:], 1000)).status_code == 404
    assert await staged(house, "") == []


async def test_nobody_else_s_upload_is_there(house: House) -> None:
    url = await begin(house, photo())
    headers = {"Authorization": f"Bearer {await add_stranger(house.context)}"}
    assert (await house.client.head(url, headers={**VERSION, **headers})).status_code == 404
    assert (await send(house, url, b"abc", 0, **headers)).status_code == 404
    assert (await house.client.delete(url, headers={**VERSION, **headers})).status_code == 404
    assert (await house.client.get("/api/uploads", headers=headers)).json()["items"] == []
    assert await offset_of(house, url) == 0


async def test_a_stopped_upload_is_found_by_its_checksum(house: House) -> None:
    content = photo()
    url = await begin(house, content, checksum_sha256=sha256(content))
    await begin(house, photo(mark=b"other"), checksum_sha256="0" * 64)
    await send(house, url, content[:1000], 0)
    query = {"state": "open", "kind": "tus", "checksum_sha256": sha256(content)}
    (found,) = (await house.client.get("/api/uploads", params=query)).json()["items"]
    assert (found["id"], found["offset_bytes"]) == (url.rsplit("/", 1)[1], 1000)
