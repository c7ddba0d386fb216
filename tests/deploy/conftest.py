from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml  # type: ignore[import-untyped]

from fotofila.testing.servers import PostgresServer
from fotofila.testing.servers.postgres import binaries
from tests.deploy.files import COMPOSE, KUBERNETES, Document


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `start` makes before the first start."""
    folder = tmp_path_factory.mktemp("compose") / "secrets"
    subprocess.run([COMPOSE / "secrets.sh", folder], check=True)
    return folder


@pytest.fixture
def initialised(postgres_server: PostgresServer, secrets: Path, tmp_path: Path) -> Iterator[str]:
    """Run the script of the image's first start; gives the URL that the program is told."""
    port = str(urlsplit(postgres_server.url).port)
    environment = {
        "PATH": f"{binaries()}:/usr/bin:/bin",
        "PGHOST": "127.0.0.1",
        "PGPORT": port,
        "DATABASE_PASSWORD_FILE": str(secrets / "database_password"),
        "HOME": str(tmp_path),
    }
    subprocess.run([COMPOSE / "postgres" / "init.sh"], check=True, env=environment)
    url = (secrets / "database_url").read_text(encoding="utf-8").strip()
    yield url.replace("postgres:5432", f"127.0.0.1:{port}")
    postgres_server.psql("DROP DATABASE fotofila WITH (FORCE)")
    postgres_server.psql("DROP ROLE fotofila")


@cache
def kustomized(overlay: str) -> list[Document]:
    """Return the objects of an overlay, as they would be applied; skips where there is no kubectl or kustomize."""
    if kubectl := shutil.which("kubectl"):
        command = [kubectl, "kustomize"]
    elif kustomize := shutil.which("kustomize"):
        command = [kustomize, "build"]
    else:
        pytest.skip("neither kubectl nor kustomize is here: the files are checked one by one")
    built = subprocess.run([*command, KUBERNETES / "overlays" / overlay], check=True, capture_output=True, text=True)
    assert built.stderr == ""
    return list(yaml.safe_load_all(built.stdout))
