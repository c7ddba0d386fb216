from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from fotofila.core.ids import new_id
from fotofila.testing.servers import NatsServer, PostgresServer, RedisServer, S3Server, SqsServer
from tests.databases import TEMPLATE, migrate

# Machines are noisy: how long an example takes says nothing about the code.
settings.register_profile("quiet", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("quiet")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with those that may take longest: workers end at nearly the same time. Else they stay in random order."""
    items.sort(key=seconds_allowed, reverse=True)


def seconds_allowed(item: pytest.Item) -> float:
    """Return the timeout of a test of whole fleets; 0 for any other."""
    timeout = item.get_closest_marker("timeout")
    return float(timeout.args[0]) if timeout and item.get_closest_marker("e2e") else 0.0


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with PostgresServer(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty database of one's own."""
    name = f"t{new_id()}"
    postgres_server.psql(f"CREATE DATABASE {name}")
    yield postgres_server.database(name)
    postgres_server.psql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """Name of a database with every table and no row, to be copied."""
    postgres_server.psql(f"CREATE DATABASE {TEMPLATE}")
    migrate(postgres_server.database(TEMPLATE))
    return TEMPLATE


@pytest.fixture
def migrated_url(postgres_server: PostgresServer, postgres_template: str) -> Iterator[str]:
    """A database of one's own in PostgreSQL, with every table."""
    name = f"t{new_id()}"
    postgres_server.psql(f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
    yield postgres_server.database(name)
    postgres_server.psql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of one's own, for `make_tables`: whatever is tested with it holds on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'fotofila.db'}"
    url: str = request.getfixturevalue("migrated_url")
    return url


@pytest.fixture
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A server of one's own: it starts in milliseconds."""
    with NatsServer(tmp_path_factory.mktemp("nats")) as server:
        yield server


@pytest.fixture
def nats_url(nats_server: NatsServer) -> str:
    return nats_server.url


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with S3Server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def s3_url(s3_server: S3Server) -> str:
    """A prefix of one's own in the bucket of `s3_server`, which tells the endpoint and the keys."""
    return f"{s3_server.url}/{new_id()}"


@pytest.fixture(scope="session")
def sqs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqsServer]:
    with SqsServer(tmp_path_factory.mktemp("sqs")) as server:
        yield server


@pytest.fixture
def sqs_url(sqs_server: SqsServer) -> str:
    """The endpoint of a server without queues."""
    sqs_server.reset()
    return sqs_server.url


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    return redis_server.url
