"""The page of models, from the specs of capabilities."""

from __future__ import annotations

from collections.abc import Sequence

from fotofila.core.capability import load
from fotofila.core.inference.specs import PinnedFile, PypiMember
from fotofila.faces.packs import PERMISSIVE, RESEARCH
from fotofila.faces.specs import DEMO_PHOTOS, FALLBACKS
from scripts.reference.pipeline import capabilities
from scripts.reference.tables import code, table

INTRO = """\
Models are data: files that are named by their sha256, fetched by `fotofila models fetch` into `FOTOFILA_MODELS_DIR`,
verified when they are loaded, and never part of the program ([ADR 6](../adr/0006-models-as-data.md)). `fotofila models
list` shows how they stand on this machine. A source is a file inside an archive, which is unzipped and never installed,
or an address; the first that gives a file with the right sha256 is taken. A machine without internet gets the folder by
copy.
"""
RESEARCH_INTRO = """\
In the place of the first two, for **non-commercial use only**: `fotofila models fetch --pack research` refuses them
unless `FOTOFILA_MODELS_NON_COMMERCIAL` accepts their licences. See [Change the model of a
collection](../how-to/change-the-model.md)."""
STAND_IN = "Stand-ins are fetched only where the file that they stand in for cannot be had."


def page() -> str:
    """Return the page."""
    return "\n\n".join(
        (
            "# Models",
            INTRO.rstrip(),
            files_table(models()),
            "## The pack research",
            RESEARCH_INTRO,
            files_table(research()),
            "## Stand-ins",
            STAND_IN,
            files_table(FALLBACKS),
            "## Photos of the demo and the tests",
            files_table(DEMO_PHOTOS),
            "## Sources",
            table(("File", "Sources"), [(code(spec.filename), sources(spec)) for spec in every()]),
        )
    )


def models() -> list[PinnedFile]:
    """Return the models that the capabilities need."""
    return [spec for capability in capabilities() if capability.specs for spec in load(capability.specs)]


def research() -> list[PinnedFile]:
    """Return the models of the pack `research` that the other has not."""
    return [spec for spec in RESEARCH.specs if spec not in PERMISSIVE.specs]


def every() -> list[PinnedFile]:
    """Return every file that may be fetched."""
    return [*models(), *research(), *FALLBACKS, *DEMO_PHOTOS]


def files_table(specs: Sequence[PinnedFile]) -> str:
    """Return the table of some files."""
    rows = [(f"{spec.name} {spec.version}", spec.role, spec.licence, code(spec.sha256)) for spec in specs]
    return table(("Name", "For", "Licence", "sha256"), rows)


def sources(spec: PinnedFile) -> str:
    """Name where a file comes from."""
    return "; ".join(
        f"{code(source.member)} in {source}" if isinstance(source, PypiMember) else str(source)
        for source in spec.sources
    )
