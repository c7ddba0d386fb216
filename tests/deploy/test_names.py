"""What deploy/ and the guides to it name is there: settings, commands, roles, metrics, headings."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import typer
import yaml  # type: ignore[import-untyped]
from prometheus_client.samples import Sample
from typer.exceptions import TyperException

from fotofila.bootstrap import load_capabilities
from fotofila.cli.app import app
from fotofila.cli.serve import CORE_ROLES
from fotofila.core.config import Settings
from fotofila.core.observability.metrics import REGISTRY
from scripts.reference.metrics import every, exposed_name
from tests.deploy.files import DEPLOY, KUBERNETES, ROOT, documents, ours, pod_specs, texts

GUIDES = [ROOT / "docs" / "how-to" / name for name in ("from-laptop-to-production.md", "operate.md", "size.md")]
DASHBOARD = json.loads((DEPLOY / "grafana" / "fotofila.json").read_text(encoding="utf-8"))
ALERTS = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
FUNCTIONS_AND_WORDS = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
SELECTOR = re.compile(r"([a-z_:]+)\{([^}]*)\}")
LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
OF_PROMETHEUS = {"up", "ALERTS"}
PROCESS = {f"fotofila_process_{name}" for name in ("cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds")}


def all_texts() -> dict[str, str]:
    return texts() | {path.name: path.read_text(encoding="utf-8") for path in GUIDES}


def test_every_setting_that_is_named_is_one() -> None:
    known = {f"FOTOFILA_{name.upper()}" for name in Settings.model_fields} | {"FOTOFILA_CONFIG", "FOTOFILA_KEY"}
    for name, text in all_texts().items():
        named = {found.removesuffix("_FILE") for found in re.findall(r"\bFOTOFILA_[A-Z_]*[A-Z]\b", text)}
        assert named <= known, f"{name}: {named - known}"


def parse(words: list[str]) -> None:
    """Parse a command line as the program would, without running it; raises a usage error."""
    command: Any = typer.main.get_command(app)
    context = command.context_class(command, info_name="fotofila")
    while hasattr(command, "resolve_command"):
        name, command, words = command.resolve_command(context, words)
        context = command.context_class(command, info_name=name, parent=context)
    command.parse_args(context, list(words))


def command_lines() -> list[list[str]]:
    compose = [service.get("command", []) for service in ours().values()]
    kubernetes = [
        spec["containers"][0]["args"]
        for spec in pod_specs(documents(KUBERNETES / "base")).values()
        if "args" in spec["containers"][0]
    ]
    images = re.findall(r"^CMD (\[.*\])$", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    return [*compose, *kubernetes, *(json.loads(line) for line in images)]


@pytest.mark.parametrize("words", command_lines(), ids=" ".join)
def test_every_command_line_is_one(words: list[str]) -> None:
    parse(words)
    if "--roles" in words:
        loops = (loop.role for each in load_capabilities(Settings().capabilities) for loop in each.loops)
        assert set(words[words.index("--roles") + 1].split(",")) <= {*CORE_ROLES, *loops}


@pytest.mark.parametrize("line", ["nonsense", "failures nonsense", "serve --nonsense"])
def test_command_line_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(TyperException, match="No such"):
        parse(line.split())


def test_every_role_runs_somewhere() -> None:
    wanted = {*CORE_ROLES, *(loop.role for each in load_capabilities(Settings().capabilities) for loop in each.loops)}
    for place in (
        [service.get("command", []) for service in ours().values()],
        [
            spec["containers"][0]["args"]
            for name, spec in pod_specs(documents(KUBERNETES / "base")).items()
            if name != "any"
        ],
    ):
        roles = {role for words in place if "--roles" in words for role in words[words.index("--roles") + 1].split(",")}
        assert roles == wanted
        assert ["work"] in place


def shown_lines() -> list[str]:
    inline = re.compile(
        r"`fotofila ([a-z][^`]*)`|exec(?: -T)? api fotofila ([a-z][\w -]*)|^fotofila ([a-z].*)$", re.MULTILINE
    )
    found = [next(part for part in match if part) for text in all_texts().values() for match in inline.findall(text)]
    return sorted({line.split("#")[0].strip() for line in found})


@pytest.mark.parametrize("line", shown_lines())
def test_every_command_that_guides_and_scripts_show_is_one(line: str) -> None:
    words = line.split()
    parse([*words, "list"] if words in (["failures"], ["keys"], ["users"], ["models"]) else words)


def series() -> dict[str, set[str]]:
    """Return every series that the program gives out, with its labels."""
    found: dict[str, set[str]] = {name: set() for name in PROCESS}
    for metric in every():
        name, labels = exposed_name(metric), set(metric._labelnames)
        found[name] = labels
        if metric._type == "histogram":
            del found[name]
            found |= {f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels}
    return found


def expressions() -> list[str]:
    panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
    return [*panels, *(rule["expr"] for rule in ALERTS)]


def test_there_is_something_to_look_at() -> None:
    assert len(expressions()) > 40
    samples: list[Sample] = [sample for family in REGISTRY.collect() for sample in family.samples]
    assert {sample.name for sample in samples} >= PROCESS


@pytest.mark.parametrize("expression", expressions())
def test_dashboard_and_alerts_ask_for_series_and_labels_that_exist(expression: str) -> None:
    known = series()
    named = set(re.findall(r"\b(?:fotofila_\w+|up)\b", expression))
    assert named
    assert named <= known.keys() | OF_PROMETHEUS
    of_targets = {"job", "instance"}
    labels = set().union(*(known.get(name, set()) for name in named)) | of_targets
    for group in FUNCTIONS_AND_WORDS.findall(expression):
        assert {label.strip() for label in group.split(",") if label.strip()} <= labels
    for name, selector in SELECTOR.findall(expression):
        assert set(LABEL.findall(selector)) <= known.get(name, set()) | of_targets


def test_every_alert_has_a_heading_that_says_what_to_do() -> None:
    headings = re.findall(r"^### (\w+)$", GUIDES[1].read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == [rule["alert"] for rule in ALERTS]
    for rule in ALERTS:
        assert rule["annotations"]["runbook"] == f"docs/how-to/operate.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_dashboard_shows_what_an_operator_asks_for() -> None:
    titles = {panel["title"] for panel in DASHBOARD["panels"]}
    assert titles >= {
        "Photos a second",
        "Depth by lane",
        "Backlog by lane",
        "From upload to end",
        "Seconds of one execution",
        "Failures by code",
        "Retries",
        "Children killed",
        "Seconds to answer",
        "Memory",
    }
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    sources = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text(encoding="utf-8"))
    assert DASHBOARD["templating"]["list"][0]["current"]["value"] == sources["datasources"][0]["uid"]


def test_prometheus_asks_every_service_of_ours() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text(encoding="utf-8"))
    asked = {job["job_name"]: job["dns_sd_configs"][0] for job in config["scrape_configs"]}
    assert set(asked) == set(ours()) - {"migrate"}
    for name, where in asked.items():
        assert where["names"] == [name]
        assert where["port"] == (8000 if name == "api" else 9464)
        assert "watch" in ours()[name]["networks"]
