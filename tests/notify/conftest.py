from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from notify_parts import START, FakeClock, House, Receiver, make_context, receiving

from fotofila.api.app import create_app
from fotofila.core.db import Database
from tests.databases import make_tables


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await make_tables(database)
    yield database
    await database.close()


@pytest.fixture
def house(db: Database, clock: FakeClock, tmp_path: Path) -> House:
    """A house whose webhooks may go to this machine."""
    return House(make_context(db, clock, data_dir=tmp_path, webhooks_allow_private=True), clock)


@pytest.fixture
def strict_house(db: Database, clock: FakeClock, tmp_path: Path) -> House:
    """A house with the settings that production has."""
    return House(make_context(db, clock, data_dir=tmp_path), clock)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """The real app, asked with the owner's key."""
    transport = httpx.ASGITransport(create_app(house.context))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8000/api/notifications", headers={"x-api-key": "owner"}
    ) as asked:
        yield asked


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for hooks.example and localhost, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example")])
    names = [x509.DNSName("hooks.example"), x509.DNSName("localhost")]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(START - timedelta(days=3650))
        .not_valid_after(START + timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path
