"""Running a coroutine as a program."""

from __future__ import annotations

import asyncio
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
