from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import obstore
from obstore.store import S3Store
from pydantic import SecretStr

from fotofila.bootstrap import make_storage
from fotofila.core.aws import AwsAccess
from fotofila.core.clock import SystemClock
from fotofila.core.config import Settings
from fotofila.core.queue import LaneNames, Queue
from fotofila.core.queue.nats import NatsQueue
from fotofila.core.queue.nats_link import NatsAddress
from fotofila.core.queue.sqlite import SqliteQueue
from fotofila.core.queue.sqs import SqsQueue
from fotofila.core.storage import Storage
from fotofila.core.storage.local import LocalStorage
from fotofila.core.storage.object_store import ObjectStorage
from fotofila.testing.clock import FileClock
from fotofila.testing.servers import S3Server


def open_sqlite_queue(folder: Path) -> Queue:
    clock = FileClock(path=folder / "clock")
    return SqliteQueue(folder / "queue.db", max_deliveries=3, names=LaneNames(), now=clock.now)


def open_renamed_sqlite_queue(folder: Path) -> Queue:
    clock = FileClock(path=folder / "clock")
    names = LaneNames(process="fotos_para_processar", results="resultados_processados", failures="falhas_processamento")
    return SqliteQueue(folder / "queue.db", max_deliveries=3, names=names, now=clock.now)


def open_nats_queue(url: str) -> Queue:
    return NatsQueue(NatsAddress(url=url), max_deliveries=3, names=LaneNames())


def open_renamed_nats_queue(url: str) -> Queue:
    names = LaneNames(process="fotos_para_processar", results="resultados_processados", failures="falhas_processamento")
    return NatsQueue(NatsAddress(url=url), max_deliveries=3, names=names)


def open_sqs_queue(endpoint: str) -> Queue:
    return SqsQueue(sqs_access(endpoint), max_deliveries=3, names=LaneNames(), create=True)


def open_renamed_sqs_queue(endpoint: str) -> Queue:
    names = LaneNames(process="fotos_para_processar", results="resultados_processados", failures="falhas_processamento")
    return SqsQueue(sqs_access(endpoint), max_deliveries=3, names=names, create=True)


def sqs_access(endpoint: str) -> AwsAccess:
    return AwsAccess(region="us-east-1", endpoint=endpoint, access_key_id="test", secret_access_key="test")


def open_local_storage(root: Path) -> Storage:
    return LocalStorage(root)


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Place:
    """A prefix of the bucket of a running `S3Server`, `s3://bucket/…/in`; `…` is the test's own."""

    url: str
    endpoint: str

    @property
    def prefix(self) -> str:
        return self.url.removeprefix(f"s3://{S3Server.bucket}/")

    def store(self, prefix: str) -> S3Store:
        return S3Store(
            S3Server.bucket,
            prefix=prefix,
            endpoint=self.endpoint,
            region=S3Server.region,
            access_key_id=S3Server.access_key,
            secret_access_key=S3Server.secret_key,
            copy_if_not_exists="multipart",
            client_options={"allow_http": True},
        )

    def settings(self, **others: object) -> Settings:
        chosen = {
            "storage_url": self.url,
            "storage_endpoint": self.endpoint,
            "storage_region": S3Server.region,
            "storage_access_key_id": SecretStr(S3Server.access_key),
            "storage_secret_access_key": SecretStr(S3Server.secret_key),
        }
        return Settings(**{**chosen, **others})  # type: ignore[arg-type]


def open_s3_storage(place: S3Place) -> Storage:
    return make_storage(place.settings())


def open_common_storage(place: S3Place) -> Storage:
    return ObjectStorage(place.store(place.prefix), address=place.url, deletes_in_bulk=False, clock=SystemClock())


def list_bucket(place: S3Place) -> object:
    """Name what the test's own part of the bucket, and the bucket's top, hold beside the storage's prefix."""
    above = place.prefix.rpartition("/")[0]
    beside = [meta["path"] for page in obstore.list(place.store(above)) for meta in page]
    top = obstore.list_with_delimiter(place.store(""))["objects"]
    return sorted(path for path in beside if not path.startswith("in/")), sorted(meta["path"] for meta in top)
