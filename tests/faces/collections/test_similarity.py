from __future__ import annotations

import math

import pytest

from fotofila.faces.collections.similarity import CURVES, NoCurveError, cosine_for, similarity
from fotofila.faces.packs import PACKS


@pytest.mark.parametrize("model", CURVES)
def test_similarity_rises_with_the_cosine_from_nothing_to_everything(model: str) -> None:
    values = [similarity(model, at / 500) for at in range(-500, 501)]
    assert values == sorted(values)
    assert values[0] < 1
    assert values[-1] == 100
    middle = [value for value in values if 5 < value < 99.9]
    assert len(set(middle)) == len(middle)


@pytest.mark.parametrize("model", CURVES)
@pytest.mark.parametrize("wanted", [0.5, 10, 50, 75, 80, 95, 99, 99.9])
def test_the_cosine_of_a_similarity_has_that_similarity(model: str, wanted: float) -> None:
    assert similarity(model, cosine_for(model, wanted)) == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize("model", CURVES)
def test_the_ends_of_the_scale(model: str) -> None:
    assert cosine_for(model, 0) == -1
    assert similarity(model, cosine_for(model, 100)) == 100
    assert cosine_for(model, 100) < 1


@pytest.mark.parametrize("model", CURVES)
def test_80_and_99_stand_where_the_docs_say(model: str) -> None:
    """Knots lie at whole numbers of zeros of the false-match rate: 3 zeros are 80, 5 are 99."""
    logits = [knot[1] for knot in CURVES[model].knots]
    assert logits[3] == pytest.approx(math.log(80 / 20), abs=1e-4)
    assert logits[5] == pytest.approx(math.log(99 / 1), abs=1e-4)


def test_every_model_of_every_pack_has_a_curve() -> None:
    assert {pack.model for pack in PACKS.values()} <= CURVES.keys()
    with pytest.raises(NoCurveError):
        similarity("unknown", 0.5)
