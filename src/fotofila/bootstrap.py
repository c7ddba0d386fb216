"""Settings → adapters → Context. The only file that picks an adapter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from fotofila.core.capability import Authenticator, Capability, Context, Kinds, RetentionPolicy, load
from fotofila.core.clock import Clock, SystemClock
from fotofila.core.config import Settings, SettingsError
from fotofila.core.crypto import SecretKeys
from fotofila.core.queue import LaneNames, Queue
from fotofila.core.queue.sqlite import SqliteQueue
from fotofila.core.storage import Storage
from fotofila.core.storage.local import LocalStorage
from fotofila.worker.direct import DirectPool

if TYPE_CHECKING:
    from fotofila.core.db import Database

ENTRY_POINTS = "fotofila.capabilities"
SERVER_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")
AUTHENTICATE = "fotofila.access.authenticate:authenticate"
RETENTION = "fotofila.access.workspaces:retention"


def load_capabilities(names: Sequence[str]) -> tuple[Capability, ...]:
    """Load capabilities by entry-point name, in the order given; plug-ins come through the same door.

    Raises:
        SettingsError: one of them is not installed.
    """
    installed = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    missing = [name for name in names if name not in installed]
    if missing:
        known = ", ".join(sorted(installed))
        raise SettingsError(f"FOTOFILA_CAPABILITIES: {missing[0]!r} is not installed; there are: {known}.")
    return tuple(installed[name].load() for name in names)


def load_tables(capabilities: Sequence[Capability]) -> None:
    """Import every module that declares tables, so that the database's metadata is whole."""
    for capability in capabilities:
        for module in capability.tables:
            import_module(module)


def make_queue(settings: Settings) -> Queue:
    """Choose the queue by its URL: `sqlite:////absolute/file`, `sqlite:///relative/file`, `nats://`, `tls://`, `sqs://`.

    Raises:
        SettingsError: there is no such queue, or a setting of it is wrong.
    """
    scheme, _, rest = (settings.queue_url or f"sqlite:///{settings.data_dir / 'queue.db'}").partition("://")
    names = LaneNames(
        process=settings.queue_process_name,
        results=settings.queue_results_name,
        failures=settings.queue_failures_name,
    )
    if scheme == "sqlite":
        return SqliteQueue(Path(rest[1:]), max_deliveries=settings.max_deliveries, names=names)
    if scheme not in {"nats", "tls", "sqs"}:
        known = "sqlite:///file, nats://host:4222, tls://host:4222 and sqs://region"
        raise SettingsError(f"FOTOFILA_QUEUE_URL: {scheme}:// is not supported; there are {known}.")
    for name in ("process", "results", "failures"):
        if not SERVER_NAME.fullmatch(getattr(names, name)):
            text = f"FOTOFILA_QUEUE_{name.upper()}_NAME: a server takes letters, digits, - and _, 60 at most."
            raise SettingsError(text)
    return make_sqs_queue(settings, names, rest) if scheme == "sqs" else make_nats_queue(settings, names)


def make_nats_queue(settings: Settings, names: LaneNames) -> Queue:
    """Make a queue on NATS; it connects at its first use."""
    from fotofila.core.queue.nats import NatsQueue  # noqa: PLC0415 - other queues need no client of NATS
    from fotofila.core.queue.nats_link import NatsAddress  # noqa: PLC0415

    address = NatsAddress(
        url=settings.queue_url,
        credentials=settings.queue_credentials.get_secret_value(),
        tls_ca=Path(settings.queue_tls_ca) if settings.queue_tls_ca else None,
        tls_certificate=Path(settings.queue_tls_certificate) if settings.queue_tls_certificate else None,
        tls_key=Path(settings.queue_tls_key) if settings.queue_tls_key else None,
    )
    try:
        address.options()
    except (OSError, ValueError) as error:
        names_of_all = "FOTOFILA_QUEUE_URL, FOTOFILA_QUEUE_CREDENTIALS or FOTOFILA_QUEUE_TLS_…"
        raise SettingsError(f"{names_of_all}: {error}.") from error
    return NatsQueue(address, max_deliveries=settings.max_deliveries, names=names, replicas=settings.queue_replicas)


