"""Calling a service of AWS at a pace: throttles are waited out, faults of the server tried again, the rest rises."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError

from fotofila.core.aws import AwsAccess, code_of
from fotofila.core.aws.pace import Pace
from fotofila.core.errors import FotofilaError, UnavailableError
from fotofila.core.observability.logs import get_logger
from fotofila.core.observability.metrics import AWS_THROTTLED

log = get_logger(__name__)

THROTTLES = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
THROTTLE_STATUS = 429
SERVER_FAULT = 500
FAULTS = 4
"""How often a request is sent while the server answers with faults, or with nothing."""


class AwsRefusedError(FotofilaError):
    """AWS understood the request and will not do it."""

    code = "aws_refused"
    status = 502
    title = "AWS refuses the request"
    permanent = True

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"AWS refuses ({name}): {message or 'it does not say why.'}")
        self.name = name
        """What AWS calls it: `ResourceNotFoundException`."""


class PacedCalls:
    """One service. One object serves all tasks of a process; it connects at its first call."""

    def __init__(self, access: AwsAccess, service: str, pace: Pace, *, patience_seconds: float, setting: str) -> None:
        """`setting` is what an operator looks at when the service does not answer."""
        self._access = access
        self._service = service
        self._pace = pace
        self._patience_seconds = patience_seconds
        self._setting = setting
        self._stack = AsyncExitStack()
        self._client: Any = None
        self._opening = asyncio.Lock()

    async def __call__(self, operation: str, **values: Any) -> dict[str, Any]:
        """Do one operation, named as in Python (`detect_faces`), when its turn has come.

        Raises:
            AwsRefusedError: it is wrong, or not allowed.
            UnavailableError: AWS had no good answer for as long as we are patient.
        """
        try:
            async with asyncio.timeout(self._patience_seconds):
                return await self._until_answered(operation, values)
        except TimeoutError as error:
            raise UnavailableError(
                f"{self._service} took none of our requests for {self._patience_seconds:g} seconds: look at the "
                f"account's rate and at {self._setting}."
            ) from error

    async def _until_answered(self, operation: str, values: dict[str, Any]) -> dict[str, Any]:
        throttles = faults = 0
        while True:
            await self._pace.turn(operation)
            try:
                answer: dict[str, Any] = await getattr(await self._opened(), operation)(**values)
            except ClientError as error:
                if is_throttle(error):
                    throttles += 1
                    AWS_THROTTLED.labels(operation).inc()
                    log.info("aws.throttled", operation=operation, times=throttles)
                    await self._pace.throttled(operation, times=throttles)
                    continue
                faults += 1
                if status_of(error) < SERVER_FAULT:
                    raise AwsRefusedError(code_of(error), error.response["Error"].get("Message", "")) from error
                if faults >= FAULTS:
                    raise self._away(error) from error
                await self._pace.throttled(operation, times=faults)
            except (BotoCoreError, aiohttp.ClientError, OSError) as error:
                faults += 1
                if faults >= FAULTS:
                    raise self._away(error) from error
                await self._pace.throttled(operation, times=faults)
            else:
                self._pace.answered(operation)
                return answer

    async def _opened(self) -> Any:
        async with self._opening:
            if self._client is None:
                self._client = await self._stack.enter_async_context(self._access.client(self._service, attempts=1))
            return self._client

    def _away(self, error: Exception) -> UnavailableError:
        reason = str(error) or type(error).__name__
        return UnavailableError(f"{self._service} does not answer ({reason}): look at {self._setting}.")

    async def close(self) -> None:
        """Let go of connections; may be called twice."""
        await self._stack.aclose()
        self._client = None
        await self._pace.close()


def is_throttle(error: ClientError) -> bool:
    """Tell whether a server wants us to be slower."""
    return code_of(error) in THROTTLES or status_of(error) == THROTTLE_STATUS


def status_of(error: ClientError) -> int:
    """Return the HTTP status of an answer."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
