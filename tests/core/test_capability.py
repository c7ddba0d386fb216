from __future__ import annotations

import inspect
from importlib import import_module
from importlib.metadata import entry_points

import pytest

from fotofila.bootstrap import ENTRY_POINTS, load_capabilities
from fotofila.core.capability import Capability, JobKind, Kinds, UnknownKindError, load
from fotofila.core.config import Settings, SettingsError

BUILT_IN = Settings.model_fields["capabilities"].default
KIND = JobKind(name="a", version=2, lane="process", work="a:b", apply="a:c", resolve="a:d")


def every_capability() -> list[Capability]:
    return list(load_capabilities([*BUILT_IN, "noop"]))


def test_built_in_capabilities_come_through_the_door_of_plug_ins() -> None:
    assert {point.name for point in entry_points(group=ENTRY_POINTS)} >= {*BUILT_IN, "noop"}
    assert [one.name for one in load_capabilities(BUILT_IN)] == BUILT_IN


def test_capability_that_is_not_installed_is_named() -> None:
    with pytest.raises(SettingsError, match=r"FOTOFILA_CAPABILITIES: 'none' is not installed; there are: .*library"):
        load_capabilities(["library", "none"])


def test_kind_of_an_older_version_can_be_worked_on_and_a_newer_one_cannot() -> None:
    kinds = Kinds([Capability(name="x", job_kinds=(KIND,))])
    assert [kinds.find("a", version) for version in (1, 2, 3)] == [KIND, KIND, None]
    assert kinds.find("b", 1) is None
    assert list(kinds) == [KIND]
    with pytest.raises(UnknownKindError, match="loaded are: a"):
        kinds.get("b")


def test_names_of_kinds_and_loops_are_unique() -> None:
    kinds = [kind.name for one in every_capability() for kind in one.job_kinds]
    loops = [loop.name for one in every_capability() for loop in one.loops]
    assert len(kinds) == len(set(kinds))
    assert len(loops) == len(set(loops))


def test_everything_that_a_capability_names_is_there() -> None:
    for one in every_capability():
        references = [*one.routers, *one.sweeps, *(loop.run for loop in one.loops)]
        references += [name for name in (one.photo_detail, one.report, one.specs) if name]
        references += [name for kind in one.job_kinds for name in (kind.work, kind.apply, kind.resolve)]
        references += [name for kind in one.job_kinds for name in (kind.settle_search, kind.ask) if name]
        references += [make for kind in one.job_kinds for make in kind.ask_parts.values()]
        for reference in references:
            assert load(reference) is not None, reference
        for module in one.tables:
            assert import_module(module)


def test_functions_of_a_kind_are_called_as_they_expect() -> None:
    for kind in (kind for one in every_capability() for kind in one.job_kinds):
        work, apply, resolve = load(kind.work), load(kind.apply), load(kind.resolve)
        assert len(inspect.signature(work).parameters) == 2, kind.work
        assert not inspect.iscoroutinefunction(work)
        assert len(inspect.signature(apply).parameters) == 5, kind.apply
        assert inspect.iscoroutinefunction(apply)
        assert len(inspect.signature(resolve).parameters) == 3, kind.resolve
        assert inspect.iscoroutinefunction(resolve)


def test_powers_that_a_kind_may_have_are_called_as_they_expect() -> None:
    (faces,) = load_capabilities(["faces"])
    (kind,) = faces.job_kinds
    for name, number in ((kind.settle_search, 4), (kind.ask, 1)):
        power = load(str(name))
        assert len(inspect.signature(power).parameters) == number, name
        assert inspect.iscoroutinefunction(power)
    assert [len(inspect.signature(load(make)).parameters) for make in kind.ask_parts.values()] == [2]
