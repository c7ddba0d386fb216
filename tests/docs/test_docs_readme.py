from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.conftest import ROOT

ENGLISH, PORTUGUESE = ROOT / "README.md", ROOT / "README.pt-BR.md"
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("changes/*.md")]
    if "node_modules" not in path.parts
)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    assert [target for target in links(page) if not leads_somewhere(page, target)] == []


def test_english_and_portuguese_readme_have_the_same_sections() -> None:
    assert shape(ENGLISH) == shape(PORTUGUESE)


def test_readmes_show_the_same_commands() -> None:
    assert fenced(ENGLISH) == fenced(PORTUGUESE)


def test_readmes_lead_to_the_same_places() -> None:
    def places(page: Path) -> set[str]:
        return {target for target in links(page) if not target.startswith(("README", "#"))}

    assert places(ENGLISH) == places(PORTUGUESE)


def links(page: Path) -> list[str]:
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    return [target for target in LINK.findall(prose) if not target.startswith(("http://", "https://", "mailto:"))]


def leads_somewhere(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    found = page.parent / path if path else page
    return found.exists() and (not anchor or found.suffix != ".md" or anchor in anchors(found))


def anchors(page: Path) -> set[str]:
    """Return the anchors that code hosts give to headings."""
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for _, heading in headings(page)}


def headings(page: Path) -> list[tuple[int, str]]:
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    return [(len(marks), text) for marks, text in re.findall(r"^(#+) (.+)$", prose, re.MULTILINE)]


def shape(page: Path) -> list[int]:
    return [level for level, _ in headings(page)]


def fenced(page: Path) -> list[str]:
    """Return the code blocks without their comments and quoted words, which are translated."""
    blocks = [match.group(0) for match in FENCE.finditer(page.read_text(encoding="utf-8"))]
    return [
        re.sub(r"\s*#.*$", "", block, flags=re.MULTILINE) for block in blocks if block.startswith(("```sh", "```py"))
    ]
