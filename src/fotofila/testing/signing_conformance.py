"""The conformance suite of storages that sign (`SigningStorage`), beside `storage_conformance` and with its harness.

Every request is made by a plain HTTP client that has no credentials.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest

from fotofila.core.storage import SignedRequest, SigningStorage
from fotofila.testing.storage_conformance import StorageHarness, keys

CONTENT = b"\x89PNG not quite" * 100
CHECKSUM = hashlib.sha256(CONTENT).hexdigest()
LIFE_SECONDS = 60
EXPIRY_SECONDS = 30
"""Longest wait for a signature of one second to be refused."""
PICTURE = {"media_type": "image/png", "disposition": "inline; filename*=UTF-8''caf%C3%A9%20%261.png"}


class SigningConformance:
    """Guarantees 7 and 8 of `fotofila.core.storage.base`."""

    @pytest.fixture
    async def signing(self, harness: StorageHarness) -> AsyncIterator[SigningStorage]:
        """Open the storage for one test."""
        storage = harness.open()
        assert isinstance(storage, SigningStorage)
        yield storage
        await storage.close()

    @pytest.fixture
    async def anyone(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client that knows nobody."""
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            yield client

    async def test_7_signed_get_answers_anyone(self, signing: SigningStorage, anyone: httpx.AsyncClient) -> None:
        """With the media type and the name that were asked for, and ranges."""
        await signing.put("a/b.c-d_e", CONTENT)
        url = await signing.sign_get("a/b.c-d_e", seconds=LIFE_SECONDS, **PICTURE)
        assert url.startswith(signing.origin + "/")
        answer = await anyone.get(url)
        assert (answer.status_code, answer.content) == (200, CONTENT)
        assert answer.headers["content-type"] == PICTURE["media_type"]
        assert answer.headers["content-disposition"] == PICTURE["disposition"]
        part = await anyone.get(url, headers={"Range": "bytes=3-9"})
        assert (part.status_code, part.content) == (206, CONTENT[3:10])

    async def test_7_nothing_is_answered_without_a_signature(
        self, signing: SigningStorage, anyone: httpx.AsyncClient
    ) -> None:
        """Objects are private."""
        await signing.put("a/b", CONTENT)
        url = await signing.sign_get("a/b", seconds=LIFE_SECONDS, **PICTURE)
        assert (await anyone.get(url.partition("?")[0])).status_code in {401, 403}

    async def test_7_signature_is_for_one_key_and_one_method(
        self, signing: SigningStorage, anyone: httpx.AsyncClient
    ) -> None:
        """Whatever is altered, it is refused."""
        await signing.put("a/b", CONTENT)
        await signing.put("a/secret", CONTENT)
        url = await signing.sign_get("a/b", seconds=LIFE_SECONDS, **PICTURE)
        altered = (
            url.replace("/a/b?", "/a/secret?"),
            url.replace(f"Expires={LIFE_SECONDS}", "Expires=6000"),
            url.replace("image%2Fpng", "text%2Fhtml"),
            url[:-1] + ("0" if url[-1] != "0" else "1"),
        )
        for wrong in altered:
            assert wrong != url
            assert (await anyone.get(wrong)).status_code in {401, 403}, wrong
        assert (await anyone.put(url, content=b"x")).status_code in {401, 403}
        assert (await anyone.delete(url)).status_code in {401, 403}
        assert await signing.get("a/b") == CONTENT

    async def test_7_signature_expires(self, signing: SigningStorage, anyone: httpx.AsyncClient) -> None:
        """After its seconds; then it is refused for good."""
        await signing.put("a/b", CONTENT)
        url = await signing.sign_get("a/b", seconds=1, **PICTURE)
        async with asyncio.timeout(EXPIRY_SECONDS):
            while (await anyone.get(url)).status_code not in {401, 403}:
                pass
        assert (await anyone.get(url)).status_code in {401, 403}

    async def test_7_expired_upload_is_refused(self, signing: SigningStorage, anyone: httpx.AsyncClient) -> None:
        """PUT and POST alike; nothing is written."""
        put = await signing.sign_put("a/put", seconds=1, size_bytes=len(CONTENT), checksum_sha256=CHECKSUM)
        post = await signing.sign_post("a/post", seconds=1, max_bytes=len(CONTENT))
        get = await signing.sign_get("a/none", seconds=2, **PICTURE)
        async with asyncio.timeout(EXPIRY_SECONDS):
            while (await anyone.get(get)).status_code not in {401, 403}:
                pass
        assert await send(anyone, put, CONTENT) in {400, 401, 403}
        assert await send(anyone, post, CONTENT) in {400, 401, 403}
        assert await keys(signing) == []

    async def test_7_signed_put_takes_what_was_announced(
        self, signing: SigningStorage, anyone: httpx.AsyncClient
    ) -> None:
        """Exactly that."""
        request = await signing.sign_put("a/b", seconds=LIFE_SECONDS, size_bytes=len(CONTENT), checksum_sha256=CHECKSUM)
        assert await send(anyone, request, CONTENT) == 200
        assert await signing.get("a/b") == CONTENT

    @pytest.mark.parametrize("content", [b"", CONTENT + b"x", CONTENT[:-1], CONTENT[:-1] + b"x"])
    async def test_7_signed_put_refuses_any_other_content(
        self, signing: SigningStorage, anyone: httpx.AsyncClient, content: bytes
    ) -> None:
        """Longer, shorter, or of the same length."""
        request = await signing.sign_put("a/b", seconds=LIFE_SECONDS, size_bytes=len(CONTENT), checksum_sha256=CHECKSUM)
        assert 400 <= await send(anyone, request, content) < 500
        assert await keys(signing) == []

    async def test_8_signed_put_never_replaces(self, signing: SigningStorage, anyone: httpx.AsyncClient) -> None:
        """Not even with a second use of itself; its headers cannot be left away."""
        await signing.put("a/b", b"first")
        request = await signing.sign_put("a/b", seconds=LIFE_SECONDS, size_bytes=len(CONTENT), checksum_sha256=CHECKSUM)
        assert await send(anyone, request, CONTENT) in {409, 412}
        assert (await anyone.put(request.url, content=CONTENT)).status_code in {400, 401, 403}
        assert await signing.get("a/b") == b"first"

    async def test_7_signed_post_takes_up_to_its_limit(
        self, signing: SigningStorage, anyone: httpx.AsyncClient
    ) -> None:
        """The last byte that is allowed, and not one more, nor none."""
        request = await signing.sign_post("a/b", seconds=LIFE_SECONDS, max_bytes=len(CONTENT))
        assert 400 <= await send(anyone, request, CONTENT + b"x") < 500
        assert 400 <= await send(anyone, request, b"") < 500
        assert await keys(signing) == []
        assert await send(anyone, request, CONTENT) in {200, 201, 204}
        assert await signing.get("a/b") == CONTENT

    async def test_7_signed_post_is_for_one_key(self, signing: SigningStorage, anyone: httpx.AsyncClient) -> None:
        """A form with another key is refused."""
        request = await signing.sign_post("a/b", seconds=LIFE_SECONDS, max_bytes=len(CONTENT))
        fields = {**request.fields, "key": request.fields["key"].replace("a/b", "a/c")}
        answer = await anyone.post(request.url, data=fields, files={"file": CONTENT})
        assert 400 <= answer.status_code < 500
        assert await keys(signing) == []

    async def test_6_no_signature_reaches_outside_the_root(
        self, harness: StorageHarness, signing: SigningStorage, anyone: httpx.AsyncClient
    ) -> None:
        """Such a key is refused; a URL that is bent afterwards does not answer."""
        before = harness.outside()
        for key in ("../outside", "a/../../outside", "/outside", "a//b", "", "a/%2e%2e/b"):
            with pytest.raises(ValueError, match="not a storage key"):
                await signing.sign_get(key, seconds=LIFE_SECONDS, **PICTURE)
            with pytest.raises(ValueError, match="not a storage key"):
                await signing.sign_put(key, seconds=LIFE_SECONDS, size_bytes=1, checksum_sha256=CHECKSUM)
            with pytest.raises(ValueError, match="not a storage key"):
                await signing.sign_post(key, seconds=LIFE_SECONDS, max_bytes=1)
        request = await signing.sign_put("a/b", seconds=LIFE_SECONDS, size_bytes=len(CONTENT), checksum_sha256=CHECKSUM)
        path = urlsplit(request.url).path
        bent = request.url.replace(path, path.removesuffix("in/a/b") + "outside")
        answer = await anyone.put(bent, content=CONTENT, headers=dict(request.headers))
        assert 400 <= answer.status_code < 500
        assert harness.outside() == before


async def send(client: httpx.AsyncClient, request: SignedRequest, content: bytes) -> int:
    """Make a signed request as a browser does; returns the status."""
    if request.method == "PUT":
        answer = await client.put(request.url, content=content, headers=dict(request.headers))
    else:
        answer = await client.post(request.url, data=dict(request.fields), files={"file": content})
    return answer.status_code