def make_sqs_queue(settings: Settings, names: LaneNames, region: str) -> Queue:
    """Make a queue on SQS; it connects at its first use."""
    from fotofila.core.aws import AwsAccess  # noqa: PLC0415 - 40 MB that other queues need not load
    from fotofila.core.queue.sqs import SqsQueue  # noqa: PLC0415

    access = AwsAccess(
        region=region.strip("/"),
        endpoint=settings.queue_endpoint,
        access_key_id=settings.queue_access_key_id.get_secret_value(),
        secret_access_key=settings.queue_secret_access_key.get_secret_value(),
    )
    return SqsQueue(access, max_deliveries=settings.max_deliveries, names=names, create=settings.queue_create)


def make_storage(settings: Settings) -> Storage:
    """Choose the storage by its URL: `file:///absolute/folder`, `s3://`, `gs://` or `az://` with bucket and prefix.

    Raises:
        SettingsError: there is no such storage, or a setting of it is wrong.
    """
    scheme, _, rest = (settings.storage_url or f"file://{settings.data_dir / 'objects'}").partition("://")
    if scheme == "file":
        return LocalStorage(Path(rest))
    if scheme not in {"s3", "gs", "az"}:
        known = "file:///folder, s3://bucket/prefix, gs://bucket/prefix and az://container/prefix"
        raise SettingsError(f"FOTOFILA_STORAGE_URL: {scheme}:// is not supported; there are {known}.")
    from fotofila.core.storage.buckets import open_bucket  # noqa: PLC0415 - a folder needs no client of a bucket

    return open_bucket(settings)


def make_buckets(settings: Settings) -> dict[str, Storage]:
    """Open the buckets that callers may name.

    Raises:
        SettingsError: one is not of the form `name=url`, or there is no such storage.
    """
    buckets = {}
    for given in settings.rekognition_buckets:
        name, _, url = given.partition("=")
        if not name.strip() or "://" not in url:
            text = f"FOTOFILA_REKOGNITION_BUCKETS: {given!r} is not of the form name=url, as in `photos=s3://photos`."
            raise SettingsError(text)
        buckets[name.strip()] = make_storage(settings.model_copy(update={"storage_url": url.strip()}))
    return buckets


def make_database(settings: Settings) -> Database:
    """Open the database by its URL.

    Raises:
        SettingsError: it is no URL of a database that we know.
    """
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415 - workers have no database and never load it

    from fotofila.core.db import Database, PostgresOptions  # noqa: PLC0415

    options = PostgresOptions(
        pool_size=settings.database_pool_size,
        statement_seconds=settings.database_statement_seconds,
        pooler=settings.database_pooler,
    )
    try:
        return Database(settings.database_url or f"sqlite:///{settings.data_dir / 'fotofila.db'}", options)
    except (ArgumentError, ValueError) as error:
        message = "FOTOFILA_DATABASE_URL: write it as postgresql://user:password@host:5432/name or sqlite:///file."
        raise SettingsError(message) from error


def make_context(
    settings: Settings,
    *,
    clock: Clock | None = None,
    roles: frozenset[str] = frozenset(),
    authenticate: Authenticator | None = None,
    retention: RetentionPolicy | None = None,
) -> Context:
    """Build everything that a serving process needs."""
    capabilities = load_capabilities(settings.capabilities)
    load_tables(capabilities)
    direct = DirectPool(settings)
    db = make_database(settings)
    return Context(
        settings=settings,
        clock=clock or SystemClock(),
        db=db,
        storage=make_storage(settings),
        queue=make_queue(settings),
        secret_keys=SecretKeys.load(settings.secret_key.get_secret_value(), settings.data_dir / "secret.key"),
        kinds=Kinds(capabilities),
        capabilities=capabilities,
        authenticate=authenticate or load(AUTHENTICATE),
        retention=retention or load(RETENTION),
        direct=direct,
        roles=roles,
        buckets=make_buckets(settings),
        parts={name: load(make)(settings, direct, db) for each in capabilities for name, make in each.parts.items()},
    )
