from __future__ import annotations

from statistics import median, quantiles

from tests.house.tracked import ROOT, functions, python_files, tracked

PYTHON = ("src", "tests", "bench", "scripts")
PAGE = (".ts", ".svelte", ".css", ".js")
NO_CODE = ("web/src/api/schema", "web/src/i18n/messages/")
"""The page's client, which is generated, and the catalogues of its texts."""


def lengths(*folders: str) -> dict[str, int]:
    return {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in python_files(*folders)
    }


def test_no_file_is_longer_than_500_lines() -> None:
    page = {
        name: len(path.read_text(encoding="utf-8").splitlines())
        for path in tracked()
        if path.suffix in PAGE and not (name := str(path.relative_to(ROOT))).startswith(NO_CODE)
    }
    assert {name: lines for name, lines in (lengths(*PYTHON) | page).items() if lines > 500} == {}


def test_no_function_is_longer_than_80_lines() -> None:
    found = dict(entry for path in python_files(*PYTHON) for entry in functions(path))
    assert {name: lines for name, lines in found.items() if lines > 80} == {}


def test_files_and_functions_of_the_program_are_short() -> None:
    files = list(lengths("src").values())
    lines = [length for path in python_files("src") for _, length in functions(path)]
    assert median(files) <= 120
    assert quantiles(files, n=20)[-1] <= 350
    assert median(lines) <= 12
