from __future__ import annotations

from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from fotofila.core.config import Settings
from fotofila.core.queue import LaneNames
from fotofila.core.queue.nats_streams import Layout
from fotofila.core.queue.sqs_queues import queue_name
from tests.deploy.conftest import kustomized
from tests.deploy.files import KUBERNETES, OVERLAYS, Document, documents, pod_specs, settings_of

BASE = list(documents(KUBERNETES / "base"))
ROLES = {"api", "feedback", "tidy", "notify", "worker", "migrate"}
DATABASE_PORT = 5432


def scaler(overlay: str) -> Document:
    found = documents(KUBERNETES / "overlays" / overlay)
    return next(each["spec"] for each in found if each["kind"] == "ScaledObject")


def literals(overlay: str, name: str) -> dict[str, str]:
    """Return what a pod of an overlay has in its environment."""
    merged: dict[str, str] = {}
    for folder in (KUBERNETES / "base", KUBERNETES / "overlays" / overlay):
        kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
        for generator in kustomization["configMapGenerator"]:
            if generator["name"] == name:
                merged |= dict(line.split("=", 1) for line in generator["literals"])
    return merged


def reach(found: list[Document], role: str) -> set[int]:
    """Return the ports that the network lets a role speak to."""
    ports: set[int] = set()
    for policy in found:
        if policy["kind"] == "NetworkPolicy" and "Egress" in policy["spec"]["policyTypes"] and selects(policy, role):
            for rule in policy["spec"].get("egress", []):
                assert rule.get("ports"), f"{policy['metadata']['name']} opens every port"
                ports |= {port["port"] for port in rule["ports"]}
    return ports


def selects(policy: Document, role: str) -> bool:
    selector = policy["spec"]["podSelector"]
    labels = selector.get("matchLabels", {})
    if labels.get("app.kubernetes.io/component", role) != role:
        return False
    return all(role in each["values"] for each in selector.get("matchExpressions", []))


def test_every_role_has_a_place() -> None:
    assert pod_specs(BASE).keys() - {"any"} == ROLES


def test_everything_is_shut_but_what_is_named() -> None:
    shut = next(each for each in BASE if each["kind"] == "NetworkPolicy" and each["metadata"]["name"] == "nothing")
    assert shut["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_worker_cannot_reach_the_database(overlay: str) -> None:
    found = [*BASE, *documents(KUBERNETES / "overlays" / overlay)]
    assert DATABASE_PORT not in reach(found, "worker")
    assert DATABASE_PORT not in {port for port in reach(found, "worker") if port > 1024 and port != 4222}
    for role in ROLES - {"worker"}:
        assert DATABASE_PORT in reach(found, role), role


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_worker_knows_neither_database_nor_secret_key(overlay: str) -> None:
    environment = literals(overlay, "worker-settings")
    assert not any("DATABASE" in name or "SECRET_KEY" in name.replace("STORAGE_SECRET", "") for name in environment)
    worker = pod_specs(BASE)["worker"]
    assert [source["configMapRef"]["name"] for source in worker["containers"][0]["envFrom"]] == ["worker-settings"]
    assert worker["serviceAccountName"] == "fotofila-worker"
    secrets = [volume["secret"]["secretName"] for volume in worker["volumes"] if "secret" in volume]
    assert secrets == ["fotofila-worker"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_worker_ends_what_it_has_begun_before_it_is_killed(overlay: str) -> None:
    environment = literals(overlay, "worker-settings")
    job, drain = float(environment["FOTOFILA_JOB_SECONDS"]), float(environment["FOTOFILA_DRAIN_SECONDS"])
    assert job < drain < pod_specs(BASE)["worker"]["terminationGracePeriodSeconds"] - 10
    assert job == Settings.model_fields["job_seconds"].default


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_workers_come_from_none_and_the_queue_holds_enough_for_all(overlay: str) -> None:
    spec = scaler(overlay)
    assert spec["minReplicaCount"] == 0
    assert spec["scaleTargetRef"] == {"name": "worker"}
    assert "replicas" not in next(each for each in BASE if each["metadata"]["name"] == "worker")["spec"]
    ready, children = (
        int(literals(overlay, "settings")["FOTOFILA_QUEUE_READY"]),
        int(literals(overlay, "worker-settings")["FOTOFILA_WORKERS"]),
    )
    for trigger in spec["triggers"]:
        target = int(trigger["metadata"].get("lagThreshold") or trigger["metadata"]["queueLength"])
        assert target >= children
        assert target * spec["maxReplicaCount"] < ready


def test_scaler_asks_for_the_streams_and_consumers_that_the_program_makes() -> None:
    layout = Layout(names=LaneNames(), max_deliveries=3, replicas=1)
    lanes: list[str] = Settings.model_fields["worker_lanes"].default
    made = [(source.stream, source.consumer) for source in map(layout.source, lanes)]
    asked = [trigger["metadata"] for trigger in scaler("nats")["triggers"]]
    assert [(each["stream"], each["consumer"]) for each in asked] == made
    assert all(trigger["type"] == "nats-jetstream" for trigger in scaler("nats")["triggers"])


def test_scaler_asks_for_the_queues_that_the_program_makes() -> None:
    asked = [trigger["metadata"]["queueURL"].rpartition("/")[2] for trigger in scaler("sqs")["triggers"]]
    lanes: list[str] = Settings.model_fields["worker_lanes"].default
    assert asked == [queue_name(LaneNames().of(lane)) for lane in lanes]
    assert all(trigger["metadata"]["scaleOnInFlight"] == "true" for trigger in scaler("sqs")["triggers"])


def test_api_leaves_before_it_stops_and_is_asked_whether_it_is_ready() -> None:
    spec = pod_specs(BASE)["api"]
    container = spec["containers"][0]
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["lifecycle"]["preStop"]["sleep"]["seconds"] < spec["terminationGracePeriodSeconds"] - 10


def test_secrets_that_settings_name_are_among_those_that_are_fetched() -> None:
    overlays = KUBERNETES / "overlays"
    patched = (overlays / "nats" / "secrets.yaml").read_text(encoding="utf-8")
    fetched = (KUBERNETES / "components/external-secrets/secrets.yaml").read_text(encoding="utf-8")
    own = (overlays / "nats" / "worker-secrets.yaml").read_text(encoding="utf-8")
    for name, value in settings_of(literals("nats", "settings")).items():
        if name.endswith("_FILE"):
            assert f"secretKey: {value.rpartition('/')[2]}," in patched + fetched
    for name, value in settings_of(literals("nats", "worker-settings")).items():
        if name.endswith("_FILE"):
            assert f"secretKey: {value.rpartition('/')[2]}," in own


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_overlay_is_built_by_kustomize_and_every_pod_is_hardened(overlay: str) -> None:
    found = kustomized(overlay)
    pods = pod_specs(found)
    assert set(pods) == ROLES
    for spec in pods.values():
        check_pod(spec)
    assert {each["metadata"].get("namespace", "fotofila") for each in found} == {"fotofila"}
    guarded = {each["metadata"]["name"] for each in found if each["kind"] == "PodDisruptionBudget"}
    assert guarded == ROLES - {"migrate"}
    names = {each["metadata"]["name"] for each in found if each["kind"] == "ConfigMap"}
    used = {source["configMapRef"]["name"] for spec in pods.values() for source in spec["containers"][0]["envFrom"]}
    assert used == names


def check_pod(spec: dict[str, Any]) -> None:
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/tmp", "/run/secrets/fotofila"}
    assert "memory" in container["resources"]["limits"]
    assert container["image"].startswith("registry.example.org/fotofila-")
