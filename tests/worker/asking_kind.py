"""A kind of job that asks before its child works, as its arguments say: `{"answer": …}`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from fotofila.core.capability import DirectLane, JobKind, Question
from fotofila.core.config import Settings
from fotofila.core.errors import InvalidInputError, UnavailableError
from fotofila.testing.misbehaving import KIND


@dataclass(slots=True, kw_only=True)
class Oracle:
    """What is asked, with the worker's own children."""

    lane: DirectLane
    closed: int = 0

    async def close(self) -> None:
        """Count."""
        self.closed += 1


MADE: list[Oracle] = []


def make(settings: Settings, lane: DirectLane) -> Oracle | None:
    """Make one where the settings have it."""
    if settings.faces_engine == "local":
        return None
    MADE.append(Oracle(lane=lane))
    return MADE[-1]


async def ask(question: Question) -> dict[str, Any]:
    """Say how the child is to behave."""
    oracle: Oracle = question.parts["oracle"]
    match question.args["answer"]:
        case "away":
            raise UnavailableError("Nobody answers.")
        case "no":
            raise InvalidInputError("This is none that we answer.")
        case "stumble":
            raise KeyError("a bug")
        case "silence":
            await asyncio.Event().wait()
        case "child":
            kind: JobKind = ASKING
            return {"how": "behave", "by": await oracle.lane(kind, {"how": "behave"}, question.original, "")}
    return {"how": question.args["answer"]}


ASKING = replace(KIND, ask="tests.worker.asking_kind:ask", ask_parts={"oracle": "tests.worker.asking_kind:make"})
