from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from fotofila.core.config import Settings
from tests.deploy.files import COMPOSE, Document, compose, ours, services, settings_of, variables

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "compose-spec.json").read_text(encoding="utf-8"))
ONCE = {"migrate", "volumes"}
SECONDS = re.compile(r"(\d+)s")


def names_of(entry: Any, key: str) -> set[str]:
    """Return what a list or mapping of the short or the long form names."""
    return {item if isinstance(item, str) else item[key] for item in entry or []}


def networks(name: str) -> set[str]:
    return set(services()[name].get("networks", []))


def test_file_follows_the_compose_specification() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    errors = [error.message for error in Draft202012Validator(SCHEMA).iter_errors(compose())]
    assert errors == []


@pytest.mark.parametrize("name", services())
def test_service_may_do_as_little_as_possible(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert set(service.get("cap_add", [])) <= {"proxy": {"NET_BIND_SERVICE"}, "volumes": {"CHOWN"}}.get(name, set())
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    limits = service["deploy"]["resources"]["limits"]
    assert set(limits) >= {"cpus", "memory"}
    assert service["restart"] == ("no" if name in ONCE else "unless-stopped")


@pytest.mark.parametrize("name", services())
def test_service_is_watched_and_waits_for_what_it_needs(name: str) -> None:
    service = services()[name]
    if name not in ONCE and name not in ours():  # ours have it from their image
        assert service["healthcheck"]["test"][0] == "CMD"
    for other, how in service.get("depends_on", {}).items():
        wanted = "service_completed_successfully" if other in ONCE else "service_healthy"
        assert how["condition"] == wanted, other


@pytest.mark.parametrize("name", services())
def test_image_is_pinned(name: str) -> None:
    service = services()[name]
    if name in ours():
        assert service["build"]["target"] == service["image"].removeprefix("fotofila-")
        return
    assert re.search(r":v?(\d+\.\d+|pg18$)", service["image"])


def test_everything_that_is_named_is_declared() -> None:
    for kind in ("networks", "volumes", "secrets"):
        named: set[str] = set()
        for service in services().values():
            entries = service.get(kind, [])
            if kind == "volumes":
                entries = [item.split(":")[0] for item in entries if isinstance(item, str)]
            named |= names_of(entries, "source")
        assert named == set(compose()[kind]), kind


def test_files_that_are_mounted_are_there() -> None:
    mounts = [
        mount for service in services().values() for mount in service.get("volumes", []) if isinstance(mount, dict)
    ]
    assert mounts
    for mount in mounts:
        assert (COMPOSE / mount["source"]).exists(), mount["source"]
        assert mount["read_only"] is True


def test_every_secret_is_made_by_the_script(secrets: Path) -> None:
    for name, secret in compose()["secrets"].items():
        assert (secrets / Path(secret["file"]).name).stat().st_size > 15, name


def test_secrets_are_files_and_never_values() -> None:
    secret = {name for name, field in Settings.model_fields.items() if "Secret" in str(field.annotation)}
    for service in services().values():
        for variable, value in (service.get("environment") or {}).items():
            if variable.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in names_of(service["secrets"], "source")
            assert variable.removeprefix("FOTOFILA_").lower() not in secret | {"database_url", "queue_url"}


def test_worker_has_queue_and_storage_and_nothing_else() -> None:
    worker = services()["worker"]
    allowed = {"QUEUE", "STORAGE", "WORKERS", "WORKER", "DRAIN", "JOB", "CHILD", "LOG", "METRICS"}
    assert {name.split("_")[1] for name in settings_of(worker["environment"])} <= allowed
    assert not any("DATABASE" in name or "SECRET_KEY_FILE" in name for name in worker["environment"])
    assert all(name.startswith("worker_") for name in worker["secrets"])
    assert not networks("worker") & networks("postgres")
    assert networks("worker") <= networks("nats") | networks("seaweedfs") | networks("prometheus")
    assert all(compose()["networks"][name]["internal"] for name in networks("worker"))
    assert "postgres" not in worker["depends_on"]


def test_only_proxy_and_grafana_are_published() -> None:
    published = {name for name, service in services().items() if "ports" in service}
    assert published == {"proxy", "grafana"}
    assert all(port.startswith("127.0.0.1:") for port in services()["grafana"]["ports"])


def test_only_those_that_must_have_a_way_out() -> None:
    open_networks = {name for name, network in compose()["networks"].items() if not (network or {}).get("internal")}
    assert {name for name in services() if networks(name) & open_networks} == {"proxy", "notify", "grafana"}


def test_everything_that_each_role_needs_can_be_reached() -> None:
    needs = {
        "api": {"postgres", "nats", "seaweedfs", "proxy"},
        "feedback": {"postgres", "nats", "seaweedfs"},
        "tidy": {"postgres", "nats", "seaweedfs"},
        "notify": {"postgres"},
        "worker": {"nats", "seaweedfs"},
        "migrate": {"postgres"},
        "grafana": {"prometheus"},
    }
    for name, others in needs.items():
        assert all(networks(name) & networks(other) for other in others), name


def test_worker_ends_what_it_has_begun_before_it_is_killed() -> None:
    worker = services()["worker"]
    drain = float(worker["environment"]["FOTOFILA_DRAIN_SECONDS"])
    grace = SECONDS.fullmatch(worker["stop_grace_period"])
    assert grace is not None
    assert Settings.model_fields["job_seconds"].default < drain < int(grace[1]) - 10


def test_example_of_the_environment_names_every_variable() -> None:
    text = (COMPOSE / ".env.example").read_text(encoding="utf-8")
    offered = set(re.findall(r"^#?([A-Z_]+)=", text, re.MULTILINE))
    assert offered == variables((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))


def test_owner_of_a_database_role_is_not_the_superuser() -> None:
    postgres: Document = services()["postgres"]
    assert postgres["environment"]["POSTGRES_PASSWORD_FILE"].endswith("/postgres_password")
    assert "postgres_password" not in {
        name for other in ours().values() for name in names_of(other["secrets"], "source")
    }


def test_what_runs_once_is_waited_for_by_something_that_stays() -> None:
    """Else `docker compose up --wait` takes its end for a failure."""
    waited = {
        name
        for service in services().values()
        for name, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_completed_successfully"
    }
    assert waited == ONCE
