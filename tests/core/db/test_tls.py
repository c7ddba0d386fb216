"""Connections that are encrypted, as `sslmode` says."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import text

from fotofila.core.db import Database
from fotofila.core.db.migrate import prepare_database
from fotofila.core.errors import UnavailableError
from fotofila.testing.servers import PostgresServer

SSL_REQUEST = bytes.fromhex("0000000804d2162f")


def certificate(folder: Path) -> Path:
    """Write a certificate for 127.0.0.1, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "database")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    written = {
        "server.crt": made.public_bytes(serialization.Encoding.PEM),
        "server.key": key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    }
    for file, content in written.items():
        path = folder / file
        path.write_bytes(content)
    return folder / "server.crt"


class Door:
    """Stands before a server that knows no TLS (that of the tests is built without) and speaks it in its place."""

    def __init__(self, server: PostgresServer, made: Path) -> None:
        self.server = server
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(made, made.with_suffix(".key"))
        self.encrypted = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(8)
        if first != SSL_REQUEST:  # as `hostssl` refuses those that ask for nothing
            writer.close()
            return
        writer.write(b"S")
        await writer.drain()
        try:
            await writer.start_tls(self.context)
        except (ssl.SSLError, ConnectionError):
            return
        self.encrypted += 1
        inner, outer = await asyncio.open_connection("127.0.0.1", self.server.port)
        await asyncio.gather(pass_on(reader, outer), pass_on(inner, writer))


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@pytest.fixture
async def door(postgres_server: PostgresServer, tmp_path: Path) -> AsyncIterator[tuple[str, Door]]:
    door = Door(postgres_server, certificate(tmp_path))
    listener = await asyncio.start_server(door.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    yield f"postgresql://postgres@127.0.0.1:{port}/postgres", door
    listener.close()
    await listener.wait_closed()


async def ask(url: str) -> object:
    database = Database(url)
    try:
        async with database.read() as session:
            return await session.scalar(text("SELECT 1"))
    finally:
        await database.close()


async def test_encryption_is_used_where_it_is_offered_and_checked_where_it_is_asked_for(
    door: tuple[str, Door], tmp_path: Path
) -> None:
    url, asked = door
    root = tmp_path / "server.crt"
    for query in ("", "?sslmode=require&channel_binding=prefer", f"?sslmode=verify-full&sslrootcert={root}"):
        assert await ask(url + query) == 1
    assert asked.encrypted == 3
    other = tmp_path / "other"
    other.mkdir()
    for query, why in (
        (f"?sslmode=verify-full&sslrootcert={certificate(other)}", "certificate"),
        ("?sslmode=disable", "cannot be reached"),
    ):
        database = Database(url + query)
        with pytest.raises(UnavailableError, match=why):
            await prepare_database(database)
        await database.close()
