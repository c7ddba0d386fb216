from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

import pytest

from fotofila.core.config.settings import PREFIX, Settings
from fotofila.core.jobs.states import FINAL
from scripts.reference import commands, errors, metrics, models, pages, pipeline
from tests.docs.conftest import ROOT

SOURCE = ROOT / "src" / "fotofila"
REFERENCE = ROOT / "docs" / "reference"


def test_committed_reference_is_what_the_code_makes(reference: Mapping[str, str]) -> None:
    assert pages.stale(REFERENCE, reference) == [], "run `make docs` and commit what it writes"


def test_every_setting_is_in_the_reference() -> None:
    page = written("settings.md")
    missing = [name for name in Settings.model_fields if f"`{PREFIX}{name.upper()}`" not in page]
    assert missing == []


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_every_metric_is_in_the_reference() -> None:
    page = written("metrics.md")
    assert [name for name in map(metrics.exposed_name, metrics.every()) if f"`{name}`" not in page] == []


def test_every_error_code_is_in_the_reference() -> None:
    page = written("errors.md")
    assert [error.code for error in errors.every() if f"`{error.code}`" not in page] == []


def test_every_code_that_no_error_class_has_is_in_the_reference() -> None:
    page = written("errors.md")
    assert [code for code in sorted(set(told_codes())) if f"`{code}`" not in page] == []


def test_every_job_kind_and_capability_is_in_the_reference() -> None:
    page = written("job-kinds.md")
    names = [capability.name for capability in pipeline.capabilities()]
    names += [kind.name for capability in pipeline.capabilities() for kind in capability.job_kinds]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_every_model_is_in_the_reference_with_its_licence() -> None:
    page = written("models.md")
    assert [spec.name for spec in models.every() if f"{spec.name} {spec.version}" not in page] == []
    assert [spec.name for spec in models.every() if not spec.licence] == []


def test_every_role_is_in_the_reference() -> None:
    page = written("roles.md")
    roles = {"api", *(loop.role for loop in pipeline.loops())}
    assert sorted(role for role in roles if f"`{role}`" not in page) == []


def test_every_command_is_in_the_reference() -> None:
    headings = {line.lstrip("# ") for line in written("commands.md").splitlines() if line.startswith("#")}
    assert [name for name in commands.names() if f"fotofila {name}" not in headings] == []


def test_events_of_the_reference_are_those_that_the_code_tells() -> None:
    assert set(told_events()) == set(pipeline.EVENTS)


@pytest.mark.parametrize("name", pages.PAGES)
def test_index_leads_to_every_page_of_the_reference(name: str) -> None:
    assert f"reference/{name}" in (ROOT / "docs" / "README.md").read_text(encoding="utf-8")


def written(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def calls() -> Iterator[ast.Call]:
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield node


def called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def told_codes() -> Iterator[str]:
    for node in calls():
        for keyword in node.keywords:
            if called(node) == "ErrorInfo" and keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                yield str(keyword.value.value)


def told_events() -> Iterator[str]:
    for node in calls():
        if called(node) == "tell" and len(node.args) > 2:
            yield from texts(node.args[2])
        if called(node) == "append_event":
            yield from (text for word in node.keywords if word.arg == "event_type" for text in texts(word.value))


def texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield str(node.value)
    if isinstance(node, ast.JoinedStr):
        prefix = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
        yield from (prefix + state.value for state in FINAL)
