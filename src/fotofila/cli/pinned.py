"""The pinned files: the models that the loaded capabilities need, what stands in for them, and the first photo."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from fotofila.bootstrap import load_capabilities
from fotofila.core.capability import load
from fotofila.core.config import Settings
from fotofila.core.errors import InvalidInputError
from fotofila.core.inference import store
from fotofila.core.inference.errors import ModelUnavailableError
from fotofila.core.inference.specs import PinnedFile
from fotofila.core.inference.store import StoredFile
from fotofila.faces.packs import PACKS, chosen_pack
from fotofila.faces.specs import DEMO_PHOTOS, FALLBACKS


def needed_files(settings: Settings) -> tuple[PinnedFile, ...]:
    """Return the models that the loaded capabilities list, each role followed by what may stand in for it.

    Those of the pack in the settings come on top: what was made by the other pack stays searchable.

    Raises:
        LicenceNotAcceptedError: the pack is for non-commercial use only, and no setting accepts that.
    """
    capabilities = load_capabilities(settings.capabilities)
    listed = [spec for capability in capabilities if capability.specs for spec in load(capability.specs)]
    roles = {spec.role for spec in listed}
    extra = [spec for spec in chosen_pack(settings).specs if spec not in listed] if roles else []
    return (*listed, *(spec for spec in FALLBACKS if spec.role in roles), *extra)


def files_of(settings: Settings, pack: str | None) -> tuple[PinnedFile, ...]:
    """Return the models of a pack, or those that are needed where none is named.

    Raises:
        InvalidInputError: there is no such pack.
    """
    if pack is None:
        return needed_files(settings)
    if pack not in PACKS:
        raise InvalidInputError(f"There is no pack {pack!r}: write one of {', '.join(PACKS)}.")
    return (*PACKS[pack].specs, *PACKS[pack].fallbacks)


def unmet_roles(files: Iterable[StoredFile]) -> Sequence[str]:
    """Return the roles that no file stands for: of several with the same role one is enough."""
    files = list(files)
    met = {file.spec.role for file in files if file.state == "ready"}
    return [role for role in dict.fromkeys(file.spec.role for file in files) if role not in met]


def demo_photo(settings: Settings) -> Path:
    """Return the first photo that is here.

    Raises:
        ModelUnavailableError: there is none.
    """
    for file in store.list_files(DEMO_PHOTOS, settings.models_dir):
        if file.state == "ready":
            return store.load(file.spec, settings.models_dir)
    raise ModelUnavailableError(f"The demo photo is not in {settings.models_dir}: run `fotofila models fetch`.")
