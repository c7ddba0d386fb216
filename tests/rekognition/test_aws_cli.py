"""The `aws` command, pointed at us by nothing but its environment, as a person would use it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from fotofila.core.ids import new_id
from tests.rekognition.clients import SDK
from tests.rekognition.conftest import Portraits, Served

pytestmark = pytest.mark.e2e


def aws(served: Served, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `aws rekognition …` with no file of settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = kept | {
        "AWS_ENDPOINT_URL_REKOGNITION": served.beside.url,
        "AWS_ACCESS_KEY_ID": served.beside.access_key_id,
        "AWS_SECRET_ACCESS_KEY": served.beside.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(folder / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    command = [str(SDK / "bin" / "python"), "-W", "ignore", str(SDK / "bin" / "aws"), "rekognition", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_person_at_the_command_line_gets_along(served: Served, portraits: Portraits, tmp_path: Path) -> None:
    picture = tmp_path / "first.jpg"
    picture.write_bytes(portraits.first)
    name = f"cli-{new_id()}"
    made = aws(served, tmp_path, "create-collection", "--collection-id", name)
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["StatusCode"] == 200
    image = ("--collection-id", name, "--image-bytes", f"fileb://{picture}")
    indexed = aws(served, tmp_path, "index-faces", *image, "--external-image-id", "first")
    (record,) = json.loads(indexed.stdout)["FaceRecords"]
    found = aws(served, tmp_path, "search-faces-by-image", *image, "--query", "FaceMatches[].Face.FaceId")
    assert json.loads(found.stdout) == [record["Face"]["FaceId"]]
    refused = aws(served, tmp_path, "delete-collection", "--collection-id", "none-of-this-name")
    assert refused.returncode != 0
    assert "ResourceNotFoundException" in refused.stderr
