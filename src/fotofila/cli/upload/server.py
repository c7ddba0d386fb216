"""The HTTP API as a sender sees it, with patience: waits that the server asks for, and losses of the line."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx

from fotofila.cli.pictures import Picture
from fotofila.core.errors import FotofilaError

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
CHUNK_BYTES = 256 * 1024
TRIES = 7
"""How often the line may be lost in a row; with the waits below, for about two minutes."""
LONGEST_WAIT_SECONDS = 300.0
STOPPING = frozenset({401, 403, 404, 507})
"""Answers that every other file would get too."""


class UnreachableError(FotofilaError):
    """The server does not answer."""

    code = "unreachable"
    status = 503


class StoppedError(FotofilaError):
    """The server gave an answer that it would give to every other file too."""

    code = "stopped"


class RefusedError(FotofilaError):
    """The server does not take this one file; `reason` is the problem's code."""

    code = "refused"
    permanent: ClassVar[bool] = True

    @property
    def reason(self) -> str:
        """The code that the server gave."""
        return str(self.details.get("reason", self.code))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of a file: its photo and job as the server shows them."""

    photo: dict[str, Any]
    job: dict[str, Any]
    duplicate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Some bytes of a file: from `start` up to, not including, `end`."""

    start: int
    end: int


class Server:
    """One server, spoken to by several senders at once; when it asks one to wait, all do."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        sleep: Callable[[float], Any] = asyncio.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._sleep = sleep
        self._now = now
        self._not_before = 0.0
        self._answered = False

    async def known(self, checksums: Sequence[str]) -> dict[str, Sent]:
        """Return the photos of these checksums that the server has.

        Raises:
            StoppedError: the key may not read.
            UnreachableError: the server does not answer any more.
        """
        params = {"limit": "200", "checksum_sha256": list(checksums)}
        page = settled(await self._ask(lambda: self._client.build_request("GET", "/api/photos", params=params)))
        return {
            item["checksum_sha256"]: Sent(photo=item, job=item["job"], duplicate=True)
            for item in page["items"]
            if item["checksum_sha256"] in checksums  # a server that does not know the filter answers with others
        }

    async def send(self, picture: Picture, *, batch_id: str | None, told: Callable[[int], None]) -> Sent:
        """Send one file; `told` hears how many bytes of it have gone out.

        Raises:
            RefusedError: the server does not take it.
            StoppedError: the server would take no other file either.
            UnreachableError: the server does not answer any more.
        """
        params = {"filename": picture.path.name} | ({"batch_id": batch_id} if batch_id else {})
        headers = {"Content-Length": str(picture.size_bytes)}

        def build() -> httpx.Request:
            body = content(picture, told)
            return self._client.build_request("POST", "/api/photos", params=params, headers=headers, content=body)

        value = settled(await self._ask(build))
        return Sent(photo=value["photo"], job=value["job"], duplicate=value["duplicate"])

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask for an answer, whatever it says; raises UnreachableError. A body must be one that can be sent again."""
        return await self._ask(lambda: self._client.build_request(method, path, **options))

    async def pass_on(
        self, path: str, picture: Picture, *, headers: dict[str, str], span: Span, told: Callable[[int], None]
    ) -> httpx.Response | None:
        """Send some bytes of a file by PATCH; None where only the server knows how many of them came."""
        headers = {**headers, "Content-Length": str(span.end - span.start)}
        body = content(picture, told, span)
        try:
            return await self._try(self._client.build_request("PATCH", path, headers=headers, content=body))
        except httpx.TransportError:
            return None

    async def pause(self, losses: int) -> None:
        """Wait before the next try, longer each time.

        Raises:
            UnreachableError: that was one loss too many.
        """
        if losses >= TRIES:
            raise UnreachableError(f"{self._client.base_url} is lost again and again: send it later.")
        await self._sleep(2.0**losses / 2)

    async def get(self, path: str, **params: str) -> dict[str, Any]:
        """Read something; raises as `send` does."""
        return settled(await self._ask(lambda: self._client.build_request("GET", path, params=params)))

    async def tell(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Make or change something; raises as `send` does."""
        return settled(await self._ask(lambda: self._client.build_request(method, path, json=body)))

    async def _ask(self, build: Callable[[], httpx.Request]) -> httpx.Response:
        """Ask until there is an answer that is not `come back later`.

        Raises:
            UnreachableError: the line was lost too often in a row, or there never was one.
        """
        lost = 0
        while True:
            try:
                response = await self._try(build())
            except (httpx.TransportError, httpx.InvalidURL) as error:
                lost += 1
                if lost >= TRIES or not self._answered:
                    raise unreachable(self._client, error) from error
                await self._sleep(2.0**lost / 2)
                continue
            if response is not None:
                return response

    async def _try(self, request: httpx.Request) -> httpx.Response | None:
        """Ask once; None where the answer is `come back later`, which every next request will heed."""
        if (wait := self._not_before - self._now()) > 0:
            await self._sleep(wait)
        response = await self._client.send(request)
        self._answered = True
        wait_seconds = asked_wait(response)
        if wait_seconds is None:
            return response
        self._not_before = max(self._not_before, self._now() + wait_seconds)
        return None


async def content(picture: Picture, told: Callable[[int], None], span: Span | None = None) -> AsyncIterator[bytes]:
    """Read a file, or some of it, in pieces, as many bytes as it had when we looked.

    Raises:
        RefusedError: it became shorter since then, or cannot be read any more.
    """
    span = span or Span(start=0, end=picture.size_bytes)
    told(span.start)
    left = span.end - span.start
    try:
        with picture.path.open("rb") as file:
            file.seek(span.start)
            while left and (chunk := await asyncio.to_thread(file.read, min(CHUNK_BYTES, left))):
                left -= len(chunk)
                yield chunk
                told(span.end - left)
    except OSError as error:
        raise RefusedError(f"The file cannot be read ({error.strerror}): look at it.", reason="unreadable") from error
    if left:
        raise RefusedError("The file was changed while it was sent: send it again.", reason="changed")


def asked_wait(response: httpx.Response) -> float | None:
    """Return how long the server asks us to wait, or None where it gave an answer."""
    if response.status_code not in {httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE}:
        return None
    given = response.headers.get("retry-after", "")
    return min(float(given), LONGEST_WAIT_SECONDS) if given.isdigit() else 5.0


def settled(response: httpx.Response) -> dict[str, Any]:
    """Return the answer's JSON, or raise what it says.

    Raises:
        RefusedError: this request is refused.
        StoppedError: every other one would be too.
    """
    if response.is_success:
        value: dict[str, Any] = response.json()
        return value
    problem = problem_of(response)
    sentence = problem.get("detail") or f"The server answered {response.status_code}: is the URL right?"
    if response.status_code in STOPPING or response.is_server_error:
        raise StoppedError(sentence, reason=problem.get("code"))
    raise RefusedError(sentence, reason=problem.get("code", f"http_{response.status_code}"))


def problem_of(response: httpx.Response) -> dict[str, Any]:
    """Read a problem; a proxy's page is none."""
    if not response.headers.get("content-type", "").startswith("application/problem+json"):
        return {}
    value: dict[str, Any] = response.json()
    return value


def connect(url: str, key: str) -> httpx.AsyncClient:
    """Make the client of one server; redirects are not followed, since they would lose the body."""
    return httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=TIMEOUT)


def unreachable(client: httpx.AsyncClient, error: Exception) -> UnreachableError:
    """Say that nobody answers."""
    cause = str(error) or type(error).__name__
    return UnreachableError(f"{client.base_url} does not answer ({cause}): is the server running, and the URL right?")
