from __future__ import annotations

from pathlib import Path

import pytest

from fotofila.bootstrap import make_context
from fotofila.core.config import load_settings
from fotofila.faces.packs import PERMISSIVE, RESEARCH, LicenceNotAcceptedError, allowed_pack, available_models


def test_pack_for_research_is_refused_until_its_licence_is_accepted() -> None:
    with pytest.raises(LicenceNotAcceptedError, match="FOTOFILA_MODELS_NON_COMMERCIAL=true") as told:
        allowed_pack("research", non_commercial=False)

    assert all(spec.licence in told.value.message for spec in (RESEARCH.detector, RESEARCH.embedder))
    assert allowed_pack("research", non_commercial=True) is RESEARCH
    assert allowed_pack("permissive", non_commercial=False) is PERMISSIVE


def test_program_does_not_start_with_a_pack_whose_licence_nobody_accepted(tmp_path: Path) -> None:
    with pytest.raises(LicenceNotAcceptedError):
        make_context(load_settings(data_dir=tmp_path, models_pack="research"))


def test_model_of_the_chosen_pack_comes_first_and_others_only_where_they_are_here(tmp_path: Path) -> None:
    settings = load_settings(models_dir=tmp_path, models_pack="research", models_non_commercial=True)

    assert available_models(settings) == (RESEARCH.model,)
    assert available_models(load_settings(models_dir=tmp_path)) == (PERMISSIVE.model,)
