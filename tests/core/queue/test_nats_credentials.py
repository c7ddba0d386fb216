"""Credentials files open a server that knows its users by signed JWTs, and damaged ones say so."""

from __future__ import annotations

import json
import time
from base64 import b32encode, urlsafe_b64encode
from binascii import crc_hqx
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import nats.errors
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nats.aio.client import Client

from fotofila.core.queue.nats_credentials import NatsCredentials
from fotofila.testing.servers import NatsServer

OPERATOR, ACCOUNT, USER, SEED = 14 << 3, 0, 20 << 3, 18 << 3


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A key of a kind, as NATS writes it."""

    kind: int
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public(self) -> str:
        return written(bytes([self.kind]) + self.key.public_key().public_bytes_raw())

    @property
    def seed(self) -> str:
        first = bytes([SEED | (self.kind >> 5), (self.kind & 31) << 3])
        return written(first + self.key.private_bytes_raw())

    def issue(self, subject: str, kind: str, **claims: Any) -> str:
        """Sign what is said of somebody."""
        body = {"iat": int(time.time()), "iss": self.public, "sub": subject, "name": kind}
        body |= {"nats": {"type": kind, "version": 2, **claims}}
        body["jti"] = b32encode(sha256(json.dumps(body).encode()).digest()).decode().rstrip("=")
        signed = ".".join(encoded(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, body))
        return f"{signed}.{encoded(self.key.sign(signed.encode()))}"


def written(raw: bytes) -> str:
    return b32encode(raw + crc_hqx(raw, 0).to_bytes(2, "little")).decode().rstrip("=")


def encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def credentials_file(jwt: str, seed: str) -> str:
    return (
        f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
        f"*** IMPORTANT ***\n\n-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    )


class GuardedServer(NatsServer):
    """A server that lets in whom its operator's account vouches for."""

    operator = Identity(kind=OPERATOR)
    account = Identity(kind=ACCOUNT)

    def command(self) -> Sequence[str]:
        unlimited = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1)
        account = self.operator.issue(self.account.public, "account", limits={**unlimited, "wildcards": True})
        config = self.folder / "nats.conf"
        config.write_text(
            f"operator: {self.operator.issue(self.operator.public, 'operator')}\n"
            f"resolver: MEMORY\nresolver_preload: {{ {self.account.public}: {account} }}\n"
        )
        return [*super().command()[:5], "-c", str(config)]


async def enter(server: NatsServer, text: str) -> None:
    """Connect, have one answer, and leave."""
    credentials, client = NatsCredentials(text), Client()
    try:
        await client.connect(
            server.url, user_jwt_cb=credentials.jwt, signature_cb=credentials.sign, allow_reconnect=False
        )
        await client.flush()
    finally:
        await client.close()


async def test_credentials_open_the_server_that_knows_us(tmp_path: Path) -> None:
    with GuardedServer(tmp_path) as server:
        user = Identity(kind=USER)
        jwt = server.account.issue(user.public, "user", subs=-1, data=-1, payload=-1)
        await enter(server, credentials_file(jwt, user.seed))
        with pytest.raises(nats.errors.Error, match="Authorization Violation"):
            await enter(server, credentials_file(jwt, Identity(kind=USER).seed))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("/etc/nats/user.creds", "whole text"),
        (credentials_file("a.b.c", "SU1NONSENSE"), "not base32"),
        (credentials_file("a.b.c", Identity(kind=USER).seed.replace("SU", "SA", 1)), "damaged"),
    ],
)
def test_what_is_no_credentials_file_says_so(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        NatsCredentials(text)
