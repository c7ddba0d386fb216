from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from tests.deploy.files import COMPOSE, KUBERNETES, Document


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `start` makes before the first start."""
    folder = tmp_path_factory.mktemp("compose") / "secrets"
    subprocess.run([COMPOSE / "secrets.sh", folder], check=True)
    return folder


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
