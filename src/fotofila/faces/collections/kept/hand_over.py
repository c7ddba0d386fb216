"""Who does an operation: we, or the engine that keeps collections itself, where this process has such a one."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from fotofila.core.capability import Context
from fotofila.faces.collections.kept.keeper import keeping_engine

P = ParamSpec("P")
R = TypeVar("R")

Operation = Callable[Concatenate[Context, P], Coroutine[Any, Any, R]]


def handed_over(ours: Operation[P, R], theirs: Operation[P, R]) -> Operation[P, R]:
    """Return the operation that does `theirs` where the engine keeps collections, and `ours` elsewhere."""

    @wraps(ours)
    async def either(context: Context, /, *args: P.args, **kwargs: P.kwargs) -> R:
        operation = ours if keeping_engine(context) is None else theirs
        return await operation(context, *args, **kwargs)

    return either
