"""Model packs: which detector and which embedder work together, under which licence.

`permissive` may be used for anything. `research` is more accurate and its licences allow no commercial use: it is
refused unless `FOTOFILA_MODELS_NON_COMMERCIAL` says that its licences are accepted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fotofila.core.errors import ForbiddenError
from fotofila.core.inference.specs import ModelSpec
from fotofila.core.inference.store import list_files
from fotofila.faces.specs import (
    AGE,
    DETECTOR,
    EMBEDDER,
    EMBEDDER_FALLBACK,
    GENDER,
    RESEARCH_DETECTOR,
    RESEARCH_EMBEDDER,
)

if TYPE_CHECKING:
    from fotofila.core.config import Settings

PackName = Literal["permissive", "research"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """Models that work together."""

    name: PackName
    detector: ModelSpec
    embedder: ModelSpec
    numbers: int
    """Of a vector."""
    fallbacks: tuple[ModelSpec, ...] = ()
    commercial: bool = True

    @property
    def specs(self) -> tuple[ModelSpec, ...]:
        """What analysis loads."""
        return (self.detector, self.embedder, AGE, GENDER)

    @property
    def model(self) -> str:
        """Name and version of its vectors."""
        return model_of(self.embedder)

    @property
    def embedders(self) -> tuple[ModelSpec, ...]:
        """The embedder, then what stands in for it."""
        return (self.embedder, *self.fallbacks)


class LicenceNotAcceptedError(ForbiddenError):
    """A pack was asked for whose licence nobody accepted."""

    code = "licence_not_accepted"
    title = "The licence of the models was not accepted"


def model_of(embedder: ModelSpec) -> str:
    """Name what vectors are made by."""
    return f"{embedder.name}-{embedder.version}"


PERMISSIVE = Pack(name="permissive", detector=DETECTOR, embedder=EMBEDDER, numbers=128, fallbacks=(EMBEDDER_FALLBACK,))
RESEARCH = Pack(name="research", detector=RESEARCH_DETECTOR, embedder=RESEARCH_EMBEDDER, numbers=512, commercial=False)
PACKS: dict[str, Pack] = {pack.name: pack for pack in (PERMISSIVE, RESEARCH)}

PACK_OF_MODEL = {pack.model: pack for pack in PACKS.values()}


def allowed_pack(name: str, *, non_commercial: bool) -> Pack:
    """Return a pack whose licence is accepted.

    Raises:
        LicenceNotAcceptedError: it is for non-commercial use only, and the setting does not accept that.
    """
    pack = PACKS[name]
    if not pack.commercial and not non_commercial:
        licences = ", ".join(dict.fromkeys(spec.licence for spec in (pack.detector, pack.embedder)))
        raise LicenceNotAcceptedError(
            f"The models of the pack `{name}` are licensed for non-commercial use only ({licences}): set "
            "FOTOFILA_MODELS_NON_COMMERCIAL=true if that suits your use, or stay with the pack `permissive`."
        )
    return pack


def chosen_pack(settings: Settings) -> Pack:
    """Return the pack of the settings.

    Raises:
        LicenceNotAcceptedError: see `allowed_pack`.
    """
    return allowed_pack(settings.models_pack, non_commercial=settings.models_non_commercial)


def available_models(settings: Settings) -> tuple[str, ...]:
    """Every model that vectors can be made with: that of the chosen pack, here or not, then others that are here."""
    chosen = chosen_pack(settings)
    others = [
        pack.model
        for pack in PACKS.values()
        if pack is not chosen
        and (pack.commercial or settings.models_non_commercial)
        and is_here(pack.embedders, settings.models_dir)
    ]
    return (chosen.model, *others)


def is_here(specs: tuple[ModelSpec, ...], folder: Path) -> bool:
    """Whether one of the files is in the folder."""
    return any(file.state == "ready" for file in list_files(specs, folder))
