"""Who asks: the signature of a request is read, its key looked up, its body read, and the two compared."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from starlette.requests import Request

from fotofila.access.aws_keys import Credential, find_credential
from fotofila.access.aws_signature import (
    Headers,
    Signature,
    SignatureRefusedError,
    SignedRequest,
    read_signature,
    verify_signature,
)
from fotofila.core.capability import Context
from fotofila.core.errors import UnauthenticatedError
from fotofila.rekognition.errors import AwsError
from fotofila.rekognition.front import front_of

T = TypeVar("T")
SERVICE = "rekognition"
MAX_BODY_BYTES = 32 * 1024 * 1024
"""Two images of 5 MiB in base64 are 14 MB; what is too large is still to be answered by its name."""
BODY_SECONDS = 120.0
"""Who holds a place must use it: the id of an access key, which is no secret, is enough to be given one."""
LARGE_BYTES = 256 * 1024
"""Bodies from here on are hashed and read in a thread: 14 MB take some 50 ms."""
PORTS = {"http": "80", "https": "443"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A request whose signature fits."""

    credential: Credential
    region: str
    body: bytes
    body_sha256: str


async def admit(request: Request, context: Context) -> Admitted:
    """Return who asks, and the body.

    Raises:
        AwsError: the signature, the key or the body is refused.
    """
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in request.headers.raw]
    try:
        signature = read_signature(headers, service=SERVICE, now=context.clock.now())
        credential = await find_credential(context, front_of(context).credentials, signature.access_key_id)
    except SignatureRefusedError as error:
        raise AwsError(error.name, error.message) from error
    except UnauthenticatedError as error:
        message = f"The security token included in the request is invalid. {error.message}"
        raise AwsError("UnrecognizedClientException", message) from error
    body = await read_body(request)
    body_sha256 = await off_loop(lambda: hashlib.sha256(body).hexdigest(), size=len(body))
    verify(request, headers, signature, credential.secret, body_sha256, own_hosts(request, context))
    return Admitted(credential=credential, region=signature.region, body=body, body_sha256=body_sha256)


def verify(
    request: Request, headers: Headers, signature: Signature, secret: str, body_sha256: str, hosts: tuple[str, ...]
) -> None:
    """Compare the signature with the request.

    Raises:
        AwsError: InvalidSignatureException.
    """
    raw_path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    signed = SignedRequest(
        method=request.method,
        path=raw_path.decode("latin-1").partition("?")[0],
        query=request.scope["query_string"].decode("latin-1"),
        headers=headers,
        body_sha256=body_sha256,
    )
    try:
        verify_signature(signature, secret, signed, hosts=hosts)
    except SignatureRefusedError as error:
        raise AwsError(error.name, error.message) from error


def own_hosts(request: Request, context: Context) -> tuple[str, ...]:
    """Return what a client may have signed as our name besides the header: with or without the usual port, or public.

    A proxy that ends TLS may pass on another name than it was asked by; then FOTOFILA_PUBLIC_URL has the right one.
    """
    host, public = request.headers.get("host", ""), urlsplit(context.settings.base_url)
    port = PORTS.get(request.url.scheme, "")
    bare = host.removesuffix(f":{port}")
    forwarded = request.headers.get("x-forwarded-port", "")
    with_port = (f"{bare}:{forwarded}",) if forwarded.isdecimal() else ()
    return (bare, f"{bare}:{port}", public.netloc, *with_port)


async def read_body(request: Request) -> bytes:
    """Read the body.

    Raises:
        AwsError: it is larger than anything that an operation takes, or comes too slowly.
    """
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > MAX_BODY_BYTES:
                    message = f"The request is larger than {MAX_BODY_BYTES} bytes: images have 5 MiB at most."
                    raise AwsError("RequestEntityTooLargeException", message, http_status=413)
                chunks.append(chunk)
    except TimeoutError as error:
        message = f"The request did not arrive within {BODY_SECONDS:g} seconds."
        raise AwsError("RequestTimeoutException", message, http_status=408) from error
    return b"".join(chunks)


async def off_loop(work: Callable[[], T], *, size: int) -> T:
    """Do what takes long for many bytes in a thread, and here for few."""
    return await asyncio.to_thread(work) if size >= LARGE_BYTES else work()
