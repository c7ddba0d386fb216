from __future__ import annotations

import pkgutil
from importlib import import_module

import fotofila
from fotofila.core.errors import FotofilaError


def every_error() -> list[type[FotofilaError]]:
    for module in pkgutil.walk_packages(fotofila.__path__, "fotofila."):
        if not module.name.endswith("__main__") and ".migrations" not in module.name:
            import_module(module.name)
    found, todo = [], [FotofilaError]
    while todo:
        found.append(todo.pop())
        todo += found[-1].__subclasses__()
    return [error for error in found if error.__module__.startswith("fotofila.")]


def test_every_error_says_what_it_is_for_programs_for_people_and_for_the_queue() -> None:
    for error in every_error():
        assert error.code.replace("_", "").isalnum(), error
        assert error.code == error.code.lower(), error
        assert 400 <= error.status < 600, error
        assert error.title, error
        assert error.title[0].isupper(), error


def test_a_code_means_one_thing() -> None:
    told: dict[str, tuple[int, bool]] = {}
    for error in every_error():
        verdict = (error.status, error.permanent)
        assert told.setdefault(error.code, verdict) == verdict, f"{error.code} has two verdicts"


def test_what_is_wrong_with_the_request_is_permanent_and_what_may_pass_is_not() -> None:
    for error in every_error():
        if error.status in {400, 401, 403, 404, 409, 413, 415, 422}:
            assert error.permanent, error
        if error.status == 429:
            assert not error.permanent, error
