"""The files of deploy/, read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "compose"
KUBERNETES = DEPLOY / "kubernetes"
OVERLAYS = ("nats", "sqs")
Document = dict[str, Any]


def texts() -> dict[str, str]:
    """Return every text file below deploy/ that belongs to the project."""
    made = {".env", "secrets"}
    paths = (path for path in DEPLOY.rglob("*") if path.is_file() and not made & set(path.relative_to(DEPLOY).parts))
    return {str(path.relative_to(DEPLOY)): path.read_text(encoding="utf-8") for path in paths if path.suffix != ".pyc"}


@cache
def compose() -> Document:
    """Return the Compose file, anchors and merges resolved."""
    read: Document = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
    return read


def services() -> dict[str, Document]:
    """Return the services by name."""
    found: dict[str, Document] = compose()["services"]
    return found


def ours() -> dict[str, Document]:
    """Return the services that run the program."""
    return {name: service for name, service in services().items() if service["image"].startswith("fotofila-")}


def documents(folder: Path) -> Iterator[Document]:
    """Give every object of the YAML files in a folder and below, kustomizations and patches apart."""
    for path in sorted(folder.rglob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if isinstance(document, dict) and document["kind"] not in {"Kustomization", "Component"}:
                yield document


def pod_specs(found: Iterator[Document] | list[Document]) -> dict[str, Document]:
    """Return the pods' specs of Deployments and Jobs by name."""
    kinds = {"Deployment", "Job"}
    return {each["metadata"]["name"]: each["spec"]["template"]["spec"] for each in found if each["kind"] in kinds}


def settings_of(environment: Document | None) -> dict[str, str]:
    """Return what a service sets of the program's settings."""
    return {name: str(value) for name, value in (environment or {}).items() if name.startswith("FOTOFILA_")}


def variables(text: str) -> set[str]:
    """Return the names of Compose variables in a text."""
    return set(re.findall(r"\$\{([A-Z_]+)", text))
