"""Sending to a webhook: one POST, no redirect, no proxy, a deadline, and an address that was checked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Self

import httpcore
import httpx

from fotofila.core.errors import FotofilaError
from fotofila.notify.addresses import check_host
from fotofila.notify.errors import SendError, TargetUrlError

DEADLINE_SECONDS = 20.0
"""Standard Webhooks asks for 15 to 30."""
TIMEOUTS = {"connect": 5.0, "read": 15.0, "write": 10.0, "pool": 15.0}
ANSWER_BYTES = 4096
LONGEST_URL = 2000
HIGHEST_PORT = 65_535


def check_webhook_url(text: str, *, allow_private: bool) -> str:
    """Return the URL, normalised.

    Raises:
        TargetUrlError: it is not one that can be used; the sentence says why.
        AddressRefusedError: its host is a private address.
    """
    try:
        url = httpx.URL(text.strip())
        port = url.port
    except (httpx.InvalidURL, ValueError):
        raise TargetUrlError("This is not a URL: it begins with https:// and has a host.") from None
    if url.scheme != "https" and not (allow_private and url.scheme == "http"):
        raise TargetUrlError(
            "A webhook's URL begins with https://; http:// needs FOTOFILA_WEBHOOKS_ALLOW_PRIVATE=true."
        )
    if url.userinfo:
        raise TargetUrlError("Leave user name and password out of the URL: each message is signed instead.")
    if not url.host or len(str(url)) > LONGEST_URL or (port is not None and not 0 < port <= HIGHEST_PORT):
        raise TargetUrlError(f"The URL needs a host, a port that exists, and at most {LONGEST_URL} characters.")
    if not allow_private:
        check_host(url.host)
    return str(url.copy_with(fragment=None))


class WebhookSender:
    """A pool of connections made by a backend that checks addresses."""

    def __init__(
        self,
        *,
        backend: httpcore.AsyncNetworkBackend,
        ssl_context: ssl.SSLContext | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._deadline_seconds = deadline_seconds
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context or httpx.create_ssl_context(),
            network_backend=backend,
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=15,
        )

    async def __aenter__(self) -> Self:
        """Open the pool."""
        await self._pool.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        await self._pool.__aexit__(kind, error, trace)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send; returns the status, 200 to 299.

        Raises:
            WebhookAnswerError: the server answered something else.
            SendError: it did not answer, or its address is refused.
        """
        try:
            async with asyncio.timeout(self._deadline_seconds):
                return await self._post(url, body, headers)
        except (TimeoutError, httpcore.TimeoutException):
            raise SendError("The server did not answer in time.") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError) as error:
            raise SendError(f"The server cannot be reached: {error or type(error).__name__}.") from error
        except SendError:
            raise
        except FotofilaError as error:
            raise SendError(error.message, final=error.permanent) from error

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        parsed = httpx.URL(url)
        target = httpcore.URL(scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path)
        sent = {"content-type": "application/json", "user-agent": "fotofila-webhooks/1", "accept": "*/*", **headers}
        async with self._pool.stream(
            "POST", target, headers=list(sent.items()), content=body, extensions={"timeout": TIMEOUTS}
        ) as response:
            # Up to a limit we read what is said, so that the connection can be used again; none of it is kept.
            read = 0
            async for chunk in response.aiter_stream():
                read += len(chunk)
                if read >= ANSWER_BYTES:
                    break
            if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
                raise answer_error(response.status, dict(response.headers))
            return response.status


class WebhookAnswerError(SendError):
    """The server answered with something that is not a success."""

    def __init__(self, message: str, *, status_code: int, final: bool = False, retry_after_seconds: float = 0) -> None:
        super().__init__(message, final=final, retry_after_seconds=retry_after_seconds)
        self.status_code = status_code


def answer_error(status: int, headers: Mapping[bytes, bytes]) -> WebhookAnswerError:
    """Say what an answer means."""
    try:
        phrase = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        phrase = str(status)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        sentence = f"The server answered {phrase}; redirects are not followed: give the target the new URL."
    elif status == HTTPStatus.GONE:
        sentence = f"The server answered {phrase}: it wants no more messages, so the target was switched off."
    else:
        sentence = f"The server answered {phrase}."
    after = {name.lower(): value for name, value in headers.items()}.get(b"retry-after", b"")
    return WebhookAnswerError(
        sentence,
        status_code=status,
        final=status == HTTPStatus.GONE,
        retry_after_seconds=float(after) if after.isdigit() else 0,
    )
