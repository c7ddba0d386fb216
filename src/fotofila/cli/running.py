"""Running a coroutine as a program."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end, on uvloop where there is one."""
    if os.name == "posix":
        import uvloop  # noqa: PLC0415 - there is none elsewhere

        return uvloop.run(work)
    return asyncio.run(work)


def has_started() -> None:
    """Have the garbage collector leave alone what start-up made, and look less often at the rest.

    A server has half a million objects that live as long as it does, and every request makes a thousand that do not
    need the collector: it took a tenth of the work.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
