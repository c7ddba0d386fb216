from __future__ import annotations

import re

import pytest

from tests.house.tracked import ROOT, python_files, tracked

DOT = r"\."
REGISTRIES = re.compile(
    "|".join(
        DOT.join(parts)
        for parts in (
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("npmjs", "org"),
            ("npmjs", "com"),
            ("yarnpkg", "com"),
        )
    )
)
MACHINE = re.compile(r"(?<![\w./-])/(?:work|root|Users|home/(?!app\b|fotofila\b)\w+)/")
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
CLOCKS = {
    "src/fotofila/core/clock.py",  # the clock itself
    "src/fotofila/core/queue/sqlite.py",  # processes must agree on the time, and a test injects it
    "src/fotofila/core/storage/local.py",  # the age of files is told by the clock of the machine
    "src/fotofila/worker/scratch.py",  # likewise
    "src/fotofila/core/ids.py",  # the time is part of an id
    "src/fotofila/api/rate_stores.py",  # the library counts by the clock of the machine
}


def texts() -> dict[str, str]:
    found = {}
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content:
            found[str(path.relative_to(ROOT))] = content.decode("utf-8", "replace")
    return found


@pytest.mark.parametrize("pattern", [REGISTRIES, MACHINE], ids=["package registries", "paths of one machine"])
def test_no_file_names(pattern: re.Pattern[str]) -> None:
    found = {name: match[0] for name, text in texts().items() if (match := pattern.search(text))}
    assert found == {}


def test_no_module_is_a_drawer_for_everything() -> None:
    names = {part for path in python_files("src") for part in path.relative_to(ROOT).with_suffix("").parts}
    assert names & FORBIDDEN_NAMES == set()


def test_services_ask_the_clock_that_they_are_given() -> None:
    asks = re.compile(r"datetime\.now\(|datetime\.utcnow\(|[^.\w]time\.time\(|date\.today\(")
    found = {
        name
        for path in python_files("src")
        if not (name := str(path.relative_to(ROOT))).startswith(("src/fotofila/testing/", "src/fotofila/cli/"))
        and asks.search(path.read_text(encoding="utf-8"))
    }
    assert found - CLOCKS == set()


def test_transactions_are_committed_at_the_edge_only() -> None:
    commits = re.compile(r"session\.commit\(|session\.rollback\(")
    writer = ROOT / "src/fotofila/core/db/sqlite_writer.py"  # an edge itself: `Database.transact`
    files = (path for path in python_files("src") if path != writer)
    assert [path for path in files if commits.search(path.read_text(encoding="utf-8"))] == []


def test_tests_do_not_sleep_for_the_sake_of_time() -> None:
    """What takes time is awaited as a condition; a short sleep between two looks is all that is left."""
    blocks = re.compile(r"(?<!\w)time\.sleep\(|asyncio\.sleep\((?:[1-9]|0\.[3-9])")
    allowed = {"tests/e2e/page/serving.py", "tests/house/test_contents.py"}
    names = {str(path.relative_to(ROOT)): path for path in python_files("tests")}
    found = {name for name, path in names.items() if blocks.search(path.read_text(encoding="utf-8"))}
    assert found - allowed == set()
